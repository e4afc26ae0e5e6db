"""The sentences of the messages: what, how much, of what limit, since when."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from fusewatch.domain.notices import Cause, Kind, Message, MessageKind, Notice, NoticeLink, Reason, Timing
from fusewatch.domain.rules import Severity, Unit
from fusewatch.notify.sheet import Tone, sheet_lines
from fusewatch.notify.words import sheet
from tests.notify.samples import (
    AT_LEAST,
    BERLIN,
    BUDGET,
    LATE,
    MANY,
    MESSAGES,
    MIDNIGHT,
    NOW,
    RAISED,
    REACHED,
    RESOLVED,
    SPIKE,
    SPIKE_INCIDENT,
    SUMMARY,
    TOKENS,
    WARNED,
    at,
    feature,
    message,
    usd,
)


def first_line(*notices: Notice, zone: str = BERLIN) -> str:
    return sheet_lines(sheet(message(*notices)), zone=zone)[0]


def with_incident(notice: Notice, **changes: Any) -> Notice:
    return replace(notice, incident=replace(notice.incident, **changes))


HOURLY = {"period": "hour:2026-11-24T15Z", "period_start_ms": NOW - 42 * 60_000, "period_end_ms": NOW + 18 * 60_000}

SENTENCES = [
    (REACHED, "● content-team reached 100 % of its daily budget: $50.31 of $50.00"),
    (WARNED, "● content-team reached 80 % of its daily budget: $40.02 of $50.00"),
    (AT_LEAST, "● content-team reached 100 % of its daily budget: at least $50.31 of $50.00"),
    (
        RESOLVED,
        "✓ content-team is below its budget again: $43.10 of $50.00 (a cost of $7.21 was corrected in Langfuse)",
    ),
    (RAISED, "✓ content-team is below its budget again: $50.31 of $80.00 (limit raised from $50.00)"),
    (
        replace(RESOLVED, cause=Cause.NONE, previous=None),
        "✓ content-team is below its budget again: $43.10 of $50.00",
    ),
    (
        replace(RESOLVED, previous=None),
        "✓ content-team is below its budget again: $43.10 of $50.00 (the cost was corrected in Langfuse)",
    ),
    (
        replace(with_incident(RESOLVED, measured=usd("49.9999")), cause=Cause.NONE),
        "✓ content-team is below its budget again: $49.9999 of $50.00",
    ),
    (
        replace(with_incident(RESOLVED, measured=usd("38")), threshold=Fraction(4, 5), cause=Cause.NONE),
        "✓ content-team is below 80 % of its budget again: $38.00 of $50.00",
    ),
    (
        LATE,
        "● content-team reached 100 % of its daily budget: $50.31 of $50.00"
        " (late: crossed 23 Nov, 23:10, learned 04:02)",
    ),
    (
        feature(1, "75.20", name="summarization"),
        "● summarization (each-feature) reached 100 % of its daily budget: $75.20 of $75.00",
    ),
    (
        feature(1, "75.20", name="unknown"),
        "● unknown feature (each-feature) reached 100 % of its daily budget: $75.20 of $75.00",
    ),
    (
        with_incident(REACHED, rule="pairs", labels=(("feature", "summarization"), ("team", "content"))),
        "● summarization, content (pairs) reached 100 % of its daily budget: $50.31 of $50.00",
    ),
    (TOKENS, "● user user-4711 (user-tokens) reached 100 % of its daily budget: 2.1M of 2M tokens"),
    (
        with_incident(REACHED, unit=Unit.REQUESTS, limit=10_000, measured=10_007),
        "● content-team reached 100 % of its daily budget: 10,007 of 10,000 requests",
    ),
    (with_incident(REACHED, **HOURLY), "● content-team reached 100 % of its hourly budget: $50.31 of $50.00"),
    (
        with_incident(REACHED, period="week:2026-11-23"),
        "● content-team reached 100 % of its weekly budget: $50.31 of $50.00",
    ),
    (
        with_incident(REACHED, period="month:2026-11"),
        "● content-team reached 100 % of its monthly budget: $50.31 of $50.00",
    ),
    (
        SPIKE,
        "● summarization (content) costs 2.4x its daily average: $21.60 today so far, average $9.05",
    ),
    (
        with_incident(SPIKE, labels=(("feature", "summarization"),)),
        "● summarization costs 2.4x its daily average: $21.60 today so far, average $9.05",
    ),
    (
        with_incident(SPIKE, labels=()),
        "● twice-the-average costs 2.4x its daily average: $21.60 today so far, average $9.05",
    ),
    (
        with_incident(SPIKE, baseline=0, limit=0),
        "● summarization (content) costs $21.60 today so far, and nothing on the days before",
    ),
    (
        with_incident(SPIKE, unit=Unit.TOKENS, measured=2_100_000, baseline=900_000, limit=1_800_000),
        "● summarization (content) uses 2.3x its daily average: 2.1M tokens today so far, average 900,000 tokens",
    ),
    (
        with_incident(SPIKE, unit=Unit.REQUESTS, measured=41_203, baseline=17_100, limit=34_200),
        "● summarization (content) makes 2.4x its daily average: 41,203 requests today so far, average 17,100 requests",
    ),
    (
        replace(with_incident(SPIKE, measured=usd("17.90")), reason=Reason.RESOLVED),
        "✓ summarization (content) is back below 2x its daily average: $17.90 today so far, average $9.05",
    ),
    (
        with_incident(REACHED, kind=Kind.UNREADABLE, labels=(("project", "shop"),), opened_ms=NOW - 16 * 60_000),
        "● shop cannot be read since 16:26. Spend since then is unknown, not zero.",
    ),
    (
        replace(REACHED, reason=Reason.WITHDRAWN),
        "○ content-team is no longer watched, its rule changed; it stood at $50.31 of $50.00",
    ),
]


@pytest.mark.parametrize(("notice", "sentence"), SENTENCES)
def test_the_first_line_says_what_how_much_and_of_what_limit(notice: Notice, sentence: str) -> None:
    assert first_line(notice) == sentence


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("timing", list(Timing))
@pytest.mark.parametrize("cause", list(Cause))
def test_every_kind_of_notice_has_words_alone_and_in_a_group(
    kind: Kind, reason: Reason, timing: Timing, cause: Cause
) -> None:
    incident = replace(SPIKE_INCIDENT, kind=kind, timing=timing)
    notice = replace(SPIKE, incident=incident, reason=reason, cause=cause)
    for count in (1, 3, 9):
        lines = sheet_lines(sheet(message(*[notice] * count)), zone=BERLIN)
        assert all(line.strip() for line in lines)


def second_line(notice: Notice, zone: str = BERLIN) -> str:
    return sheet_lines(sheet(message(notice)), zone=zone)[1].strip()


def test_the_second_line_tells_when_each_threshold_was_crossed_and_when_the_period_ends() -> None:
    assert second_line(REACHED) == "80 % at 14:20, 100 % at 16:41 · resets in 7 h 18 min"


def test_times_are_those_of_the_readers_zone() -> None:
    assert second_line(REACHED, "Asia/Kolkata") == "80 % at 18:50, 100 % at 21:11 · resets in 7 h 18 min"


def test_a_time_of_another_day_tells_its_date_and_of_another_year_the_year() -> None:
    crossings = (
        replace(BUDGET.crossings[0], at_ms=at("2025-12-31T10:05:00")),
        replace(BUDGET.crossings[1], at_ms=at("2026-11-19T10:05:00")),
    )
    notice = with_incident(REACHED, crossings=crossings)
    assert second_line(notice).startswith("80 % at 31 Dec 2025, 11:05, 100 % at 19 Nov, 11:05 ·")


def test_a_resolved_budget_tells_how_long_it_lasted() -> None:
    assert second_line(RESOLVED) == "80 % at 14:20, 100 % at 16:41 · lasted 2 h 22 min"


def test_a_spike_tells_its_line_since_when_and_what_it_was_compared_with() -> None:
    expected = "above 2x its daily average ($18.10) since 13:05 · compared with 7 days before · rule twice-the-average"
    assert second_line(SPIKE) == expected


def test_the_cost_of_a_request_is_told_beside_what_it_was() -> None:
    incident = replace(
        SPIKE.incident, unit=Unit.USD_PER_REQUEST, measured=31 * 10**9, limit=24 * 10**9, baseline=12 * 10**9
    )
    text = "\n".join(sheet_lines(sheet(message(replace(SPIKE, incident=incident))), zone=BERLIN))
    assert "costs 2.6x its daily average: $0.031 per request today so far, average $0.012" in text
    assert "above 2x its daily average ($0.024 per request) since" in text


def test_a_seasonal_spike_tells_what_is_usual_at_this_time_of_day() -> None:
    text = "\n".join(
        sheet_lines(sheet(message(replace(SPIKE, incident=replace(SPIKE.incident, detail="seasonal")))), zone=BERLIN)
    )
    assert "what is usual at this time of day: " in text
    assert ", usual $" in text
    assert "average" not in text.replace("twice-the-average", "")


def test_what_is_only_partly_read_is_called_a_lower_bound() -> None:
    text = "\n".join(sheet_lines(sheet(message(AT_LEAST)), zone=BERLIN))
    assert "part of the period is not read yet: this is a lower bound" in text


def test_labels_and_runbook_of_the_owner_are_told() -> None:
    text = "\n".join(sheet_lines(sheet(message(REACHED)), zone=BERLIN))
    assert "  owner: content\n" in text
    assert "  Runbook: https://wiki.example.com/llm/content\n" in text


def test_the_links_to_the_rows_stand_before_the_runbook_and_a_wider_one_says_so() -> None:
    rows = "https://cloud.langfuse.com/project/p1/observations?dateRange=1-2"
    links = (
        NoticeLink("Open these rows in Langfuse", rows),
        NoticeLink("Open in Langfuse", f"{rows}0", "all of team \x1b[1mcontent,\nwhatever its feature"),
        NoticeLink("Open these rows in Langfuse", "javascript:alert(1)"),
    )
    content = sheet(message(replace(REACHED, links=links)))
    assert [link.label for link in content.links] == [
        "Open the page",
        "Open these rows in Langfuse",
        "Open in Langfuse (wider: all of team content, whatever its feature)",
        "Runbook",
    ]
    assert content.links[1].url == rows


def test_a_runbook_that_is_no_address_is_told_as_words_and_not_as_a_link() -> None:
    content = sheet(message(replace(REACHED, runbook="javascript:alert(1)")))
    assert [link.label for link in content.links] == ["Open the page"]
    assert "  runbook: javascript:alert(1)" in sheet_lines(content, zone=BERLIN)


def test_the_fine_print_tells_the_age_of_the_data_and_names_only_commands_that_exist() -> None:
    lines = sheet_lines(sheet(message(REACHED)), zone=BERLIN)
    assert lines[-1].strip() == "data as of 16:41:48 · incident 01JDFQ0M3W8N9V2R5T7Y4X6Z1K · fusewatch why content-team"
    assert sheet_lines(sheet(message(REACHED)), zone="UTC")[-1].startswith("  data as of 15:41:48 UTC ·")


@pytest.mark.parametrize(
    ("value", "command"),
    [
        pytest.param("chat", "fusewatch why content-team feature=chat", id="a plain value"),
        pytest.param("it's a $(chat)", """fusewatch why content-team 'feature=it'"'"'s a $(chat)'""", id="quoted"),
        pytest.param("a\x1b[31mb", "fusewatch status", id="not one that cannot be shown as it is"),
    ],
)
def test_the_command_in_the_fine_print_can_be_pasted_into_a_shell(value: str, command: str) -> None:
    notice = replace(REACHED, incident=replace(REACHED.incident, labels=(("feature", value),)))
    assert sheet_lines(sheet(message(notice)), zone=BERLIN)[-1].endswith(f" · {command}")


# ---------------------------------------------------------------- groups


def test_many_keys_of_one_budget_are_one_headline_with_their_number_and_their_sum() -> None:
    lines = sheet_lines(sheet(message(*MANY)), zone=BERLIN)
    assert lines[0] == "● 37 features over their daily budget, 11 of them more than twice; $4,967.25 today in all"
    assert lines[1] == "  ● feature-00 227 %: $170.25 of $75.00"
    assert lines[9] == "  8 worst shown, 29 more"


def test_budgets_that_may_share_spend_are_not_summed() -> None:
    others = [with_incident(REACHED, rule=f"rule-{n}", id=f"i{n}") for n in range(5)]
    assert first_line(*others) == "● 5 budgets over their limit"
    assert sheet_lines(sheet(message(*others)), zone=BERLIN)[1] == "  ● rule-0 100 %: $50.31 of $50.00 a day"


def test_the_sum_of_a_period_that_is_over_is_not_called_todays() -> None:
    late = [with_incident(notice, period_end_ms=NOW) for notice in MANY]
    assert first_line(*late) == "● 37 features over their daily budget, 11 of them more than twice"


def test_a_mixed_group_counts_each_sort() -> None:
    assert first_line(*MANY[:9], WARNED, SPIKE, RESOLVED) == (
        "● 9 features over their daily budget, all of them more than twice;"
        " 1 budget near its limit; 1 spike; 1 resolved"
    )


def test_a_group_of_up_to_three_tells_every_notice_whole() -> None:
    content = sheet(message(REACHED, SPIKE, TOKENS))
    assert [len(card.body) for card in content.cards] == [2, 1, 1]
    assert content.rest == ""


def test_a_group_in_which_all_is_resolved_is_good_news() -> None:
    assert sheet(message(RESOLVED, RAISED)).tone is Tone.GOOD
    assert sheet(message(RESOLVED, REACHED)).tone is Tone.CRITICAL


def test_a_group_is_as_old_as_its_oldest_data() -> None:
    old = replace(SPIKE, as_of_ms=MIDNIGHT)
    assert sheet_lines(sheet(message(REACHED, old)), zone=BERLIN)[-1] == "  data as of 00:00:00 · fusewatch status"


# ---------------------------------------------------------------- the other kinds


def lines_of(name: str) -> list[str]:
    return [line.strip() for line in sheet_lines(sheet(MESSAGES[name]), zone=BERLIN)]


def test_the_start_tells_what_was_already_over_since_when_and_what_was_read() -> None:
    assert lines_of("start")[:2] == [
        "○ Fusewatch started watching shop. Already over: 1 (all-llm: $512.00 of $500.00, since 19 Nov, 11:05).",
        "Read 35 days, 1,204,311 generations, $8,912.44.",
    ]


def test_a_start_with_several_tells_each_in_a_line() -> None:
    lines = lines_of("start_several")
    assert lines[0].endswith("Already over: 1 (all-llm: $512.00 of $500.00, since 19 Nov, 11:05). Above 80 %: 2.")
    assert lines[0].startswith("○ Fusewatch started watching shop, labs, ops and 2 more.")
    assert "● content-team 80 %: $40.02 of $50.00 a day, since 14:20" in lines


@pytest.mark.parametrize(
    ("notice", "line"),
    [
        (WARNED, "● content-team 80 %: $40.02 of $50.00 a day, since 14:20"),
        (
            SPIKE,
            "● summarization (content) costs 2.4x its daily average: $21.60 today so far, average $9.05, since 13:05",
        ),
    ],
)
def test_a_start_with_one_that_the_headline_only_counts_names_it_in_a_line(notice: Notice, line: str) -> None:
    content = sheet(replace(message(notice, kind=MessageKind.START), start=SUMMARY))
    assert line in [row.strip() for row in sheet_lines(content, zone=BERLIN)]


def test_a_quiet_start_says_so() -> None:
    assert lines_of("start_quiet")[0] == "○ Fusewatch started watching shop. Nothing is over its budget."


def test_an_unreadable_project_is_reported_as_unknown_spend_and_never_as_zero() -> None:
    assert lines_of("unreadable")[:2] == [
        "● shop cannot be read since 16:26 (16 min): Langfuse answers 503. Spend since then is unknown, not zero.",
        "3 budgets were above 80 % at that time: search-assist (each-feature) 91 %, all-llm 84 %, content-team 81 %",
    ]


def test_recovery_tells_the_gap_and_what_happened_in_it() -> None:
    assert lines_of("readable")[0] == (
        "✓ shop is read again since 16:41 (gap 6 h 07 min). In the gap: $14.20;"
        " crossed 80 %: search-assist (each-feature) at 13:22 (learned 16:42)."
    )
    assert lines_of("readable_quiet")[0].endswith("In the gap: $14.20; nothing was crossed.")


def test_a_sample_says_that_it_is_a_test_and_that_its_numbers_are_made_up() -> None:
    lines = lines_of("sample_escalated")
    assert lines[0].startswith("● Test message, nothing happened: content-team reached 100 % of its daily budget")
    assert lines[1] == "Nothing is wrong and nothing was spent: a sample with made-up numbers."
    assert lines[-1] == "sent to finops by fusewatch notify-test at 16:42:00"


@pytest.mark.parametrize("kind", [MessageKind.NOTICES, MessageKind.START, MessageKind.UNREADABLE, MessageKind.READABLE])
def test_a_message_without_what_its_kind_is_about_is_refused_and_not_sent_empty(kind: MessageKind) -> None:
    with pytest.raises(ValueError, match="msg-1"):
        sheet(Message(id="msg-1", destination="finops", kind=kind, severity=Severity.INFO, created_ms=NOW))


DAY_MS = 24 * 3_600_000
ROLLING = replace(
    REACHED,
    incident=replace(
        REACHED.incident, period="last:24h", period_start_ms=REACHED.at_ms - DAY_MS, period_end_ms=REACHED.at_ms
    ),
)
HOT = replace(
    SPIKE,
    incident=replace(
        SPIKE.incident, period="last:1h", period_start_ms=SPIKE.at_ms - 3_600_000, period_end_ms=SPIKE.at_ms
    ),
)


def test_a_rolling_budget_says_over_which_time_and_never_resets() -> None:
    first, *rest = sheet_lines(sheet(message(ROLLING)), zone=BERLIN)
    assert "of its budget: " in first
    assert first.endswith(" in the last 24 h")
    assert not any("reset" in line or "period ended" in line for line in rest)


def test_a_rolling_budget_that_calmed_down_says_for_how_long() -> None:
    incident = replace(ROLLING.incident, measured=usd("20"), limit=usd("50"))
    calm = replace(ROLLING, incident=incident, reason=Reason.RESOLVED, cause=Cause.SUBSIDED)
    assert first_line(calm).endswith(
        "is clearly below its budget again: $20.00 of $50.00 in the last 24 h (calm for 24 h)"
    )


def test_a_rolling_budget_learned_late_speaks_of_a_window_that_is_over() -> None:
    late = replace(ROLLING, incident=replace(ROLLING.incident, timing=Timing.LATE))
    assert " within 24 h (late: crossed " in first_line(late)


def test_a_spike_of_an_hour_is_compared_with_the_same_time_of_day() -> None:
    line = first_line(HOT)
    assert " its average at this time of day: " in line
    assert " in the last 1 h, average " in line
    assert "today" not in line


def test_many_keys_over_a_rolling_budget_are_over_their_window() -> None:
    over = [
        replace(ROLLING, incident=replace(ROLLING.incident, id=f"{n}", key=(f"f{n}",), labels=(("feature", f"f{n}"),)))
        for n in range(5)
    ]
    assert "5 features over their 24 h budget" in first_line(*over)
