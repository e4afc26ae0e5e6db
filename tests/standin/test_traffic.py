"""The demo's traffic costs what its docstring promises, for any seed, and arrives as real traffic does."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from statistics import mean

import pytest

from fusewatch.demo.standin import DEMO_PROJECT, Span, Store, traffic
from fusewatch.demo.standin.traffic import DAY_MS, HEAVY_USER, SWITCH_MS

TODAY_MS = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp() * 1000)
LATER_MS = TODAY_MS + 3 * DAY_MS
SEEDS = [1, 7]
PICO = 10**12


def newest(spans: list[Span]) -> list[Span]:
    store = Store(spans)
    store.advance(LATER_MS)
    return store.newest(DEMO_PROJECT)


def tag(span: Span, key: str) -> str:
    return span.propagated.get(key, "unknown").strip('"')


def dollars_by(spans: list[Span], key: str) -> dict[str, dict[int, float]]:
    """Spend by value of `key` and UTC day."""
    spent: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    for span in spans:
        spent[tag(span, key)][span.start_ms // DAY_MS] += span.total_pico()
    return {value: {day: pico / PICO for day, pico in days.items()} for value, days in spent.items()}


@pytest.fixture(scope="module", params=SEEDS)
def fortnight(request: pytest.FixtureRequest) -> list[Span]:
    return traffic.history(request.param, TODAY_MS)


@pytest.fixture(scope="module", params=SEEDS)
def crossing(request: pytest.FixtureRequest) -> list[Span]:
    return traffic.demo_day(request.param, TODAY_MS)


def test_the_same_seed_makes_the_same_traffic_and_another_one_does_not() -> None:
    assert traffic.history(3, TODAY_MS, days=1) == traffic.history(3, TODAY_MS, days=1)
    assert traffic.history(3, TODAY_MS, days=1) != traffic.history(4, TODAY_MS, days=1)
    assert traffic.demo_day(3, TODAY_MS) == traffic.demo_day(3, TODAY_MS + 5 * 3_600_000)


def test_a_day_of_history_does_not_depend_on_how_many_days_are_asked_for() -> None:
    last_day = [span for span in traffic.history(3, TODAY_MS, days=2) if span.start_ms >= TODAY_MS - DAY_MS]
    assert last_day == [span for span in traffic.history(3, TODAY_MS, days=1) if span.start_ms >= TODAY_MS - DAY_MS]


def test_history_covers_fourteen_whole_days_with_about_27000_rows(fortnight: list[Span]) -> None:
    assert 25_000 <= len(fortnight) <= 29_000
    assert {span.start_ms // DAY_MS for span in fortnight} == set(range(TODAY_MS // DAY_MS - 14, TODAY_MS // DAY_MS))
    assert len({span.id for span in fortnight}) == len(newest(fortnight))


def test_a_normal_day_costs_content_about_25_dollars_and_every_other_team_less_than_15(
    fortnight: list[Span],
) -> None:
    teams = dollars_by(newest(fortnight), "team")
    assert set(teams) == {"content", "search", "engineering", "support", "platform", "unknown"}
    assert 22 <= mean(teams["content"].values()) <= 28
    assert max(teams["content"].values()) < 35
    for team, days in teams.items():
        assert team == "content" or max(days.values()) < 15


def test_every_feature_is_steady_within_a_quarter_of_its_mean_and_below_20_dollars(fortnight: list[Span]) -> None:
    features = dollars_by(newest(fortnight), "feature")
    for feature, days in features.items():
        if feature == "unknown":
            continue
        usual = mean(days.values())
        assert len(days) == 14
        assert 0.75 * usual <= min(days.values()) <= max(days.values()) <= 1.25 * usual, feature
        assert max(days.values()) < 20


def test_on_the_demo_day_content_ends_above_60_and_passes_50_in_the_afternoon(crossing: list[Span]) -> None:
    spent, crossed_ms = 0, 0
    for span in sorted(newest(crossing), key=lambda span: span.arrives_ms):
        if tag(span, "team") != "content":
            continue
        before, spent = spent, spent + span.total_pico()
        if before <= 50 * PICO < spent:
            crossed_ms = span.arrives_ms
    assert 60 * PICO < spent < 100 * PICO
    assert 15 <= (crossed_ms - TODAY_MS) / 3_600_000 <= 18


def test_on_the_demo_day_only_summarization_leaves_its_usual_range(fortnight: list[Span], crossing: list[Span]) -> None:
    usual = {feature: mean(days.values()) for feature, days in dollars_by(newest(fortnight), "feature").items()}
    demo = {feature: sum(days.values()) for feature, days in dollars_by(newest(crossing), "feature").items()}
    assert demo["summarization"] > 10 * usual["summarization"]
    for feature, spent in demo.items():
        if feature != "summarization":
            assert spent < 1.5 * usual[feature], feature
            assert spent < 20


def test_summarization_runs_on_gpt_4o_from_five_past_one_and_user_4711_drives_it(crossing: list[Span]) -> None:
    calls = [span for span in newest(crossing) if span.name == "summarize"]
    assert {span.model for span in calls if span.start_ms < TODAY_MS + SWITCH_MS} == {"gpt-4o-mini"}
    late = [span for span in calls if span.start_ms >= TODAY_MS + SWITCH_MS]
    assert {span.model for span in late} == {"gpt-4o"}
    spent: defaultdict[str, int] = defaultdict(int)
    for span in late:
        spent[span.user_id] += span.total_pico()
    assert max(spent, key=lambda user: spent[user]) == HEAVY_USER
    assert spent[HEAVY_USER] > sum(spent.values()) / 4


def test_traffic_has_the_troubles_of_real_traffic(fortnight: list[Span]) -> None:
    delays = [span.arrives_ms - span.end_ms for span in fortnight]
    late = sum(5_000 <= delay <= 180_000 for delay in delays) / len(delays)
    assert 0.02 <= late <= 0.04
    versions = len(fortnight) - len(newest(fortnight))
    assert 30 <= versions <= 150
    assert all(span.arrives_ms > span.end_ms for span in fortnight)
    assert all(span.updated_ms <= span.arrives_ms for span in fortnight)
    untagged = [span for span in fortnight if not span.propagated]
    assert 0.01 <= len(untagged) / len(fortnight) <= 0.03
    assert len({span.user_id for span in fortnight}) == 41


def test_traces_have_a_root_span_and_calls_of_the_expected_kinds(fortnight: list[Span]) -> None:
    traces: defaultdict[str, list[Span]] = defaultdict(list)
    for span in newest(fortnight):
        traces[span.trace_id].append(span)
    for spans in traces.values():
        roots = [span for span in spans if span.parent_id is None]
        assert [root.type for root in roots] == ["SPAN"]
        assert 1 <= len(spans) - 1 <= 3
        assert all(roots[0].start_ms <= span.start_ms and span.end_ms <= roots[0].end_ms for span in spans)
    models = {span.model for span in fortnight}
    assert models == {"", "gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "text-embedding-3-small", "my-ft-summarizer"}
    assert all(not span.cost for span in fortnight if span.model in {"", "my-ft-summarizer"})
    assert {span.type for span in fortnight if span.model == "text-embedding-3-small"} == {"EMBEDDING"}
    assert any("input_cached_tokens" in span.usage for span in fortnight)


def test_weekends_are_quieter() -> None:
    saturday_ms = TODAY_MS - 2 * DAY_MS
    traces = [
        len({span.trace_id for span in traffic.history(1, day_ms + DAY_MS, days=1)})
        for day_ms in (saturday_ms, saturday_ms - DAY_MS)
    ]
    assert traces[0] < 0.95 * traces[1]


def test_sdk_5_features_store_their_metadata_with_json_quotes(fortnight: list[Span]) -> None:
    stored = {span.propagated["feature"] for span in fortnight if span.propagated}
    assert {'"search-assist"', '"chat-support"', "summarization", "copywriting"} <= stored
    assert {span.metadata["scope.name"] for span in fortnight} == {"langfuse-sdk"}
