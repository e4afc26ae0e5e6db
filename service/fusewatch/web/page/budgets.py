"""Where do we stand: a bar for each budget, the worst first, and the keys that differ from other days."""

from collections.abc import Iterator, Sequence

from fusewatch.app.snapshot import BudgetLine, SpikeLine
from fusewatch.domain.forecast import Forecast
from fusewatch.domain.incidents import Standing
from fusewatch.domain.money import format_usd
from fusewatch.domain.periods import Every, Last
from fusewatch.domain.rules import DEFAULT_THRESHOLDS, Budget, Severity, Unit
from fusewatch.domain.verdicts import passed
from fusewatch.web.api import worst_first
from fusewatch.web.html import Child, Markup, el, foreign, join, text
from fusewatch.web.page.findings import mark
from fusewatch.web.page.parts import Shown, note, section, table
from fusewatch.web.words import amount, amount_of, duration, moment, percent

FIRST = 8
"""So many budgets stand on the page, so that the money comes soon after them."""

ON_A_PAGE = 50
"""So many stand on each page behind it."""

MOST_SPIKES = 12
NEARLY_USUAL = 1.25
"""What is below so many times its usual is no news."""

MOST_NAMES = 20

_LIMIT_AT = 80.0
"""Where in a bar its limit stands, in per cent of the width: the same in all bars, so that lengths compare."""

_EVERY = {Every.HOUR: "hourly", Every.DAY: "daily", Every.WEEK: "weekly", Every.MONTH: "monthly"}


