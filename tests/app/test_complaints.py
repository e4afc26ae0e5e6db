"""What users of other tools complained about, numbered as in docs/complaints.md: none of it happens here."""

import json
from pathlib import Path

import pytest

from fusewatch.domain.notices import Kind, MessageKind
from fusewatch.errors import AlreadyRunning
from fusewatch.notify.webhook_payload import webhook_json
from fusewatch.store import open_store
from tests.app.conftest import Play
from tests.app.inbox import said
from tests.app.stage import HEADER

DAILY = "history: 2d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n"


def test_complaint_10_an_alert_at_every_request_after_the_limit(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    for minute in range(10, 40):
        stage.spend("0.60", at=f"07:{minute}")
        stage.at(f"07:{minute}:30")
    assert stage.news() == ["daily escalated warning 80%", "daily escalated critical 100%"]
    assert [incident.rule for incident in stage.open("daily")] == ["daily"], "it stays open until it is solved"


def test_complaint_11_the_same_crossing_told_again_and_again(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    stage.spend("11", at="07:00")
    stage.every(10, until="23:50")
    assert stage.news() == ["daily opened critical 100%"]


def test_complaint_12_every_replica_tells_it_once_more(play: Play) -> None:
    """One daemon a database: a second is refused, so nothing can be told twice."""
    stage = play(DAILY)
    with pytest.raises(AlreadyRunning):
        open_store(f"sqlite:///{stage.store.path}", holder="a second replica", exclusive=True)


def test_complaint_13_four_daily_reports_instead_of_one(play: Play) -> None:
    stage = play(DAILY + 'digest:\n  - {every: day, at: "09:00", to: [finops]}\n', begins="10:00")
    stage.at("10:00")
    stage.spend("1", at="10:30")
    stage.at("11:00")
    stage.restart()
    stage.at("11-19 09:00")
    stage.restart()
    stage.at("11-19 09:01", "11-19 12:00")
    assert [message.kind for message in stage.told()] == [MessageKind.DIGEST]


def test_complaint_14_an_alert_that_fires_once_and_never_again(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    stage.spend("11", at="07:00")
    stage.at("07:01")
    stage.spend("12", at="11-19 07:00")
    stage.at("11-19 07:01")
    assert stage.news() == ["daily opened critical 100%", "daily opened critical 100%"]


def test_complaint_15_a_warning_below_the_limit_that_is_never_sent(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    stage.spend("8.10", at="07:00")
    stage.at("07:01")
    assert stage.news() == ["daily opened warning 80%"]


def test_complaint_16_thresholds_of_ones_own_each_once_a_period_with_the_percentage_as_a_field(play: Play) -> None:
    stage = play(DAILY.replace("every: day", "every: day, thresholds: [80%, 85%, 95%]"))
    stage.at("06:00")
    shares = []
    for minute, usd in enumerate(("8.10", "0.50", "1.00"), start=10):
        stage.spend(usd, at=f"07:{minute}")
        stage.at(f"07:{minute}:30", f"07:{minute}:45")
    for message in stage.told():
        (notice,) = json.loads(webhook_json(message, "UTC"))["data"]["notices"]
        shares.append(notice["threshold"])
    assert shares == [0.8, 0.85, 0.95]


def test_complaint_17_the_second_early_warning_is_lost_in_the_shadow_of_the_first(play: Play) -> None:
    stage = play(DAILY.replace("every: day", "every: day, thresholds: [85%, 95%]"))
    stage.at("06:00")
    stage.spend("8.60", at="07:00")
    stage.at("07:01")
    stage.spend("1", at="07:02")
    stage.at("07:03")
    assert [text.split()[-1] for text in stage.news()] == ["85%", "95%"]


def test_complaint_18_admins_who_want_to_word_their_own_messages(play: Play) -> None:
    """A webhook receives every fact as a field, none of them only in a sentence."""
    stage = play(DAILY.replace("every: day", "every: day, each: [team]"))
    stage.at("06:00")
    stage.spend("11", at="07:00", team="content")
    stage.at("07:01")
    (notice,) = json.loads(webhook_json(stage.told()[0], "UTC"))["data"]["notices"]
    assert (notice["rule"], notice["key"], notice["measured"], notice["limit"]) == (
        "daily",
        {"team": "content"},
        "11",
        "10",
    )
    assert (notice["severity"], notice["reason"], notice["period"]["label"]) == ("critical", "opened", "day:2026-11-18")


def test_complaint_19_no_alert_for_a_single_end_user(play: Play) -> None:
    stage = play(DAILY.replace("every: day", "every: day, each: [user]"))
    stage.at("06:00")
    stage.spend("11", at="07:00", user="user-4711")
    stage.spend("9", at="07:00", user="user-1")
    stage.at("07:01")
    assert stage.news() == ["daily user=user-4711 opened critical 100%; daily user=user-1 opened warning 80%"]


def test_complaint_20_a_budget_that_resets_at_no_expectable_time_of_my_zone(play: Play) -> None:
    stage = play(DAILY.replace("every: day", "every: day, timezone: Asia/Kolkata"), begins="12:00")
    stage.at("12:00")
    stage.spend("11", at="18:29")  # 23:59 in Kolkata
    stage.at("18:29:30")
    stage.spend("11", at="18:30")  # 00:00 of the next day there
    stage.at("18:31")
    assert [n.incident.period for m in stage.told() for n in m.notices] == ["day:2026-11-18", "day:2026-11-19"]


def test_complaint_21_a_day_that_cannot_begin_at_my_hour(play: Play) -> None:
    stage = play(DAILY.replace("every: day", 'every: day, day_starts_at: "06:30"'), begins="05:00")
    stage.at("05:00")
    stage.spend("11", at="06:29")
    stage.at("06:29:30")
    stage.spend("11", at="06:30")
    stage.at("06:31")
    assert [n.incident.period for m in stage.told() for n in m.notices] == ["day:2026-11-17", "day:2026-11-18"]


def test_complaint_33_no_sensible_thresholds_unless_one_writes_them(play: Play) -> None:
    stage = play(DAILY.replace("every: day", "every: day, notify: [diary]"))
    stage.at("06:00")
    for minute, usd in enumerate(("5", "3", "2", "10"), start=10):
        stage.spend(usd, at=f"07:{minute}")
        stage.at(f"07:{minute}:30")
    assert [text.split()[-2:] for text in stage.news("diary")] == [
        ["info", "50%"],
        ["warning", "80%"],
        ["critical", "100%"],
        ["critical", "200%"],
    ]


def test_complaint_34_only_one_of_three_alerts_reaches_the_webhook_that_they_share(play: Play) -> None:
    stage = play(
        "history: 2d\nbudgets:\n" + "".join(f"  - {{name: rule-{n}, limit: $10, every: day}}\n" for n in range(3))
    )
    stage.at("06:00")
    stage.spend("11", at="07:00")
    stage.at("07:01")
    (message,) = stage.told()
    assert [notice.incident.rule for notice in message.notices] == ["rule-0", "rule-1", "rule-2"]


def test_complaint_35_noise_while_the_source_is_not_read_yet(play: Play) -> None:
    stage = play("history: 2d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n", begins="12:00")
    stage.spend("8.50", at="07:00")
    stage.langfuse_down()
    stage.every(1, until="12:05")
    assert stage.silent()
    stage.langfuse_up()
    stage.at("12:06", "12:07")
    assert stage.news() == ["start: daily opened warning 80%"]


def test_complaint_36_no_webhook_for_a_service_that_nobody_thought_of(play: Play, tmp_path: Path) -> None:
    """Any address takes the same signed JSON; its schema is docs/webhook.schema.json."""
    stage = play(
        HEADER.replace("pager: {type: console, from: critical}", "pager: {type: webhook, url: 'http://127.0.0.1:1/x'}")
        + DAILY
    )
    assert "pager" in stage.inboxes


def test_complaint_37_a_status_every_twenty_minutes_all_day(play: Play) -> None:
    stage = play("history: 40d\nbudgets:\n  - {name: monthly, limit: $100, every: month, notify: [finops, diary]}\n")
    stage.at("06:00")
    stage.spend("55", at="07:00")
    stage.every(20, until="11-19 07:00")
    assert stage.news("diary") == ["monthly opened info 50%"]
    assert stage.news("finops") == []


def test_complaint_38_no_warning_of_the_pace_before_it_is_too_late(play: Play) -> None:
    stage = play("history: 14d\nbudgets:\n  - {name: daily, limit: $50, every: day, forecast: true}\n", begins="08:00")
    for day in range(8, 19):  # office hours; on the last day dearer than usual
        for minute in range(9 * 60 + 5, 19 * 60, 15):
            usd = "0.75" if day < 18 else "1.80"
            stage.spend(usd, at=f"11-{day:02d} {minute // 60:02d}:{minute % 60:02d}")
    stage.at("08:00")
    stage.every(15, until="15:45")
    warning = stage.told()[0].notices[0]
    assert warning.incident.kind is Kind.FORECAST
    assert warning.forecast is not None
    crosses_ms = warning.forecast.crosses_at_ms
    assert crosses_ms is not None
    assert warning.at_ms < crosses_ms < stage.ms("23:59")
    assert warning.at_ms < stage.ms("14:00")


def test_complaint_42_a_month_of_lisbon_its_budget_told_once_and_closed_months_kept(play: Play) -> None:
    rules = "history: 40d\nbudgets:\n  - {name: monthly, limit: $10, every: month, timezone: Europe/Lisbon}\n"
    stage = play(rules, day="2026-06-30", begins="12:00")
    stage.at("12:00")
    stage.spend("11", at="22:59")  # 23:59 in Lisbon
    stage.at("22:59:30")
    stage.spend("12", at="23:00")  # midnight there
    stage.at("23:01", "07-01 12:00")
    stage.restart()
    stage.at("07-01 13:00")
    assert [n.incident.period for m in stage.told() for n in m.notices] == ["month:2026-06", "month:2026-07"]
    kept = {i.period: (i.measured // 10**12, i.state.value) for i in stage.incidents("monthly")}
    assert kept == {"month:2026-06": (11, "rolled_over"), "month:2026-07": (12, "open")}


def test_complaint_43_thresholds_that_somebody_else_picked(play: Play) -> None:
    stage = play(DAILY.replace("every: day", "every: day, thresholds: [{at: 30%, severity: critical}]"))
    stage.at("06:00")
    stage.spend("3", at="07:00")
    stage.at("07:01")
    stage.spend("6.50", at="07:02")
    stage.at("07:03")
    assert stage.news() == ["daily opened critical 30%"]


def test_complaint_44_an_alert_that_flaps_at_the_line(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    call = stage.spend("10.01", at="07:00")
    stage.at("07:01")
    for minute in range(2, 40, 2):
        stage.update(call, at=f"07:{minute:02d}", usd="9.99" if minute % 4 else "10.01")
        stage.at(f"07:{minute:02d}:30")
    assert stage.news() == ["daily opened critical 100%"]


def test_complaint_45_nobody_says_when_it_is_over(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    call = stage.spend("11", at="07:00")
    stage.at("07:01")
    stage.update(call, at="07:05", usd="2")
    stage.at("07:06")
    assert stage.news() == ["daily opened critical 100%", "daily resolved critical (corrected)"]


SPIKE = """
history: 10d
spikes:
  - {name: twice, each: [feature], factor: 2, floor: $1}
"""


def test_complaint_46_a_spike_rule_that_forgets_its_baseline_at_a_restart_or_fires_from_nothing_to_nothing(
    play: Play,
) -> None:
    stage = play(SPIKE)
    for day in range(10, 18):
        stage.spend("4", at=f"11-{day} 12:00", feature="steady")
        stage.spend("0", at=f"11-{day} 12:00", feature="free")
    stage.spend("4", at="06:10", feature="steady")
    stage.spend("0", at="06:10", feature="free")
    stage.at("06:30")
    stage.restart()
    stage.at("06:31", "23:00")
    assert stage.silent()
    stage.restart()
    stage.spend("5", at="23:10", feature="steady")
    stage.at("23:11")
    assert stage.news() == ["twice feature=steady opened warning 100%"]


def test_complaint_47_a_repeat_after_a_restart_with_an_edited_file(play: Play) -> None:
    stage = play(DAILY)
    stage.at("06:00")
    stage.spend("11", at="07:00")
    stage.at("07:01")
    stage.reload(DAILY + "# a comment\n")
    stage.restart()
    stage.reload(DAILY.replace("limit: $10", "limit: $10, notify: [finops]"))
    stage.restart()
    stage.at("07:05", "08:00")
    assert [said(message) for message in stage.told()] == ["daily opened critical 100%"]


def test_complaint_47_a_lowered_interval_is_ignored_until_the_old_one_has_ended(play: Play) -> None:
    stage = play("repeat: {critical: 12h}\n" + DAILY)
    stage.at("06:00")
    stage.spend("11", at="07:00")
    stage.at("07:01", "08:30")
    stage.reload("repeat: {critical: 1h}\n" + DAILY)
    stage.at("08:31")
    assert [text.split()[1] for text in stage.news()] == ["opened", "repeated"]
