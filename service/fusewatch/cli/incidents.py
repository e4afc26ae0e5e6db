"""`fusewatch incidents`: what is wrong, in the words of the notices; and deliveries that died, put in line again.

All of it goes through the database, so it works with the daemon running or stopped; a running one looks at its outbox
every 15 seconds at least.
"""

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console

from fusewatch.app.retold import Retold, Story, incidents_named, incidents_now, story_of
from fusewatch.bootstrap import LINKER
from fusewatch.cli import completing
from fusewatch.cli.common import ConfigOption, DatabaseOption, JsonOption, environ, holder, print_json
from fusewatch.cli.incidentjson import delivery_document, retold_document, story_document
from fusewatch.cli.inforce import rules_in_force
from fusewatch.config.settings import Settings, load_settings
from fusewatch.config.words import shown
from fusewatch.domain.notices import Message, MessageKind, Notice, Why
from fusewatch.domain.periods import local_clock
from fusewatch.errors import ConfigError, Problem
from fusewatch.notify.console import drawn
from fusewatch.notify.numbers import percent
from fusewatch.notify.sheet import Sheet
from fusewatch.notify.text import clean
from fusewatch.notify.words import sheet
from fusewatch.ports import DeliveryRow, Posted
from fusewatch.runtime import SystemClock
from fusewatch.store import SqlStore, open_store

LONGEST_LINK = 4_000
_PLACE = "command line"
_MOST_DEAD = 10_000


