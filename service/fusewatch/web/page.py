"""The page: is anything wrong, where do we stand, where does the money go; then projects and deliveries."""

from collections.abc import Iterator, Mapping, Sequence

from fusewatch.app.snapshot import BudgetLine, Snapshot, SpendLine
from fusewatch.domain.forecast import Forecast
from fusewatch.domain.incidents import Standing
from fusewatch.domain.money import format_usd
from fusewatch.domain.periods import Last
from fusewatch.domain.rules import DEFAULT_THRESHOLDS, Budget, RuleSet, Severity, Unit
from fusewatch.domain.verdicts import passed
from fusewatch.ports import ProjectState
from fusewatch.web.api import worst_first
from fusewatch.web.findings import Finding, findings, mark, verdict
from fusewatch.web.html import Markup, el, foreign, join, text
from fusewatch.web.style import CSS, CSS_SOURCE
from fusewatch.web.telemetry import Process
from fusewatch.web.words import amount, amount_of, duration, moment, percent

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src {CSS_SOURCE}; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""No scripts at all, and no style but ours."""

MOST_BUDGETS = 200
MOST_ROWS = 20
"""Of spikes and of spend: the rest is in the API and in the metrics."""

_LIMIT_AT = 80.0
"""Where in a bar its limit stands, in per cent of the width: the same in all bars, so that lengths compare."""


def render_page(snapshot: Snapshot, process: Process, rules: RuleSet, problems: Sequence[str]) -> bytes:
    """The whole page. `problems` are the daemon's own, as its liveness probe names them."""
    found = findings(snapshot, process, rules, problems)
    wrong = sum(one.severity >= Severity.WARNING for one in found)
    zone = rules.calendar.timezone
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", f"({wrong}) Fusewatch" if wrong else "Fusewatch"),
        el("link", rel="icon", href="data:,"),
        el("style", CSS),
    )
    body = el(
        "body",
        el("header", el("h1", "Fusewatch"), el("p", verdict(snapshot, wrong, zone), class_="verdict")),
        el(
            "main",
            _section("Is anything wrong?", _counted(found), el("ul", *(one.row for one in found))) if found else None,
            _silences(snapshot, zone),
            _budgets(snapshot, rules, zone),
            _spikes(snapshot),
            _spend(snapshot),
            _projects(snapshot, zone),
            _deliveries(snapshot, zone),
        ),
        el(
            "footer",
            f"Fusewatch {process.version} · as of {moment(snapshot.now_ms, snapshot.now_ms, zone)}, times in {zone} · ",
            el("a", "metrics", href="/metrics"),
            " · ",
            el("a", "API", href="/api/v1/openapi.json"),
        ),
    )
    return b"<!doctype html>\n" + el("html", head, body, lang="en").encode()


def _counted(found: Sequence[Finding]) -> str:
    counts = [(severity.word, sum(one.severity is severity for one in found)) for severity in reversed(Severity)]
    return ", ".join(f"{count:,} {word}" for word, count in counts if count)


def _section(title: str, note: str, *content: Markup | None) -> Markup:
    return el("section", el("h2", title, el("small", f"  {note}") if note else None), *content)


def _silences(snapshot: Snapshot, zone: str) -> Markup | None:
    if not snapshot.silences:
        return None
    rows = [
        (
            foreign(" ".join(f"{m.dimension}={','.join(m.patterns)}" for m in silence.matchers)),
            foreign(silence.comment),
            foreign(silence.author),
            text(silence.id),
            text(moment(silence.until_ms, snapshot.now_ms, zone)),
        )
        for silence in snapshot.silences[:MOST_ROWS]
    ]
    count = len(snapshot.silences)
    note = f"the last {MOST_ROWS} of {count:,}" if count > MOST_ROWS else ""
    return _section("What is silenced?", note, _table(("", "because", "by", "silence", "until"), rows, numbers=1))


# ---------------------------------------------------------------- budgets


