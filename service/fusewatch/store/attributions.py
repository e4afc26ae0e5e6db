"""By which attribution what is in the ledger was read, and what has to be read again since it changed."""

from fusewatch.domain.coverage import Span, merged, without
from fusewatch.errors import Retryable
from fusewatch.store import bulk, meta, projects
from fusewatch.store.connection import Link


def put_in_force(link: Link, revision: str) -> None:
    """See `ports.Store.set_attribution`."""
    meta.keep_attribution(link, revision)
    for (project,) in link.rows("SELECT id FROM project WHERE attribution <> ?", (revision,)):
        _put_stale(link, project, merged([*stale(link, project), *projects.spans(link, project)]))
        link.run("DELETE FROM coverage WHERE project = ?", (project,))
        link.run("DELETE FROM trace_fact WHERE project = ?", (project,))
        link.run("UPDATE project SET attribution = ? WHERE id = ?", (revision, project))


def refuse_outdated(link: Link, project: int, revision: str) -> None:
    """Retryable (``rules_changed``) for who attributes otherwise than the rules in force."""
    (in_force,) = link.row("SELECT attribution FROM project WHERE id = ?", (project,))
    if in_force not in ("", revision):
        raise Retryable(
            "rules_changed",
            "the attribution in force in this database is another one: it has just changed, or the daemon was not yet"
            " started with this budget file",
        )


def number(link: Link, revision: str) -> int:
    """The number of a revision in this database, 0 for "": one never met before gets one."""
    if not revision:
        return 0
    query = "SELECT id FROM attribution WHERE revision = ?"
    row = link.row(query, (revision,))
    if row is None:
        link.run("INSERT INTO attribution (revision) VALUES (?)", (revision,))
        row = link.row(query, (revision,))
    return int(row[0])


def stale(link: Link, project: int) -> list[Span]:
    """See `ports.IngestUnit.stale`."""
    rows = link.rows("SELECT from_ms, to_ms FROM stale_span WHERE project = ? ORDER BY from_ms", (project,))
    return [Span(*row) for row in rows]


def freshen(link: Link, project: int, span: Span) -> None:
    """The span was read by the attribution in force."""
    before = stale(link, project)
    after = without(before, span)
    if after != before:
        _put_stale(link, project, after)


def _put_stale(link: Link, project: int, spans: list[Span]) -> None:
    link.run("DELETE FROM stale_span WHERE project = ?", (project,))
    bulk.insert(link, "stale_span", ("project", "from_ms", "to_ms"), [(project, *span) for span in spans])
