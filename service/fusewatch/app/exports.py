"""Exports: the breakdowns of reports and the ledger's single rows as columns and cells, written to files and tables."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar

from fusewatch.app.reports import FAR_MS, Breakdown, Group, Question, breakdown, project_names, trend
from fusewatch.domain.coverage import Span
from fusewatch.domain.periods import Calendar, Every
from fusewatch.domain.usage import TOKEN_TYPES, Dimensions, Pricing
from fusewatch.domain.views import dimension_value
from fusewatch.ports import Cell, Cells, Column, FileTarget, Line, ReadUnit, Record, Store, TableTarget

T = TypeVar("T")

PAGE = 2_000
"""How many rows are read in one short transaction: a long export never keeps the write-ahead log from being emptied."""

HOUR_MS = 3_600_000

Told = Callable[[int, int], None]
"""How far an export is: records written, and the start of the last one in epoch milliseconds."""


class _Field(NamedTuple, Generic[T]):
    """A column and where its cells come from."""

    column: Column
    cell: Callable[[T], Cell]


class _Grouped(NamedTuple):
    """One group of a breakdown, and the period that it stands in, "" where nobody asked for periods."""

    period: str
    group: Group


def _amount(name: str, of: Callable[[Group], int], cells: Cells = Cells.NUMBER) -> _Field[_Grouped]:
    return _Field(Column(name, cells), lambda grouped: of(grouped.group))


def _tokens(at: int) -> Callable[[Group], int]:
    return lambda group: group.usage.tokens[at]


AMOUNTS: tuple[_Field[_Grouped], ...] = (
    _amount("calls", lambda g: g.usage.calls),
    _amount("input_tokens", lambda g: g.usage.input_tokens),
    _amount("output_tokens", lambda g: g.usage.output_tokens),
    _amount("total_tokens", lambda g: g.usage.tokens.total),
    _amount("cost_usd", lambda g: g.usage.cost_pico, Cells.MONEY),
)
"""What every breakdown shows unless columns are chosen."""

MORE_AMOUNTS: tuple[_Field[_Grouped], ...] = (
    _amount("unpriced_calls", lambda g: g.usage.unpriced),
    _amount("estimate_usd", lambda g: g.usage.estimate_pico, Cells.MONEY),
    _amount("excluded_calls", lambda g: g.excluded.calls),
    _amount("excluded_tokens", lambda g: g.excluded.tokens.total),
    _amount("excluded_cost_usd", lambda g: g.excluded.cost_pico, Cells.MONEY),
    *(_amount(f"tokens_{name}", _tokens(at)) for at, name in enumerate(TOKEN_TYPES)),
)

_PRICED = {Pricing.PRICED: "yes", Pricing.PARTLY: "partly", Pricing.UNPRICED: "no"}
ROW_KEY = ("project_key", "trace_id", "id")


@dataclass(frozen=True, slots=True)
class Grouping:
    """A breakdown to be exported: what to ask, by which periods if by any, and the names of the columns."""

    asked: Question
    columns: tuple[str, ...]
    every: Every | None = None
    calendar: Calendar = Calendar()


def amount_columns() -> tuple[str, ...]:
    """The names of the columns of a breakdown beside its dimensions and `period`."""
    return tuple(field.column.name for field in (*AMOUNTS, *MORE_AMOUNTS))


def usual_columns(by: Sequence[str], every: Every | None) -> tuple[str, ...]:
    """What a breakdown shows when nobody chooses."""
    return (*(["period"] if every else []), *by, *(field.column.name for field in AMOUNTS))


@dataclass(frozen=True, slots=True)
class Grouped:
    """What a breakdown came to: its records, and the breakdowns themselves for what is to be said of them."""

    columns: tuple[Column, ...]
    records: tuple[Record, ...]
    periods: tuple[str, ...]
    breakdowns: tuple[Breakdown, ...]


def grouped(unit: ReadUnit, wanted: Grouping) -> Grouped:
    """The records of a breakdown, by period, then the dearest first, what nobody claims last. ValueError for a column
    that there is not."""
    if wanted.every is None:
        parts = [("", breakdown(unit, wanted.asked))]
    else:
        found = trend(unit, wanted.asked, wanted.calendar, wanted.every)
        parts = [(period.label.partition(":")[2], made) for period, made in found.periods]
    fields = _chosen(_group_fields(wanted), wanted.columns)
    records = [
        tuple(field.cell(_Grouped(period, group)) for field in fields)
        for period, made in parts
        for group in made.groups
    ]
    return Grouped(
        tuple(field.column for field in fields),
        tuple(records),
        tuple(period for period, _ in parts),
        tuple(made for _, made in parts),
    )


def _group_fields(wanted: Grouping) -> list[_Field[_Grouped]]:
    by = [
        _Field(Column(name, Cells.TEXT), partial(_of_key, at)) for at, name in enumerate(wanted.asked.by)
    ]  # fmt: skip
    period = [_Field(Column("period", Cells.TEXT), _period_of)] if wanted.every else []
    return [*period, *by, *AMOUNTS, *MORE_AMOUNTS]


def _of_key(at: int, grouped: _Grouped) -> Cell:
    return grouped.group.key[at]


def _period_of(grouped: _Grouped) -> Cell:
    return grouped.period


def _chosen(fields: Sequence[_Field[T]], names: Sequence[str]) -> list[_Field[T]]:
    by_name = {field.column.name: field for field in fields}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise ValueError(f"there is no column {unknown[0]} here; choose from {', '.join(by_name)}")
    return [by_name[name] for name in names]


def write_groups(store: Store, wanted: Grouping, target: FileTarget | TableTarget) -> Grouped:
    """Write a breakdown as a whole. A table keeps the periods that the span does not touch."""
    made = store.read(lambda unit: grouped(unit, wanted))
    if isinstance(target, TableTarget):
        key = (*(["period"] if wanted.every else []), *wanted.asked.by)
        within = "period" if wanted.every else ""
        target.replace(made.columns, key, made.records, within=within, values=made.periods)
    else:
        target.write(made.columns, made.records)
    return made


# ---------------------------------------------------------------- rows


def row_columns(dimensions: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns of single generations, all of them."""
    return tuple(field.column.name for field in _row_fields(dimensions, {}))


