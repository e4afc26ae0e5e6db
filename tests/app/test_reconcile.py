"""The ledger against Langfuse's own sums: what is found, what is mended, what is explained."""

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from fusewatch.app.ingest import Reader
from fusewatch.app.reconcile import HourReport, ReconcileReport, reconcile_pass
from fusewatch.demo.standin.model import Mode
from fusewatch.demo.standin.troubles import Trouble, on_path
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.coverage import Span
from fusewatch.domain.readplan import need_from
from fusewatch.errors import Retryable
from fusewatch.ports import Source
from fusewatch.ports.source import BucketSum
from tests.app.conftest import Play
from tests.app.stage import Stage

DAILY = "history: 2d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n"
PICO = 10**12
TEAMS = "history: 2d\nbudgets:\n  - {name: teams, each: [team], limit: $10, every: day}\n"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A stage whose ledger may rightly hold more than its Langfuse at the end."""
    made = Stage(rules=DAILY, folder=tmp_path)
    yield made
    made.close()


def compare(
    stage: Stage,
    *,
    sweep: bool = False,
    source: Source | None = None,
    told: Callable[[HourReport], None] = lambda _: None,
) -> ReconcileReport:
    (watched,) = stage.watched
    assert watched.state is not None
    reader = Reader(source or watched.entry.source, watched.state.key, Resolver(stage.book.rules.attribution))
    since = need_from(stage.book.rules, stage.clock.now_ms())
    report = stage._run(
        reconcile_pass(reader, stage.store, stage.runner, stage.clock, from_ms=since, sweep=sweep, told=told)
    )
    assert report.failure is None
    return report


class Unsound:
    """A Langfuse whose sums hold five dollars more than its rows; `busy` of its answers are a wish to wait."""

    def __init__(self, source: Source) -> None:
        self._source: Any = source
        self.busy: set[int] = set()
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def sums(self, span: Span) -> Sequence[BucketSum]:
        self.asked += 1
        if self.asked in self.busy:
            raise Retryable("rate_limited", "later", retry_after_s=60.0)
        found = await self._source.sums(span)
        return [replace(one, cost=one.cost + 5) for one in found]


def behind_our_back(stage: Stage, statement: str) -> None:
    """Somebody changes the database by hand."""
    with sqlite3.connect(stage.store.path) as database:
        database.execute(statement)
    database.close()


def requests(stage: Stage) -> int:
    return len(stage.standin.requests(""))


def test_a_ledger_that_agrees_costs_one_request_and_changes_nothing(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("3", at="06:10")
    stage.at("06:20", "08:00")
    before = requests(stage)
    report = compare(stage)
    assert requests(stage) - before == 1
    assert [(hour.read, hour.after.unexplained_pico) for hour in report.hours] == [(False, 0)]
    compare(stage)
    assert requests(stage) - before == 2


def test_rows_that_were_removed_from_the_ledger_come_back_and_every_sum_is_right(play: Play) -> None:
    stage = play(DAILY)
    for minute in range(10, 20):
        stage.spend("0.50", at=f"06:{minute}")
    stage.at("06:30", "08:00")
    compare(stage)
    behind_our_back(stage, "DELETE FROM generation WHERE start_ms IN (SELECT start_ms FROM generation LIMIT 4)")
    report = compare(stage)
    assert sum(hour.new for hour in report.hours) == 4
    assert report.drift_pico == 0
    stage.at("08:01")
    (line,) = stage.shown().budgets
    assert line.spent == 5_000_000_000_000


def test_a_cost_that_was_changed_in_the_ledger_is_put_right(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("3", at="06:10")
    stage.at("06:20", "08:00")
    compare(stage)
    behind_our_back(stage, "UPDATE generation SET cost = cost + 4000000000000")
    report = compare(stage)
    assert sum(hour.changed for hour in report.hours) == 1
    assert report.drift_pico == 0
    stage.at("08:01")
    (line,) = stage.shown().budgets
    assert line.spent == 3_000_000_000_000


def test_a_call_that_appears_hours_late_is_found_by_the_next_comparison(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("3", at="06:10")
    stage.at("06:20", "08:00")
    compare(stage)
    stage.spend("9", at="06:40", arrives="11:00")
    stage.every(10, until="11:30")
    assert stage.silent()
    report = compare(stage)
    assert sum(hour.new for hour in report.hours) == 1
    stage.at("11:31")
    assert stage.news() == ["daily opened critical 100%"]


def test_what_is_corrected_while_hours_are_read_is_no_drift(play: Play) -> None:
    """Reading the hours that differ may take minutes within the request budget, and the sums are older than that."""
    stage = play(DAILY)
    call = stage.spend("3", at="06:10")
    stage.at("06:20", "08:20")
    compare(stage)
    for start in ("06:40", "07:40"):
        stage.spend("1", at=start, arrives="11:00")
    stage.every(10, until="11:30")

    def correct(hour: HourReport) -> None:
        if hour.after.ledger.cost_pico == PICO:
            stage.update(call, at="11:30", usd="2")

    report = compare(stage, told=correct)
    assert [(hour.read, hour.after.unexplained_pico != 0) for hour in report.hours] == [(True, False), (True, True)]
    assert report.drift_pico == 0
    report = compare(stage)
    assert [(hour.read, hour.after.unexplained_pico) for hour in report.hours] == [(False, 0), (True, 0)]
    assert report.drift_pico == 0
    stage.at("11:31")


@pytest.mark.parametrize("busy", [set(), {2}])
def test_sums_that_stay_apart_from_the_rows_are_drift_as_soon_as_it_is_sure(stage: Stage, busy: set[int]) -> None:
    stage.spend("3", at="06:10")
    stage.at("06:20", "08:00")
    unsound = Unsound(stage.watched[0].entry.source)
    unsound.busy = busy
    source = cast("Source", unsound)
    first = compare(stage, source=source)
    assert (first.drift_pico, unsound.asked) == (0 if busy else -5 * PICO, 2)
    again = compare(stage, source=source)
    assert (again.drift_pico, unsound.asked, again.hours[0].read) == (-5 * PICO, 3, False)


def test_what_was_deleted_in_langfuse_stays_spent_and_is_no_drift(stage: Stage) -> None:
    call = stage.spend("3", at="06:10")
    stage.spend("2", at="06:12")
    stage.at("06:20", "08:00")
    compare(stage)
    stage.warehouse.delete_trace(call.project_id, call.trace_id)
    report = compare(stage)
    (hour,) = report.hours
    assert (hour.gone, hour.after.ledger.gone_pico, report.drift_pico) == (1, 3_000_000_000_000, 0)
    assert stage.shown().totals.cost_pico == 5_000_000_000_000
    before = requests(stage)
    assert compare(stage).drift_pico == 0
    assert requests(stage) - before == 1


def test_a_call_that_was_deleted_and_sent_again_is_gone_no_more(stage: Stage) -> None:
    call = stage.spend("3", at="06:10")
    stage.spend("1", at="06:11")
    stage.at("06:20", "08:00")
    compare(stage)
    stage.warehouse.delete_trace(call.project_id, call.trace_id)
    assert compare(stage).hours[0].after.ledger.gone_pico == 3_000_000_000_000
    stage.warehouse.add([call])
    (hour,) = compare(stage).hours
    assert (hour.after.ledger.gone_pico, hour.after.unexplained_pico) == (0, 0)


def test_what_langfuse_stores_twice_is_explained_and_not_read_again(stage: Stage) -> None:
    call = stage.spend("3", at="06:10")
    stage.at("06:20")
    stage.warehouse.move(call, start_ms=call.start_ms + 60_000, updated_ms=call.updated_ms + 1000)
    stage.at("06:22", "08:00")
    (hour,) = compare(stage).hours
    assert (hour.after.langfuse_pico, hour.after.ledger.cost_pico) == (6_000_000_000_000, 3_000_000_000_000)
    assert hour.after.unexplained_pico == 0
    before = requests(stage)
    compare(stage)
    assert requests(stage) - before == 1


def test_a_team_that_changed_at_equal_cost_is_found_by_the_weekly_sweep(play: Play) -> None:
    stage = play(TEAMS)
    call = stage.spend("3", at="06:10", team="content")
    stage.at("06:20", "08:00")
    compare(stage)
    stage.update(call, at="08:01", team="search")
    stage.at("08:10")
    assert not any(hour.read for hour in compare(stage).hours)
    report = compare(stage, sweep=True)
    assert sum(hour.changed for hour in report.hours) == 1
    stage.at("08:11")
    assert {line.labels: line.spent for line in stage.shown().budgets if line.spent} == {
        (("team", "search"),): 3_000_000_000_000
    }


def test_metrics_that_know_nothing_at_all_are_not_believed(stage: Stage) -> None:
    stage.spend("3", at="06:10")
    stage.at("06:20", "08:00")
    empty = Trouble(on_path("metrics"), times=None, change=lambda reply: replace(reply, body=b'{"data":[]}'))
    stage.standin.troubles.add(empty)
    with pytest.raises(AssertionError, match="no spend in hours whose rows were read"):
        compare(stage)
    assert stage.shown().totals.cost_pico == 3_000_000_000_000


def test_a_call_that_moved_within_its_hour_is_no_drift(play: Play) -> None:
    stage = play(DAILY)
    call = stage.spend("3", at="06:40")
    stage.at("06:50")
    stage.update(call, at="06:55", start="06:10")
    stage.at("06:56", "08:00")
    report = compare(stage, sweep=True)
    assert report.drift_pico == 0
    assert [hour.after.ledger.moved_pico for hour in report.hours] == [3_000_000_000_000]
    assert compare(stage, sweep=True).drift_pico == 0
    stage.at("08:01")


def test_rows_that_v1_pages_give_twice_are_not_taken_for_stored_twice(play: Play) -> None:
    """v1 has no order among rows of one instant, so a walk asks for the last instant of a page once more."""
    stage = play(DAILY)
    stage.standin.mode = Mode.LEGACY
    for second in range(10, 50):
        for _ in range(4):
            stage.spend("0.05", at=f"05:10:{second}")
    stage.small_pages()
    stage.at("06:00", "07:30")
    compare(stage)
    report = compare(stage, sweep=True)
    assert [hour.read for hour in report.hours] == [True]
    assert report.drift_pico == 0


def test_a_call_without_a_price_that_came_late_is_missed_by_its_tokens(play: Play) -> None:
    """Whoever budgets tokens, or has prices of their own, wants it too; its cost of nothing shows no difference."""
    stage = play(DAILY)
    stage.spend("3", at="06:10")
    stage.spend(None, at="06:40", arrives="09:00", model="nobody-knows")
    stage.at("06:20", "08:00", "09:10")
    assert stage.shown().totals.generations == 1
    report = compare(stage)
    assert [(hour.read, hour.new) for hour in report.hours] == [(True, 1)]
    assert [hour.read for hour in compare(stage).hours] == [False]
    stage.at("09:11")


def ledger_rows(stage: Stage) -> list[tuple[object, ...]]:
    with sqlite3.connect(stage.store.path) as database:
        rows = database.execute(
            "SELECT start_ms, trace, obs, updated_ms, cost, pricing, total, counted, gone_ms IS NULL FROM generation"
        ).fetchall()
    database.close()
    return sorted(rows)


@pytest.mark.parametrize("mode", [Mode.EVENTS_ONLY, Mode.LEGACY])
@pytest.mark.parametrize("seed", range(3))
def test_an_hour_that_is_read_in_parts_comes_out_as_one_that_is_read_at_once(
    stage: Stage, tmp_path: Path, mode: Mode, seed: int
) -> None:
    """Several calls of one instant, so that pages end within it; some changed, moved, deleted, sent twice, late."""
    (tmp_path / "parts").mkdir()
    parts = Stage(rules=DAILY, folder=tmp_path / "parts")
    outcomes = []
    try:
        for each in (stage, parts):
            rnd = random.Random(seed)
            each.standin.mode = mode
            calls = []
            for number in range(240):
                at = f"06:{rnd.randrange(60):02}:{rnd.choice((0, 20, 40)):02}"
                late = rnd.random() < 0.2
                usd = None if number % 9 == 0 else f"{rnd.randrange(1, 400) / 100}"
                calls.append(each.spend(usd, at=at, arrives="09:00" if late else None))
            each.at("07:05", "08:50")
            for call in rnd.sample(calls, 60):
                match rnd.choice(("cost", "move", "delete", "again")):
                    case "cost":
                        each.update(call, at="08:55", usd=f"{rnd.randrange(1, 400) / 100}")
                    case "move" if mode is Mode.EVENTS_ONLY:
                        each.update(call, at="08:56", start=f"06:{rnd.randrange(60):02}:30")
                    case "delete":
                        each.warehouse.delete_trace(call.project_id, call.trace_id)
                    case _:
                        each.warehouse.add([call])
            each.at("09:10")
            if each is parts:
                each.small_pages()
            before = requests(each)
            reports = [compare(each, sweep=True), compare(each, sweep=True)]
            outcomes.append((requests(each) - before, [r.hours for r in reports], [r.drift_pico for r in reports]))
    finally:
        parts.close()
    (few, at_once, drifts), (many, in_parts, _) = outcomes
    assert many > few + 20, "the pages are small"
    assert drifts == [0, 0]
    assert in_parts == at_once
    assert [hour.new > 0 and hour.gone > 0 for hour in at_once[0]] == [True]
    assert ledger_rows(parts) == ledger_rows(stage)
