"""Where does the money go: spend over time by one dimension, the same in numbers, and the dearest traces."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias

from fusewatch.app.spending import MOST_SERIES, TRACED_CALLS, Series, Spending
from fusewatch.domain.money import format_usd
from fusewatch.domain.periods import Every, local_clock
from fusewatch.domain.rules import Severity
from fusewatch.domain.usage import UNKNOWN
from fusewatch.web.html import Child, Markup, el, foreign, join, text
from fusewatch.web.page.parts import Shown, hidden_field, note, section, table
from fusewatch.web.page.query import PERIODS
from fusewatch.web.textformat import utf8
from fusewatch.web.words import moment, percent

TITLE = "Where does the money go?"
_PICO = 10**12
_FIRST = ("feature", "team", "model", "user", "project")
"""The dimensions that most people ask for come first, the others behind them."""

_LONGEST = 120
"""Characters of a value in the chart's data; the table has it whole."""

_Stacked: TypeAlias = list[tuple[str, list[int]]]
"""Names, and what each spent in each bucket."""


def spend(shown: Shown) -> Markup:
    spending = shown.spending
    content: list[Child] = [_times(shown), _dimensions(shown), _filters(shown)]
    if spending is None:
        content.append(note("This could not be read in time. A shorter time or fewer filters take less."))
        return section("spend", TITLE, "", *content)
    whole = spending.whole
    if spending.forming:
        content.append(note("The sums by dimension are still being formed; they stand here in a moment."))
    if spending.too_long:
        content.append(note("Not everything was read in time, so these sums are lower bounds: ask for a shorter time."))
    if whole.pico or whole.requests:
        stacked = _stacked(spending)
        content += [
            el("div", _chart(spending, whole, stacked, shown), _values(spending, whole, shown), class_="split"),
            _over_time(spending, whole, stacked, shown),
        ]
    elif not spending.forming:
        content.append(
            note("Nothing was spent in that time" + (" that fits the filters." if shown.query.only else "."))
        )
    return section("spend", TITLE, f"{format_usd(whole.pico)} in all" if whole.pico else "", *content)


def _times(shown: Shown) -> Markup:
    query = shown.query
    links = [
        _link(words, query.address("spend", period=name, dates=None), query.dates is None and query.period == name)
        for name, words in PERIODS.items()
    ]
    first, last = query.dates or (None, None)
    dates = el(
        "form",
        *(hidden_field(name, value) for name, value in query.pairs() if name not in ("from", "to", "period", "page")),
        el("label", "from ", el("input", type="date", name="from", value=first.isoformat() if first else None)),
        el("label", " to ", el("input", type="date", name="to", value=last.isoformat() if last else None)),
        el("button", "Show", type="submit"),
        method="get",
        action="/#spend",
        class_="inline",
    )
    return el("div", el("nav", *links, class_="choice", aria_label="Time"), dates, class_="bar-of-choices")


def _dimensions(shown: Shown) -> Markup:
    query = shown.query
    known = (*_FIRST, *(name for name in shown.rules.dimensions if name not in _FIRST))
    links = [_link(name, query.address("spend", by=name), query.by == name) for name in known]
    return el("nav", el("span", "by ", class_="dim"), *links, class_="choice", aria_label="Split by")


def _link(words: str, href: str, chosen: bool) -> Markup:
    return el("a", words, href=href, aria_current="true" if chosen else None)


def _filters(shown: Shown) -> Markup:
    """What is filtered by, each with a link without it, and a form for one more."""
    query = shown.query
    kept = [
        el(
            "li",
            foreign(name),
            " = ",
            foreign(value),
            " ",
            el(
                "a",
                "×",
                href=query.address(only=query.without((name, value))),
                aria_label=f"Remove the filter {name} = {value}",
            ),
        )
        for name, value in query.only
    ]
    if query.severity is not None:
        href = query.address(severity=None)
        kept.append(
            el(
                "li",
                f"at least {query.severity.word} ",
                el("a", "×", href=href, aria_label="Remove the filter by severity"),
            )
        )
    severities = [_link(s.word, query.address(severity=s, page=1), query.severity is s) for s in reversed(Severity)]
    hint = el("span", "Choose a value in a table to see it alone. Severity: ", class_="dim")
    return el(
        "div",
        el("ul", *kept, class_="chips", aria_label="Filters") if kept else None,
        el("nav", hint, *severities, class_="choice small", aria_label="Severity"),
    )


# ---------------------------------------------------------------- the chart and its numbers


def _name(value: str, by: str) -> str:
    return f"no {by}" if value == UNKNOWN else value


def _values(spending: Spending, whole: Series, shown: Shown) -> Markup:
    by = spending.wanted.by
    estimated = any(one.estimate_pico for one in (*spending.series, spending.rest))
    rows = [_row(one, index, spending, shown, estimated=estimated) for index, one in enumerate(spending.series)]
    if spending.others:
        label = text(f"{spending.others:,} others")
        rows.append((join(_swatch(MOST_SERIES), label), *_numbers(spending.rest, whole, estimated=estimated)))
    rows.append((text("all"), *_numbers(whole, whole, estimated=estimated)))
    columns = [by, "spend", "share", "requests", *(["estimated"] if estimated else [])]
    return table(f"Spend by {by}", columns, rows, numbers=len(columns) - 1)


def _row(one: Series, index: int, spending: Spending, shown: Shown, *, estimated: bool) -> tuple[Markup, ...]:
    by = spending.wanted.by
    pair = (by, one.value)
    query = shown.query
    words = foreign(_name(one.value, by))
    alone = pair in query.only or len(query.only) >= 8
    name = words if alone else el("a", words, href=query.address(only=(*query.only, pair), page=1), class_="quiet")
    return join(_swatch(min(index, MOST_SERIES)), name), *_numbers(one, spending.whole, estimated=estimated)


