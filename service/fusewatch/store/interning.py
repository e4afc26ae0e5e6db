"""Ids for what repeats in the ledger: sets of dimensions, users, sessions.

Ids are remembered in memory only once their transaction is committed: an id of a transaction that was rolled back
would point at nothing, or at somebody else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from fusewatch.domain.usage import Dimensions
from fusewatch.store import bulk, codec, forgetting
from fusewatch.store.connection import Link

K = TypeVar("K")
V = TypeVar("V")

_DIMS_COLUMNS = ("id", "hash", *Dimensions._fields)


class Memory(Generic[K, V]):
    """A bounded mapping of what is committed, beside what the present transaction has found.

    Two dictionaries instead of an order of use: when the young one is full it becomes the old one, and the old one is
    forgotten. A hit costs one look; at most twice `limit` entries are kept.
    """

    __slots__ = ("_limit", "_old", "_pending", "_young")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._pending: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        value = self._young.get(key)
        if value is None:
            value = self._pending.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self._keep(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember for this transaction; for longer if it commits."""
        self._pending[key] = value

    def commit(self) -> None:
        for key, value in self._pending.items():
            self._keep(key, value)
        self._pending.clear()

    def roll_back(self) -> None:
        self._pending.clear()

    def clear(self) -> None:
        for entries in (self._young, self._old, self._pending):
            entries.clear()

    def _keep(self, key: K, value: V) -> None:
        if len(self._young) >= self._limit:
            self._old, self._young = self._young, {}
        self._young[key] = value


class Settled(Memory[K, V]):
    """The same of one read: what a read finds is committed, so that nothing waits for a commit without bounds."""

    __slots__ = ()

    def put(self, key: K, value: V) -> None:
        self._keep(key, value)


@dataclass(frozen=True, slots=True)
class MetricIds:
    """The exported series that a set of dimensions of one project belongs to."""

    counter: int
    duration: int
    unattributed: bool


@dataclass(frozen=True, slots=True)
class Caches:
    """Everything that a store remembers between transactions."""

    text_ids: Memory[str, int] = field(default_factory=lambda: Memory(20_000))
    texts: Memory[int, str] = field(default_factory=lambda: Memory(20_000))
    dims_ids: Memory[Dimensions, int] = field(default_factory=lambda: Memory(4_000))
    dims: Memory[int, Dimensions] = field(default_factory=lambda: Memory(4_000))
    metrics: Memory[tuple[int, int], MetricIds] = field(default_factory=lambda: Memory(8_000))

    @classmethod
    def of_a_read(cls) -> "Caches":
        """What one read remembers: bounded, however long it is."""
        return cls(Settled(1), Settled(10_000), Settled(1), Settled(4_000), Settled(1))

    def commit(self) -> None:
        for memory in self._all():
            memory.commit()

    def roll_back(self) -> None:
        for memory in self._all():
            memory.roll_back()

    def clear(self) -> None:
        for memory in self._all():
            memory.clear()

    def _all(self) -> "tuple[Memory[Any, Any], ...]":
        return (self.text_ids, self.texts, self.dims_ids, self.dims, self.metrics)


class Interning:
    """The tables `text` and `dims` through one connection."""

    def __init__(self, link: Link, caches: Caches) -> None:
        self._link = link
        self._caches = caches

    def text_ids(self, values: Iterable[str]) -> dict[str, int]:
        """The ids of the values; those never seen before get one."""
        cache = self._caches.text_ids
        known: dict[str, int] = {}
        missing = []
        for value in values:
            found = cache.get(value)
            if found is None:
                missing.append(value)
            else:
                known[value] = found
        if missing:
            query = "SELECT value, id FROM text WHERE value IN"
            found_now: dict[str, int] = dict(bulk.select_in(self._link, query, (), missing))
            new = [value for value in missing if value not in found_now]
            if new:
                forgotten = forgetting.marked_ids(self._link, new)
                found_now |= forgotten
                new = [value for value in new if value not in forgotten]
            if new:
                next_id = _next_id(self._link, "text")
                found_now |= {value: next_id + i for i, value in enumerate(new)}
                bulk.insert(self._link, "text", ("id", "value"), [(found_now[value], value) for value in new])
            for value, found in found_now.items():
                cache.put(value, found)
            known |= found_now
        return known

    def texts(self, ids: Iterable[int]) -> dict[int, str]:
        """The values of ids that are in the ledger."""
        return _resolve(self._caches.texts, ids, self._load_texts)

    def dims_id(self, dimensions: Dimensions) -> int:
        """The id of a set of dimensions; one never seen before gets it."""
        found = self._caches.dims_ids.get(dimensions)
        if found is None:
            digest = blake2b(codec.encode(dimensions).encode(), digest_size=16).digest()
            row = self._link.row("SELECT id FROM dims WHERE hash = ?", (digest,))
            if row is None and (kept := forgetting.without_forgotten(self._link, dimensions)) != dimensions:
                found = self.dims_id(kept)
            elif row is None:
                found = _next_id(self._link, "dims")
                values = (found, digest, *dimensions[:-1], codec.encode(dimensions.extra))
                bulk.insert(self._link, "dims", _DIMS_COLUMNS, [values])
            else:
                found = int(row[0])
            self._caches.dims_ids.put(dimensions, found)
        return found

    def dims(self, ids: Iterable[int]) -> dict[int, Dimensions]:
        """The sets of dimensions of ids that are in the ledger."""
        return _resolve(self._caches.dims, ids, self._load_dims)

    def _load_texts(self, ids: list[int]) -> dict[int, str]:
        rows = bulk.select_in(self._link, "SELECT id, value FROM text WHERE id IN", (), ids)
        return {id_: forgetting.shown(value) for id_, value in rows}

    def _load_dims(self, ids: list[int]) -> dict[int, Dimensions]:
        query = f"SELECT id, {', '.join(Dimensions._fields)} FROM dims WHERE id IN"  # noqa: S608 our own names only
        rows = bulk.select_in(self._link, query, (), ids)
        return {row[0]: Dimensions._make((*row[1:-1], codec.pairs_of(row[-1]))) for row in rows}


def _next_id(link: Link, table: str) -> int:
    """The id that the next row of the table gets; safe because only one transaction writes at a time."""
    return int(link.row(f"SELECT coalesce(max(id), 0) + 1 FROM {table}")[0])  # noqa: S608 our own names only


def _resolve(memory: Memory[int, V], ids: Iterable[int], load: Callable[[list[int]], dict[int, V]]) -> dict[int, V]:
    known: dict[int, V] = {}
    missing = []
    for i in ids:
        value = memory.get(i)
        if value is None:
            missing.append(i)
        else:
            known[i] = value
    if missing:
        loaded = load(missing)
        for i, value in loaded.items():
            memory.put(i, value)
        known |= loaded
    return known
