"""The projects that were ever read: who they are, how reading them goes, which spans were read."""

from collections.abc import Sequence
from typing import Any

from fusewatch.domain.lateness import Lateness
from fusewatch.domain.money import join
from fusewatch.ports import ProjectIdentity, ProjectState, Span
from fusewatch.store import codec, meta
from fusewatch.store.connection import Link

_COLUMNS = (
    "key, name, host, project_id, organisation_id, api, floor_ms, loaded_ms, counters_from_ms, last_success_ms, "
    "data_as_of_ms, failing_since_ms, failure, failure_text, retry_at_ms, reconciled_ms, drift_hi, drift_lo,"
    " attribution, (SELECT coalesce(sum(to_ms - from_ms), 0) FROM stale_span WHERE stale_span.project = project.id)"
)
_SELECT = f"SELECT {_COLUMNS} FROM project"  # noqa: S608 our own names only
_MAX_TEXT = 500


def state(link: Link, key: str) -> ProjectState:
    """What is known of a project; LookupError when it was never registered."""
    row = link.row(f"{_SELECT} WHERE key = ?", (key,))
    if row is None:
        raise LookupError(f"the project {key} is not registered")
    return _state(row)


def states(link: Link) -> list[ProjectState]:
    return [_state(row) for row in link.rows(f"{_SELECT} ORDER BY id")]


def _state(row: tuple[Any, ...]) -> ProjectState:
    *plain, drift_hi, drift_lo, attribution, stale_ms = row
    return ProjectState(*(*plain, join(drift_hi, drift_lo), attribution, stale_ms))


def row_id(link: Link, key: str) -> int:
    """The number of a project in this database; LookupError when it was never registered."""
    row = link.row("SELECT id FROM project WHERE key = ?", (key,))
    if row is None:
        raise LookupError(f"the project {key} is not registered")
    return int(row[0])


def keys(link: Link) -> dict[int, str]:
    """The stable keys of all projects by their number in this database."""
    return dict(link.rows("SELECT id, key FROM project"))


def register(link: Link, identity: ProjectIdentity, name: str, now_ms: int) -> ProjectState:
    """Remember a project under its present name; two projects of one name are told apart by who came last."""
    link.run(
        "INSERT INTO project (key, name, host, project_id, organisation_id, api, registered_ms, attribution)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET name = excluded.name, host = excluded.host,"
        " organisation_id = excluded.organisation_id, api = excluded.api, registered_ms = excluded.registered_ms",
        (
            *(identity.key, name, identity.host, identity.project_id, identity.organisation_id, identity.api),
            *(now_ms, meta.attribution(link)),
        ),
    )
    link.run("INSERT INTO project_counter (id) VALUES (?) ON CONFLICT DO NOTHING", (row_id(link, identity.key),))
    return state(link, identity.key)


def known(link: Link, host: str, name: str) -> ProjectState | None:
    """The project that was registered last under this name at this host."""
    row = link.row(f"{_SELECT} WHERE host = ? AND name = ? ORDER BY registered_ms DESC, id DESC", (host, name))
    return None if row is None else _state(row)


def succeeded(link: Link, project: int, at_ms: int, as_of_ms: int) -> None:
    """A live read worked. How fresh the data is never goes back: a window read again is older than the last one."""
    link.run(
        "UPDATE project SET last_success_ms = ?,"
        " data_as_of_ms = CASE WHEN data_as_of_ms > ? THEN data_as_of_ms ELSE ? END,"
        " failing_since_ms = NULL, failure = '', failure_text = '', retry_at_ms = NULL WHERE id = ?",
        (at_ms, as_of_ms, as_of_ms, project),
    )


def failed(link: Link, project: int, at_ms: int, reason: str, text: str, retry_at_ms: int | None) -> None:
    link.run(
        "UPDATE project SET failing_since_ms = coalesce(failing_since_ms, ?), failure = ?, failure_text = ?,"
        " retry_at_ms = ? WHERE id = ?",
        (at_ms, reason, text[:_MAX_TEXT], retry_at_ms, project),
    )


def spans(link: Link, project: int) -> list[Span]:
    query = "SELECT from_ms, to_ms FROM coverage WHERE project = ? ORDER BY from_ms"
    return [Span(*row) for row in link.rows(query, (project,))]


def all_spans(link: Link) -> dict[str, Sequence[Span]]:
    return {key: spans(link, project) for project, key in keys(link).items()}


def cover(link: Link, project: int, span: Span, read_at_ms: int) -> None:
    """Add a span to those read; it swallows the ones that it overlaps or touches. An empty one changes nothing."""
    if span.from_ms >= span.to_ms:
        if span.from_ms > span.to_ms:
            raise ValueError(f"{span} ends before it starts")
        return
    touching = (project, span.to_ms, span.from_ms)
    where = "WHERE project = ? AND from_ms <= ? AND to_ms >= ?"
    first, last, read = link.row(f"SELECT min(from_ms), max(to_ms), max(read_at_ms) FROM coverage {where}", touching)  # noqa: S608 no input in it
    if first is None:
        first, last, read = span.from_ms, span.to_ms, read_at_ms
    link.run(f"DELETE FROM coverage {where}", touching)  # noqa: S608 no input in it
    link.run(
        "INSERT INTO coverage (project, from_ms, to_ms, read_at_ms) VALUES (?, ?, ?, ?)",
        (project, min(first, span.from_ms), max(last, span.to_ms), max(read, read_at_ms)),
    )


def lateness(link: Link, project: int) -> Lateness:
    (text,) = link.row("SELECT lateness FROM project WHERE id = ?", (project,))
    return codec.lateness_of(text) if text else Lateness()


def put_lateness(link: Link, project: int, measured: Lateness) -> None:
    link.run("UPDATE project SET lateness = ? WHERE id = ?", (codec.encode(measured), project))
