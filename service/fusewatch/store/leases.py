"""Leases: who of several daemons on one database does which part of the work.

A lease is a row with its holder, an end by the database's clock, and a fence: a number that grows whenever the lease
changes hands. Every transaction of the work reads the row with its fence and locks it until it commits, so nobody takes
the lease in between; who was paused meanwhile finds another fence and writes nothing.

That makes it harmless to take a lease too early. So nobody waits for the end of a lease whose holder is gone: each
daemon holds a lock as long as its session lasts, and the server frees it with the session of who was killed. The end
is for who was paused, or cut off without the server's notice.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from fusewatch.errors import LeaseLost, StoreBusy, StoreError
from fusewatch.ports.leases import Rights, Turn
from fusewatch.store import meta
from fusewatch.store.link import Database, Link, Lock, number_of

LEASE_MS = 9_000
"""How long a lease lasts, and so how long the work of who was paused lies, and what who was killed had been sending.
Above the 8 seconds that a send may take."""

RENEW_S = 3.0
"""How old a lease becomes before it is renewed: one renewal may fail, and a second come late."""

LEFT_LYING_S = 3.0
"""What we see free for so long does not interest those whose share it would be."""

SETTLE_S = 3.0
"""Who was cut off does not say for so long who else is gone: they were cut off as well, and are on their way back."""

_NOW = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
_REPLICA = "replica "
ALIVE = 0x46555347
"""The first half of the locks that say who lives; what follows is the number of the holder's name."""

