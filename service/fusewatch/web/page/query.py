"""What the address of the page asks for: the time, the dimension, the filters. What makes no sense is named and left
out, so that an address that somebody mistyped still shows a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from urllib.parse import urlencode

from fusewatch.app.spending import Wanted
from fusewatch.domain.coverage import Span
from fusewatch.domain.periods import Every, day_at, day_index, day_span, period_at
from fusewatch.domain.rules import RuleSet, Severity

PERIODS = {"today": "today", "24h": "last 24 h", "7d": "last 7 d", "30d": "last 30 d", "month": "this month"}
"""By the word in the address: the words on the page."""

LONGEST_DAYS = 92
HOURLY_DAYS = 2
"""Spans of up to so many days are shown by the hour."""

MOST_FILTERS = 8
LONGEST_VALUE = 2000

_OWN = ("period", "from", "to", "by", "severity", "page", "told")
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. `dates` are the first and the last day of a span of one's own; None for a `period`. `only` are
    (dimension, value) pairs; of values of one dimension any may fit. `page` counts pages of budgets from 1."""

    period: str = "today"
    dates: tuple[date, date] | None = None
    by: str = "feature"
    only: tuple[tuple[str, str], ...] = ()
    severity: Severity | None = None
    page: int = 1
    told: str = ""
    """What was just done, as the word of it in the address."""
    mistakes: tuple[str, ...] = ()

    def pairs(self) -> list[tuple[str, str]]:
        """As the address writes it; what is usual is left out."""
        found: list[tuple[str, str]] = []
        if self.dates is not None:
            found += [("from", self.dates[0].isoformat()), ("to", self.dates[1].isoformat())]
        elif self.period != "today":
            found.append(("period", self.period))
        if self.by != "feature":
            found.append(("by", self.by))
        found += self.only
        if self.severity is not None:
            found.append(("severity", self.severity.word))
        if self.page > 1:
            found.append(("page", str(self.page)))
        return found

    def address(self, anchor: str = "", **changes: object) -> str:
        """The address of the page with these changes."""
        changed = replace(self, told="", mistakes=(), **changes)  # type: ignore[arg-type]  # callers name this class's own fields
        written = urlencode([(name, value.encode("utf-8", "replace")) for name, value in changed.pairs()])
        return f"/{'?' if written else ''}{written}{f'#{anchor}' if anchor else ''}"

    def without(self, pair: tuple[str, str]) -> tuple[tuple[str, str], ...]:
        return tuple(one for one in self.only if one != pair)

    def fits(self, known: Iterable[tuple[str, str]]) -> bool:
        """Whether something with these known values is meant by the filters. What is not split by a dimension that is
        filtered by holds other spend too, and is left out."""
        values = dict(known)
        wanted: dict[str, set[str]] = {}
        for name, value in self.only:
            wanted.setdefault(name, set()).add(value)
        return all(values.get(name) in allowed for name, allowed in wanted.items())

    def wanted(self, rules: RuleSet, now_ms: int) -> Wanted:
        """What of the spend is to be read."""
        span, every = self._span(rules, now_ms)
        only: dict[str, tuple[str, ...]] = {}
        for name, value in self.only:
            only[name] = (*only.get(name, ()), value)
        return Wanted(self.by, span, every, tuple(sorted(only.items())))

    def _span(self, rules: RuleSet, now_ms: int) -> tuple[Span, Every]:
        calendar = rules.calendar
        today = day_index(calendar, now_ms)
        if self.dates is not None:
            first, last = (one.toordinal() for one in self.dates)
            every = Every.HOUR if last - first < HOURLY_DAYS else Every.DAY
            return Span(day_span(calendar, first)[0], day_span(calendar, last)[1]), every
        end_ms = day_at(calendar, now_ms).end_ms
        match self.period:
            case "24h":
                hour = period_at(calendar, Every.HOUR, now_ms)
                first_ms = period_at(calendar, Every.HOUR, hour.start_ms - 23 * _HOUR_MS).start_ms
                return Span(first_ms, hour.end_ms), Every.HOUR
            case "7d" | "30d":
                days = int(self.period[:-1])
                return Span(day_span(calendar, today - days + 1)[0], end_ms), Every.DAY
            case "month":
                return Span(period_at(calendar, Every.MONTH, now_ms).start_ms, end_ms), Every.DAY
            case _:
                return Span(day_span(calendar, today)[0], end_ms), Every.HOUR


def read_query(pairs: Sequence[tuple[str, str]], rules: RuleSet) -> Query:
    """The query that the address means; `pairs` are the names and values in it, in their order."""
    found, mistakes = Query(), list[str]()
    only: list[tuple[str, str]] = []
    dates: dict[str, str] = {}
    for name, value in pairs[:100]:
        if not value:
            continue
        if name in ("from", "to"):
            dates[name] = value
        elif name in _OWN:
            changed = _changed(found, name, value, rules)
            mistakes += [] if changed is not None else [_unknown(name, value, rules)]
            found = changed or found
        elif name not in rules.dimensions:
            mistakes.append(f"“{_short(name)}” is no filter here{_near(name, (*_OWN[:-1], *rules.dimensions))}.")
        elif len(value) > LONGEST_VALUE or len(only) == MOST_FILTERS:
            mistakes.append(f"at most {MOST_FILTERS} filters, each of at most {LONGEST_VALUE:,} characters.")
        else:
            only.append((name, value))
    found = replace(found, only=tuple(dict.fromkeys(only)))
    if dates:
        found, wrong = _dated(found, dates)
        mistakes += wrong
    return replace(found, mistakes=tuple(mistakes[:5]))


def _changed(found: Query, name: str, value: str, rules: RuleSet) -> Query | None:
    """The query with one of the page's own words; None where its value makes no sense."""
    if name == "period" and value in PERIODS:
        return replace(found, period=value)
    if name == "by" and value in rules.dimensions:
        return replace(found, by=value)
    if name == "severity" and value in [severity.word for severity in Severity]:
        return replace(found, severity=Severity[value.upper()])
    if name == "page" and value.isascii() and value.isdigit() and 1 <= int(value[:7]) <= 100_000:
        return replace(found, page=int(value[:7]))
    return replace(found, told=value[:40]) if name == "told" else None


def _dated(found: Query, dates: dict[str, str]) -> tuple[Query, list[str]]:
    """A span of one's own; with one end alone it is that day."""
    try:
        first = date.fromisoformat(dates.get("from") or dates["to"])
        last = date.fromisoformat(dates.get("to") or dates["from"])
    except ValueError:
        written = " – ".join(_short(value) for value in dates.values())
        return found, [f"“{written}” is no date; write it as 2026-11-24."]
    if not date(2000, 1, 1) <= first <= last <= date(2200, 1, 1):
        return found, ["the last day lies before the first, or far from any data; nothing is left of that time."]
    if last.toordinal() - first.toordinal() >= LONGEST_DAYS:
        return found, [f"that is longer than {LONGEST_DAYS} days; fusewatch report goes further back."]
    return replace(found, dates=(first, last)), []


def _unknown(name: str, value: str, rules: RuleSet) -> str:
    known: tuple[str, ...] = {
        "period": tuple(PERIODS),
        "by": rules.dimensions,
        "severity": tuple(severity.word for severity in Severity),
    }.get(name, ())
    right = f"; known are {', '.join(known)}" if known else ""
    return f"“{_short(value)}” is no {name}{right}."


def _near(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name[:60], known, n=2)
    return f", did you mean {' or '.join(close)}?" if close else ""


def _short(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:60]}…"
