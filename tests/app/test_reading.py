"""Reading a span: what is held while it goes on, and what is kept when it breaks off."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from weakref import ref

import pytest

from fusewatch.app.ingest import PAGES_A_COMMIT, Batch, Reader, read_span
from fusewatch.domain.attribution import Resolver
from fusewatch.domain.ratebudget import Priority
from fusewatch.domain.usage import Observation
from fusewatch.errors import Retryable
from fusewatch.ports import Page, Source, Span, Walk
from fusewatch.runtime import InlineRunner, SystemClock
from fusewatch.store import SqlStore
from tests.domain.observing import observation
from tests.store.samples import PROJECT, T0, fresh_store

SPAN = Span(T0 - 100_000, T0)


class Rows(list[Observation]):
    """A list that can be watched."""


@dataclass
class Pages:
    """A walk of so many pages of one row each, newest first; the last one cannot be had where `broken`."""

    most: int
    broken: bool = False
    seen: list[ref[Rows]] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    """How many earlier pages' rows were still there as each page was asked for."""

    def walk(self, span: Span, *, priority: Priority = Priority.LIVE) -> Walk:
        assert span == SPAN
        return self

    async def next_page(self) -> Page | None:
        self.held.append(sum(1 for rows in self.seen if rows() is not None))
        number = len(self.held)
        if number == self.most and self.broken:
            raise Retryable("timeout", "the last page does not come")
        start_ms = T0 - 1_000 * number
        rows = Rows([observation(id=f"o{number}", start_ms=start_ms, usage={"input": 5}, total_cost=0.25)])
        self.seen.append(ref(rows))
        last = number == self.most
        return Page(rows, [], SPAN.from_ms if last else start_ms + 1, T0, last, 100)


def _read(store: SqlStore, pages: Pages, count: Callable[[Batch], None]) -> None:
    reader = Reader(cast("Source", pages), PROJECT.key, Resolver(()))
    store.register(PROJECT, "production", now_ms=T0)
    asyncio.run(read_span(reader, store, InlineRunner(), SystemClock(), SPAN, T0, Priority.HISTORY, count))


def test_the_rows_of_a_page_are_let_go_before_the_next_one_is_asked_for() -> None:
    pages = Pages(2 * PAGES_A_COMMIT + 1)
    counted: list[Batch] = []
    with fresh_store() as store:
        _read(store, pages, counted.append)
        assert store.read(lambda unit: unit.totals().generations) == pages.most
    assert [(batch.pages, batch.rows) for batch in counted] == [(5, 5), (5, 5), (1, 1)]
    assert pages.held == [0] * pages.most


def test_what_was_written_is_counted_and_covered_though_a_later_page_fails() -> None:
    counted: list[Batch] = []
    with fresh_store() as store:
        with pytest.raises(Retryable, match="does not come"):
            _read(store, Pages(PAGES_A_COMMIT + 2, broken=True), counted.append)
        covered = store.ingest(PROJECT.key, lambda unit: list(unit.coverage()))
        assert store.read(lambda unit: unit.totals().generations) == PAGES_A_COMMIT
    assert [batch.pages for batch in counted] == [PAGES_A_COMMIT]
    assert covered == [Span(T0 - 1_000 * PAGES_A_COMMIT + 1, T0)]