def budgets(shown: Shown) -> Markup:
    lines = [line for line in worst_first(shown.snapshot.budgets) if _is_asked_for(shown, line)]
    pages = 1 + max(0, -(-(len(lines) - FIRST) // ON_A_PAGE))
    page = min(shown.query.page, pages)
    first, last = _begins(page), min(_begins(page + 1), len(lines))
    rows = lines[first:last]
    title = "Where do we stand?"
    hint = "budgets, worst first" if rows else ""
    content: list[Child] = []
    if rows:
        content.append(el("ul", *(_budget(shown, line) for line in rows), class_="bars"))
    if pages > 1:
        content.append(_pages(shown, lines, page, last))
    if shown.snapshot.loading:
        names = join(*_listed(shown.snapshot.loading))
        content.append(note(join("Still reading the history of ", names, ": nothing can be said of it yet.")))
    elif not rows:
        content.append(note(_nothing(shown)))
    return section("budgets", title, hint, *content)


def _nothing(shown: Shown) -> str:
    if shown.query.only or shown.query.severity:
        return "No budget has spend that fits these filters."
    if not shown.rules.budgets:
        return "No budget is declared yet; ten lines in budgets.yaml are enough for a first one."
    return "Nothing was spent under any budget in its present period."


def _is_asked_for(shown: Shown, line: BudgetLine) -> bool:
    query = shown.query
    if query.severity is not None and (_severity(shown, line) or 0) < query.severity:
        return False
    return shown.fits(line.budget, line.labels)


def _begins(page: int) -> int:
    """How many budgets stand on the pages before this one."""
    return 0 if page == 1 else FIRST + (page - 2) * ON_A_PAGE


def _pages(shown: Shown, lines: Sequence[BudgetLine], page: int, last: int) -> Markup:
    here = f"{_begins(page) + 1:,} – {last:,} of {len(lines):,}"
    rest = f"; the next are at {percent(lines[last].spent, lines[last].limit)} or less" if last < len(lines) else ""
    links = [
        el("a", words, href=shown.query.address("budgets", page=number))
        for words, number, there in (("Worse", page - 1, page > 1), ("More", page + 1, last < len(lines)))
        if there
    ]
    return el(
        "nav", f"{here}{rest}. ", *(join(" ", link) for link in links), class_="dim pages", aria_label="More budgets"
    )


def _listed(names: Sequence[str]) -> Iterator[Markup]:
    for index, name in enumerate(names[:MOST_NAMES]):
        yield join(", " if index else None, foreign(name))
    if len(names) > MOST_NAMES:
        yield text(f" and {len(names) - MOST_NAMES} more")


def _expected(found: Forecast, unit: Unit, now_ms: int, zone: str) -> str:
    low, high = amount(found.low, unit), amount(found.high, unit)
    words = f"at this pace {f'about {low}' if low == high else f'{low} – {high}'}"
    if found.crosses_at_ms is None:
        return words
    return f"{words}, crosses its limit about {moment(found.crosses_at_ms, now_ms, zone)}"


def _budget(shown: Shown, line: BudgetLine) -> Markup:
    severity = _severity(shown, line)
    at_least = line.standing is not Standing.READY
    sums = ("at least " if at_least else "") + amount_of(line.spent, line.limit, line.unit)
    share = percent(line.spent, line.limit)
    details = [f"in the last {line.every.words}" if isinstance(line.every, Last) else _EVERY[line.every]]
    if line.estimated:
        details.append(f"{format_usd(line.estimated)} of it estimated")
    if line.resets_ms is not None:
        details.append(f"resets in {duration(line.resets_ms - shown.now_ms)}")
    if line.forecast is not None:
        details.append(_expected(line.forecast, line.unit, shown.now_ms, shown.zone))
    if at_least:
        details.append("part of the period is not read yet")
    return el(
        "li",
        el("span", mark(severity) if severity else el("span", class_="mark"), _name(line), class_="name"),
        el("span", _bar(line, severity, f"{share} of the limit used"), class_="bar"),
        el("span", sums, class_="sum"),
        el("span", share, class_="share"),
        el("span", " · ".join(details), class_="more"),
    )


def _name(line: BudgetLine) -> Markup:
    group = el("small", foreign(line.group), class_="dim") if line.group else None
    return el("span", foreign(line.budget), " " if group else None, group)


def _severity(shown: Shown, line: BudgetLine) -> Severity | None:
    budget = shown.rule(line.budget)
    thresholds = budget.thresholds if isinstance(budget, Budget) else DEFAULT_THRESHOLDS
    reached = passed(thresholds, line.spent, line.limit)
    return reached[-1].severity if reached else None


def _bar(line: BudgetLine, severity: Severity | None, label: str) -> Markup:
    pace = line.forecast.amount if line.forecast else 0
    return el(
        "svg",
        el("rect", class_="track", width="100%", height="100%"),
        el("rect", class_="pace", width=_width(pace, line.limit), height="100%") if pace > line.spent else None,
        el("rect", class_="spent", width=_width(line.spent, line.limit), height="100%"),
        el("rect", class_="limit", x=f"{_LIMIT_AT:g}%", width="2", height="100%"),
        class_=severity.word if severity else None,
        role="img",
        aria_label=label,
    )


def _width(part: int, limit: int) -> str:
    if limit <= 0:
        return "100%" if part > 0 else "0%"
    return f"{min(max(part / limit, 0.0) * _LIMIT_AT, 100.0):.2f}%"


def spikes(shown: Shown) -> Markup | None:
    lines = [line for line in shown.snapshot.spikes if _spike_is_asked_for(shown, line)]
    lines.sort(key=lambda line: (-line.ratio, line.rule, line.labels))
    if not lines:
        return None
    rows = [
        (
            join(foreign(line.rule), " ", el("small", foreign(line.group), class_="dim")),
            text(f"{line.ratio:,.1f}x"),
            text(
                amount(line.today, line.unit)
                + (f" in {line.last.words}" if line.last else "")
                + (f" ({format_usd(line.estimated)} estimated)" if line.estimated else "")
            ),
            text(amount(line.baseline, line.unit)),
        )
        for line in lines[:MOST_SPIKES]
    ]
    hint = f"the highest {MOST_SPIKES} of {len(lines):,}" if len(lines) > MOST_SPIKES else ""
    title = "What differs from other days?"
    return section(
        "spikes", title, hint, table(title, ("rule", "ratio", "today so far", "average day"), rows, numbers=3)
    )


def _spike_is_asked_for(shown: Shown, line: SpikeLine) -> bool:
    if not line.fires and (shown.query.severity is not None or line.ratio < NEARLY_USUAL):
        return False
    return shown.fits(line.rule, line.labels)
