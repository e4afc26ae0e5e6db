"""`/metrics`: the names of the contract, exact money, values that stay what they were, nobody's name as a label."""

import os
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from fusewatch.app.snapshot import Snapshot
from fusewatch.domain.periods import Last
from fusewatch.domain.rules import Budget, Limit, RuleSet, Unit
from fusewatch.domain.usage import TOKEN_TYPES
from fusewatch.ports import CounterSeries
from fusewatch.web.exposition import render
from fusewatch.web.telemetry import Process, Telemetry
from fusewatch.web.textformat import OWN_LABELS, label_names
from tests.web.pictures import BUDGETS, BUSY, DESTINATIONS, FAILING, PROJECT, RULES, budget, telemetry, usd

GOLDEN = Path(__file__).parent / "golden" / "metrics.txt"
EMPTY = replace(
    BUSY,
    projects=(),
    budgets=(),
    spikes=(),
    spend=(),
    open_incidents=(),
    recent_incidents=(),
    rule_last_match_ms={},
    counters=(),
    durations=(),
    project_counters=(),
    deliveries={},
    stuck=(),
)
"""What a daemon knows before its first answer."""

JUST_STARTED = Process(version="0.1.0", python="3.11.7")
LINT = "fusewatch_counter_debt_dollars metric name should not include type 'counter'"
"""The one name of the contract that promtool's linter dislikes. It is shown only while there is debt."""


def exposed(
    snapshot: Snapshot = BUSY,
    process: Process | None = None,
    rules: RuleSet = RULES,
    destinations: tuple[str, ...] = DESTINATIONS,
) -> str:
    return render(snapshot, process or telemetry().process(), rules, destinations).decode()


