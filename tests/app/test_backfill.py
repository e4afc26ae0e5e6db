"""History that somebody asks for: read once, newest first, whatever interrupts it, and no counter moves."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pytest

from fusewatch.app.backfill import BackfillReport, backfill_pass
from fusewatch.app.ingest import Reader
from fusewatch.demo.standin.troubles import SERVICE_UNAVAILABLE, Trouble, on_path, rate_limited
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.coverage import Span, covers
from fusewatch.domain.ratebudget import Priority
from fusewatch.domain.readplan import newest_hole
from fusewatch.ports import BucketSum, GroupSums, ModelList, Page, ProjectIdentity, Source, Walk
from tests.app.conftest import Play
from tests.app.inbox import Killed
from tests.app.stage import Stage
from tests.app.when import DAY_MS

RULES = "history: 2d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n"
DOLLAR = 10**12


async def unlimited() -> bool:
    return False


async def limited() -> bool:
    return True


def reader_of(stage: Stage, window_ms: int = DAY_MS) -> Reader:
    (watched,) = stage.watched
    assert watched.state is not None
    return Reader(watched.entry.source, watched.state.key, Resolver(stage.book.rules.attribution), window_ms=window_ms)


def backfill(
    stage: Stage,
    since: str,
    until: str = "",
    *,
    reader: Reader | None = None,
    limits: Callable[[], Awaitable[bool]] = unlimited,
    told: Callable[[BackfillReport], None] = lambda _: None,
) -> BackfillReport:
    """Afterwards the daemon judges, as it does every few seconds."""
    span = Span(stage.ms(since), stage.ms(until) if until else stage.clock.now_ms())
    reader = reader or reader_of(stage)
    report = stage._run(backfill_pass(reader, stage.store, stage.runner, stage.clock, span, limited=limits, told=told))
    stage._run(stage._assess_and_deliver())
    return report


def is_covered(stage: Stage, since: str, until: str) -> bool:
    key = reader_of(stage).project
    spans = stage.store.ingest(key, lambda unit: list(unit.coverage()))
    return covers(spans, stage.ms(since), stage.ms(until))


def a_year_before(stage: Stage) -> None:
    """Two calls on each of ten days long before anything that the rules look at."""
    for day in range(10, 20):
        for hour in (3, 15):
            stage.spend("1.25", at=f"09-{day} {hour:02}:00", feature="chat", team="web")


def ledger(stage: Stage) -> tuple[int, int]:
    totals = stage.store.read(lambda unit: unit.totals())
    return totals.generations, totals.cost_pico


def test_what_was_asked_for_is_read_and_what_was_read_is_not_asked_for_again(play: Play) -> None:
    stage = play(RULES)
    a_year_before(stage)
    stage.at("06:00")
    assert ledger(stage) == (0, 0)
    report = backfill(stage, "09-12 00:00", "09-15 00:00")
    assert (report.rows, report.new, report.added_pico, report.unread_ms) == (6, 6, 7_500_000_000_000, 0)
    assert is_covered(stage, "09-12 00:00", "09-15 00:00")
    assert not is_covered(stage, "09-11 23:59", "09-15 00:00")

    before = len(stage.standin.requests(""))
    again = backfill(stage, "09-12 00:00", "09-15 00:00")
    assert (again.asked_ms, again.rows, len(stage.standin.requests(""))) == (0, 0, before)
    wider = backfill(stage, "09-10 00:00", "09-20 00:00")
    assert (wider.new, wider.asked_ms) == (14, 7 * DAY_MS)
    assert ledger(stage) == (20, 25 * DOLLAR)


def test_backfill_moves_no_counter_and_tells_nobody_of_old_periods(play: Play) -> None:
    stage = play(RULES.replace("$10", "$2"))
    a_year_before(stage)
    stage.spend("1", at="05:00", feature="chat")
    stage.at("06:00")
    before = stage.shown()
    assert before.counters
    report = backfill(stage, "09-01 00:00")
    assert report.new == 20
    stage.at("06:01", "06:02")
    after = stage.shown()
    assert after.counters == before.counters
    assert after.durations == before.durations
    assert after.project_counters == before.project_counters
    assert after.totals.cost_pico - before.totals.cost_pico == 25 * DOLLAR
    assert stage.silent()


def test_a_ledger_filled_before_the_first_load_keeps_old_history_out_of_the_counters(play: Play) -> None:
    """Whoever backfills while the daemon has never been up to date gets the counters that it would have had."""
    stage = play(RULES, window_ms=DAY_MS // 4)
    a_year_before(stage)
    stage.spend("1", at="05:00", feature="chat")
    stage.poll("06:00")
    assert stage.shown().counters == ()
    backfill(stage, "09-01 00:00")
    stage.at("06:01")
    counters = stage.shown().counters
    assert [(series.cost_pico, series.requests) for series in counters if series.requests] == [(DOLLAR, 1)]
    assert ledger(stage) == (21, 26 * DOLLAR)


def dies(at: Callable[[], object]) -> bool:
    """Whether the process was killed on the way, inside one of the windows or beside them."""
    killed = False
    try:
        at()
    except* Killed:
        killed = True
    return killed


@pytest.mark.parametrize("after_commit", [False, True])
def test_killed_at_any_transaction_it_goes_on_and_counts_nothing_twice(play: Play, after_commit: bool) -> None:
    for fatal in range(1, 40):
        stage = play(RULES)
        a_year_before(stage)
        stage.at("06:00")
        stage.runner.fatal = stage.runner.done + fatal
        stage.runner.after_commit = after_commit
        if not dies(partial(backfill, stage, "09-10 00:00", "09-20 00:00")):
            break
        stage.restart()
        stage.round()
        backfill(stage, "09-10 00:00", "09-20 00:00")
        assert ledger(stage) == (20, 25 * DOLLAR)
        assert is_covered(stage, "09-10 00:00", "09-20 00:00")
    else:
        raise AssertionError("the backfill never came to an end")
    assert fatal > 10, "it was killed on the way"


def test_killed_between_the_pages_of_a_window_it_reads_only_what_is_left(play: Play) -> None:
    stage = play(RULES)
    for number in range(400):
        stage.spend("0.01", at=f"09-10 {number // 20:02}:{number % 20:02}")
    stage.at("06:00")
    stage.small_pages()
    backfill(stage, "09-09 00:00", "09-09 12:00")  # learns that pages are small
    stage.wire.fatal = stage.wire.done + 14
    assert dies(lambda: backfill(stage, "09-10 00:00", "09-11 00:00", limits=limited))
    kept, _ = ledger(stage)
    assert 0 < kept < 400
    stage.restart()
    stage.round()
    report = backfill(stage, "09-10 00:00", "09-11 00:00")
    assert report.new == 400 - kept
    assert report.rows < 400 - kept + 40
    assert ledger(stage) == (400, 4 * DOLLAR)


def test_what_langfuse_refuses_for_now_is_tried_again_and_nothing_is_read_twice(play: Play) -> None:
    stage = play(RULES)
    a_year_before(stage)
    stage.at("06:00")
    stage.standin.troubles.add(Trouble(on_path("observations"), times=3, instead=SERVICE_UNAVAILABLE))
    began_ms = stage.clock.now_ms()
    report = backfill(stage, "09-10 00:00", "09-20 00:00")
    assert report.failure is None
    assert report.new == 20
    assert stage.clock.now_ms() > began_ms, "it waited"


def test_an_outage_that_does_not_end_is_reported_with_what_is_left(play: Play) -> None:
    stage = play(RULES)
    a_year_before(stage)
    stage.at("06:00")
    stage.langfuse_down()
    report = backfill(stage, "09-10 00:00", "09-20 00:00")
    assert report.failure is not None
    assert report.failure.reason == "server_error"
    assert report.unread_ms == 10 * DAY_MS
    assert stage.shown().projects[0].failing_since_ms is None, "the daemon's own reading is not at fault"
    stage.langfuse_up()
    assert backfill(stage, "09-10 00:00", "09-20 00:00").new == 20


def test_progress_never_goes_back_and_ends_with_everything_read(play: Play) -> None:
    stage = play(RULES)
    a_year_before(stage)
    stage.at("06:00")
    unread: list[int] = []
    backfill(stage, "09-08 00:00", "09-22 00:00", told=lambda report: unread.append(report.unread_ms))
    assert unread[0] == 14 * DAY_MS
    assert unread == sorted(unread, reverse=True)
    assert unread[-1] == 0


def test_the_newest_is_read_first(play: Play) -> None:
    stage = play(RULES)
    a_year_before(stage)
    stage.at("06:00")
    holes: list[Span | None] = []

    def look(_: BackfillReport) -> None:
        spans = stage.store.ingest(reader_of(stage).project, lambda unit: list(unit.coverage()))
        holes.append(newest_hole(spans, stage.ms("09-10 00:00"), 100 * DAY_MS, 0))

    backfill(stage, "09-10 00:00", limits=limited, told=look)
    ends = [hole.to_ms for hole in holes if hole is not None]
    assert len(ends) > 50
    assert ends == sorted(ends, reverse=True)


def test_what_was_pruned_is_never_read_again(play: Play) -> None:
    stage = play(RULES)
    a_year_before(stage)
    stage.at("06:00")
    key = reader_of(stage).project
    floor_ms = stage.ms("09-15 00:00")
    stage.store._write(lambda link: link.run("UPDATE project SET floor_ms = ? WHERE key = ?", (floor_ms, key)))
    report = backfill(stage, "09-10 00:00", "09-20 00:00")
    assert (report.floor_ms, report.span.from_ms) == (floor_ms, floor_ms)
    assert report.new == 10
    wholly = backfill(stage, "09-10 00:00", "09-12 00:00")
    assert (wholly.rows, wholly.asked_ms, wholly.failure) == (0, 0, None)


def test_the_hole_of_an_outage_is_read_with_what_had_started_before_it(play: Play) -> None:
    stage = play(RULES)
    stage.at("06:00")
    stage.spend("3", at="05:55", arrives="06:20")
    stage.spend("2", at="07:00")
    stage.clock.move(stage.ms("09:00"))
    report = backfill(stage, "11-17 00:00")
    assert report.new == 2
    stage.at("09:01")
    assert stage.shown().totals.cost_pico == 5 * DOLLAR


@dataclass(slots=True)
class Busy:
    """Implements `ports.Source`: another one, and how many pages were asked of it at once."""

    inner: Source
    now: int = 0
    most: int = 0

    async def identify(self) -> ProjectIdentity:
        return await self.inner.identify()

    def walk(self, span: Span, *, priority: Priority = Priority.LIVE) -> Walk:
        assert priority is Priority.HISTORY
        return _BusyWalk(self, self.inner.walk(span, priority=priority))

    async def sums(self, span: Span, *, by_minute: bool = False) -> list[BucketSum]:
        return list(await self.inner.sums(span, by_minute=by_minute))

    async def group_sums(self, from_ms: int, to_ms: int, dimensions: Sequence[str]) -> GroupSums:
        return await self.inner.group_sums(from_ms, to_ms, dimensions)

    async def sums_pace_s(self) -> float:
        return await self.inner.sums_pace_s()

    async def models(self) -> ModelList:
        return await self.inner.models()

    async def close(self) -> None:
        await self.inner.close()


@dataclass(slots=True)
class _BusyWalk:
    source: Busy
    inner: Walk

    async def next_page(self) -> Page | None:
        self.source.now += 1
        self.source.most = max(self.source.most, self.source.now)
        try:
            await asyncio.sleep(0)
            return await self.inner.next_page()
        finally:
            self.source.now -= 1


@pytest.mark.parametrize(("limits", "most"), [(unlimited, 3), (limited, 1)])
def test_three_windows_are_read_at_once_only_where_requests_are_not_limited(
    play: Play, limits: Callable[[], Awaitable[bool]], most: int
) -> None:
    stage = play(RULES)
    a_year_before(stage)
    stage.at("06:00")
    reader = reader_of(stage)
    busy = Busy(reader.source)
    report = backfill(stage, "09-10 00:00", "09-20 00:00", reader=replace(reader, source=busy), limits=limits)
    assert report.new == 20
    assert busy.most == most


def test_a_limit_that_is_learned_on_the_way_is_kept(play: Play) -> None:
    stage = play(RULES)
    a_year_before(stage)
    stage.at("06:00")
    reader = reader_of(stage)
    busy = Busy(reader.source)
    known: list[bool] = []

    async def learned() -> bool:
        known.append(any(seen.status == 429 for seen in stage.standin.log))
        return known[-1]

    stage.standin.troubles.add(rate_limited(30))
    stage.spend("1", at="09-09 12:00")
    report = backfill(stage, "09-01 00:00", "09-20 00:00", reader=replace(reader, source=busy), limits=learned)
    assert report.failure is None
    assert report.new == 21
    assert known[-1]
