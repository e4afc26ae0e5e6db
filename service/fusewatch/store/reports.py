"""The ledger as reports and exports read it: sums by dimensions and by trace, single rows, and marks of its hours."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from typing import Any

from fusewatch.domain.breakdown import Part, Usage
from fusewatch.domain.coverage import Span
from fusewatch.domain.money import join
from fusewatch.domain.usage import UNKNOWN, Pricing, Tokens
from fusewatch.ports import ClosedMonth, Line, TracePart
from fusewatch.store import identity, months, projects
from fusewatch.store import rows as ledger
from fusewatch.store.connection import Link
from fusewatch.store.ids import pack, unpack
from fusewatch.store.interning import Interning
from fusewatch.store.schema import TOKEN_COLUMNS

_HOUR_MS = 3_600_000
_MONEY = ", ".join(f"coalesce(sum({name} {sign} 1000000), 0)" for name in ("cost", "estimate") for sign in "/%")
_SUMS = (
    "count(*), count(CASE WHEN pricing <> 0 THEN 1 END),"
    f" {', '.join(f'sum({name})' for name in TOKEN_COLUMNS)}, sum(total), {_MONEY}"
)
_WHERE = "FROM generation WHERE project = ? AND start_ms >= ? AND start_ms < ? AND counted = 1"
_BY_DIMS = f"SELECT dims, 0, 0, {_SUMS} {_WHERE} GROUP BY dims"
_BY_PEOPLE = f"SELECT dims, person, session, {_SUMS} {_WHERE} GROUP BY dims, person, session"
_BY_TRACE = f"SELECT trace, dims, min(start_ms), {_SUMS} {_WHERE} GROUP BY trace, dims ORDER BY trace"
_UNPRICED = f"SELECT dims, {_SUMS} {_WHERE} AND pricing <> 0 GROUP BY dims"
_ARCHIVED = (
    f"SELECT dims, sum(requests), sum(unpriced), {', '.join(f'sum({name})' for name in TOKEN_COLUMNS)}, sum(total),"  # noqa: S608 our own names only
    " sum(cost_hi), sum(cost_lo), sum(estimate_hi), sum(estimate_lo)"
    " FROM hour_total WHERE project = ? AND from_ms >= ? AND from_ms < ? GROUP BY dims"
)
_LINE = (
    *("start_ms", "trace", "obs", "updated_ms", "cost", "pricing", "dims", "person", "session"),
    *(*TOKEN_COLUMNS, "total", "duration_ms", "estimate", "seen_ms", "changed_ms", "gone_ms"),
)
_LINES = (
    f"SELECT {', '.join(_LINE)} FROM generation WHERE project = ? AND (start_ms, trace, obs) > (?, ?, ?)"  # noqa: S608 our own names only
    " AND start_ms < ? AND counted = 1 ORDER BY start_ms, trace, obs LIMIT ?"
)
_ONE = f"SELECT {', '.join(_LINE)} FROM generation WHERE project = ? AND start_ms = ? AND trace = ? AND obs = ?"  # noqa: S608 our own names only

# What a listed row may change in, mixed with what tells rows apart, so that an exchange between two rows is seen too.
_MIX = "(abs(digest) % 65521 + 1)"
_MARK = (
    "SELECT count(*), sum(digest / 65536), sum(digest % 65536), sum(updated_ms % 1000000007),"
    " sum(cost / 1000000), sum(cost % 1000000), coalesce(sum(estimate / 1000000), 0),"
    f" coalesce(sum(estimate % 1000000), 0), sum(total), sum(dims * {_MIX}), sum(person * {_MIX}),"
    f" sum(session * {_MIX}), coalesce(sum(gone_ms % 1000000007), 0), coalesce(sum(changed_ms % 1000000007), 0)"
    f" {_WHERE}"
)


class ReportReader:
    """Implements `ports.ReportUnit`, as a part of the read unit."""

    _link: Link
    _interning: Interning

    def usage(self, span: Span, *, people: bool) -> Iterable[Part]:
        for project, key in projects.keys(self._link).items():
            yield from self._archived(project, key, span)
            for start_ms, end_ms in ledger.hours(self._link, project, *span):
                rows = self._link.rows(_BY_PEOPLE if people else _BY_DIMS, (project, start_ms, end_ms))
                dims = self._interning.dims({row[0] for row in rows})
                texts = self._interning.texts({text for row in rows for text in row[1:3]}) if people else {}
                for d, person, session, *sums in rows:
                    yield Part(key, dims[d], texts.get(person, UNKNOWN), texts.get(session, UNKNOWN), _usage(sums))

    def _archived(self, project: int, key: str, span: Span) -> Iterator[Part]:
        rows = self._link.rows(_ARCHIVED, (project, *span))
        dims = self._interning.dims({row[0] for row in rows})
        for d, *sums in rows:
            yield Part(key, dims[d], UNKNOWN, UNKNOWN, _usage(sums))

    def unpriced_usage(self, span: Span) -> Iterable[Part]:
        for project, key in projects.keys(self._link).items():
            for start_ms, end_ms in ledger.hours(self._link, project, *span):
                rows = self._link.rows(_UNPRICED, (project, start_ms, end_ms))
                dims = self._interning.dims({row[0] for row in rows})
                for d, *sums in rows:
                    yield Part(key, dims[d], UNKNOWN, UNKNOWN, _usage(sums))

    def trace_usage(self, span: Span) -> Iterable[Sequence[TracePart]]:
        for project, key in projects.keys(self._link).items():
            going_on: dict[bytes, list[TracePart]] = {}
            for start_ms, end_ms in ledger.hours(self._link, project, *span):
                rows = self._link.rows(_BY_TRACE, (project, start_ms, end_ms))
                dims = self._interning.dims({row[1] for row in rows})
                for trace, found in groupby(rows, itemgetter(0)):
                    parts = going_on.pop(trace, [])
                    parts += [
                        TracePart(key, unpack(trace), dims[d], first_ms, _usage(sums))
                        for _, d, first_ms, *sums in found
                    ]
                    if identity.starts_within(self._link, project, trace, Span(end_ms, span.to_ms)):
                        going_on[trace] = parts
                    else:
                        yield parts
            yield from going_on.values()

    def trace_lines(self, trace_id: str) -> Sequence[Line]:
        found: list[Line] = []
        for project, key in projects.keys(self._link).items():
            places = [
                (row[ledger.START], row[ledger.TRACE], row[ledger.OBS])
                for row in identity.of_trace(self._link, project, pack(trace_id))
                if row[ledger.COUNTED]
            ]
            found += self._lines(key, [self._link.row(_ONE, (project, *place)) for place in places])
        return sorted(found, key=lambda line: (line.start_ms, line.id))

    def lines(self, project: str, span: Span, after: Line | None, limit: int) -> Sequence[Line]:
        place = (span.from_ms, b"", b"") if after is None else (after.start_ms, pack(after.trace_id), pack(after.id))
        number = projects.row_id(self._link, project)
        return self._lines(project, self._link.rows(_LINES, (number, *place, span.to_ms, limit)))

    def _lines(self, project: str, rows: Sequence[tuple[Any, ...]]) -> list[Line]:
        dims = self._interning.dims({row[6] for row in rows})
        texts = self._interning.texts({text for row in rows for text in row[7:9]})
        return [
            Line(
                project,
                unpack(trace),
                unpack(obs),
                start_ms,
                duration_ms,
                updated_ms,
                dims[d],
                texts[person],
                texts[session],
                Pricing(pricing),
                Usage(1, int(pricing != 0), Tokens._make(tokens), cost, estimate or 0),
                seen_ms,
                changed_ms,
                gone_ms,
            )
            for (
                start_ms,
                trace,
                obs,
                updated_ms,
                cost,
                pricing,
                d,
                person,
                session,
                *tokens,
                duration_ms,
                estimate,
                seen_ms,
                changed_ms,
                gone_ms,
            ) in rows
        ]

    def hour_marks(self, project: str, span: Span) -> Iterable[tuple[int, str]]:
        number = projects.row_id(self._link, project)
        (floor_ms,) = self._link.row("SELECT floor_ms FROM project WHERE id = ?", (number,))
        whole = span if floor_ms is None else Span(max(span.from_ms, -(-floor_ms // _HOUR_MS) * _HOUR_MS), span.to_ms)
        for start_ms, _ in ledger.hours(self._link, number, *whole):
            hour_ms = start_ms // _HOUR_MS * _HOUR_MS
            sums = self._link.row(_MARK, (number, hour_ms, hour_ms + _HOUR_MS))
            if sums[0]:
                yield hour_ms, blake2b(repr(tuple(sums)).encode(), digest_size=12).hexdigest()

    def first_start(self) -> int | None:
        (first,) = self._link.row(
            "SELECT min(at) FROM (SELECT (SELECT min(start_ms) FROM generation g WHERE g.project = p.id) AS at"
            " FROM project p UNION ALL SELECT min(from_ms) FROM hour_total WHERE from_ms > 0) AS firsts"
        )
        return None if first is None else int(first)

    def closed_month(self, label: str) -> ClosedMonth | None:
        return months.closed(self._link, self._interning, label)


def _usage(sums: Sequence[int]) -> Usage:
    calls, unpriced, *rest = sums
    tokens, (cost_hi, cost_lo, est_hi, est_lo) = rest[:-4], rest[-4:]
    return Usage(calls, unpriced, Tokens._make(tokens), join(cost_hi, cost_lo), join(est_hi, est_lo))
