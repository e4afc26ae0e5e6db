"""Walks `/api/public/observations` of servers without v2, and joins each row with its trace."""

from collections.abc import Collection

from fusewatch.domain.ratebudget import Priority
from fusewatch.domain.usage import Observation
from fusewatch.errors import Retryable
from fusewatch.langfuse.answers import Overloaded
from fusewatch.langfuse.instants import epoch_ms
from fusewatch.langfuse.paging import NewestFirst, PageSize
from fusewatch.langfuse.progress import Progress, check_project
from fusewatch.langfuse.traces import NOTHING_KNOWN, TraceFacts, TraceListing, TraceMemory
from fusewatch.langfuse.transport import Answer, Transport
from fusewatch.langfuse.wire import PageDecoder, PageOf, V1Row, cost_of, instant, prompt_of, read_observations
from fusewatch.ports import Page, Rejected, Span

LARGEST_PAGE = 100
_PATH = "observations"
_DECODER = PageDecoder(PageOf[V1Row], V1Row)


class V1Walk:
    """See `ports.Walk`. `project_id` is whose rows are expected, "" when not known yet."""

    def __init__(
        self,
        transport: Transport,
        span: Span,
        size: PageSize,
        project_id: str,
        memory: TraceMemory,
        priority: Priority = Priority.LIVE,
    ) -> None:
        self._transport = transport
        self._span = span
        self._size = size
        self._project_id = project_id
        self._memory = memory
        self._priority = priority
        self._listing = TraceListing(memory, span, priority)
        self._pages = NewestFirst(span.from_ms, span.to_ms)
        self._progress = Progress(span)
        self._edge: set[tuple[str, str, int, int]] = set()

    @property
    def rest(self) -> Span:
        """What was not read yet."""
        return Span(self._span.from_ms, self._progress.complete_from_ms)

    async def next_page(self) -> Page | None:
        if self._pages.done:
            return None
        answer, limit = await self._ask()
        where = self._transport.where(_PATH)
        page = _DECODER.decode(answer.body, where=where)
        check_project(self._project_id, {row.project_id for row in page.rows}, where=where)
        await self._find_traces(page.rows)
        observations, rejected = read_observations(
            page, lambda row: observation_of(row, self._memory.facts(row.trace_id) if row.trace_id else NOTHING_KNOWN)
        )
        inside = [o.start_ms for o in observations if self._span.from_ms <= o.start_ms < self._pages.to_ms]
        self._pages.advance(limit, rows=page.size, last_ms=min(inside, default=None), total_pages=page.meta.total_pages)
        self._size.succeeded()
        last = self._pages.done
        kept = self._progress.take(self._without_repeats(observations, rejected), last=last)
        return Page(kept, rejected, self._progress.complete_from_ms, answer.server_now_ms, last, len(answer.body))

    def _without_repeats(self, observations: list[Observation], rejected: Collection[Rejected]) -> list[Observation]:
        """Without the rows that an earlier page gave: those of the last instant are asked for again, and v1 stores
        each observation once, so one that came twice would pass for stored twice. A page that could not be read but
        for them stays as it is: it can be read."""
        keys = [(o.trace_id, o.id, o.start_ms, o.updated_ms) for o in observations]
        fresh = [o for o, key in zip(observations, keys, strict=True) if key not in self._edge]
        last_ms = self._pages.to_ms - 1
        self._edge = {key for key in (*self._edge, *keys) if key[2] == last_ms}
        return fresh if fresh or not rejected else observations

    async def _ask(self) -> tuple[Answer, int]:
        while True:
            limit = self._size.limit
            params = self._pages.params(limit, lower="fromStartTime", upper="toStartTime")
            try:
                return await self._transport.get("v1_observations", _PATH, params, priority=self._priority), limit
            except Overloaded:
                if not self._size.halve():
                    raise
            except Retryable as error:
                if error.reason == "timeout":
                    self._size.halve()
                raise

    async def _find_traces(self, rows: list[V1Row]) -> None:
        """Only rows that carry usage or cost count, so only their traces are worth a request."""
        calls = [row for row in rows if row.trace_id and (row.usage_details or row.cost_details)]
        starts = [ms for ms in (_start_ms(row) for row in calls) if ms is not None]
        if starts:
            await self._listing.find({row.trace_id: None for row in calls if row.trace_id}, oldest_ms=min(starts))


def observation_of(row: V1Row, trace: TraceFacts) -> Observation:
    """The row with its trace in our words; the row's own value and metadata key win. RowError as for v2."""
    start_ms = instant("startTime", row.start_time)
    own = row.metadata if type(row.metadata) is dict else {}
    return Observation(
        row.trace_id or "",
        row.id,
        start_ms,
        None if row.end_time is None else instant("endTime", row.end_time),
        start_ms if row.updated_at is None else instant("updatedAt", row.updated_at),
        row.type,
        row.name or "",
        row.environment or "",
        row.model or "",
        trace.user,
        trace.session,
        trace.release,
        row.version or trace.version,
        trace.name,
        prompt_of(row.prompt_name, row.prompt_version),
        trace.tags,
        {**trace.metadata, **own} if trace.metadata else own,
        row.usage_details or {},
        row.cost_details or {},
        cost_of("calculatedTotalCost", row.calculated_total_cost),
    )


def _start_ms(row: V1Row) -> int | None:
    try:
        return epoch_ms(row.start_time)
    except (ValueError, OverflowError):
        return None
