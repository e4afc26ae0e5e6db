"""What v1 keeps on the trace only (user, session, tags, release, name, metadata), found for the rows of a page."""

from collections import OrderedDict
from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from fusewatch.domain.ratebudget import Priority
from fusewatch.errors import Retryable
from fusewatch.langfuse.answers import NotAvailable, Overloaded
from fusewatch.langfuse.instants import epoch_ms
from fusewatch.langfuse.paging import NewestFirst, PageSize
from fusewatch.langfuse.transport import Answer, Transport
from fusewatch.langfuse.wire import PageDecoder, PageOf, Trace, decode
from fusewatch.ports import Span

REMEMBERED_TRACES = 5_000
LOOK_BEFORE_MS = 3_600_000
"""Traces are listed up to an hour before the span: a trace starts before its observations."""

MOST_PAGES_AT_ONCE = 50
MOST_SINGLE_REQUESTS = 20
"""Per page of observations; what is still missing then stays empty until a later lookback finds it."""

_LONGEST_VALUE = 1_000
_FIELDS = "core,io"
"""Trace metadata stands in the group `io` (FINDINGS part 2, item 6)."""

_DECODER = PageDecoder(PageOf[Trace], Trace)
_ONE = msgspec.json.Decoder(Trace)


class TraceFacts(NamedTuple):
    """What a trace adds to its observations; absent strings are ""."""

    name: str = ""
    user: str = ""
    session: str = ""
    release: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, object] = {}  # noqa: RUF012  (read-only; a NamedTuple default)


NOTHING_KNOWN = TraceFacts()


class TraceMemory:
    """The traces read lately, over all walks of one source; the oldest are forgotten first."""

    def __init__(self, transport: Transport, *, capacity: int = REMEMBERED_TRACES) -> None:
        self.transport = transport
        self.size = PageSize(100)
        self._capacity = capacity
        self._facts: OrderedDict[str, TraceFacts] = OrderedDict()

    def __contains__(self, trace_id: str) -> bool:
        return trace_id in self._facts

    def facts(self, trace_id: str) -> TraceFacts:
        found = self._facts.get(trace_id)
        if found is None:
            return NOTHING_KNOWN
        self._facts.move_to_end(trace_id)
        return found

    def remember(self, trace: Trace) -> None:
        self._facts[trace.id] = facts_of(trace)
        self._facts.move_to_end(trace.id)
        while len(self._facts) > self._capacity:
            self._facts.popitem(last=False)


class TraceListing:
    """Lists the traces beside one walk: always those as young as the rows (they may have changed), older ones while
    some row's trace is unknown."""

    def __init__(self, memory: TraceMemory, span: Span, priority: Priority = Priority.LIVE) -> None:
        self._memory = memory
        self._priority = priority
        self._pages = NewestFirst(span.from_ms - LOOK_BEFORE_MS, span.to_ms)
        self._absent: set[str] = set()

    async def find(self, trace_ids: Collection[str], *, oldest_ms: int) -> None:
        """Bring the traces of rows that start at or after `oldest_ms` into the memory, as far as they exist."""
        for _ in range(MOST_PAGES_AT_ONCE):
            if self._pages.done or (self._pages.to_ms <= oldest_ms and not self._missing(trace_ids)):
                break
            await self._list_page()
        for trace_id in self._missing(trace_ids)[:MOST_SINGLE_REQUESTS]:
            await self._fetch(trace_id)

    def _missing(self, trace_ids: Collection[str]) -> list[str]:
        return [i for i in trace_ids if i not in self._memory and i not in self._absent]

    async def _list_page(self) -> None:
        path = "traces"
        answer, limit = await self._ask(path)
        page = _DECODER.decode(answer.body, where=self._memory.transport.where(path))
        last_ms: int | None = None
        for trace in page.rows:
            self._memory.remember(trace)
            try:
                started_ms = epoch_ms(trace.timestamp)
            except (ValueError, OverflowError):
                continue
            last_ms = started_ms if last_ms is None else min(last_ms, started_ms)
        self._memory.size.succeeded()
        self._pages.advance(limit, rows=page.size, last_ms=last_ms, total_pages=page.meta.total_pages)

    async def _ask(self, path: str) -> tuple[Answer, int]:
        size = self._memory.size
        while True:
            limit = size.limit
            params = self._pages.params(limit, lower="fromTimestamp", upper="toTimestamp")
            params |= {"fields": _FIELDS, "orderBy": "timestamp.desc"}
            try:
                return await self._memory.transport.get("v1_traces", path, params, priority=self._priority), limit
            except Overloaded:
                if not size.halve():
                    raise

    async def _fetch(self, trace_id: str) -> None:
        path = f"traces/{quote(trace_id, safe='')}"
        try:
            answer = await self._memory.transport.get("v1_trace", path, {"fields": _FIELDS}, priority=self._priority)
            self._memory.remember(decode(_ONE, answer.body, where=self._memory.transport.where(path)))
        except NotAvailable:
            self._absent.add(trace_id)  # not written yet, or deleted
        except Retryable as error:
            if error.reason not in {"overloaded", "too_large", "unexpected"}:
                raise
            self._absent.add(trace_id)  # one giant or odd trace must not stop the reading of spend


def facts_of(trace: Trace) -> TraceFacts:
    metadata = trace.metadata if isinstance(trace.metadata, dict) else {}
    return TraceFacts(
        name=trace.name or "",
        user=trace.user_id or "",
        session=trace.session_id or "",
        release=trace.release or "",
        version=trace.version or "",
        tags=trace.tags or (),
        metadata={key: _cut(value) for key, value in metadata.items()},
    )


def _cut(value: object) -> object:
    """Long texts are cut: they are no dimension, and thousands of traces are remembered."""
    return value[:_LONGEST_VALUE] if isinstance(value, str) else value