def _numbers(one: Series, whole: Series, *, estimated: bool) -> tuple[Markup, ...]:
    share = percent(one.pico, whole.pico) if whole.pico else "–"
    found = (text(format_usd(one.pico)), text(share), text(f"{one.requests:,}"))
    return (*found, text(format_usd(one.estimate_pico))) if estimated else found


def _swatch(index: int) -> Markup:
    """The shade of the chart, for the eye alone: order and name say the same."""
    return el("span", class_=f"swatch k{index}", aria_hidden="true")


def _stacked(spending: Spending) -> _Stacked:
    """What the chart stacks and the table over time has a column for: the dearest values, and all others as one."""
    by = spending.wanted.by
    found = [(_name(one.value, by), one.buckets) for one in spending.series[:MOST_SERIES]]
    rest = [one.buckets for one in spending.series[MOST_SERIES:]] + [spending.rest.buckets]
    if len(spending.series) > MOST_SERIES:
        count = len(spending.series) - MOST_SERIES + spending.others
        found.append((f"{count:,} others", [sum(column) for column in zip(*rest, strict=True)]))
    return found


def _chart(spending: Spending, whole: Series, stacked: _Stacked, shown: Shown) -> Markup:
    """The place of the chart and its data, which our script draws; amounts as floats, for the eye alone."""
    drawn = {
        "labels": [_label(at_ms, spending, shown) for at_ms in spending.buckets[:-1]],
        "names": [utf8(name[:_LONGEST]) for name, _ in stacked],
        "values": [[round(pico / _PICO, 6) for pico in buckets] for _, buckets in stacked],
    }
    data = json.dumps(drawn, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026")
    most = max(range(len(whole.buckets)), key=lambda place: whole.buckets[place])
    told = (
        f"{format_usd(whole.pico)} by {spending.wanted.by}; most, {format_usd(whole.buckets[most])}, "
        f"{_when(spending.buckets[most], spending, shown)}. The tables have every number."
    )
    return el(
        "figure",
        el("div", id="chart", role="img", aria_label=f"Spend over time: {told}"),
        Markup(f'<script type="application/json" id="chart-data">{data}</script>'),
        el("figcaption", told, class_="dim"),
    )


def _label(at_ms: int, spending: Spending, shown: Shown) -> str:
    local = local_clock(shown.rules.calendar, at_ms)
    if spending.wanted.every is Every.DAY:
        # A day that begins at 06:00, or at 23:30 the evening before where clocks change, is named by its noon.
        noon = local + timedelta(hours=6)
        return f"{noon.day} {noon:%b}"
    return f"{local:%H:%M}"


def _when(at_ms: int, spending: Spending, shown: Shown) -> str:
    if spending.wanted.every is Every.DAY:
        return f"on {_label(at_ms, spending, shown)}"
    return (
        f"in the hour from {moment(at_ms, shown.now_ms, shown.zone)[:-3]}"
        if _is_today(at_ms, shown)
        else (f"in the hour from {moment(at_ms, shown.now_ms, shown.zone)}")
    )


def _is_today(at_ms: int, shown: Shown) -> bool:
    return local_clock(shown.zone, at_ms).date() == local_clock(shown.zone, shown.now_ms).date()


def _over_time(spending: Spending, whole: Series, stacked: _Stacked, shown: Shown) -> Markup:
    grain = "day" if spending.wanted.every is Every.DAY else "hour"
    rows = [
        (
            text(_label(at_ms, spending, shown)),
            *(text(_short(buckets[place])) for _, buckets in stacked),
            text(_short(whole.buckets[place])),
        )
        for place, at_ms in enumerate(spending.buckets[:-1])
        if at_ms <= shown.now_ms
    ]
    columns = [grain, *(utf8(name[:_LONGEST]) for name, _ in stacked), "all"]
    caption = f"Spend by {grain} and {spending.wanted.by}"
    return el(
        "details",
        el("summary", f"Every {grain} in numbers"),
        table(caption, columns, rows, numbers=len(columns) - 1),
        id="over-time",
    )


def _short(pico: int) -> str:
    return format_usd(pico) if pico else "–"


# ---------------------------------------------------------------- traces


def traces(shown: Shown) -> Markup | None:
    spending = shown.spending
    if spending is None or not spending.traces:
        return None
    rows = [tuple(_trace(shown, spending, index)) for index in range(len(spending.traces))]
    hint = ""
    if spending.traces_from_ms > spending.buckets[0]:
        since = moment(spending.traces_from_ms, shown.now_ms, shown.zone)
        hint = f"since {since}, the last {TRACED_CALLS:,} requests or so"
    columns = ("trace", "feature", "project", "began", "requests", "spend")
    return section("traces", "Dearest traces", hint, table("Dearest traces", columns, rows, numbers=3))


def _trace(shown: Shown, spending: Spending, index: int) -> Iterator[Markup]:
    dear = spending.traces[index]
    words = foreign(dear.name if dear.name not in ("", UNKNOWN) else dear.trace_id[:32])
    if dear.url.startswith(("https://", "http://")):
        yield el("a", words, href=dear.url, rel="noreferrer")
    else:
        yield words
    yield foreign(_name(dear.feature, "feature"))
    yield foreign(dear.project)
    yield text(moment(dear.first_ms, shown.now_ms, shown.zone))
    yield text(f"{dear.requests:,}")
    yield text(format_usd(dear.pico))
