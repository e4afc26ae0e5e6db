"""Pruning and the audit's marks: the unit of work of the upkeep, each step bounded."""

from collections.abc import Sequence

from fusewatch.domain.notices import State
from fusewatch.ports import Audited, ClosedMonth, PersonPlaces, ProjectState, Pruned
from fusewatch.store import archive, codec, meta, months, projects, threads
from fusewatch.store.connection import Link
from fusewatch.store.forgetting import Forgetting
from fusewatch.store.interning import Caches, Interning
from fusewatch.store.outbox import DEAD, SENT

QUARTER, DAY = 0, 1
_PRUNED, _AUDITED = "pruned_ms", "audited"


class UpkeepUnit:
    """Implements `ports.UpkeepUnit`."""

    def __init__(self, link: Link, caches: Caches) -> None:
        self._link = link
        self._caches = caches

    def projects(self) -> Sequence[ProjectState]:
        return projects.states(self._link)

    def prune(self, project: str, to_ms: int, *, most: int) -> Pruned:
        return archive.prune(self._link, projects.row_id(self._link, project), to_ms, most)

    def fold_totals(self, project: str, before_ms: int, *, most: int) -> bool:
        return archive.fold(self._link, projects.row_id(self._link, project), before_ms, most)

    def drop_cells(self, after: int, *, quarters_before: int | None, days_before: int | None, most: int) -> int | None:
        link, dropped = self._link, 0
        keys = link.rows("SELECT id FROM series_key WHERE id > ? ORDER BY id LIMIT ?", (after, most))
        bounds = [(grain, end) for grain, end in ((QUARTER, quarters_before), (DAY, days_before)) if end is not None]
        last = None
        for (key,) in keys:
            for grain, end in bounds:
                dropped += link.run("DELETE FROM series WHERE key = ? AND grain = ? AND bucket < ?", (key, grain, end))
            last = key
            if dropped > most:
                break
        if last is not None:
            link.run(
                "DELETE FROM series_key WHERE id > ? AND id <= ?"
                " AND NOT EXISTS (SELECT 1 FROM series s WHERE s.key = series_key.id)",
                (after, last),
            )
        return last

    def drop_incidents(self, before_ms: int, *, most: int) -> bool:
        gone = self._link.run(
            "DELETE FROM incident WHERE id IN"
            " (SELECT id FROM incident WHERE changed_ms < ? AND state <> ? ORDER BY changed_ms LIMIT ?)",
            (before_ms, State.OPEN.value, most),
        )
        return gone == most

    def drop_deliveries(self, after: int, before_ms: int, *, most: int) -> int | None:
        rows = self._link.rows(
            "SELECT seq, state, ended_ms, created_ms FROM delivery WHERE seq > ? ORDER BY seq LIMIT ?", (after, most)
        )
        # They are numbered as they were made: behind the first that is young enough nothing can have ended before.
        old = [row for row in rows if row[3] < before_ms]
        ended = [(seq,) for seq, state, at_ms, _ in old if state in (SENT, DEAD) and at_ms < before_ms]
        self._link.run_many(f"DELETE FROM delivery WHERE seq = ? AND state IN ('{SENT}', '{DEAD}')", ended)  # noqa: S608 no input in it
        if len(old) < most:
            threads.drop_old(self._link, before_ms)
        return old[-1][0] if len(old) == most else None

    def pruned_ms(self) -> int | None:
        at = meta.fact(self._link, _PRUNED)
        return None if at is None else int(at)

    def put_pruned(self, at_ms: int) -> None:
        meta.keep_fact(self._link, _PRUNED, str(at_ms))

    def audited(self) -> Audited | None:
        return audited(self._link)

    def put_audited(self, audited: Audited) -> None:
        meta.keep_fact(self._link, _AUDITED, codec.encode(audited))

    def distrust_view(self, view: str) -> None:
        self._link.run("UPDATE view SET built = 0 WHERE id = ?", (view,))

    def forget_name(self, user: str, places: PersonPlaces) -> bool:
        self._caches.clear()
        return Forgetting(self._link, user, places).replace_name()

    def redact_incidents(self, user: str, places: PersonPlaces, after: str) -> tuple[int, str | None]:
        return Forgetting(self._link, user, places).redact_incidents(after)

    def redact_deliveries(self, user: str, places: PersonPlaces, after: int) -> tuple[int, int | None]:
        return Forgetting(self._link, user, places).redact_deliveries(after)

    def close_month(self, month: ClosedMonth) -> bool:
        return months.close(self._link, Interning(self._link, self._caches), month)


def audited(link: Link) -> Audited | None:
    """The last audit, None when there was none."""
    text = meta.fact(link, _AUDITED)
    return None if text is None else codec.audited_of(text)
