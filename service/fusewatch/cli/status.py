"""`fusewatch status`: where things stand, from the database; works with the daemon running or stopped."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from fusewatch.app.retold import Retold, incidents_now
from fusewatch.app.snapshot import BudgetLine, Snapshot, Unmatched, take_snapshot
from fusewatch.bootstrap import LINKER
from fusewatch.cli.common import ConfigOption, DatabaseOption, JsonOption, environ, holder, print_json
from fusewatch.cli.incidentjson import told_document
from fusewatch.cli.inforce import rules_in_force
from fusewatch.config.settings import load_settings
from fusewatch.domain.holding import Held
from fusewatch.domain.incidents import Standing
from fusewatch.domain.money import format_usd, usd_json
from fusewatch.domain.notices import Why
from fusewatch.domain.periods import local_clock
from fusewatch.domain.rules import Unit
from fusewatch.notify import cards
from fusewatch.notify.sheet import line_text
from fusewatch.notify.text import clean
from fusewatch.ports import ProjectState
from fusewatch.runtime import SystemClock
from fusewatch.store import open_store

SHOWN = 30
ROOMY = 64
"""A narrower terminal shows no forecasts, so that no amount is cut."""
_MOST_TOLD = 10_000


NAMES = 500
"""Characters of a rule and its key together."""


def command(config: ConfigOption = None, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Show budgets, incidents, projects and deliveries.

    For example: fusewatch status --json
    """
    settings = load_settings(environ(), config=config, database_url=database)
    store = open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False)
    try:
        rules = rules_in_force(settings, store)
        now_ms = SystemClock().now_ms()
        keys = store.read(lambda unit: frozenset(project.key for project in unit.projects()))
        picture = take_snapshot(store, rules, keys, now_ms=now_ms, started_ms=0)
        standing = store.read(
            lambda unit: incidents_now(unit, rules, LINKER, now_ms=now_ms, open_only=True, limit=_MOST_TOLD)
        )
    finally:
        store.close()
    zone = rules.calendar.timezone
    if as_json:
        told = {one.incident.id: told_document(one.notice, zone) for one in standing}
        print_json(_document(picture, told))
    else:
        _print(picture, standing, zone)


def amount(value: int, unit: Unit) -> str:
    """An amount as people read it."""
    match unit:
        case Unit.USD:
            return format_usd(value)
        case Unit.TOKENS | Unit.REQUESTS:
            return f"{value:,} {unit.value}"
        case Unit.USD_PER_REQUEST:
            return f"{format_usd(value)} per request"


def _print(picture: Snapshot, standing: Sequence[Retold], zone: str) -> None:
    console = Console(highlight=False)
    totals = picture.totals
    console.print(
        f"{totals.generations:,} generations, {format_usd(totals.cost_pico)}"
        + (f", {totals.unpriced:,} of them without a price" if totals.unpriced else "")
        + (f" (estimated at {format_usd(totals.estimate_pico)} beside it)" if totals.estimate_pico else "")
    )
    for project in picture.projects:
        console.print(Text(_health(project, picture.now_ms, zone)))
    if picture.loading:
        console.print(Text(f"Still loading the history of: {', '.join(map(clean, picture.loading))}"))
    _print_incidents(console, standing, len(picture.open_incidents), picture.now_ms, zone)
    _print_waiting(console, picture, zone)
    _print_budgets(console, picture.budgets, zone)
    for unmatched in picture.unmatched:
        console.print(Text(f"{clean(unmatched.rule)} matched nothing in 7 days{hint(unmatched)}"))
    waiting = sum(n for (_, state), n in picture.deliveries.items() if state in ("pending", "claimed"))
    dead = sum(n for (_, state), n in picture.deliveries.items() if state == "dead")
    console.print(f"Deliveries: {waiting} waiting, {dead} dead")
    for row in picture.stuck:
        if row.text:
            said = clean(row.text, 300)
            console.print(Text(f"  {clean(row.destination)}: {row.state} after {row.attempts} attempts: {said}"))


