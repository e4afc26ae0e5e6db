"""A unit of work becomes true as a whole or not at all: after an error, after a kill, beside other processes."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fusewatch.errors import StoreBusy
from fusewatch.ports import AssessUnit, IngestUnit, ReadUnit, Span, StoredRules, Totals
from fusewatch.store import SqlStore, open_store
from tests.store.samples import CELL_MS, CHAT, PROJECT, SEARCH, T0, generation, opened, record

ALL = Span(0, 2**60)

WRITER = """
import itertools, sys
from fusewatch.ports import Span
from tests.store.samples import CELL_MS, PROJECT, T0, generation, opened

store = opened(sys.argv[1], holder="the writer")
store.ingest(PROJECT.key, lambda unit: unit.loaded(at_ms=T0, counters_from_ms=0))
for step in itertools.count():
    batch = [generation(f"{i:016x}", start_ms=T0 + (i + step) % 9 * CELL_MS, updated_ms=step) for i in range(40)]
    batch += [generation(f"{step:015x}f", trace_id=str(step))]
    store.ingest(PROJECT.key, lambda unit: unit.record(Span(0, 2**60), batch, now_ms=T0))
    if step % 2:
        store.assess(lambda unit: [unit.add("v", (), d.cell, 1, d.amounts) for d in unit.take_deltas(100_000)])
    print(step, flush=True)