def _row_fields(dimensions: Sequence[str], names: "dict[str, str]") -> list[_Field[Line]]:
    text, number, money, time = Cells.TEXT, Cells.NUMBER, Cells.MONEY, Cells.TIME
    return [
        _Field(Column("project", text), lambda r: names.get(r.project, r.project)),
        _Field(Column("project_key", text), attrgetter("project")),
        _Field(Column("trace_id", text), attrgetter("trace_id")),
        _Field(Column("id", text), attrgetter("id")),
        _Field(Column("start", time), attrgetter("start_ms")),
        _Field(Column("duration_ms", number), attrgetter("duration_ms")),
        *(_Field(Column(name, text), _dimension(name)) for name in dimensions if name != "project"),
        _Field(Column("input_tokens", number), attrgetter("usage.input_tokens")),
        _Field(Column("output_tokens", number), attrgetter("usage.output_tokens")),
        _Field(Column("total_tokens", number), attrgetter("usage.tokens.total")),
        *(_Field(Column(f"tokens_{name}", number), attrgetter(f"usage.tokens.{name}")) for name in TOKEN_TYPES),
        _Field(Column("cost_usd", money), attrgetter("usage.cost_pico")),
        _Field(Column("estimate_usd", money), lambda r: r.usage.estimate_pico if r.usage.unpriced else None),
        _Field(Column("priced", text), lambda r: _PRICED[r.pricing]),
        _Field(Column("updated", time), attrgetter("updated_ms")),
        _Field(Column("first_seen", time), attrgetter("seen_ms")),
        _Field(Column("gone", time), attrgetter("gone_ms")),
    ]


