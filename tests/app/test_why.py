"""`why` says what a rule knew then and knows now, and of each threshold who was told, or the one reason why not."""

import pytest

from fusewatch.app.why import Present, Question, explain
from fusewatch.app.whyfacts import Explained, Overview, Rung, Untold
from fusewatch.app.whyrules import UnknownKey, UnknownRule
from fusewatch.domain.incidents import Standing
from fusewatch.domain.rules import Severity
from fusewatch.domain.usage import Amounts
from fusewatch.errors import Permanent, Retryable
from tests.app.conftest import Play
from tests.app.scene import PROJECTS
from tests.app.stage import Stage

USD = 10**12
DAILY = "budgets: [{name: daily, limit: $10, every: day}]"
TEAMS = "budgets: [{name: teams, each: [team], limit: $10, every: day}]"


def asked(stage: Stage, rule: str, key: str | None = None, at: str | None = None) -> Explained | Overview:
    book = stage.book
    present = Present(book.rules, book.parse, frozenset(stage.active), stage.clock.now_ms(), stage.started_ms)
    question = Question(rule, key, None if at is None else stage.ms(at))
    return stage.store.read(lambda unit: explain(unit, present, question))


def why(stage: Stage, rule: str, key: str | None = None, at: str | None = None) -> Explained:
    answer = asked(stage, rule, key, at)
    assert isinstance(answer, Explained)
    return answer


def rung(answer: Explained, percent: int) -> Rung:
    return next(one for one in answer.rungs if one.share * 100 == percent)


def reasons(answer: Explained, percent: int) -> list[tuple[Untold, str]]:
    return [(one.reason, one.destination) for one in rung(answer, percent).untold]


# ------------------------------------------------------------ what is known of a threshold


def test_a_crossed_threshold_says_when_it_was_crossed_learned_and_told(play: Play) -> None:
    stage = play(DAILY)
    stage.at("07:30")
    stage.spend("8.50", at="08:10")
    stage.at("08:15")
    answer = why(stage, "daily")
    crossed = rung(answer, 80)
    assert (crossed.crossed_ms, crossed.learned_ms) == (stage.ms("08:10"), stage.ms("08:15"))
    assert [(one.destination, one.state, one.sent_ms) for one in crossed.told] == [
        ("finops", "sent", stage.ms("08:15"))
    ]
    assert (crossed.untold, crossed.missing) == ((), 0)
    assert answer.measured == 8_500_000_000_000
    assert answer.limit == 10 * USD


