"""Notices that wait for the end of quiet hours or of a silence: one for each incident and destination."""

from collections.abc import Sequence

from fusewatch.domain.holding import Held
from fusewatch.store import codec
from fusewatch.store.connection import Link


def held(link: Link) -> Sequence[Held]:
    rows = link.rows("SELECT facts FROM held ORDER BY from_ms, incident, destination")
    return [codec.held_of(facts) for (facts,) in rows]


def put(link: Link, held: Held) -> None:
    link.run(
        "INSERT INTO held (incident, destination, from_ms, facts) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (incident, destination) DO UPDATE SET from_ms = excluded.from_ms, facts = excluded.facts",
        (held.incident_id, held.destination, held.from_ms, codec.encode(held)),
    )


def drop(link: Link, incident_id: str, destination: str) -> None:
    link.run("DELETE FROM held WHERE incident = ? AND destination = ?", (incident_id, destination))
