"""What became too old goes, what it summed to stays, and nothing of it is ever counted again."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from fusewatch.app.prune import ROWS_AT_ONCE
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.coverage import Span
from fusewatch.domain.inheritance import NOTHING_INHERITED, Inheritance
from fusewatch.domain.notices import State
from fusewatch.domain.usage import Amounts
from fusewatch.domain.views import totals_view
from fusewatch.ports import Pruned
from tests.app.conftest import Play
from tests.app.stage import Stage
from tests.app.when import DAY_MS, HOUR_MS
from tests.store.samples import generation

DAILY = "history: 40d\nbudgets:\n  - {name: monthly, limit: $1000, every: month}\n"
KEPT = "retention: {rows: 41d, totals: 80d}\n" + DAILY
DOLLAR = 10**12


def nobody(stage: Stage) -> Inheritance:
    """Nothing to inherit, by the attribution in force."""
    return NOTHING_INHERITED._replace(revision=Resolver(stage.book.rules.attribution).revision)


def aged(play: Play, rules: str = KEPT) -> Stage:
    """Ten dollars a day for forty days, all of them read."""
    stage = play(rules, begins="00:30")
    for back in range(1, 40):
        at_ms = stage.clock.now_ms() - back * DAY_MS
        stage.spend("10", at=when(at_ms), feature="search", user="ann")
        stage.spend("0.5", at=when(at_ms + HOUR_MS), feature="chat", user="bob")
    stage.round()
    return stage


def when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def rows(stage: Stage) -> int:
    return len(stage.store.assess(lambda unit: unit.rows(0, 2**53)))


def total(stage: Stage) -> tuple[int, int]:
    totals = stage.store.read(lambda unit: unit.totals())
    return totals.generations, totals.cost_pico


def archived(stage: Stage) -> tuple[int, int]:
    with closing(sqlite3.connect(stage.store.path)) as raw:
        count, hi, lo = raw.execute("SELECT sum(requests), sum(cost_hi), sum(cost_lo) FROM hour_total").fetchone()
    return count or 0, (hi or 0) * 10**6 + (lo or 0)


def days(stage: Stage) -> list[tuple[int, Amounts]]:
    view = totals_view(stage.book.rules)
    return stage.store.read(
        lambda unit: [cell for key in unit.keys(view.id, 0) for cell in unit.days(view.id, key, 0, 2**40)]
    )


def later(stage: Stage, days_on: int) -> None:
    stage.clock.go_on(days_on * DAY_MS)
    stage.round()


def test_nothing_is_deleted_that_nobody_asked_to_delete(play: Play) -> None:
    stage = aged(play, DAILY)
    later(stage, 400)
    assert stage.keep_up()[0] is None
    assert rows(stage) == 78


def test_rows_go_and_every_sum_stays(play: Play) -> None:
    stage = aged(play)
    before, cells, counters = total(stage), days(stage), stage.shown().counters
    later(stage, 20)
    pruned, _ = stage.keep_up()
    assert pruned is not None
    assert sum(pruned.rows.values()) == 78 - rows(stage) > 30
    assert archived(stage)[0] == sum(pruned.rows.values())
    assert total(stage) == before
    assert days(stage) == cells
    assert stage.shown().counters == counters
    assert [c.debt_pico for c in counters] == [0] * len(counters)


def test_pruning_is_due_once_an_hour_by_what_is_stored(play: Play) -> None:
    stage = aged(play)
    assert stage.keep_up()[0] is not None
    stage.restart()
    assert stage.keep_up()[0] is None
    stage.clock.go_on(HOUR_MS)
    assert stage.keep_up()[0] is not None


def test_reading_again_what_was_pruned_counts_nothing_twice(play: Play) -> None:
    stage = aged(play)
    later(stage, 20)
    stage.keep_up()
    before = total(stage)
    project = next(iter(stage.active))
    (floor_ms,) = [p.floor_ms for p in stage.store.read(lambda unit: unit.projects())]
    assert floor_ms is not None
    with closing(sqlite3.connect(stage.store.path)) as raw:  # as if nothing had ever been read
        raw.execute("DELETE FROM coverage")
        raw.commit()
    stage.round()
    stage.round()
    assert total(stage) == before
    assert (
        stage.store.ingest(
            project, lambda unit: unit.record(Span(0, floor_ms), [], now_ms=1, inheritance=nobody(stage))
        ).below_floor
        == 0
    )


def test_a_late_row_below_the_floor_is_left_out_and_said(play: Play) -> None:
    stage = aged(play)
    later(stage, 20)
    stage.keep_up()
    before = total(stage)
    project = next(iter(stage.active))
    (floor_ms,) = [p.floor_ms for p in stage.store.read(lambda unit: unit.projects())]
    assert floor_ms is not None
    late = [generation("0a" * 8, start_ms=floor_ms - 1), generation("0b" * 8, start_ms=floor_ms)]
    recorded = stage.store.ingest(
        project,
        lambda unit: unit.record(
            Span(floor_ms - 1, floor_ms + 1), late, now_ms=stage.clock.now_ms(), inheritance=nobody(stage)
        ),
    )
    assert (recorded.new, recorded.below_floor) == (1, 1)
    assert total(stage)[0] == before[0] + 1
    with closing(sqlite3.connect(stage.store.path)) as raw:  # the story's own truth does not know that row
        raw.execute("DELETE FROM generation WHERE trace = x'4bf92f3577b34da6a3ce929d0e0e4736'")
        raw.commit()
    stage.store.ingest(project, lambda unit: unit.distrust_sums())
    stage.round()
    assert total(stage) == before


def test_killed_at_any_step_the_sums_are_right_and_the_next_start_ends_the_work(play: Play) -> None:
    for after_commit in (False, True):
        for fatal in range(1, 9):
            stage = aged(play)
            later(stage, 20)
            before, cells = total(stage), days(stage)
            stage.runner.fatal = stage.runner.done + fatal
            stage.runner.after_commit = after_commit
            stage.dies(stage.keep_up)
            stage.restart()
            assert total(stage) == before
            assert rows(stage) + archived(stage)[0] == 78
            stage.clock.go_on(HOUR_MS)
            stage.keep_up()
            assert total(stage) == before
            assert days(stage) == cells
            assert rows(stage) + archived(stage)[0] == 78


def test_damage_mended_after_pruning_forms_the_same_sums_anew(play: Play) -> None:
    """What was pruned is summed from the archive; cells of that time stay, and the day in between is whole."""
    stage = aged(play)
    later(stage, 20)
    before, cells, counters = total(stage), days(stage), stage.shown().counters
    stage.keep_up()
    project = next(iter(stage.active))
    stage.store.ingest(project, lambda unit: unit.distrust_sums())
    stage.round()
    assert total(stage) == before
    assert days(stage) == cells
    assert stage.shown().counters == counters


def test_sums_that_are_too_old_lose_their_hour_and_stay_in_the_totals(play: Play) -> None:
    stage = aged(play)
    before = total(stage)
    later(stage, 200)
    stage.keep_up()
    assert total(stage) == before
    assert archived(stage) == before
    assert days(stage) == []
    with closing(sqlite3.connect(stage.store.path)) as raw:
        assert raw.execute("SELECT count(DISTINCT from_ms) FROM hour_total").fetchone()[0] <= 2
        assert raw.execute("SELECT count(*) FROM series_key").fetchone() == (0,)


def test_ended_incidents_go_with_the_totals_and_messages_with_the_rows(play: Play) -> None:
    stage = play("retention: {rows: 41d, totals: 80d}\nhistory: 40d\nbudgets: [{name: d, limit: $1, every: day}]\n")
    stage.at("06:00")
    stage.spend("5", at="06:10")
    stage.at("06:11")
    later(stage, 45)
    stage.keep_up()
    assert stage.store.read(lambda unit: unit.delivery_counts()) == {}
    assert [incident.state for incident in stage.incidents("d")] == [State.ROLLED_OVER]
    later(stage, 81)
    stage.keep_up()
    assert stage.incidents("d") == []


def test_a_rule_that_looks_below_the_floor_says_at_least(play: Play) -> None:
    stage = aged(play)
    later(stage, 20)
    stage.keep_up()
    longer = (
        "retention: {rows: 200d}\nhistory: 40d\nspikes: [{name: s, factor: 2, each: [user], baseline: {days: 70}}]\n"
    )
    stage.reload(longer)
    stage.round()
    assert stage.shown().loading == ()
    known = stage.store.read(lambda unit: unit.known_from())
    (floor_ms,) = set(known.values())
    from_floor = (stage.clock.now_ms() - floor_ms) // DAY_MS
    stage.spend("9", at=when(stage.clock.now_ms()), user="ann")
    stage.every(1, until=when(stage.clock.now_ms() + 60_000))
    spikes = {spike.group: spike for spike in stage.shown().spikes}
    assert 3 <= spikes["user=ann"].days <= from_floor


def test_one_step_deletes_no_more_than_it_may(play: Play) -> None:
    stage = aged(play)
    later(stage, 200)
    project = next(iter(stage.active))
    steps: list[Pruned] = []
    while not steps or steps[-1].more:
        steps.append(stage.store.upkeep(lambda unit: unit.prune(project, stage.clock.now_ms(), most=7)))
    assert [step.rows for step in steps][:-1] == [7] * (len(steps) - 1)
    assert sum(step.rows for step in steps) == 78
    assert ROWS_AT_ONCE > 7


def test_the_audit_is_due_once_a_night_and_finds_nothing_in_a_right_ledger(play: Play) -> None:
    stage = aged(play, DAILY)
    assert stage.keep_up()[1] is None  # half past midnight
    stage.at("03:01")
    audits = []
    for _ in range(4):
        audits.append(stage.keep_up()[1])
        stage.restart()
        audits.append(stage.keep_up()[1])
        later(stage, 1)
    done = [audit for audit in audits if audit is not None]
    assert len(done) == 4
    assert len({audit.day for audit in done}) == 4
    assert all(audit.found == () for audit in done)


def test_a_damaged_cell_is_found_mended_and_told(play: Play) -> None:
    stage = aged(play, DAILY)
    stage.at("03:01")
    stage.news()
    right = days(stage)
    damage(stage.store.path, grain=0)
    _, audit = stage.keep_up()
    assert audit is not None
    assert {name for name, _ in audit.found} == {"monthly", "totals", "metrics", "drivers"}
    assert audit.off_pico == 3 * DOLLAR
    assert stage.news() == ["drift audit=2026-11-17 opened warning 100%"]
    (incident,) = stage.open("drift")
    assert (incident.measured, incident.detail) == (3 * DOLLAR, "formed anew from the rows")
    assert days(stage) == right
    stage.at("03:10")
    assert stage.silent()
    assert len(stage.open("drift")) == 1
    stage.at("11-19 00:10")
    assert stage.open("drift") == []
    assert stage.silent()


def test_a_damaged_day_is_found_too(play: Play) -> None:
    stage = aged(play, DAILY)
    stage.at("03:01")
    right = days(stage)
    damage(stage.store.path, grain=1)
    _, audit = stage.keep_up()
    assert audit is not None
    assert audit.off_pico == 3 * DOLLAR
    assert days(stage) == right


def damage(path: Path, *, grain: int) -> None:
    """Three dollars more in one cell of yesterday in every view that has one."""
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(
            "UPDATE series SET cost_hi = cost_hi + 3000000 WHERE grain = ?1 AND (key, bucket) IN (SELECT s.key,"
            " max(s.bucket) FROM series s JOIN series_key k ON k.id = s.key WHERE s.grain = ?1"
            " GROUP BY k.view)",
            (grain,),
        )
        raw.commit()