_LOCKS = (
    "SELECT CAST(objid AS BIGINT) FROM pg_locks WHERE locktype = 'advisory' AND classid = CAST(?1 AS BIGINT)::oid"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_NO_FENCE = -1
_FIRST = f"INSERT INTO lease (name, holder, fence, expires_ms) VALUES (?, ?, 1, {_NOW} + {LEASE_MS})"  # noqa: S608 no input in it
_MAKE = f"{_FIRST} ON CONFLICT DO NOTHING RETURNING fence"
_SHOW = f"{_FIRST} ON CONFLICT (name) DO UPDATE SET expires_ms = excluded.expires_ms"
_TAKE = (
    f"WITH free AS (SELECT name FROM lease WHERE name = ?1 AND (expires_ms <= {_NOW} OR fence = ?3)"  # noqa: S608 no input in it
    f" FOR UPDATE SKIP LOCKED) UPDATE lease SET holder = ?2, fence = fence + 1, expires_ms = {_NOW} + {LEASE_MS}"
    " FROM free WHERE lease.name = free.name RETURNING lease.fence"
)
_GIVE_UP = f"UPDATE lease SET expires_ms = {_NOW} WHERE name = ? AND holder = ? AND fence = ?"  # noqa: S608 no input in it
_RENEW = f"UPDATE lease SET expires_ms = {_NOW} + {LEASE_MS} WHERE name = ? AND holder = ? AND fence = ?"  # noqa: S608 no input in it
_CHECK = "SELECT 1 FROM lease WHERE name = ? AND fence = ? FOR SHARE"
_FREE_CLAIMS = (
    "UPDATE delivery SET state = 'pending', claimed_until_ms = NULL, holder = '' WHERE state = 'claimed' AND NOT EXISTS"  # noqa: S608 no input in it
    f" (SELECT 1 FROM lease WHERE lease.name = '{_REPLICA}' || delivery.holder AND expires_ms > {_NOW})"
)


def check(link: Link, rights: Rights, name: str) -> None:
    """LeaseLost unless the lease is ours, and stays so until the end of the transaction."""
    fence = rights.fence(name)
    if fence is None or (fence and not link.rows(_CHECK, (name, fence))):
        raise LeaseLost(f"another daemon has the lease {name!r} now")


class _Held(NamedTuple):
    fence: int
    until: float
    """On our own monotonic clock, counted from before we asked: never later than the database thinks."""


class Leases:
    """Implements `ports.LeaseKeeper` over a connection of its own."""

    def __init__(self, database: Database, holder: str, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._holder = holder
        self._monotonic = monotonic
        self._link: Link | None = None
        self._held: dict[str, _Held] = {}
        self._seen_s: float | None = None
        self._living = 0
        self._is_new = True
        self._settled_s = 0.0
        self._returned: set[str] = set()
        self._free_since: dict[str, float] = {}

    def fence(self, name: str) -> int | None:
        held = self._held.get(name)
        return held.fence if held is not None and self._monotonic() < held.until else None

    def turn(self, wanted: Collection[str]) -> Turn:
        before = {name: held.fence for name, held in self._held.items()}
        with self._linked() as link:
            began = self._monotonic()
            if self._seen_s is None or began - self._seen_s >= RENEW_S:
                self._show_alive(link)
                self._renew(link)
                self._seen_s = began
            self._free_claims(link)
            self._share(link, wanted)
            self._is_new = False
            version = meta.version(link)
        now = {name: held.fence for name, held in self._held.items()}
        gained = tuple(sorted(name for name, fence in now.items() if before.get(name) != fence))
        return Turn(gained, tuple(sorted(before.keys() - now.keys())), version)

    def end(self) -> None:
        """The others need not wait for the end of what we held."""
        held, self._held, self._seen_s = self._held, {}, None
        with self._linked() as link:
            for name, lease in held.items():
                link.run(_GIVE_UP, (name, self._holder, lease.fence))
            link.run("DELETE FROM lease WHERE name = ?", (_REPLICA + self._holder,))
        self._hang_up()

    @contextmanager
    def _linked(self) -> Iterator[Link]:
        """The connection whose session says that we live; after any error another one is made. StoreError."""
        try:
            if self._link is None:
                self._settled_s = self._monotonic() + SETTLE_S
                self._link = self._database.connect()
                self._link.run("SET lock_timeout = '2s'")
                self._link.rows("SELECT pg_advisory_lock(?1::int, ?2::int)", (ALIVE, number_of(self._holder)))
            yield self._link
        except Exception as error:
            self._hang_up()
            meaning = error if isinstance(error, StoreError) else self._database.explain(error)
            if meaning is None:
                raise
            raise meaning from error
        finally:
            self._forget_ended()

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _show_alive(self, link: Link) -> None:
        """That we live, and who no longer does."""
        link.run(_SHOW, (_REPLICA + self._holder, self._holder))
        if self._is_settled():
            link.run(f"DELETE FROM lease WHERE name LIKE '{_REPLICA}%' AND expires_ms <= {_NOW}")  # noqa: S608 - no input in it

    def _is_settled(self) -> bool:
        return self._monotonic() >= self._settled_s

    def _free_claims(self, link: Link) -> None:
        """What the dead were sending may be sent by others, and nobody waits for them any more."""
        if self._is_settled() and link.row("SELECT 1 FROM delivery WHERE state = 'claimed' LIMIT 1") is not None:
            link.begin(Lock.NONE)
            if link.run(_FREE_CLAIMS):
                meta.bump_version(link, of_ledger=False)
            link.commit()

    def _renew(self, link: Link) -> None:
        for name, held in list(self._held.items()):
            began = self._monotonic()
            try:
                is_ours = link.run(_RENEW, (name, self._holder, held.fence)) == 1
            except Exception as error:
                # Locked for long: by a transaction of our own, and while it lasts nobody can take the lease.
                if type(self._database.explain(error)) is not StoreBusy:
                    raise
                is_ours = True
            if is_ours:
                self._held[name] = held._replace(until=began + LEASE_MS / 1000)
            else:
                del self._held[name]

    def _share(self, link: Link, wanted: Collection[str]) -> None:
        """Take what is free, as many as are ours when the living share them; what is above that is given up once. What
        nobody else takes for a while is taken whatever our share is."""
        rows = link.rows(f"SELECT name, holder, fence, expires_ms - {_NOW} FROM lease")  # noqa: S608 our own names only
        holders = {name: holder for name, holder, _, _ in rows}
        left_ms = {name: left for name, _, _, left in rows}
        gone = self._gone(link, rows)
        living = sum(1 for name in left_ms if name.startswith(_REPLICA) and name not in gone)
        if living != self._living:
            self._living = living
            self._returned.clear()
        share = -(-len({*wanted, *self._held}) // max(living, 1))
        free = [n for n in sorted(wanted) if n not in self._held and (left_ms.get(n, 0) <= 0 or n in gone)]
        now = self._monotonic()
        self._free_since = {name: self._free_since.get(name, now) for name in free}
        for name in free:
            if self._is_new and living > 1:  # who runs already begins sooner than who has yet to start
                continue
            if not (self._is_new or self._is_settled() or holders.get(name) in (None, self._holder)):
                continue
            if len(self._held) < share or now - self._free_since[name] >= LEFT_LYING_S:
                self._take(link, name, gone.get(name, _NO_FENCE))
        for name in sorted(self._held, reverse=True):
            if len(self._held) > share and name not in self._returned:
                self._returned.add(name)
                self._give_up(link, name)

    def _gone(self, link: Link, rows: Sequence[tuple[str, str, int, int]]) -> dict[str, int]:
        """The leases, with their fences, of those whose session has ended."""
        if not (self._is_new or self._is_settled()):
            return {}
        alive = {lock - 2**32 if lock >= 2**31 else lock for (lock,) in link.rows(_LOCKS, (ALIVE,))}
        return {name: fence for name, holder, fence, _ in rows if number_of(holder) not in alive}

    def _take(self, link: Link, name: str, gone: int) -> None:
        began = self._monotonic()
        found = link.rows(_MAKE, (name, self._holder)) or link.rows(_TAKE, (name, self._holder, gone))
        if found:
            self._held[name] = _Held(found[0][0], began + LEASE_MS / 1000)

    def _give_up(self, link: Link, name: str) -> None:
        held = self._held.pop(name)
        link.run(_GIVE_UP, (name, self._holder, held.fence))

    def _forget_ended(self) -> None:
        now = self._monotonic()
        for name in [name for name, held in self._held.items() if held.until <= now]:
            del self._held[name]