def _dimension(name: str) -> Callable[[Line], Cell]:
    """The same as `_dimension_of` without a call of ours for each cell of the many."""
    if name in Dimensions._fields[:-1]:
        return attrgetter(f"dimensions.{name}")
    return attrgetter(name) if name in ("user", "session") else partial(_dimension_of, name)


def _dimension_of(name: str, row: Line) -> Cell:
    return dimension_value(name, row.project, row.dimensions, row.user, row.session)


@dataclass(frozen=True, slots=True)
class Listing:
    """Single generations to be exported: those that start in the span, and the names of the columns."""

    span: Span
    dimensions: tuple[str, ...]
    columns: tuple[str, ...]


def write_rows(store: Store, wanted: Listing, target: FileTarget | TableTarget, told: Told) -> int:
    """Write single generations, page by page. A table gets only the hours that changed since they were written there
    last; what was pruned here since then stays in it."""
    names = dict(store.read(project_names))
    if isinstance(target, TableTarget):
        return _write_hours(store, _with_key(wanted), names, target, told)
    fields = _chosen(_row_fields(wanted.dimensions, names), wanted.columns)
    records = _records(store, fields, list(names), wanted.span, told)
    return target.write([field.column for field in fields], records)


def _with_key(wanted: Listing) -> Listing:
    """A table needs the columns that tell rows apart, and when they started, whatever was chosen."""
    needed = [name for name in (*ROW_KEY, "start") if name not in wanted.columns]
    return replace(wanted, columns=(*wanted.columns, *needed))


def _records(
    store: Store, fields: Sequence[_Field[Line]], projects: Sequence[str], span: Span, told: Told
) -> Iterator[Record]:
    done = 0
    cells = [field.cell for field in fields]
    for project in projects:
        for page in _pages(store, project, span):
            yield from zip(*[map(cell, page) for cell in cells], strict=True)
            done += len(page)
            told(done, page[-1].start_ms)


def _pages(store: Store, project: str, span: Span) -> Iterator[Sequence[Line]]:
    after: Line | None = None
    while page := store.read(partial(_page, project, span, after)):
        yield page
        if len(page) < PAGE:
            return
        after = page[-1]


def _page(project: str, span: Span, after: Line | None, unit: ReadUnit) -> Sequence[Line]:
    return unit.lines(project, span, after, PAGE)


def _write_hours(store: Store, wanted: Listing, names: "dict[str, str]", target: TableTarget, told: Told) -> int:
    """A mark is taken before the rows are read: what changes in between is written again by the next run."""
    fields = _chosen(_row_fields(wanted.dimensions, names), wanted.columns)
    columns = [field.column for field in fields]
    written = target.hours(columns, ROW_KEY)
    whole = Span(wanted.span.from_ms // HOUR_MS * HOUR_MS, min(wanted.span.to_ms, FAR_MS))
    done = 0
    for state in store.read(lambda unit: unit.projects()):
        present = dict(store.read(partial(_hour_marks, state.key, whole)))
        floor_ms = -(-(state.floor_ms or 0) // HOUR_MS) * HOUR_MS
        emptied = [
            hour
            for project, hour in written
            if project == state.key and max(whole.from_ms, floor_ms) <= hour < whole.to_ms and hour not in present
        ]
        for hour in emptied:
            target.put_hour(columns, (state.key, hour), None, ())
        for hour, mark in present.items():
            if written.get((state.key, hour)) != mark:
                records = _records(store, fields, [state.key], Span(hour, hour + HOUR_MS), lambda _done, _at: None)
                done += target.put_hour(columns, (state.key, hour), mark, records)
                told(done, hour)
    return done


def _hour_marks(project: str, span: Span, unit: ReadUnit) -> list[tuple[int, str]]:
    return list(unit.hour_marks(project, span))