def _health(project: ProjectState, now_ms: int, zone: str) -> str:
    if project.failing_since_ms is not None:
        since = f"{local_clock(zone, project.failing_since_ms):%Y-%m-%d %H:%M}"
        return f"{project.name}: cannot be read since {since}: {project.failure_text}"
    if project.data_as_of_ms is None:
        return f"{project.name}: not read yet"
    age = max(0, (now_ms - project.data_as_of_ms) // 1000)
    at = f"{local_clock(zone, project.data_as_of_ms):%Y-%m-%d %H:%M:%S}"
    text = f"{project.name}: data as of {at} ({age} s ago), {project.api} API"
    return f"{text}; reading {_days(project.stale_ms)} again since attribution changed" if project.stale_ms else text


def _days(ms: int) -> str:
    """A length of time as people read it, to the day or the hour, never less than it is."""
    hours = -(-ms // 3_600_000)
    return f"{-(-hours // 24)} days" if hours > 24 else f"{hours} hours" if hours > 1 else "an hour"


def hint(unmatched: Unmatched) -> str:
    """Which pattern fits no value that exists, and what may have been meant."""
    parts = []
    for misfit in unmatched.misfits:
        told = f"no {misfit.dimension} is {' or '.join(misfit.patterns)}"
        near = " or ".join(misfit.nearest)
        parts.append(f"{told}, did you mean {near}?" if near else told)
    return f": {'; '.join(parts)}" if parts else ""


def _print_incidents(console: Console, standing: Sequence[Retold], count: int, now_ms: int, zone: str) -> None:
    """Each open incident in the words of its notice; `fusewatch incidents` shows the links, too."""
    if not standing:
        console.print("No open incidents.")
        return
    for one in standing[:SHOWN]:
        card = cards.whole(one.notice)
        by = f" (acknowledged by {clean(one.incident.acked_by)})" if one.incident.acked_ms is not None else ""
        headline = line_text(card.headline, zone=zone, now_ms=now_ms)
        word = one.incident.severity.word
        console.print(Text(f"{card.tone.mark} {headline} ({word}){by}"), soft_wrap=True)
        for line in card.body:
            console.print(Text(f"  {line_text(line, zone=zone, now_ms=now_ms)}"), soft_wrap=True)
    _print_rest(console, count)


def _print_waiting(console: Console, picture: Snapshot, zone: str) -> None:
    """What holds notices back, and which."""
    for held in picture.held[:SHOWN]:
        incident = held.notice.incident
        console.print(Text(clean(f"{incident.rule} {incident.group}", NAMES) + f" is {_wait(held, zone)}"))
    _print_rest(console, len(picture.held))
    if picture.silences:
        count = len(picture.silences)
        active = "1 silence is active" if count == 1 else f"{count} silences are active"
        console.print(f"{active}: fusewatch silence list")


def _wait(held: Held, zone: str) -> str:
    hold = held.hold
    what = f"silence {hold.silence}, for" if hold.why is Why.SILENCE else "quiet hours of"
    return f"held until {local_clock(zone, hold.until_ms):%d %b %H:%M}: {what} {held.destination}"


def _print_budgets(console: Console, budgets: tuple[BudgetLine, ...], zone: str) -> None:
    if not budgets:
        return
    table = Table(Column("budget", overflow="fold"), box=None, pad_edge=False)
    for name in ("spent", "limit", "used"):
        table.add_column(name, no_wrap=True)
    roomy = console.width >= ROOMY
    for name in ("at its end", "crosses", "") if roomy else ("",):
        table.add_column(name)
    for line in sorted(budgets, key=lambda line: -line.ratio)[:SHOWN]:
        table.add_row(
            Text(clean(f"{line.budget} {line.group}", NAMES)),
            amount(line.spent, line.unit) + _estimated(line.estimated),
            amount(line.limit, line.unit),
            f"{int(line.ratio * 100)} %" if line.limit > 0 else "-",
            *(_expected(line, zone) if roomy else ()),
            "" if line.standing is Standing.READY else "at least: a gap is not read yet",
        )
    console.print(table)
    _print_rest(console, len(budgets))


def _estimated(pico: int) -> str:
    return f" ({format_usd(pico)} estimated)" if pico else ""


def _expected(line: BudgetLine, zone: str) -> tuple[str, str]:
    """The range at the period's end, and when the limit is crossed."""
    found = line.forecast
    if found is None:
        return "-", "-"
    crosses = "-" if found.crosses_at_ms is None else f"{local_clock(zone, found.crosses_at_ms):%d %b %H:%M}"
    low, high = amount(found.low, line.unit), amount(found.high, line.unit)
    return low if low == high else f"{low} – {high}", crosses


def _forecast(line: BudgetLine) -> dict[str, object] | None:
    found = line.forecast
    if found is None:
        return None
    return {
        "amount": _value(found.amount, line.unit),
        "low": _value(found.low, line.unit),
        "high": _value(found.high, line.unit),
        "crosses_ms": found.crosses_at_ms,
        "basis": found.basis.value,
        "days": found.days,
    }


def _value(number: int, unit: Unit) -> str | int:
    return usd_json(number) if unit is Unit.USD else number


def _print_rest(console: Console, count: int) -> None:
    if count > SHOWN:
        console.print(f"… and {count - SHOWN:,} more; --json lists all")


def _document(picture: Snapshot, told: Mapping[str, dict[str, object]]) -> dict[str, object]:
    return {
        "generations": picture.totals.generations,
        "spend_usd": usd_json(picture.totals.cost_pico),
        "estimated_usd": usd_json(picture.totals.estimate_pico),
        "unpriced_requests": picture.totals.unpriced,
        "loading": list(picture.loading),
        "projects": [
            {
                "name": p.name,
                "host": p.host,
                "project_id": p.project_id,
                "api": p.api,
                "loaded": p.loaded_ms is not None,
                "data_as_of_ms": p.data_as_of_ms,
                "failing_since_ms": p.failing_since_ms,
                "failure": p.failure,
                "failure_text": p.failure_text,
                "stale_ms": p.stale_ms,
            }
            for p in picture.projects
        ],
        "unmatched": [
            {
                "rule": one.rule,
                "misfits": [
                    {"dimension": m.dimension, "patterns": list(m.patterns), "nearest": list(m.nearest)}
                    for m in one.misfits
                ],
            }
            for one in picture.unmatched
        ],
        "budgets": [
            {
                "budget": line.budget,
                "key": line.group,
                "unit": line.unit.value,
                "spent": _value(line.spent, line.unit),
                "estimated_usd": usd_json(line.estimated),
                "limit": _value(line.limit, line.unit),
                "forecast": _forecast(line),
                "resets_ms": line.resets_ms,
                "standing": line.standing.value,
            }
            for line in picture.budgets
        ],
        "incidents": [
            {
                "id": i.id,
                "rule": i.rule,
                "key": i.group,
                "kind": i.kind.value,
                "period": i.period,
                "severity": i.severity.word,
                "state": i.state.value,
                "measured": _value(i.measured, i.unit),
                "estimated_usd": usd_json(i.estimated),
                "limit": _value(i.limit, i.unit),
                "opened_ms": i.opened_ms,
                **told.get(i.id, {}),
                "told": list(i.told),
                "acknowledged_by": i.acked_by,
                "acknowledged_ms": i.acked_ms,
                "held": [
                    {
                        "destination": held.destination,
                        "why": held.hold.why.value,
                        "silence": held.hold.silence,
                        "until_ms": held.hold.until_ms,
                    }
                    for held in picture.held_of(i)
                ],
            }
            for i in picture.open_incidents
        ],
        "deliveries": [
            {"destination": destination, "state": state, "count": count}
            for (destination, state), count in sorted(picture.deliveries.items())
        ],
    }