def samples(text: str) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def series(text: str, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Values by sorted labels; a series that stands twice fails."""
    found = [(tuple(sorted(s.labels.items())), s.value) for s in samples(text) if s.name == name]
    assert len(dict(found)) == len(found), f"{name} has a series twice"
    return dict(found)


def value(text: str, name: str, **labels: str) -> float:
    return series(text, name)[tuple(sorted(labels.items()))]


def lines(text: str, name: str) -> list[str]:
    """The samples of one name as they are written."""
    return [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]


def test_golden_metrics_are_written_as_they_were() -> None:
    text = exposed()
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def checked(text: str) -> list[str]:
    """What promtool has to say."""
    promtool = which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False
    )
    return [line for line in (done.stdout + done.stderr).splitlines() if line]


def test_promtool_has_nothing_to_say_of_a_daemon_without_debt() -> None:
    paid = replace(BUSY, counters=tuple(one._replace(debt_pico=0) for one in BUSY.counters))
    assert checked(exposed(paid)) == []
    assert checked(exposed(EMPTY, JUST_STARTED)) == []


def test_promtool_dislikes_no_more_than_one_word_of_one_name_of_the_contract() -> None:
    assert checked(GOLDEN.read_text()) == [LINT]


def test_each_family_has_help_and_type_and_stands_once() -> None:
    text = exposed()
    helped = [line.split()[2] for line in text.splitlines() if line.startswith("# HELP ")]
    typed = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    assert helped == typed
    assert len(set(helped)) == len(helped)
    assert not [sample for sample in samples(text) if sample.name.endswith("_created")]


def test_the_order_in_which_facts_come_does_not_matter() -> None:
    turned = replace(
        BUSY,
        projects=BUSY.projects[::-1],
        budgets=BUSY.budgets[::-1],
        spikes=BUSY.spikes[::-1],
        spend=BUSY.spend[::-1],
        open_incidents=BUSY.open_incidents[::-1],
        counters=BUSY.counters[::-1],
        durations=BUSY.durations[::-1],
        project_counters=BUSY.project_counters[::-1],
        deliveries=dict(reversed(list(BUSY.deliveries.items()))),
    )
    assert exposed(turned, destinations=DESTINATIONS[::-1]) == exposed()


# ---------------------------------------------------------------- money and counts


@given(st.integers(min_value=0, max_value=20_000_000 * 10**12))
def test_money_is_written_to_the_last_picodollar(pico: int) -> None:
    one = BUSY.counters[0]._replace(cost_pico=pico, debt_pico=0)
    written = lines(exposed(replace(EMPTY, counters=(one,)), JUST_STARTED), "llm_cost_dollars_total")
    assert [Decimal(line.rsplit(" ", 1)[1]).scaleb(12) for line in written] == [pico]


def test_counters_minus_debt_is_the_ledger() -> None:
    text = exposed()
    cost = sum(Decimal(line.rsplit(" ", 1)[1]) for line in lines(text, "llm_cost_dollars_total"))
    debt = sum(Decimal(line.rsplit(" ", 1)[1]) for line in lines(text, "fusewatch_counter_debt_dollars"))
    assert cost - debt == Decimal("391.270000000003")


def test_a_series_without_debt_has_no_debt_series() -> None:
    assert len(lines(exposed(), "fusewatch_counter_debt_dollars")) == 1


def test_tokens_are_split_by_type_and_input_and_output_are_there_from_the_start() -> None:
    text = exposed()
    labels = {"project": "shop", "feature": "summarization", "team": "content", "model": "gpt-4o", "operation": "chat"}
    by_type = {kind: value(text, "llm_tokens_used_total", **labels, token_type=kind) for kind in TOKEN_TYPES[:3]}
    assert by_type == {"input": 90_000_000, "output": 6_000_000, "cache_read": 1200}
    unused = BUSY.counters[0]._replace(tokens=(0,) * len(TOKEN_TYPES))
    shown = series(exposed(replace(EMPTY, counters=(unused,))), "llm_tokens_used_total")
    assert sorted(dict(labels)["token_type"] for labels in shown) == ["input", "output"]


def test_projects_of_one_name_are_summed_because_a_series_may_stand_once_only() -> None:
    twice = replace(
        BUSY,
        projects=(PROJECT, replace(FAILING, name="shop")),
        counters=BUSY.counters * 2,
        durations=BUSY.durations * 2,
        project_counters=BUSY.project_counters * 2,
        spend=BUSY.spend * 2,
        budgets=(
            budget("per-project", usd("9"), usd("1"), project="shop"),
            budget("per-project", usd("9"), usd("8"), project="shop"),
        ),
    )
    text = exposed(twice)
    for name in {sample.name for sample in samples(text)}:
        series(text, name)
    assert value(text, "llm_request_duration_seconds_count", project="shop", model="gpt-4o", operation="chat") == 372
    assert sum(series(text, "llm_requests_total").values()) == 2 * 42_103
    worst = {"budget": "per-project", "group": "project=shop", "project": "shop"}
    assert value(text, "fusewatch_budget_spent_dollars", **worst) == 8


def test_buckets_are_cumulative_and_end_with_the_count() -> None:
    text = exposed()
    found = [s for s in samples(text) if s.name == "llm_request_duration_seconds_bucket"]
    assert [s.value for s in found] == [1, 1, 3, 33, 133, 173, 182, 185, 185, 185, 185, 185, 186]
    assert found[-1].labels["le"] == "+Inf"
    key = {"project": "shop", "model": "gpt-4o", "operation": "chat"}
    assert value(text, "llm_request_duration_seconds_sum", **key) == 612.345


def test_a_poll_of_exactly_a_bound_counts_as_within_it() -> None:
    text = exposed()
    assert value(text, "fusewatch_poll_duration_seconds_bucket", project="shop", le="0.5") == 1
    assert value(text, "fusewatch_poll_duration_seconds_bucket", project="shop", le="1.0") == 2
    assert lines(text, "fusewatch_poll_duration_seconds_sum")[0].endswith(" 45.000001")


# ---------------------------------------------------------------- labels


LABEL_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.lists(st.tuples(*[LABEL_TEXT] * 5), min_size=1, max_size=5, unique=True))
def test_hostile_label_values_come_back_as_they_were(keys: list[tuple[str, str, str, str, str]]) -> None:
    counters = tuple(CounterSeries(key, usd("1"), 0, place + 1, (0,) * 7) for place, key in enumerate(keys))
    text = exposed(replace(EMPTY, counters=counters), JUST_STARTED)
    names = ("project", "feature", "team", "model", "operation")
    expected = {tuple(sorted(zip(names, key, strict=True))): place + 1 for place, key in enumerate(keys)}
    assert series(text, "llm_requests_total") == expected


@pytest.mark.parametrize(
    "hostile",
    [
        '"} 1\nfake_total{a="',
        "back\\slash",
        "line\nbreak",
        'quote"',
        "\\n",
        "\r",
        "\x00",
        "\u2028",
        "\u202eexe",
        "{}=,",
        "  ",
        "é😀",
    ],
)
def test_a_value_cannot_end_its_label(hostile: str) -> None:
    rules = replace(RULES, budgets=(Budget("b", Limit(Unit.USD, usd("1")), RULES.budgets[0].every, each=("feature",)),))
    text = exposed(replace(EMPTY, budgets=(budget("b", usd("1"), usd("1"), feature=hostile),)), JUST_STARTED, rules)
    key = {"budget": "b", "group": f"feature={hostile}", "feature": hostile}
    assert value(text, "fusewatch_budget_spent_dollars", **key) == 1
    assert not [sample for sample in samples(text) if sample.name.startswith("fake")]


def test_half_a_surrogate_pair_which_no_utf8_can_carry_is_written_out() -> None:
    text = exposed(replace(EMPTY, projects=(replace(PROJECT, name="a\udcff"),)), JUST_STARTED)
    assert value(text, "fusewatch_data_lag_seconds", project="a\\udcff") == 14.5


DIMENSION_NAMES = st.one_of(
    st.sampled_from(sorted(OWN_LABELS)),
    st.sampled_from(["agent-type", "agent_type", "agent.type", "__name__", "1st", "", "é"]),
    st.text(),
)


@given(st.lists(DIMENSION_NAMES, max_size=12))
def test_every_dimension_gets_a_valid_label_of_its_own(names: list[str]) -> None:
    labels = label_names(names)
    assert labels.keys() == set(names)
    assert len(set(labels.values())) == len(labels), "no two dimensions share a label"
    assert not OWN_LABELS & set(labels.values())
    for name, label in labels.items():
        assert label.isascii()
        assert label.isidentifier()
        assert not label.startswith("__")
        assert (
            label == name or name in OWN_LABELS or name.startswith("__") or not (name.isascii() and name.isidentifier())
        )
    assert labels == label_names(reversed(names)), "the order of the names must not matter"


def test_a_dimension_whose_name_is_no_label_gets_one_that_is() -> None:
    text = exposed()
    agents = {
        "budget": "agents",
        "group": "agent-type=planner,team=content",
        "agent_type": "planner",
        "team": "content",
    }
    assert value(text, "fusewatch_budget_spent_requests", **agents) == 812


def test_a_dimension_named_like_a_label_of_ours_does_not_hide_it() -> None:
    line = replace(BUDGETS[0], labels=(("budget", "mine"), ("group", "ours")))
    shown = lines(exposed(replace(EMPTY, budgets=(line,))), "fusewatch_budget_limit_dollars")
    labels = 'budget="all-llm",group="budget=mine,group=ours",budget_2="mine",group_2="ours"'
    assert shown == [f"fusewatch_budget_limit_dollars{{{labels}}} 500"]


def test_no_user_and_no_session_is_ever_a_label() -> None:
    people = replace(BUSY, metric_labels=("feature", "user"), counters=(), spend=())
    one = CounterSeries(("shop", "f", "user-4711"), usd("1"), 0, 1, (0,) * 7)
    people = replace(people, counters=(one, one._replace(labels=("shop", "f", "ana@example.com"))))
    text = exposed(people)
    for name in ("user-4711", "ana@example.com", "s-1", "s-2"):
        assert name not in text
        assert name not in exposed()
    assert series(text, "llm_requests_total") == {(("feature", "f"), ("project", "shop")): 2}


# ---------------------------------------------------------------- budgets, spikes, incidents


def test_a_budget_shows_limit_spent_ratio_forecast_and_reset_in_its_unit() -> None:
    text = exposed()
    key = {"budget": "each-feature", "group": "feature=summarization", "feature": "summarization"}
    assert value(text, "fusewatch_budget_limit_dollars", **key) == 75
    assert value(text, "fusewatch_budget_spent_dollars", **key) == 75.200000000001
    assert value(text, "fusewatch_budget_forecast_dollars", **key) == 107.9
    assert value(text, "fusewatch_budget_used_ratio", **key) == pytest.approx(1.00266666, rel=1e-6)
    assert BUDGETS[1].resets_ms is not None
    assert value(text, "fusewatch_budget_reset_timestamp_seconds", **key) == BUDGETS[1].resets_ms / 1000


def test_a_rolling_budget_has_no_reset() -> None:
    rolling = replace(BUDGETS[1], every=Last(24 * 3_600_000), resets_ms=None, forecast=None)
    text = exposed(replace(BUSY, budgets=(rolling,)))
    assert series(text, "fusewatch_budget_reset_timestamp_seconds") == {}
    assert len(series(text, "fusewatch_budget_spent_dollars")) == 1


def test_a_forecast_is_shown_only_where_there_is_one() -> None:
    shown = series(exposed(), "fusewatch_budget_forecast_dollars")
    assert not [labels for labels in shown if ("feature", "code-review") in labels]


def test_spending_anything_of_a_limit_of_nothing_is_infinitely_over() -> None:
    text = exposed(replace(EMPTY, budgets=(budget("none", 0, 1), budget("still", 0, 0))))
    assert value(text, "fusewatch_budget_used_ratio", budget="none", group="") == float("inf")
    assert value(text, "fusewatch_budget_used_ratio", budget="still", group="") == 0


def test_a_rule_keyed_by_people_shows_its_worst_ratio_and_how_many_are_over() -> None:
    text = exposed()
    assert value(text, "fusewatch_budget_worst_used_ratio", budget="user-tokens") == 1.2
    assert value(text, "fusewatch_budget_keys_over", budget="user-tokens") == 1
    assert value(text, "fusewatch_spike_worst_ratio", rule="chatty-session") == 9
    assert value(text, "fusewatch_spike_keys_over", rule="chatty-session") == 1


def test_a_rule_keyed_by_people_is_there_before_anybody_spent_but_not_while_it_loads() -> None:
    assert value(exposed(EMPTY), "fusewatch_budget_keys_over", budget="user-tokens") == 0
    assert series(exposed(replace(EMPTY, loading=("user-tokens",))), "fusewatch_budget_keys_over") == {}


def test_a_spike_below_its_floor_is_not_over() -> None:
    below = replace(BUSY, spikes=tuple(replace(line, fires=False) for line in BUSY.spikes))
    assert value(exposed(below), "fusewatch_spike_keys_over", rule="chatty-session") == 0


def test_every_rule_and_severity_has_its_incident_series_from_the_start() -> None:
    started = series(exposed(EMPTY, JUST_STARTED), "fusewatch_incidents_open")
    rules = [*(rule.name for rule in RULES.rules), "unreadable", "unpriced", "drift", "unattributed"]
    assert started == {(("rule", r), ("severity", s)): 0 for r in rules for s in ("info", "warning", "critical")}
    assert value(exposed(), "fusewatch_incidents_open", rule="each-feature", severity="critical") == 1


# ---------------------------------------------------------------- the daemon itself


def test_lag_is_now_minus_the_newest_instant_read_and_never_negative() -> None:
    assert value(exposed(), "fusewatch_data_lag_seconds", project="labs") == 17 * 60
    ahead = replace(PROJECT, data_as_of_ms=BUSY.now_ms + 5000)
    assert value(exposed(replace(BUSY, projects=(ahead,))), "fusewatch_data_lag_seconds", project="shop") == 0


def test_a_project_never_read_has_success_at_zero_and_no_lag() -> None:
    fresh = replace(PROJECT, last_success_ms=None, data_as_of_ms=None)
    text = exposed(replace(BUSY, projects=(fresh,)))
    assert value(text, "fusewatch_last_success_timestamp_seconds", project="shop") == 0
    assert series(text, "fusewatch_data_lag_seconds") == {}


def test_every_destination_and_outcome_is_there_from_the_start() -> None:
    started = exposed(EMPTY, JUST_STARTED)
    expected = {
        (("destination", name), ("outcome", outcome), ("reason", "")): 0
        for name in DESTINATIONS
        for outcome in ("sent", "retry", "dead")
    }
    assert series(started, "fusewatch_notifications_total") == expected
    assert series(started, "fusewatch_outbox_dead") == {(("destination", name),): 0 for name in DESTINATIONS}


def test_what_is_claimed_still_waits_and_a_removed_destination_still_counts() -> None:
    text = exposed(replace(BUSY, deliveries={("finops", "pending"): 2, ("finops", "claimed"): 1, ("gone", "dead"): 3}))
    assert value(text, "fusewatch_outbox_pending", destination="finops") == 3
    assert value(text, "fusewatch_outbox_dead", destination="gone") == 3


def test_a_refused_budget_file_shows_and_the_time_of_the_last_good_one_stays() -> None:
    counted = Telemetry(version="0.1.0", python="3.11.7")
    counted.reload(True, 1_000)
    counted.reload(False, 2_000)
    text = exposed(EMPTY, counted.process())
    assert value(text, "fusewatch_config_last_reload_successful") == 0
    assert value(text, "fusewatch_config_last_reload_success_timestamp_seconds") == 1


def test_facts_taken_once_do_not_change_and_each_call_makes_a_new_version() -> None:
    counted = telemetry()
    before, version = counted.process(), counted.version
    counted.poll("shop", 3.0, "timeout")
    assert before == telemetry().process()
    assert counted.version > version
    assert counted.process().poll_failures["shop", "timeout"] == 1
