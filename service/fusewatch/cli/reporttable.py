"""Reports as tables for people."""

from collections.abc import Sequence
from itertools import islice

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from fusewatch.app.reports import Average, Breakdown, Gap, Group, Month, Question, TraceGroup, Trend, total
from fusewatch.domain.breakdown import NOTHING, Usage
from fusewatch.domain.money import format_usd
from fusewatch.domain.periods import local_clock
from fusewatch.domain.usage import Pricing
from fusewatch.notify.text import clean
from fusewatch.ports import Line

_WIDE = 220
"""So wide is a table that goes into a file or a pipe: each line stays whole."""

_LESS_TELLING = (
    ("total tokens", "input", "output", "calls per trace"),
    ("name", "started", "team", "calls", "traces"),
    ("feature", "user", "model", "operation"),
)
"""Columns that go, in this order, until a table fits a terminal: a number or an id that is cut is worse than none."""

GAPS_SHOWN = 5
LONGEST = 200
_FLAGS = {Pricing.PRICED: "", Pricing.PARTLY: "partly priced", Pricing.UNPRICED: "unpriced"}


def console() -> Console:
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_WIDE)


def breakdown(made: Breakdown, asked: Question, zone: str, *, most: int | None = None) -> None:
    out = console()
    table = _usage_table(made.by, made.whole)
    shown = list(islice(made.groups, most))
    for group in shown:
        _add(table, group.key, group.usage, made.whole)
    rest = total(group.usage for group in made.groups[len(shown) :])
    if rest != NOTHING:
        _add(table, _first(made.by, f"{len(made.groups) - len(shown):,} more"), rest, made.whole)
    table.add_section()
    if made.left_out != NOTHING:
        words = f"left out: {', '.join(asked.excluded)}" if asked.environments == "counted" else "other environments"
        _add(table, _first(made.by, words), made.left_out, made.whole)
    _add(table, _first(made.by, "total"), made.whole, made.whole)
    _show(out, table)
    _notes(out, made, zone)


def _show(out: Console, table: Table) -> None:
    """The table, without its less telling columns where the terminal is too narrow for what must not be cut; one that
    is too narrow even then wraps the lines itself."""
    least = {id(column): _least(column) for column in table.columns}
    for names in ((), *_LESS_TELLING):
        table.columns = [column for n, column in enumerate(table.columns) if n == 0 or column.header not in names]
        needed = sum(least[id(column)] + 2 for column in table.columns)
        if needed <= out.width:
            break
    else:
        out.width = needed
    for number, column in enumerate(table.columns):
        column._index = number
    out.print(table)


def _least(column: Column) -> int:
    """The width below which a column would be cut, or its names folded beyond reading."""
    widest = max(cell_len(str(cell)) for cell in (column.header, *column.cells))
    return widest if column.no_wrap else min(widest, 12)