"""


def take_all(unit: AssessUnit) -> None:
    for delta in unit.take_deltas(100_000):
        unit.add("v", (), delta.cell, 1, delta.amounts)


def test_an_error_in_the_middle_of_a_unit_leaves_nothing(store: SqlStore) -> None:
    record(store, [generation("a1" * 8)])
    before = store.read(lambda unit: (unit.version(), unit.totals(), unit.coverage()))

    def fail(unit: IngestUnit) -> None:
        unit.record(Span(T0, T0 + 1), [generation("a2" * 8, user="new", dimensions=CHAT)], now_ms=T0)
        unit.cover(Span(0, 5), read_at_ms=1)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        store.ingest(PROJECT.key, fail)
    assert store.read(lambda unit: (unit.version(), unit.totals(), unit.coverage())) == before
    assert len(store.assess(lambda unit: list(unit.take_deltas(10)))) == 1


def test_ids_given_in_a_transaction_that_failed_are_not_remembered(store: SqlStore) -> None:
    """Else the next new user would be booked under the id that was promised to the first."""

    def fail(unit: IngestUnit) -> None:
        unit.record(Span(T0, T0 + 1), [generation("a1" * 8, user="lost", session="s-lost", dimensions=CHAT)], now_ms=T0)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.ingest(PROJECT.key, fail)
    other = CHAT._replace(feature="another")
    record(store, [generation("a2" * 8, user="kept", session="s-kept", dimensions=other)])
    record(store, [generation("a1" * 8, user="lost", session="s-lost", dimensions=CHAT)])
    with_names = store.assess(lambda unit: {(r.user, r.session, r.dimensions) for r in unit.rows(0, ALL.to_ms)})
    assert with_names == {("kept", "s-kept", other), ("lost", "s-lost", CHAT)}


def test_changes_taken_in_a_unit_that_failed_are_there_again(store: SqlStore) -> None:
    record(store, [generation()])

    def fail(unit: AssessUnit) -> None:
        for delta in unit.take_deltas(10):
            unit.add("v", (), delta.cell, 1, delta.amounts)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.assess(fail)
    assert len(store.assess(lambda unit: list(unit.take_deltas(10)))) == 1
    assert store.read(lambda unit: unit.keys("v", 0)) == []


def test_a_read_sees_one_state_however_long_it_lasts(store: SqlStore) -> None:
    def work_beside_a_writer(unit: ReadUnit) -> tuple[Totals, Totals]:
        before = unit.totals()
        writer = threading.Thread(target=lambda: record(store, [generation("a9" * 8)]))
        writer.start()
        writer.join()
        return before, unit.totals()

    first, second = store.read(work_beside_a_writer)
    assert first == second
    assert store.read(lambda unit: unit.totals()).generations == 1


def test_the_version_changes_with_every_write_and_only_then(store: SqlStore) -> None:
    versions = [store.read(lambda unit: unit.version())]
    record(store, [generation()])
    versions.append(store.read(lambda unit: unit.version()))
    store.keep_rules(StoredRules((("a.yaml", "x"),), 1))
    versions.append(store.read(lambda unit: unit.version()))
    assert len(set(versions)) == 3
    store.deliver(lambda unit: unit.claim("nowhere", now_ms=1, until_ms=2, holder="h"))
    assert store.read(lambda unit: unit.version()) == versions[-1]


def test_a_command_beside_the_daemon_reads_and_writes(url: str, store: SqlStore) -> None:
    record(store, [generation("a1" * 8, user="first")])
    with open_store(url, holder="command", exclusive=False, busy_timeout_ms=200) as command:
        assert command.read(lambda unit: unit.totals()).generations == 1
        record(command, [generation("a2" * 8, user="from the command", dimensions=CHAT)])
        record(store, [generation("a3" * 8, user="from the daemon", dimensions=SEARCH._replace(team="x"))])
        record(command, [generation("a4" * 8, user="from the daemon", dimensions=CHAT)])
    users = store.assess(lambda unit: [row.user for row in unit.rows(0, ALL.to_ms)])
    assert sorted(users) == ["first", "from the command", "from the daemon", "from the daemon"]


def test_a_writer_that_waits_too_long_says_that_the_database_is_busy(url: str, store: SqlStore) -> None:
    with open_store(url, holder="command", exclusive=False, busy_timeout_ms=20) as command:

        def hold(unit: IngestUnit) -> None:
            unit.cover(Span(1, 2), read_at_ms=1)
            with pytest.raises(StoreBusy, match="locked"):
                record(command, [generation()])
            assert command.read(lambda reader: reader.totals()).generations == 0

        store.ingest(PROJECT.key, hold)
        assert record(command, [generation()]).new == 1


def test_threads_may_share_a_store(store: SqlStore) -> None:
    def write(number: int) -> None:
        for i in range(5):
            record(store, [generation(f"{number:08x}{i:08x}", user=f"u{number}-{i}")])
            store.read(lambda unit: unit.counters())

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read(lambda unit: unit.totals()).generations == 20
    assert len(store.assess(lambda unit: {row.user for row in unit.rows(0, ALL.to_ms)})) == 20


def test_a_write_unit_inside_another_is_refused_and_harms_nothing(store: SqlStore) -> None:
    def nest(unit: IngestUnit) -> None:
        unit.cover(Span(1, 2), read_at_ms=1)
        with pytest.raises(RuntimeError, match="inside another"):
            record(store, [generation()])

    store.ingest(PROJECT.key, nest)
    assert store.ingest(PROJECT.key, lambda unit: list(unit.coverage())) == [Span(1, 2)]


def test_a_killed_daemon_leaves_a_consistent_database_and_no_lock(url: str) -> None:
    root = Path(__file__).parents[2]
    for steps in (1, 6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True, cwd=root, env={"PYTHONPATH": "."}
        )
        assert writer.stdout is not None
        with writer.stdout:
            done = [int(writer.stdout.readline()) for _ in range(steps)]
            writer.kill()
            writer.wait()
        with opened(url) as store:
            store.assess(take_all)
            rows = store.assess(lambda unit: list(unit.rows(0, ALL.to_ms)))
            totals = store.read(lambda unit: unit.totals())
            counters = store.read(lambda unit: unit.counters())
            cells = store.read(lambda unit: unit.quarters("v", (), 0, ALL.to_ms // CELL_MS))
        assert totals.generations == len(rows) >= 40 + len(done)
        assert totals.cost_pico == sum(row.amounts.cost_pico for row in rows)
        assert totals.cost_pico == sum(c.cost_pico - c.debt_pico for c in counters)
        assert totals.cost_pico == sum(amounts.cost_pico for _, amounts in cells)
