"""The unit of work of assess (`ports.AssessUnit`), over one open transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence

from fusewatch.domain.holding import Held
from fusewatch.domain.metered import MeteredRead
from fusewatch.domain.notices import Incident, Message
from fusewatch.domain.rules import Unit
from fusewatch.domain.silences import Silence
from fusewatch.domain.usage import Amounts, Delta, Dimensions
from fusewatch.ports import (
    Audited,
    CellSpan,
    Due,
    ProjectState,
    Row,
    RuleState,
    Span,
    Totals,
)  # fmt: skip
from fusewatch.store import (
    holding,
    incidents,
    known,
    meta,
    outbox,
    projects,
    shown,
    silences,
    upkeep,
)
from fusewatch.store.connection import Link
from fusewatch.store.drivers import DriverReader
from fusewatch.store.interning import Caches, Interning
from fusewatch.store.series import Key, SeriesWriter, deltas


class AssessUnit:
    """Implements `ports.AssessUnit`; `finish` writes what was summed in memory."""

    def __init__(self, link: Link, caches: Caches) -> None:
        self._link = link
        self._interning = Interning(link, caches)
        self._series = SeriesWriter(link, self._interning)
        self._ahead: dict[tuple[str, str], dict[Key, Incident | None]] = {}
        """What `prepare_incidents` read, by rule and period."""

    def projects(self) -> Sequence[ProjectState]:
        return projects.states(self._link)

    def coverage(self) -> Mapping[str, Sequence[Span]]:
        return projects.all_spans(self._link)

    def take_deltas(self, limit: int) -> Sequence[Delta]:
        rows = self._link.rows(
            "SELECT project, cell, dims, person, session, cost_hi, cost_lo, tokens, requests, est_hi, est_lo, seq"
            " FROM dirty ORDER BY seq LIMIT ?",
            (limit,),
        )
        if not rows:
            return []
        self._link.run("DELETE FROM dirty WHERE seq <= ?", (rows[-1][-1],))
        keys = projects.keys(self._link)
        return deltas(self._interning, [(keys[row[0]], *row[1:-1]) for row in rows])

    def built_views(self) -> frozenset[str]:
        return self._series.built()

    def known_from(self) -> Mapping[str, int]:
        return self._series.known_from()

    def build_view(
        self,
        view: str,
        key_of: Callable[[str, Dimensions, str, str], Key | None],
        day_of: Callable[[int], int],
        *,
        uses_people: bool,
    ) -> None:
        self._series.build(view, key_of, day_of, uses_people=uses_people)

    def begin_view(self, view: str) -> None:
        self._series.begin(view)

    def drop_views(self, keep: frozenset[str]) -> None:
        self._series.drop(keep)

    def add(self, view: str, key: Key, cell: int, day: int, amounts: Amounts) -> None:
        self._series.add(view, key, cell, day, amounts)

    def keys(self, view: str, from_cell: int) -> Sequence[Key]:
        return self._series.keys(view, from_cell)

    def quarters(self, view: str, key: Key, from_cell: int, to_cell: int) -> Sequence[tuple[int, Amounts]]:
        return self._series.quarters(view, key, from_cell, to_cell)

    def days(self, view: str, key: Key, from_day: int, to_day: int) -> Sequence[tuple[int, Amounts]]:
        return self._series.days(view, key, from_day, to_day)

    def prepare(self, view: str, keys: Collection[Key], *spans: CellSpan) -> None:
        self._series.prepare(view, keys, *spans)

    def reaching(self, view: str, keys: Collection[Key], span: CellSpan, least: int, unit: Unit) -> Collection[Key]:
        return self._series.reaching(view, keys, span, least, unit)

    def blocks(
        self, view: str, key: Key, from_cell: int, to_cell: int, at_cell: int, size: int
    ) -> Sequence[tuple[int, Amounts]]:
        return self._series.blocks(view, key, from_cell, to_cell, at_cell, size)

    def first_cell(self, view: str, key: Key) -> int | None:
        return self._series.first_cell(view, key)

    def rows(self, from_ms: int, to_ms: int) -> Sequence[Row]:
        found = []
        for project, key in projects.keys(self._link).items():
            rows = self._link.rows(
                "SELECT start_ms, trace, obs, dims, person, session, cost, total,"
                " coalesce(estimate, 0) FROM generation"
                " WHERE project = ? AND start_ms >= ? AND start_ms < ? AND counted = 1 ORDER BY start_ms, trace, obs",
                (project, from_ms, to_ms),
            )
            dims = self._interning.dims({row[3] for row in rows})
            texts = self._interning.texts({text for row in rows for text in row[4:6]})
            found += [
                Row(key, start, dims[d], texts[person], texts[session], Amounts(cost, total, 1, estimate))
                for start, _, _, d, person, session, cost, total, estimate in rows
            ]
        return sorted(found, key=lambda row: row.start_ms)

    def unpriced(self, project: str, from_ms: int, to_ms: int) -> Sequence[tuple[Dimensions, int, int]]:
        rows = shown.unpriced(self._link, projects.row_id(self._link, project), from_ms, to_ms)
        dims = self._interning.dims({row[0] for row in rows})
        return [(dims[number], count, estimate) for number, count, estimate in rows]

    def rule_states(self) -> Mapping[str, RuleState]:
        return incidents.rule_states(self._link)

    def put_rule_state(self, state: RuleState) -> None:
        incidents.put_rule_state(self._link, state)

    def drop_rule(self, rule: str) -> None:
        incidents.drop_rule(self._link, rule)

    def prepare_incidents(self, rule: str, keys: Collection[Key], periods: Collection[str]) -> Collection[Key]:
        told: set[Key] = set()
        for period in periods:
            found = incidents.latest_of_many(self._link, rule, keys, period)
            held = self._ahead.setdefault((rule, period), {})
            held.update(dict.fromkeys(keys))
            held.update(found)
            told.update(found)
        return told

    def incident(self, rule: str, key: Key, period: str) -> Incident | None:
        held = self._ahead.get((rule, period))
        if held is not None and key in held:
            return held[key]
        return incidents.latest(self._link, rule, key, period)

    def open_incidents(self, rule: str | None = None) -> Sequence[Incident]:
        return incidents.open_ones(self._link, rule)

    def ended_incidents(self, from_ms: int) -> Sequence[Incident]:
        return incidents.ended(self._link, from_ms)

    def put_incident(self, incident: Incident) -> None:
        self._ahead.get((incident.rule, incident.period), {}).pop(incident.key, None)
        incidents.put(self._link, incident)

    def due(self, now_ms: int) -> Sequence[Due]:
        return incidents.due(self._link, now_ms)

    def set_due(self, rule: str, key: Key, at_ms: int | None) -> None:
        incidents.set_due(self._link, rule, key, at_ms)

    def forget_due(self, rule: str, now_ms: int) -> None:
        incidents.forget_due(self._link, rule, now_ms)

    def enqueue(self, message: Message) -> bool:
        return outbox.enqueue(self._link, message)

    def silences(self, now_ms: int) -> Sequence[Silence]:
        return silences.listed(self._link, now_ms)

    def held(self) -> Sequence[Held]:
        return holding.held(self._link)

    def put_held(self, held: Held) -> None:
        holding.put(self._link, held)

    def drop_held(self, incident_id: str, destination: str) -> None:
        holding.drop(self._link, incident_id, destination)

    def incident_by_id(self, incident_id: str) -> Incident | None:
        return incidents.by_id(self._link, incident_id)

    def is_known(self, dimension: str, value: str) -> bool:
        return known.is_known(self._link, dimension, value)

    def know(self, dimension: str, values: Collection[str]) -> None:
        known.know(self._link, dimension, values)

    def values(self, dimension: str) -> Sequence[str]:
        return shown.values(self._link, dimension)

    def totals(self) -> Totals:
        return shown.totals(self._link)

    def mark(self, name: str) -> int | None:
        return meta.mark(self._link, name)

    def put_mark(self, name: str, value: int) -> None:
        meta.put_mark(self._link, name, value)

    def metered_reads(self) -> Mapping[tuple[str, str], MeteredRead]:
        return meta.metered_reads(self._link)

    def put_metered_read(self, view: str, project: str, read: MeteredRead) -> None:
        meta.put_metered_read(self._link, view, project, read)

    def audited(self) -> Audited | None:
        return upkeep.audited(self._link)

    def drivers(self) -> DriverReader:
        self._series.flush()
        return DriverReader(self._link, self._interning, self._series)

    def finish(self) -> None:
        self._series.flush()