def _usage_table(by: Sequence[str], whole: Usage, *, first: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in (*first, *(by or ([] if first else [""]))):
        table.add_column(name, overflow="fold", no_wrap=name in ("trace", "id"))
    for name in ("calls", "input", "output", "total tokens", "Langfuse cost"):
        table.add_column(name, justify="right", no_wrap=True)
    if whole.unpriced:
        table.add_column("our estimate", justify="right", no_wrap=True)
        table.add_column("unpriced calls", justify="right", no_wrap=True)
    return table


def _add(table: Table, key: Sequence[str], usage: Usage, whole: Usage) -> None:
    cells = [
        *(clean(part, LONGEST) for part in key or ("",)),
        f"{usage.calls:,}",
        f"{usage.input_tokens:,}",
        f"{usage.output_tokens:,}",
    ]
    cells += [f"{usage.tokens.total:,}", format_usd(usage.cost_pico)]
    if whole.unpriced:
        estimate = format_usd(usage.estimate_pico) if usage.estimate_pico else ""
        cells += [estimate, f"{usage.unpriced:,} unpriced" if usage.unpriced else ""]
    table.add_row(*map(Text, cells))


def _first(by: Sequence[str], words: str) -> tuple[str, ...]:
    return (words, *("" for _ in by[1:]))


def _notes(out: Console, made: Breakdown, zone: str) -> None:
    unpriced = made.whole.unpriced
    if unpriced:
        out.print(
            f"{unpriced:,} of {made.whole.calls:,} calls have usage that Langfuse could not price: their cost is not"
            " known, and our estimate stands beside it, never in it."
        )
    _gaps(out, made.gaps, zone)
    if made.as_of_ms is not None:
        out.print(f"Data as of {_clock(made.as_of_ms, zone)} {zone}")


def _gaps(out: Console, gaps: Sequence[Gap], zone: str) -> None:
    for gap in gaps[:GAPS_SHOWN]:
        out.print(Text(f"At least: {gap_text(gap, zone)}"))
    if len(gaps) > GAPS_SHOWN:
        out.print(f"At least: {len(gaps) - GAPS_SHOWN:,} more spans were not read")


def gap_text(gap: Gap, zone: str) -> str:
    return f"{gap.project} was not read from {_clock(gap.span.from_ms, zone)} to {_clock(gap.span.to_ms, zone)}"


def _clock(at_ms: int, zone: str) -> str:
    return f"{local_clock(zone, at_ms):%Y-%m-%d %H:%M}"


def traces(found: Sequence[TraceGroup], zone: str) -> None:
    out = console()
    whole = total(one.usage for one in found)
    table = _usage_table((), whole, first=("trace", "started", "feature", "team", "name"))
    for one in found:
        key = (one.trace_id, _clock(one.first_ms, zone), one.feature, one.team, one.trace_name)
        _add(table, key, one.usage, whole)
    _show(out, table)


def trend(made: Trend, by: Sequence[str], zone: str) -> None:
    out = console()
    whole = total(part.whole for _, part in made.periods)
    table = _usage_table(by, whole, first=(made.every.value,))
    for period, part in made.periods:
        groups = part.groups or [Group(tuple("" for _ in by), NOTHING)]
        for number, group in enumerate(groups):
            name = period.label.partition(":")[2] if number == 0 else ""
            _add(table, (name, *(group.key if by else ())), group.usage, whole)
    table.add_section()
    left_out = total(part.left_out for _, part in made.periods)
    if left_out != NOTHING:
        _add(table, ("left out", *("" for _ in by)), left_out, whole)
    _add(table, ("total", *("" for _ in by)), whole, whole)
    _show(out, table)
    _gaps(out, made.gaps, zone)


def averages(found: Sequence[Average], by: Sequence[str]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in by:
        table.add_column(name)
    for name in ("traces", "calls", "Langfuse cost", "cost per trace", "calls per trace"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        cost = one.usage.cost_pico
        cells = [f"{one.traces:,}", f"{one.usage.calls:,}", format_usd(cost), format_usd(round_div(cost, one.traces))]
        table.add_row(
            *map(Text, (*(clean(part, LONGEST) for part in one.key), *cells, f"{one.usage.calls / one.traces:.1f}"))
        )
    _show(console(), table)


def round_div(amount: int, count: int) -> int:
    """A share to the nearest picodollar, a tie upwards."""
    return (2 * amount + count) // (2 * count)


def trace(lines: Sequence[Line], zone: str) -> None:
    whole = total(line.usage for line in lines)
    table = _usage_table((), whole, first=("start", "operation", "model", "user", "id"))
    for line in lines:
        at = f"{local_clock(zone, line.start_ms):%Y-%m-%d %H:%M:%S}"
        operation = f"{line.dimensions.operation} ({_FLAGS[line.pricing]})" if line.usage.unpriced else ""
        key = (at, operation or line.dimensions.operation, line.dimensions.model, line.user, line.id)
        _add(table, key, line.usage, whole)
    table.add_section()
    _add(table, ("total", "", "", "", ""), whole, whole)
    _show(console(), table)


def month(found: Month, asked: Question, zone: str) -> None:
    out = console()
    if found.closed is None or found.closed_ms is None:
        out.print(f"{found.label}, not closed")
        breakdown(found.now, asked, zone)
        return
    closed, now = found.closed, found.now
    out.print(f"{found.label}, closed on {_clock(found.closed_ms, zone)}")
    widest = closed.whole.plus(now.whole)
    table = _usage_table(closed.by, widest)
    for group in closed.groups:
        _add(table, group.key, group.usage, widest)
    table.add_section()
    if closed.left_out != NOTHING:
        _add(table, _first(closed.by, f"left out: {', '.join(asked.excluded)}"), closed.left_out, widest)
    _add(table, _first(closed.by, "closed at"), closed.whole, widest)
    if found.correction != NOTHING:
        _add(table, _first(closed.by, "correction since"), found.correction, widest)
        _add(table, _first(closed.by, "now"), now.whole, widest)
    _show(out, table)
    _notes(out, now, zone)