def _budgets(snapshot: Snapshot, rules: RuleSet, zone: str) -> Markup:
    lines = worst_first(snapshot.budgets)
    budgets = {budget.name: budget for budget in rules.budgets}
    rows = [_budget(line, budgets, snapshot.now_ms, zone) for line in lines[:MOST_BUDGETS]]
    rest = len(lines) - len(rows)
    notes = []
    if rest:
        notes.append(f"{rest:,} more, all at {percent(lines[MOST_BUDGETS].spent, lines[MOST_BUDGETS].limit)} or less.")
    if snapshot.loading:
        names = join(*_listed(snapshot.loading))
        notes.append(join("Still reading the history of ", names, ": nothing can be said of it yet."))
    if not rows and not snapshot.loading:
        notes.append("Nothing was spent under any budget in its present period.")
    return _section(
        "Where do we stand?",
        "budgets, worst first" if rows else "",
        el("ul", *rows, class_="bars") if rows else None,
        *(el("p", note, class_="dim") for note in notes),
    )


def _listed(names: Sequence[str]) -> Iterator[Markup]:
    for index, name in enumerate(names[:MOST_ROWS]):
        yield join(", " if index else None, foreign(name))
    if len(names) > MOST_ROWS:
        yield text(f" and {len(names) - MOST_ROWS} more")


def _expected(found: Forecast, unit: Unit, now_ms: int, zone: str) -> str:
    low, high = amount(found.low, unit), amount(found.high, unit)
    text = f"at this pace {f'about {low}' if low == high else f'{low} – {high}'}"
    if found.crosses_at_ms is None:
        return text
    return f"{text}, crosses its limit about {moment(found.crosses_at_ms, now_ms, zone)}"


def _budget(line: BudgetLine, budgets: Mapping[str, Budget], now_ms: int, zone: str) -> Markup:
    severity = _severity(line, budgets)
    at_least = line.standing is not Standing.READY
    sums = ("at least " if at_least else "") + amount_of(line.spent, line.limit, line.unit)
    share = percent(line.spent, line.limit)
    details = [f"in the last {line.every.words}"] if isinstance(line.every, Last) else []
    if line.estimated:
        details.append(f"{format_usd(line.estimated)} of it estimated")
    if line.resets_ms is not None:
        details.append(f"resets in {duration(line.resets_ms - now_ms)}")
    if line.forecast is not None:
        details.append(_expected(line.forecast, line.unit, now_ms, zone))
    if at_least:
        details.append("part of the period is not read yet")
    return el(
        "li",
        el(
            "span",
            mark(severity) if severity else None,
            _name(line),
            class_="name",
        ),
        el("span", _bar(line, severity, f"{share} used"), class_="bar"),
        el("span", sums, class_="sum"),
        el("span", share, class_="share"),
        el("span", el("span", f"{sums} · ", class_="sum-small"), " · ".join(details), class_="more"),
    )


def _name(line: BudgetLine) -> Markup:
    return join(foreign(line.budget), " " if line.group else None, el("small", foreign(line.group), class_="dim"))


def _severity(line: BudgetLine, budgets: Mapping[str, Budget]) -> Severity | None:
    budget = budgets.get(line.budget)
    reached = passed(budget.thresholds if budget else DEFAULT_THRESHOLDS, line.spent, line.limit)
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
    return f"{min(part / limit * _LIMIT_AT, 100.0):.2f}%"


# ---------------------------------------------------------------- spikes and spend


def _spikes(snapshot: Snapshot) -> Markup | None:
    lines = sorted(snapshot.spikes, key=lambda line: (-line.ratio, line.rule, line.labels))
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
        for line in lines[:MOST_ROWS]
    ]
    note = f"the highest {MOST_ROWS} of {len(lines):,}" if len(lines) > MOST_ROWS else ""
    columns = ("", "ratio", "today so far", "average day")
    return _section("What differs from other days?", note, _table(columns, rows, numbers=3))


