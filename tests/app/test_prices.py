"""Usage that Langfuse cannot price: estimated beside the ledger, judged by budgets, gone when Langfuse has a cost."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from fusewatch.app.ingest import Reader, ingest_pass
from fusewatch.demo.standin import Span
from fusewatch.demo.standin.prices import MODELS, PricedModel
from fusewatch.demo.standin.troubles import SERVICE_UNAVAILABLE, Trouble, on_path
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.prices import Price, PriceBook
from tests.app.conftest import Play
from tests.app.stage import Stage

DOLLAR = 10**12
DAILY = "history: 2d\nbudgets:\n  - {name: daily, limit: $10, every: day, notify: [finops]}\n"
OWN = 'prices:\n  - {match: "^my-ft-", input: 3.00, output: 15.00, per: 1M}\n'
OWN_MODEL = PricedModel(
    id="own",
    name="acme-llm-1",
    pattern="(?i)^(acme-llm-1)$",
    created="2026-11-22T14:19:55.060Z",
    prices={"input": Decimal("0.000001"), "output": Decimal("0.000002")},
    tokenizer=None,
    managed=False,
)


def a_million_at(usd: str) -> Callable[[Span], int]:
    """What calls without a price cost, by a price of input alone."""

    def of(span: Span) -> int:
        unpriced = span.usage and not span.cost
        return int(span.usage["input"] * Decimal(usd) / 1_000_000 * DOLLAR) if unpriced else 0

    return of


def asked_for_models(stage: Stage) -> int:
    return len(stage.standin.requests("models"))


def test_a_call_without_a_price_crosses_a_budget_by_its_estimate_and_the_notice_says_so(play: Play) -> None:
    stage = play(OWN + DAILY)
    stage.estimate_of = a_million_at("3")
    stage.spend("4", at="07:00", feature="chat")
    stage.spend(None, at="07:10", tokens=2_000_000, model="my-ft-7")
    stage.at("07:20")
    (told,) = [message for message in stage.told() if message.notices]
    (notice,) = told.notices or ()
    assert notice.incident.measured == 10 * DOLLAR
    assert notice.incident.estimated == 6 * DOLLAR
    assert notice.incident.crossings[-1].at_ms == stage.ms("07:10")
    shown = stage.shown()
    assert (shown.totals.cost_pico, shown.totals.estimate_pico) == (4 * DOLLAR, 6 * DOLLAR)
    assert [(line.spent, line.estimated) for line in shown.budgets] == [(10 * DOLLAR, 6 * DOLLAR)]
    assert sum(series.cost_pico for series in shown.counters) == 4 * DOLLAR


def test_when_langfuse_prices_it_later_its_cost_stands_in_place_of_the_estimate(play: Play) -> None:
    stage = play(OWN + DAILY)
    stage.estimate_of = a_million_at("3")
    call = stage.spend(None, at="07:19", tokens=4_000_000, model="my-ft-7")
    stage.at("07:20")
    assert [incident.measured for incident in stage.open("daily")] == [12 * DOLLAR]
    stage.update(call, at="07:22", usd="7")
    stage.at("07:23")
    shown = stage.shown()
    assert (shown.totals.cost_pico, shown.totals.estimate_pico, shown.totals.unpriced) == (7 * DOLLAR, 0, 0)
    assert [(line.spent, line.estimated) for line in shown.budgets] == [(7 * DOLLAR, 0)]
    assert stage.open("daily") == []


def test_prices_that_are_edited_change_the_estimates_of_what_was_read_before(play: Play) -> None:
    stage = play(DAILY)
    stage.spend(None, at="07:10", tokens=4_000_000, model="my-ft-7")
    stage.at("07:20")
    assert stage.shown().totals.estimate_pico == 0
    for price, spent in (("3.00", 12), ("1.00", 4), ("3.00", 12)):
        stage.reload(OWN.replace("3.00", price) + DAILY)
        (report,) = stage.price()
        assert (report.rows, report.changed) == (1, 1)
        assert stage.shown().totals.estimate_pico == spent * DOLLAR
        assert [line.spent for line in stage.shown().budgets] == [spent * DOLLAR]
    (report,) = stage.price()
    assert report.rows == 0
    stage.reload(DAILY)
    stage.price()
    assert stage.shown().totals.estimate_pico == 0


def test_langfuses_own_list_is_fetched_only_while_something_is_unpriced_and_once_an_hour(play: Play) -> None:
    stage = play(DAILY)
    stage.estimate_of = a_million_at("2.5")
    stage.spend("1", at="07:00")
    stage.at("07:05")
    stage.price()
    assert asked_for_models(stage) == 0
    stage.spend(None, at="07:10", tokens=2_000_000, model="openai/gpt-4o")
    stage.at("07:20")
    stage.price()
    assert asked_for_models(stage) == 1
    assert stage.shown().totals.estimate_pico == 5 * DOLLAR
    stage.at("07:50")
    stage.price()
    assert asked_for_models(stage) == 1
    stage.at("08:21")
    stage.price()
    assert asked_for_models(stage) == 2


def test_a_list_of_more_than_a_hundred_models_is_fetched_page_by_page(play: Play) -> None:
    stage = play(DAILY)
    stage.estimate_of = a_million_at("1")
    many = [replace(OWN_MODEL, id=str(n), name=f"other-{n}", pattern=f"^other-{n}$") for n in range(250)]
    stage.standin.models = [*many, OWN_MODEL]
    stage.spend(None, at="07:10", tokens=2_000_000, model="ACME-LLM-1")
    stage.at("07:20")
    (report,) = stage.price()
    assert (report.models, asked_for_models(stage)) == (251, 3)
    assert stage.shown().totals.estimate_pico == 2 * DOLLAR


def test_a_price_of_the_project_goes_before_langfuses_and_the_budget_files_before_both(play: Play) -> None:
    stage = play(DAILY)
    stage.standin.models = [*MODELS, replace(OWN_MODEL, pattern="(?i)^gpt-4o$")]
    stage.estimate_of = a_million_at("1")
    stage.spend(None, at="07:10", tokens=2_000_000, model="gpt-4o")
    stage.at("07:20")
    stage.price()
    assert stage.shown().totals.estimate_pico == 2 * DOLLAR
    stage.estimate_of = a_million_at("7")
    stage.reload('prices: [{match: "^gpt", input: 7}]\n' + DAILY)
    stage.price()
    assert stage.shown().totals.estimate_pico == 14 * DOLLAR


@pytest.mark.parametrize(("prompt", "usd"), [(200_000, "1.25"), (200_001, "2.5")])
def test_a_pricing_tier_for_large_contexts_holds_from_its_own_size_on(play: Play, prompt: int, usd: str) -> None:
    stage = play(DAILY)
    stage.estimate_of = a_million_at(usd)
    stage.spend(None, at="07:10", tokens=prompt, model="google/gemini-2.5-pro")
    stage.at("07:20")
    stage.price()
    assert stage.shown().totals.estimate_pico == int(prompt * Decimal(usd) * 1_000_000)


def test_a_list_that_cannot_be_fetched_leaves_the_stored_one_in_use(play: Play) -> None:
    stage = play(DAILY)
    stage.estimate_of = a_million_at("2.5")
    stage.spend(None, at="07:10", tokens=2_000_000)
    stage.at("07:20")
    stage.price()
    stage.standin.troubles.add(Trouble(on_path("models"), times=None, instead=SERVICE_UNAVAILABLE))
    stage.spend(None, at="09:10", tokens=4_000_000)
    stage.at("09:20")
    (report,) = stage.price()
    assert report.failure is not None
    assert stage.shown().totals.estimate_pico == 15 * DOLLAR


def test_a_malformed_entry_of_the_list_is_skipped_and_named(play: Play) -> None:
    stage = play(DAILY)
    stage.estimate_of = a_million_at("2.5")
    stage.standin.models = [
        replace(OWN_MODEL, name="slow", pattern="(a+)+$"),
        replace(OWN_MODEL, name="broken", pattern="gpt-[4o"),
        replace(OWN_MODEL, name="negative", prices={"input": Decimal(-1)}),
        *MODELS,
    ]
    stage.spend(None, at="07:10", tokens=2_000_000)
    stage.at("07:20")
    (report,) = stage.price()
    assert sorted(report.skipped) == ["broken", "negative", "slow"]
    assert stage.shown().totals.estimate_pico == 5 * DOLLAR


def test_the_fetched_list_outlives_the_process(play: Play) -> None:
    stage = play(DAILY)
    stage.estimate_of = a_million_at("2.5")
    stage.spend(None, at="07:10", tokens=2_000_000)
    stage.at("07:20")
    stage.price()
    stage.restart()
    stage.spend(None, at="07:30", tokens=2_000_000)
    stage.at("07:40")
    assert stage.shown().totals.estimate_pico == 10 * DOLLAR
    stage.price()
    assert asked_for_models(stage) == 1


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_process_that_dies_while_it_estimates_anew_counts_nothing_twice(play: Play, *, after_commit: bool) -> None:
    for fatal in range(1, 9):
        stage = play(DAILY)
        for minute in range(5):
            stage.spend(None, at=f"07:1{minute}", tokens=1_000_000, model="my-ft-7", feature=f"f{minute}")
        stage.at("07:20")
        stage.price()
        stage.estimate_of = a_million_at("3")
        stage.reload(OWN + DAILY)
        stage.runner.done, stage.runner.fatal, stage.runner.after_commit = 0, fatal, after_commit
        if stage.dies(stage.price):
            stage.repeats_allowed = 1
        stage.restart()
        stage.at("07:22")
        stage.price()
        assert stage.shown().totals.estimate_pico == 15 * DOLLAR
        assert [line.spent for line in stage.shown().budgets] == [15 * DOLLAR]


def test_rows_written_by_another_price_list_are_estimated_anew(play: Play) -> None:
    """A command beside the daemon may have read another budget file."""
    stage = play(OWN + DAILY)
    stage.estimate_of = a_million_at("3")
    stage.spend(None, at="07:10", tokens=1_000_000, model="my-ft-7")
    stage.at("07:20")
    stage.price()
    stage.spend(None, at="07:30", tokens=1_000_000, model="my-ft-7")
    stage.clock.move(stage.ms("07:40"))
    (watched,) = stage.watched
    assert watched.state is not None
    dearer = PriceBook((Price("^my-ft-", (("input", Fraction(9, 1_000_000)),)),))
    command = Reader(watched.entry.source, watched.state.key, Resolver(stage.book.rules.attribution), prices=dearer)
    stage._run(ingest_pass(command, stage.store, stage.runner, stage.clock, poll=0, need_from_ms=stage.ms("06:00")))
    assert stage.shown().totals.estimate_pico == 12 * DOLLAR
    (report,) = stage.price()
    assert (report.rows, report.changed) == (2, 1)
    assert stage.shown().totals.estimate_pico == 6 * DOLLAR


def test_a_partly_priced_call_is_estimated_at_what_is_missing_to_its_cost(play: Play) -> None:
    stage = play('prices: [{match: "^gpt-4o$", input: 2, output: 10, cache_read: 1}]\n' + DAILY)
    stage.estimate_of = lambda _: 3 * DOLLAR - DOLLAR
    usage = {"input_tokens": 1_000_000, "cache_read_input_tokens": 1_000_000}
    call = stage.spend("1", at="07:10", usage=usage)
    stage.warehouse.add([replace(call, cost={"cache_read_input_tokens": Decimal(1)}, updated_ms=call.updated_ms + 1)])
    stage.at("07:20")
    totals = stage.shown().totals
    assert (totals.cost_pico, totals.estimate_pico) == (DOLLAR, 2 * DOLLAR)


def test_the_watch_for_missing_prices_says_how_much_of_it_is_estimated(play: Play) -> None:
    stage = play(OWN + DAILY + "watch:\n  unpriced: {above: 1 requests}\n")
    stage.estimate_of = lambda span: 3 * DOLLAR // 1000 if span.model == "my-ft-7" else 0
    stage.at("06:30")
    for minute, model in ((10, "my-ft-7"), (11, "my-ft-7"), (12, "nobody-knows")):
        stage.spend(None, at=f"07:{minute}", model=model)
    stage.at("07:20")
    (incident,) = stage.open("unpriced")
    assert (incident.measured, incident.estimated) == (3, 6 * DOLLAR // 1000)


def test_an_older_version_of_an_unpriced_call_that_moved_arrives_late_and_changes_nothing(play: Play) -> None:
    stage = play(OWN + DAILY)
    stage.estimate_of = a_million_at("3")
    late = stage.spend(None, at="07:20:10", arrives="07:21:30", tokens=2_000_000, model="my-ft-7")
    stage.update(late, at="07:20:50", start="07:20:20")
    for time in ("07:21", "07:22"):
        stage.at(time)
        assert stage.shown().totals.estimate_pico == 6 * DOLLAR
    assert len(stage.warehouse) == 2