def test_one_that_is_not_crossed_says_how_much_is_missing(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("8.50", at="07:10")
    stage.at("07:30")
    answer = why(stage, "daily")
    assert reasons(answer, 100) == [(Untold.NOT_CROSSED, "")]
    assert rung(answer, 100).missing == 1_500_000_000_000
    assert [one.share * 100 for one in answer.rungs] == [50, 80, 100, 200]


def test_the_next_crossing_has_its_time_at_this_pace(play: Play) -> None:
    stage = play(DAILY)
    for minute in range(0, 60, 5):
        stage.spend("0.30", at=f"10:{minute:02}")
    stage.at("11:00")
    answer = why(stage, "daily")
    assert answer.forecast is not None
    assert answer.forecast.crosses_at_ms is None
    expected = rung(answer, 50).expected_ms
    assert expected is not None
    assert stage.ms("13:00") < expected < stage.ms("18:00")
    assert rung(answer, 80).expected_ms is None


def test_one_crossed_at_once_with_a_higher_one_says_with_which(play: Play) -> None:
    stage = play(DAILY)
    stage.at("07:30")
    stage.spend("12.00", at="08:10")
    stage.at("08:15")
    answer = why(stage, "daily")
    assert reasons(answer, 80) == [(Untold.ANNOUNCED_WITH, "finops")]
    assert rung(answer, 80).untold[0].detail == "100 %"
    assert [one.destination for one in rung(answer, 100).told] == ["finops"]


def test_what_is_too_mild_for_a_destination_says_what_it_takes(play: Play) -> None:
    stage = play(DAILY)
    stage.at("07:30")
    stage.spend("6.00", at="08:10")
    stage.at("08:15")
    answer = why(stage, "daily")
    assert reasons(answer, 50) == [(Untold.BELOW_FROM, "finops")]
    assert rung(answer, 50).untold[0].least is Severity.WARNING


def test_silenced_names_the_silence_while_it_lasts_and_after(play: Play) -> None:
    stage = play(DAILY)
    stage.at("07:30")
    silence = stage.silence("09:00", rule="daily")
    stage.spend("8.50", at="08:10")
    stage.at("08:15")
    held = rung(why(stage, "daily"), 80).untold[0]
    assert (held.reason, held.silence, held.until_ms) == (Untold.SILENCED, silence.id, stage.ms("09:00"))
    stage.at("09:01")
    assert [one.created_ms for one in rung(why(stage, "daily"), 80).told] == [stage.ms("09:01")]


def test_quiet_hours_say_until_when(play: Play) -> None:
    stage = play(f"quiet_hours: {{from: '08:00', to: '09:00', except: [critical]}}\n{DAILY}")
    stage.at("07:30")
    stage.spend("8.50", at="08:10")
    stage.at("08:15")
    held = rung(why(stage, "daily"), 80).untold[0]
    assert (held.reason, held.until_ms) == (Untold.QUIET_HOURS, stage.ms("09:00"))


def test_a_dead_destination_says_what_it_answered(play: Play) -> None:
    stage = play(DAILY)
    stage.at("07:30")
    stage.inbox("finops").down = Permanent("gone", "the channel is archived")
    stage.spend("8.50", at="08:10")
    stage.at("08:15")
    dead = rung(why(stage, "daily"), 80).untold[0]
    assert (dead.reason, dead.destination) == (Untold.DESTINATION_DEAD, "finops")
    assert "the channel is archived" in dead.detail


def test_a_delivery_that_is_tried_again_says_when(play: Play) -> None:
    stage = play(DAILY)
    stage.at("07:30")
    stage.inbox("finops").down = Retryable("timeout", "no answer in 8 s")
    stage.spend("8.50", at="08:10")
    stage.at("08:15")
    (waits,) = rung(why(stage, "daily"), 80).told
    assert (waits.state, waits.attempts, waits.text) == ("pending", 1, "no answer in 8 s")
    assert waits.next_ms is not None
    assert waits.next_ms > stage.ms("08:15")


def test_none_says_which_override_lifted_the_limit(play: Play) -> None:
    stage = play(
        "budgets:\n  - name: teams\n    each: [team]\n    limit: $10\n    every: day\n    overrides:\n"
        '      - {team: "eval-*", limit: none, because: "paid by labs"}'
    )
    stage.spend("50.00", at="07:10", team="eval-a")
    stage.at("07:30")
    answer = why(stage, "teams", "eval-a")
    assert (answer.limit, answer.because) == (None, "paid by labs")
    assert [one.reason for one in answer.rungs[0].untold] == [Untold.LIMIT_NONE]


def test_an_override_says_why_and_until_when(play: Play) -> None:
    stage = play(
        "budgets:\n  - name: teams\n    each: [team]\n    limit: $10\n    every: day\n    overrides:\n"
        '      - {team: search, limit: $90, until: 2026-12-01, because: "re-index"}'
    )
    stage.spend("50.00", at="07:10", team="search")
    stage.at("07:30")
    answer = why(stage, "teams", "team=search")
    assert (answer.limit, answer.because, answer.overridden) == (90 * USD, "re-index", True)
    assert answer.limit_until_ms == stage.ms("12-01 00:00")


def test_no_destination_is_a_reason(play: Play) -> None:
    stage = play("budgets: [{name: daily, limit: $10, every: day, notify: []}]")
    stage.at("07:30")
    stage.spend("8.50", at="08:10")
    stage.at("08:15")
    assert reasons(why(stage, "daily"), 80) == [(Untold.NO_DESTINATION, "")]


def test_who_is_named_after_a_crossing_is_told_nothing_of_it(play: Play) -> None:
    stage = play(DAILY)
    stage.at("07:30")
    stage.spend("8.50", at="08:10")
    stage.at("08:15")
    stage.reload("budgets: [{name: daily, limit: $10, every: day, notify: [finops, content]}]")
    stage.at("08:30")
    answer = why(stage, "daily")
    assert [one.destination for one in rung(answer, 80).told] == ["finops"]
    assert reasons(answer, 80) == [(Untold.ANNOUNCED_BEFORE, "content")]


def test_what_no_pass_has_judged_yet_says_so(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("8.50", at="07:10")
    stage.at("07:30", "08:00")
    stage._write("version: 1\ndestinations: {finops: {type: console}}\nnotify: [finops]\n" + DAILY.replace("10", "9"))
    assert stage.book.reload()
    assert reasons(why(stage, "daily"), 80) == [(Untold.NOT_JUDGED, "")]


def test_a_renamed_rule_answers_for_its_past_under_both_names(play: Play) -> None:
    stage = play(DAILY)
    stage.at("07:30")
    stage.spend("8.50", at="08:10")
    stage.at("08:15", "08:20")
    stage.reload("budgets: [{name: cap, was: daily, limit: $10, every: day}]")
    stage.at("08:30")
    for answer in (why(stage, "daily", at="08:17"), why(stage, "cap")):
        assert [one.destination for one in rung(answer, 80).told] == ["finops"]


def test_a_warning_before_the_crossing_is_told_with_its_deliveries(play: Play) -> None:
    stage = play("budgets: [{name: daily, limit: $50, every: day, forecast: true}]")
    for day in range(10, 19):
        for minute in range(9 * 60 + 5, 19 * 60, 15):
            usd = "1.80" if day == 18 else "0.75"
            stage.spend(usd, at=f"11-{day} {minute // 60:02}:{minute % 60:02}")
    stage.at("08:00")
    stage.every(15, until="13:00")
    answer = why(stage, "daily")
    assert [one.destination for one in answer.warned] == ["finops"]
    assert answer.forecast is not None
    assert answer.forecast.crosses_at_ms is not None


def test_while_a_rule_loads_nothing_is_judged(play: Play) -> None:
    stage = play("budgets: [{name: monthly, limit: $10, every: month}]", window_ms=3_600_000)
    stage.spend("50.00", at="07:10")
    stage.poll("07:30")
    answer = why(stage, "monthly")
    assert answer.subject.standing is Standing.LOADING
    assert {one.reason for each in answer.rungs for one in each.untold} == {Untold.LOADING}


def test_while_a_gap_is_open_only_the_limit_itself_is_told(play: Play) -> None:
    stage = play(DAILY)
    stage.at("07:30")
    stage.window_ms = 3_600_000
    stage.langfuse_down()
    stage.spend("8.50", at="12:10")
    stage.at("08:00")
    stage.langfuse_up()
    stage.poll("12:30")
    answer = why(stage, "daily")
    assert answer.subject.standing is Standing.CATCHING_UP
    assert reasons(answer, 80) == [(Untold.CATCHING_UP, "")]
    assert reasons(answer, 100) == [(Untold.NOT_CROSSED, "")]


def test_a_crossing_learned_a_day_after_its_period_is_recorded_only(play: Play) -> None:
    stage = play(DAILY)
    stage.at("07:30")
    stage.langfuse_down()
    stage.spend("8.50", at="08:10")
    stage.at("08:15")
    stage.langfuse_up()
    stage.at("11-20 08:00")
    answer = why(stage, "daily", at="11-18 23:00")
    assert reasons(answer, 80) == [(Untold.RECORDED_ONLY, "finops")]


def test_a_rule_that_matches_nothing_is_flagged_with_the_nearest_values(play: Play) -> None:
    stage = play("history: 8d\nbudgets: [{name: typo, where: {team: contents}, limit: $5, every: day}]")
    stage.spend("1.00", at="07:00", team="content")
    stage.at("07:30")
    answer = why(stage, "typo")
    assert answer.subject.misfits is not None
    assert [one.nearest for one in answer.subject.misfits] == [("content",)]
    assert reasons(answer, 100) == [(Untold.NOTHING_MATCHED, "")]


# ------------------------------------------------------------ then and now


def test_rows_that_came_later_were_not_known_then(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("3.00", at="07:10")
    stage.spend("1.20", at="07:20", arrives="08:10")
    stage.at("07:30", "08:15")
    spend = why(stage, "daily", at="07:45").spend
    assert (spend.then, spend.now) == (Amounts(3 * USD, 1000, 1), Amounts(4_200_000_000_000, 2000, 2))
    assert spend.late == Amounts(1_200_000_000_000, 1000, 1)
    assert why(stage, "daily", at="08:20").spend.late == Amounts()


def test_costs_that_were_corrected_later_count_then_as_they_were(play: Play) -> None:
    stage = play(DAILY)
    call = stage.spend("9.00", at="07:10")
    stage.at("07:30")
    stage.update(call, usd="4.00", at="07:40")
    stage.at("07:45")
    answer = why(stage, "daily", at="07:35")
    assert (answer.spend.then.cost_pico, answer.spend.now.cost_pico) == (9 * USD, 4 * USD)
    assert (answer.spend.changed, answer.spend.changed_pico) == (1, -5 * USD)
    assert answer.measured == 9 * USD
    assert why(stage, "daily", at="07:46").spend.changed == 0


def test_what_started_after_the_instant_does_not_count(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("3.00", at="07:10")
    stage.spend("4.00", at="07:20")
    stage.at("07:30")
    assert why(stage, "daily", at="07:15").spend.now.cost_pico == 3 * USD


def test_the_rules_are_those_in_force_then(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("8.50", at="07:10")
    stage.at("07:30", "08:00")
    stage.reload("budgets: [{name: daily, limit: $20, every: day}]")
    stage.at("08:30")
    before, after = why(stage, "daily", at="07:45"), why(stage, "daily")
    assert (before.limit, before.subject.differs, before.subject.version.until_ms) == (
        10 * USD,
        True,
        after.subject.version.since_ms,
    )
    assert (after.limit, after.subject.differs) == (20 * USD, False)
    assert [one.destination for one in rung(before, 80).told] == ["finops"]


def test_a_rule_that_came_later_says_that_it_was_not_in_force(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("8.50", at="07:10")
    stage.at("07:30")
    stage.reload(f"{DAILY[:-1]}, {{name: other, limit: $5, every: day}}]")
    stage.at("08:30")
    answer = why(stage, "other", at="07:20")
    assert not answer.subject.existed
    assert [one.destination for one in rung(answer, 100).told] == ["finops"]
    assert reasons(answer, 200) == [(Untold.NOT_IN_FORCE, "")]


# ------------------------------------------------------------ spikes and windows


SPIKE = "spikes: [{name: twice, each: [feature], factor: 2, baseline: {days: 3, at_least: 3}, floor: $1}]"


def test_a_spike_shows_the_days_that_it_is_compared_with(play: Play) -> None:
    stage = play(SPIKE)
    for day in ("11-15", "11-16", "11-17"):
        stage.spend("1.00", at=f"{day} 09:00", feature="chat")
    stage.at("07:30")
    stage.spend("3.00", at="08:00", feature="chat")
    stage.at("08:10")
    answer = why(stage, "twice", "chat")
    assert (answer.baseline, answer.days, answer.limit) == (1 * USD, (USD, USD, USD), 2 * USD)
    assert [one.destination for one in rung(answer, 100).told] == ["finops"]
    assert rung(answer, 200).missing == 1_000_000_000_001
    before = why(stage, "twice", "chat", at="07:59")
    assert (before.measured, before.baseline) == (0, 1 * USD)


def test_a_spike_shows_a_dear_day_that_was_not_read_to_its_end_among_them(play: Play) -> None:
    stage = play(PROJECTS + SPIKE.replace("days: 3", "days: 4"))
    for day in ("11-15", "11-16", "11-17"):
        stage.spend("1.00", at=f"{day} 09:00", feature="chat")
    stage.spend("9.00", at="05:00", feature="chat", project="labs")
    stage.at("06:00", "23:50")
    stage.langfuse_down("sk-labs")
    stage.spend("2.00", at="11-19 00:10", feature="chat")
    stage.at("11-19 00:16")
    answer = why(stage, "twice", "chat")
    assert (answer.baseline, answer.days, answer.limit) == (3 * USD, (9 * USD, USD, USD, USD), 6 * USD)


def test_a_spike_without_enough_days_says_so(play: Play) -> None:
    stage = play(SPIKE)
    stage.spend("3.00", at="07:10", feature="chat")
    stage.at("07:30")
    answer = why(stage, "twice", "feature=chat")
    assert [one.reason for one in answer.rungs[0].untold] == [Untold.TOO_FEW_DAYS]


def test_an_earlier_episode_of_a_window_is_found_by_its_time(play: Play) -> None:
    stage = play("budgets: [{name: hot, limit: $10, last: 1h}]")
    stage.at("07:30")
    stage.spend("12.00", at="08:10")
    stage.at("08:15")
    stage.every(15, until="12:00")
    then, now = why(stage, "hot", at="08:20"), why(stage, "hot")
    assert (then.measured, [one.destination for one in rung(then, 100).told]) == (12 * USD, ["finops"])
    assert (now.measured, reasons(now, 100)) == (0, [(Untold.NOT_CROSSED, "")])


# ------------------------------------------------------------ which rule, which key


def test_without_a_key_the_worst_keys_are_told(play: Play) -> None:
    stage = play(TEAMS)
    for number in range(25):
        stage.spend(f"{number}.00", at="07:10", team=f"team-{number:02}")
    stage.at("07:30", "07:45")
    for at in (None, "07:40"):
        answer = asked(stage, "teams", at=at)
        assert isinstance(answer, Overview)
        assert (answer.total, len(answer.lines), answer.lines[0].group) == (25, 20, "team=team-24")
        assert (answer.lines[0].measured, answer.lines[0].limit) == (24 * USD, 10 * USD)


def test_a_key_is_written_as_notices_write_it_in_any_order(play: Play) -> None:
    stage = play("budgets: [{name: pairs, each: [feature, team], limit: $10, every: day}]")
    stage.spend("1.00", at="07:10", feature="a, b=c", team="b")
    stage.spend("2.00", at="07:31", feature="chat", team="b")
    stage.at("07:40")
    assert why(stage, "pairs", "team=b,feature=chat").measured == 2 * USD
    assert why(stage, "pairs", "feature=a, b=c,team=b").measured == USD
    with pytest.raises(UnknownKey, match="write feature=VALUE,team=VALUE"):
        asked(stage, "pairs", "chat")


def test_an_unknown_rule_or_key_names_the_nearest(play: Play) -> None:
    stage = play(TEAMS)
    stage.spend("1.00", at="07:10", team="content")
    stage.at("07:30")
    with pytest.raises(UnknownRule, match=r"there is no rule team; did you mean teams\?"):
        asked(stage, "team")
    with pytest.raises(UnknownKey, match=r"never saw team=contents; did you mean team=content\?"):
        asked(stage, "teams", "contents")
    with pytest.raises(UnknownRule, match="it is a watch"):
        asked(stage, "unreadable")


def test_a_rule_without_keys_takes_none(play: Play) -> None:
    stage = play(DAILY)
    stage.at("07:30")
    with pytest.raises(UnknownKey, match="fusewatch why daily"):
        asked(stage, "daily", "team=content")