def command(
    incident: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help="One incident: its id, or the beginning of it.", autocompletion=completing.incidents
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 20,
    dead: Annotated[bool, typer.Option("--dead", help="Show the deliveries that died, and why.")] = False,
    revive: Annotated[
        str | None, typer.Option("--revive", metavar="DELIVERY|all", help="Send a dead delivery again.")
    ] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is wrong in the words of the notices; with an id also what was crossed and who was told of it.

    For example: fusewatch incidents --all --limit 5, fusewatch incidents 2GMVN4, fusewatch incidents --dead,
    fusewatch incidents --revive all

    A delivery is dead when its receiver refused it for good, or failed for two days. Revived, it is due at once under
    its old id, and counts its attempts and its two days anew.

    --json gives a list of objects: id, kind, rule, key, period, state, severity, unit, measured, limit, opened_ms,
    changed_ms, headline, body, links (label, url, wider), told, held, crossings; for one incident that object with
    deliveries, with --dead and --revive a list of deliveries (id, destination, state, kind, attempts, created_ms,
    next_ms, sent_ms, reason, text).
    """
    if sum((incident is not None, dead, revive is not None)) > 1:
        right = "ask for an incident, for --dead or for --revive, one at a time"
        raise ConfigError([Problem(_PLACE, 0, "incidents", "this asks for several things", right)])
    settings = load_settings(environ(), config=config, database_url=database)
    with _open(settings) as store:
        if revive is not None:
            _revive(store, settings, revive, as_json=as_json)
        elif dead:
            _dead(store, settings, limit, as_json=as_json)
        elif incident is not None:
            _one(store, settings, incident, as_json=as_json)
        else:
            _list(store, settings, open_only=not all_, limit=limit, as_json=as_json)


def _open(settings: Settings) -> SqlStore:
    return open_store(settings.database_url.get_secret_value(), holder=holder(), exclusive=False)


# ---------------------------------------------------------------- incidents


def _list(store: SqlStore, settings: Settings, *, open_only: bool, limit: int, as_json: bool) -> None:
    rules, now_ms = rules_in_force(settings, store), SystemClock().now_ms()
    found = store.read(
        lambda unit: incidents_now(unit, rules, LINKER, now_ms=now_ms, open_only=open_only, limit=limit + 1)
    )
    zone = rules.calendar.timezone
    if as_json:
        print_json([retold_document(one, zone) for one in found[:limit]])
        return
    if not found:
        print("No open incidents." if open_only else "No incidents.")
    for one in found[:limit]:
        _draw(one, zone, now_ms, settings)
    if len(found) > limit:
        print(f"… and more; --limit {limit * 5} shows more of them.")


def _one(store: SqlStore, settings: Settings, wanted: str, *, as_json: bool) -> None:
    rules, now_ms = rules_in_force(settings, store), SystemClock().now_ms()
    meant = store.read(lambda unit: incidents_named(unit, wanted)) if wanted else []
    if len(meant) != 1:
        who = f"{len(meant)} incidents begin with" if meant else "no incident has"
        right = "fusewatch incidents --all shows them"
        raise ConfigError([Problem(_PLACE, 0, "ID", f"{who} the id {shown(wanted)}", right)])
    story = store.read(lambda unit: story_of(unit, rules, LINKER, meant[0], now_ms=now_ms))
    zone = rules.calendar.timezone
    if as_json:
        print_json(story_document(story, zone))
        return
    _draw(story.retold, zone, now_ms, settings)
    for line in _history(story, zone):
        print(line)


def _draw(one: Retold, zone: str, now_ms: int, settings: Settings) -> None:
    content = sheet_of(one.notice, now_ms, settings.public_url or "")
    console = Console(highlight=False)
    links = content.all_links if console.is_terminal else ()
    if links:
        # Inside the card a long address would be broken by its border, and could be neither clicked nor copied.
        content = replace(content, links=(), cards=tuple(replace(card, links=()) for card in content.cards))
    sys.stdout.write(drawn(content, console, zone=zone))
    for link in links:
        print(f"  {clean(link.label)}: {clean(link.url, LONGEST_LINK)}")
    for line in _waits(one, zone):
        print(f"  {line}")


def sheet_of(notice: Notice, now_ms: int, page: str = "") -> Sheet:
    """The incident as its notice is told alone."""
    severity = notice.severity
    return sheet(Message("", "terminal", MessageKind.NOTICES, severity, now_ms, (notice,), link=page))


def _waits(one: Retold, zone: str) -> Iterator[str]:
    for held in one.held:
        what = f"silence {held.hold.silence}" if held.hold.why is Why.SILENCE else "quiet hours"
        yield f"held back for {clean(held.destination)} until {_clock(held.hold.until_ms, zone)}: {what}"


def _history(story: Story, zone: str) -> Iterator[str]:
    incident = story.retold.incident
    yield f"  opened {_clock(incident.opened_ms, zone)}, {incident.state.value.replace('_', ' ')}" + (
        f" since {_clock(incident.changed_ms, zone)}" if incident.state.value != "open" else ""
    )
    for crossing in incident.crossings:
        learned = f"learned {_clock(crossing.learned_ms, zone)}"
        yield f"  {percent(crossing.share)} {crossing.severity.word}: {_clock(crossing.at_ms, zone)}, {learned}"
    if not story.posted:
        yield "  Nobody was told of it."
    for posted in story.posted:
        yield f"  {_delivery(posted, incident.id, zone)}"


def _delivery(posted: Posted, incident_id: str, zone: str) -> str:
    """`finops was told 22 Nov 16:42: opened, 100 % (delivery 01JD…)`, or what its receiver said."""
    row = posted.row
    notices = [notice for notice in posted.message.notices if notice.incident.id == incident_id]
    what = ", ".join(f"{n.reason.value.replace('_', ' ')} at {percent(n.threshold)}" for n in notices)
    return f"{clean(row.destination)} {_fate(row, zone)}: {what} (delivery {row.id})"


def _fate(row: DeliveryRow, zone: str) -> str:
    said = f" ({clean(row.text, 300)})" if row.text else ""
    if row.state == "sent" and row.sent_ms is not None:
        return f"was told {_clock(row.sent_ms, zone)}"
    if row.state == "dead":
        return f"was not told, dead after {_attempts(row)}{said}"
    again = f", next attempt {_clock(row.next_ms, zone)}" if row.next_ms is not None and row.attempts else ""
    return f"waits since {_clock(row.created_ms, zone)}, {_attempts(row)}{again}{said}"


def _attempts(row: DeliveryRow) -> str:
    return "1 attempt" if row.attempts == 1 else f"{row.attempts} attempts"


def _clock(at_ms: int, zone: str) -> str:
    return f"{local_clock(zone, at_ms):%d %b %H:%M}"


# ---------------------------------------------------------------- dead deliveries


def _dead(store: SqlStore, settings: Settings, limit: int, *, as_json: bool) -> None:
    rows = _dead_rows(store)
    if as_json:
        print_json([delivery_document(row) for row in rows[:limit]])
        return
    rules = rules_in_force(settings, store)
    _print_deliveries(rows[:limit], rules.calendar.timezone, rules.destinations.keys())
    if len(rows) > limit:
        print(f"… and {len(rows) - limit:,} more")
    print("Put them in line again: fusewatch incidents --revive all" if rows else "No delivery is dead.")


def _print_deliveries(rows: Sequence[DeliveryRow], zone: str, destinations: Collection[str]) -> None:
    for row in rows:
        said = clean(row.text or row.reason, 300)
        reason = f" [{clean(row.reason)}]" if row.text and row.reason else ""
        print(f"{row.id}  {clean(row.destination)}, {row.kind} of {_clock(row.created_ms, zone)}, {_attempts(row)}")
        print(f"  {said}{reason}")
        if row.destination not in destinations:
            print("  the budget file has no such destination any more, so nothing would send it")


def _dead_rows(store: SqlStore) -> Sequence[DeliveryRow]:
    return store.read(lambda unit: unit.deliveries(states=("dead",), limit=_MOST_DEAD))


def _revive(store: SqlStore, settings: Settings, wanted: str, *, as_json: bool) -> None:
    rules = rules_in_force(settings, store)
    rows = {row.id: row for row in _dead_rows(store)}
    ids = None if wanted == "all" else [id_ for id_ in rows if wanted and id_.startswith(wanted.upper())]
    if ids is not None and len(ids) != 1:
        who = f"{len(ids)} dead deliveries begin with" if ids else "no dead delivery has"
        right = "fusewatch incidents --dead shows them; all means each of them"
        raise ConfigError([Problem(_PLACE, 0, "--revive", f"{who} the id {shown(wanted)}", right)])
    now_ms = SystemClock().now_ms()
    revived = store.deliver(lambda unit: unit.revive(ids, at_ms=now_ms))
    states = ("pending", "claimed", "sent", "dead")
    if as_json:
        present = {row.id: row for row in store.read(lambda unit: unit.deliveries(states=states, limit=_MOST_DEAD))}
        print_json([delivery_document(present[id_]) for id_ in revived if id_ in present])
        return
    for id_ in revived:
        where = rows[id_].destination if id_ in rows else ""
        print(f"{id_} is due again, to {clean(where)}")
        if where and where not in rules.destinations:
            print("  but the budget file has no such destination any more, so nothing sends it")
    print(_told(len(revived)))


def _told(count: int) -> str:
    if not count:
        return "No delivery is dead."
    what = "1 delivery is" if count == 1 else f"{count:,} deliveries are"
    return f"{what} in line again; a running daemon sends within 15 seconds, a stopped one when it starts."
