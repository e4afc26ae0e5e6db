"""Walks `/api/public/v2/observations`: newest first, by cursor, every trace-level attribute on the row itself."""

from fusewatch.domain.ratebudget import Priority
from fusewatch.domain.usage import Observation
from fusewatch.errors import Permanent, Retryable
from fusewatch.langfuse.answers import Overloaded
from fusewatch.langfuse.instants import MILLISECONDS, SECONDS, iso
from fusewatch.langfuse.paging import PageSize
from fusewatch.langfuse.progress import Progress, check_project
from fusewatch.langfuse.transport import Answer, Transport
from fusewatch.langfuse.wire import (
    Metadata,
    PageDecoder,
    PageOf,
    V2Row,
    cost_of,
    instant,
    prompt_of,
    read_observations,
)  # fmt: skip
from fusewatch.ports import Page, Span

LARGEST_PAGE = 1000
FIELDS = "core,basic,time,usage,model,metadata,trace_context,prompt"
_MOST_EMPTY_PAGES = 100
_PATH = "v2/observations"
_DECODER = PageDecoder(PageOf[V2Row], V2Row)
_METADATA = Metadata()


class V2Walk:
    """See `ports.Walk`. `project_id` is whose rows are expected, "" when not known yet."""

    def __init__(
        self, transport: Transport, span: Span, size: PageSize, project_id: str, priority: Priority = Priority.LIVE
    ) -> None:
        self._transport = transport
        self._span = span
        self._size = size
        self._project_id = project_id
        self._priority = priority
        self._upper_ms = span.to_ms
        self._cursor: str | None = None
        self._used_cursors: set[int] = set()
        self._empty_pages = 0
        self._progress = Progress(span)
        self._last = span.from_ms >= span.to_ms

    @property
    def rest(self) -> Span:
        """What was not read yet."""
        return Span(self._span.from_ms, self._progress.complete_from_ms)

    async def next_page(self) -> Page | None:
        if self._last:
            return None
        answer = await self._ask()
        where = self._transport.where(_PATH)
        page = _DECODER.decode(answer.body, where=where)
        check_project(self._project_id, {row.project_id for row in page.rows}, where=where)
        observations, rejected = read_observations(page, observation_of)
        cursor = page.meta.cursor or None
        self._guard(cursor, page.size, where)
        self._last = cursor is None
        self._cursor = cursor
        self._size.succeeded()
        kept = self._progress.take(observations, last=self._last)
        return Page(kept, rejected, self._progress.complete_from_ms, answer.server_now_ms, self._last, len(answer.body))

    async def _ask(self) -> Answer:
        while True:
            try:
                return await self._transport.get("v2_observations", _PATH, self._params(), priority=self._priority)
            except Overloaded:
                if not self._size.halve():
                    raise
            except Retryable as error:
                if error.reason == "timeout":
                    self._size.halve()
                raise
            except Permanent as error:
                if error.reason != "bad_request" or self._cursor is None:
                    raise
                # A cursor holds no more than the place; the rows before it were handed up, so go on below them.
                self._cursor, self._upper_ms = None, self._progress.complete_from_ms

    def _params(self) -> dict[str, str]:
        params = {
            "fields": FIELDS,
            "limit": str(self._size.limit),
            "fromStartTime": iso(self._span.from_ms),
            "toStartTime": iso(self._upper_ms),
        }
        if self._cursor is not None:
            params["cursor"] = self._cursor
        return params

    def _guard(self, cursor: str | None, rows: int, where: str) -> None:
        """A server that hands out the same cursor again, or empty pages without end, would keep us for ever."""
        self._empty_pages = 0 if rows else self._empty_pages + 1
        if cursor is None:
            return
        if hash(cursor) in self._used_cursors or self._empty_pages > _MOST_EMPTY_PAGES:
            self._empty_pages = 0
            raise Retryable("cursor_loop", f"{where} sends the walk round in a circle: a cursor came twice")
        self._used_cursors.add(hash(cursor))


def observation_of(row: V2Row) -> Observation:
    """The row in our words; RowError when a time or a cost makes no sense."""
    start, end, updated = row.start_time, row.end_time, row.updated_at
    end_ms: int | None
    try:  # looked up here: three calls would cost as much as all the rest
        start_ms = SECONDS[start[:19]] + MILLISECONDS[start[19:]]
        end_ms = None if end is None else SECONDS[end[:19]] + MILLISECONDS[end[19:]]
        updated_ms = start_ms if updated is None else SECONDS[updated[:19]] + MILLISECONDS[updated[19:]]
    except KeyError:
        start_ms = instant("startTime", start)
        end_ms = None if end is None else instant("endTime", end)
        updated_ms = start_ms if updated is None else instant("updatedAt", updated)
    prompt, cost = row.prompt_name, row.total_cost
    return Observation(
        row.trace_id,
        row.id,
        start_ms,
        end_ms,
        updated_ms,
        row.type,
        row.name or "",
        row.environment or "",
        row.model or "",
        row.user_id or "",
        row.session_id or "",
        row.release or "",
        row.version or "",
        row.trace_name or "",
        prompt_of(prompt, row.prompt_version) if prompt else "",
        row.tags or (),
        _METADATA.of(row.metadata),
        row.usage_details or {},
        row.cost_details or {},
        cost if cost is not None and 0 <= cost < 1_000 else cost_of("totalCost", cost),
    )
