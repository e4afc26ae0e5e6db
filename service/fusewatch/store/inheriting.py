"""What is known of the traces read lately, and what that gives to rows of the ledger.

`trace_fact` holds for each trace the offers that count (`domain.inheritance`) and what any of its rows lacks, so that a
late row finds the donor; a late donor finds the rows of its trace through `seen`. A row keeps from whom it inherited:
when the facts of its trace were forgotten, what is read again of the trace changes it only where it gives better.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, TypeAlias

import msgspec

from fusewatch.domain.attribution import Attributed
from fusewatch.domain.inheritance import Facts, Gift, Heirs, Inheritance, Values, merged, values_of
from fusewatch.domain.usage import Generation
from fusewatch.store import bulk
from fusewatch.store.connection import Link
from fusewatch.store.ids import pack, pack_all, unpack
from fusewatch.store.interning import Interning
from fusewatch.store.rows import ATTRIBUTION, DIMS, INHERITED, PERSON, SESSION, LedgerRow

FORGOTTEN_AFTER_MS = 24 * 3_600_000
FORGOTTEN_AT_ONCE = 2_000
"""How many traces one transaction forgets at most, so that none becomes long."""

Place: TypeAlias = tuple[int, bytes, bytes]
"""Where a version stands in the ledger of a project: start, trace, observation."""

_COLUMNS = ("project", "trace", "facts", "lacks", "touched_ms")
_KEY = ("project", "trace")
_Group = tuple[int, bytes, int, list[int]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Group]).decode
_NOTHING = _encode([])


class Codec:
    """Facts as bytes: of each gift its start, id and update, then pairs of a name's place and a text's id.

    Equal facts are equal bytes. They mean something only together with the attribution that they were read by.
    """

    def __init__(self, interning: Interning, heirs: Heirs) -> None:
        self._interning = interning
        self._names = heirs.names
        self._places = {name: place for place, name in enumerate(heirs.names)}

    def encoded(self, traces: Collection[Facts]) -> list[bytes]:
        given = {gift.values for facts in traces for gift in facts}
        texts = self._interning.text_ids({value for values in given for _, value in values})
        flat = {values: self._flat(values, texts) for values in given}
        return [_encode([(g.start_ms, pack(g.id), g.updated_ms, flat[g.values]) for g in facts]) for facts in traces]

    def decoded(self, stored: Iterable[bytes]) -> list[Facts]:
        traces = [_decode(one) for one in stored]
        texts = self._interning.texts({i for groups in traces for group in groups for i in group[3][1::2]})
        names = self._names
        return [
            tuple(
                Gift(
                    start_ms,
                    unpack(id_),
                    at,
                    tuple((names[n], texts[i]) for n, i in zip(flat[::2], flat[1::2], strict=True)),
                )
                for start_ms, id_, at, flat in groups
            )
            for groups in traces
        ]

    def _flat(self, values: Values, texts: Mapping[str, int]) -> list[int]:
        pairs = sorted((self._places[name], texts[value]) for name, value in values)
        return [number for pair in pairs for number in pair]


class _Known(NamedTuple):
    """One trace as it stands after a batch: its facts, their bytes, what its rows lack, as bits."""

    facts: Facts
    stored: bytes
    lacks: int


class Heritage:
    """The traces of one batch: what they give to its rows, and which of them have rows in the ledger that hear news."""

    def __init__(
        self, link: Link, interning: Interning, project: int, inheritance: Inheritance, stored: Collection[bytes]
    ) -> None:
        """`stored` are the traces with rows in the batch that were in the ledger before."""
        self._link = link
        self._interning = interning
        self._project = project
        self._heirs = inheritance.heirs
        self._codec = Codec(interning, inheritance.heirs)
        self._traces: dict[bytes, _Known] = {}
        self._changed: list[bytes] = []
        self.news: list[bytes] = []
        self._merge(inheritance, stored)

    def _merge(self, inheritance: Inheritance, stored: Collection[bytes]) -> None:
        read = dict(zip(pack_all(list(inheritance.traces)), inheritance.traces.values(), strict=True))
        encoded = dict(zip(read, self._codec.encoded([found.facts for found in read.values()]), strict=True))
        query = "SELECT trace, facts, lacks FROM trace_fact WHERE project = ? AND trace IN"
        known = {row[0]: row[1:] for row in bulk.select_in(self._link, query, (self._project,), sorted(read))}
        other = [trace for trace, (facts, _) in known.items() if facts != encoded[trace]]
        before = dict(zip(other, self._codec.decoded([known[trace][0] for trace in other]), strict=True))
        after = {trace: merged(before[trace], read[trace].facts) for trace in other}
        encoded |= zip(other, self._codec.encoded(list(after.values())), strict=True)
        for trace, found in read.items():
            held = known.get(trace)
            old_lacks = held[1] if held is not None else 0
            now = _Known(after.get(trace, found.facts), encoded[trace], old_lacks | found.lacks)
            self._traces[trace] = now
            if held is None or held != (now.stored, now.lacks):
                self._changed.append(trace)
                if old_lacks or trace in stored:
                    self._hear(trace, now, before.get(trace, () if held is None else now.facts), old_lacks, stored)

    def _hear(self, trace: bytes, now: _Known, before: Facts, old_lacks: int, stored: Collection[bytes]) -> None:
        """Whether rows that are in the ledger lack what the trace gives only now, or lack what nobody knew they do."""
        old = values_of(before)
        changed = self._heirs.bits(name for name, value in values_of(now.facts).items() if old.get(name) != value)
        unheard = now.lacks & ~old_lacks & self._heirs.given(now.facts) if trace in stored else 0
        if changed & old_lacks or unheard:
            self.news.append(trace)

    def write(self, now_ms: int) -> None:
        """Keep what was learned; forget traces of which nothing was learned for a day."""
        rows = [
            (self._project, trace, self._traces[trace].stored, self._traces[trace].lacks, now_ms)
            for trace in sorted(self._changed)
        ]
        bulk.replace(self._link, "trace_fact", _KEY, _COLUMNS, rows)

    def complete(
        self, generations: Mapping[Place, Generation], before: Mapping[Place, LedgerRow], attribution: int
    ) -> tuple[Mapping[Place, Generation], Mapping[Place, bytes]]:
        """The rows with what they inherit, and for those that do, what and from whom.

        `before` are the stored rows that they replace: what these inherited stays, unless there is better.
        """
        kept = {
            place: row[INHERITED] for place, row in before.items() if row[INHERITED] and row[ATTRIBUTION] == attribution
        }
        giving = {
            t for t, known in self._traces.items() if known.lacks and known.lacks & self._heirs.given(known.facts)
        }
        if not kept and not giving:
            return generations, {}
        old = dict(zip(kept, self._codec.decoded(kept.values()), strict=True))
        completed: dict[Place, Generation] = {}
        taken: dict[Place, Facts] = {}
        for place, g in generations.items():
            facts: Facts = self._traces[place[1]].facts if place[1] in giving else ()
            if place in old:
                facts = merged(facts, old[place])
            whole, found = self._heirs.filled(Attributed(g.dimensions, g.user, g.session), facts)
            completed[place] = g._replace(**whole._asdict()) if found else g
            if found:
                taken[place] = found
        return completed, dict(zip(taken, self._codec.encoded(list(taken.values())), strict=True))

    def renewed(self, trace: bytes, rows: list[LedgerRow], attribution: int) -> list[tuple[LedgerRow, LedgerRow]]:
        """Those of a trace's rows that change by what is known of it now: as they were, and as they are."""
        rows = [row for row in rows if row[ATTRIBUTION] == attribution]
        dims = self._interning.dims({row[DIMS] for row in rows})
        texts = self._interning.texts({row[i] for row in rows for i in (PERSON, SESSION)})
        old = self._codec.decoded([row[INHERITED] or _NOTHING for row in rows])
        changed = []
        for row, inherited in zip(rows, old, strict=True):
            was = Attributed(dims[row[DIMS]], texts[row[PERSON]], texts[row[SESSION]])
            own = self._heirs.stripped(was, values_of(inherited))
            now, taken = self._heirs.filled(own, merged(self._traces[trace].facts, inherited))
            if now != was:
                changed.append((row, self._row_with(row, now, taken)))
        return changed

    def _row_with(self, row: LedgerRow, who: Attributed, taken: Facts) -> LedgerRow:
        ids = self._interning.text_ids({who.user, who.session})
        dims = self._interning.dims_id(who.dimensions)
        (inherited,) = self._codec.encoded([taken])
        return (
            *row[:DIMS],
            *(dims, ids[who.user], ids[who.session]),
            *row[SESSION + 1 : INHERITED],
            inherited,
            *row[INHERITED + 1 :],
        )


def forget(link: Link, project: int, now_ms: int) -> None:
    """Forget traces of which nothing new was read for a day."""
    link.run(
        "DELETE FROM trace_fact WHERE project = ? AND trace IN"
        " (SELECT trace FROM trace_fact WHERE project = ? AND touched_ms < ? LIMIT ?)",
        (project, project, now_ms - FORGOTTEN_AFTER_MS, FORGOTTEN_AT_ONCE),
    )