def _spend(snapshot: Snapshot) -> Markup | None:
    lines = sorted(snapshot.spend, key=lambda line: (-line.month_pico, line.labels))
    if not lines:
        return None
    estimates = any(line.day_estimate_pico or line.month_estimate_pico for line in lines)
    rows: list[tuple[Markup, ...]] = [
        (*(foreign(value) for value in line.labels), *_sums([line], estimates=estimates)) for line in lines[:MOST_ROWS]
    ]
    more = lines[MOST_ROWS:]
    if more:
        blank = (text(""),) * len(snapshot.metric_labels)
        rows.append((text(f"{len(more):,} more"), *blank, *_sums(more, estimates=estimates)))
    day, month = sum(line.day_pico for line in lines), sum(line.month_pico for line in lines)
    note = f"{format_usd(day)} today, {format_usd(month)} this month"
    columns = ["project", *snapshot.metric_labels, "today", "this month"]
    if estimates:
        columns.append("estimated this month")
        note += f", {format_usd(sum(line.month_estimate_pico for line in lines))} estimated beside it"
    return _section("Where does the money go?", note, _table(columns, rows, numbers=3 if estimates else 2))


def _sums(lines: Sequence[SpendLine], *, estimates: bool) -> list[Markup]:
    sums = [sum(line.day_pico for line in lines), sum(line.month_pico for line in lines)]
    if estimates:
        sums.append(sum(line.month_estimate_pico for line in lines))
    return [text(format_usd(pico)) for pico in sums]


def _table(columns: Sequence[str], rows: Sequence[Sequence[Markup]], *, numbers: int) -> Markup:
    """The last `numbers` columns hold numbers."""
    words = len(columns) - numbers

    def cells(name: str, values: Sequence[str]) -> list[Markup]:
        return [el(name, value, class_=None if index < words else "n") for index, value in enumerate(values)]

    head = el("thead", el("tr", *cells("th", columns)))
    return el("div", el("table", head, el("tbody", *(el("tr", *cells("td", row)) for row in rows))), class_="wide")


# ---------------------------------------------------------------- projects and deliveries


def _projects(snapshot: Snapshot, zone: str) -> Markup:
    rows = [
        (
            foreign(project.name),
            foreign(_health(project, snapshot.now_ms, zone)),
            text("–" if project.data_as_of_ms is None else moment(project.data_as_of_ms, snapshot.now_ms, zone)),
        )
        for project in snapshot.projects
    ]
    if not rows:
        return _section("Projects", "", el("p", "No project has answered yet.", class_="dim"))
    return _section("Projects", "", _table(("project", "state", "data as of"), rows, numbers=1))


def _health(project: ProjectState, now_ms: int, zone: str) -> str:
    if project.failing_since_ms is not None:
        since = moment(project.failing_since_ms, now_ms, zone)
        return f"cannot be read since {since}: {project.failure_text or project.failure}"
    return "is read" if project.loaded_ms is not None else "its history is being read"


def _deliveries(snapshot: Snapshot, zone: str) -> Markup | None:
    waiting = sum(n for (_, state), n in snapshot.deliveries.items() if state in ("pending", "claimed"))
    dead = sum(n for (_, state), n in snapshot.deliveries.items() if state == "dead")
    if not waiting and not dead:
        return None
    rows = [
        (
            foreign(row.destination),
            text("dead" if row.state == "dead" else "waiting"),
            text(f"{row.kind}, after {row.attempts} attempts" if row.attempts else row.kind),
            foreign(row.text or row.reason),
            text(moment(row.created_ms, snapshot.now_ms, zone)),
        )
        for row in snapshot.stuck
    ]
    columns = ("destination", "state", "notice", "why", "since")
    return _section("Deliveries", f"{waiting:,} waiting, {dead:,} dead", _table(columns, rows, numbers=1))
