"""The units of work of `ports`, each over one open transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence

from fusewatch.domain.holding import Held
from fusewatch.domain.inheritance import NOTHING_INHERITED, Inheritance
from fusewatch.domain.lateness import Lateness
from fusewatch.domain.metered import MeteredRead
from fusewatch.domain.notices import Incident, Message
from fusewatch.domain.prices import NO_PRICES, ModelPrices, PriceBook
from fusewatch.domain.reconciling import HourLedger, HourReading
from fusewatch.domain.silences import Silence
from fusewatch.domain.usage import Amounts, Delta, Dimensions, Generation
from fusewatch.ports import (
    Audited,
    CounterSeries,
    DeliveryRow,
    Due,
    DurationSeries,
    EstimatePlace,
    ModelList,
    Past,
    Posted,
    ProjectCounters,
    ProjectState,
    Recorded,
    Reestimated,
    Row,
    RuleState,
    Span,
    StoredRules,
    Sums,
    Totals,
    Traces,
)  # fmt: skip
from fusewatch.store import (
    attributions,
    estimates,
    forgetting,
    hindsight,
    history,
    holding,
    hours,
    incidents,
    inheriting,
    known,
    meta,
    outbox,
    projects,
    rules,
    series,
    shown,
    silences,
    upkeep,
)
from fusewatch.store.connection import Link
from fusewatch.store.counters import Counters
from fusewatch.store.drivers import DriverReader
from fusewatch.store.interning import Caches, Interning
from fusewatch.store.ledger import Ledger
from fusewatch.store.reports import ReportReader
from fusewatch.store.series import Key, SeriesReader, SeriesWriter, deltas


class IngestUnit:
    """Implements `ports.IngestUnit`; `finish` writes what was summed in memory."""

    def __init__(self, link: Link, caches: Caches, project: str) -> None:
        self._link = link
        self._key = project
        self._id = projects.row_id(link, project)
        interning = Interning(link, caches)
        self._counters = Counters(link, caches, interning)
        self._ledger = Ledger(link, interning, self._counters, self._id, self.project().counters_from_ms)

    def project(self) -> ProjectState:
        return projects.state(self._link, self._key)

    def coverage(self) -> Sequence[Span]:
        return projects.spans(self._link, self._id)

    def record(
        self,
        span: Span,
        generations: Sequence[Generation],
        *,
        now_ms: int,
        whole: bool = False,
        prices: PriceBook = NO_PRICES,
        inheritance: Inheritance = NOTHING_INHERITED,
    ) -> Recorded:
        attributions.refuse_outdated(self._link, self._id, inheritance.revision)
        inheriting.forget(self._link, self._id, now_ms)
        floor_ms = self.project().floor_ms
        kept = generations if floor_ms is None else [g for g in generations if g.start_ms >= floor_ms]
        recorded = self._ledger.record(span, kept, now_ms, whole=whole, prices=prices, inheritance=inheritance)
        return recorded._replace(below_floor=len(generations) - len(kept))

    def has_unpriced(self, from_ms: int) -> bool:
        return estimates.any_since(self._link, self._id, from_ms)

    def models_ms(self) -> int | None:
        return estimates.models_ms(self._link, self._id)

    def models(self) -> Sequence[ModelPrices]:
        return estimates.models(self._link, self._id)

    def put_models(self, found: ModelList, *, at_ms: int) -> None:
        estimates.put_models(self._link, self._id, found, at_ms)

    def begin_estimates(self, revision: str) -> bool:
        return estimates.begin(self._link, self._id, revision)

    def estimate_again(self, prices: PriceBook, after: EstimatePlace | None) -> Reestimated:
        return self._ledger.estimate_again(prices, after)

    def end_estimates(self, revision: str) -> bool:
        return estimates.end(self._link, self._id, revision)

    def cover(self, span: Span, *, read_at_ms: int) -> None:
        projects.cover(self._link, self._id, span, read_at_ms)
        attributions.freshen(self._link, self._id, span)

    def stale(self) -> Sequence[Span]:
        return attributions.stale(self._link, self._id)

    def lateness(self) -> Lateness:
        return projects.lateness(self._link, self._id)

    def put_lateness(self, lateness: Lateness) -> None:
        projects.put_lateness(self._link, self._id, lateness)

    def succeeded(self, *, at_ms: int, as_of_ms: int) -> None:
        projects.succeeded(self._link, self._id, at_ms, as_of_ms)

    def loaded(self, *, at_ms: int, counters_from_ms: int) -> None:
        """Only the first call decides: what counters start from never moves."""
        if self.project().loaded_ms is not None:
            return
        self._counters.start_showing(self._id, counters_from_ms)
        self._ledger.counters_from_ms = counters_from_ms
        self._link.run(
            "UPDATE project SET loaded_ms = ?, counters_from_ms = ? WHERE id = ?", (at_ms, counters_from_ms, self._id)
        )

    def hours(self, span: Span) -> Mapping[int, HourLedger]:
        return hours.ledger(self._link, self._id, span)

    def readings(self, span: Span) -> Mapping[int, HourReading]:
        return hours.readings(self._link, self._id, span)

    def put_reading(self, hour_ms: int, reading: HourReading) -> None:
        hours.put_reading(self._link, self._id, hour_ms, reading)

    def mark_gone(self, span: Span, present: Collection[tuple[str, str, int]], *, at_ms: int) -> int:
        return hours.mark_gone(self._link, self._id, span, present, at_ms)

    def reconciled(self, *, at_ms: int, drift_pico: int) -> None:
        hours.reconciled(self._link, self._id, at_ms, drift_pico)

    def distrust_sums(self) -> None:
        hours.distrust_sums(self._link)
        self._counters.recount(self._id, self.project().counters_from_ms)

    def finish(self) -> None:
        self._counters.flush()


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

    def prepare(
        self,
        view: str,
        keys: Collection[Key],
        *,
        days: tuple[int, int] | None = None,
        quarters: tuple[int, int] | None = None,
    ) -> None:
        self._series.prepare(view, keys, days=days, quarters=quarters)

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

    def prepare_incidents(self, rule: str, keys: Collection[Key], periods: Collection[str]) -> None:
        for period in periods:
            held: dict[Key, Incident | None] = dict.fromkeys(keys)
            held |= incidents.latest_of_many(self._link, rule, keys, period)
            self._ahead.setdefault((rule, period), {}).update(held)

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


class ReadUnit(SeriesReader, ReportReader):
    """Implements `ports.ReadUnit`."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._interning = Interning(link, Caches.of_a_read())

    def version(self) -> int:
        return meta.version(self._link)

    def projects(self) -> Sequence[ProjectState]:
        return projects.states(self._link)

    def coverage(self) -> Mapping[str, Sequence[Span]]:
        return projects.all_spans(self._link)

    def built_views(self) -> frozenset[str]:
        return self.built()

    def rule_states(self) -> Mapping[str, RuleState]:
        return incidents.rule_states(self._link)

    def incidents(self, *, open_only: bool, limit: int) -> Sequence[Incident]:
        return incidents.newest_first(self._link, open_only=open_only, limit=limit)

    def incident_by_id(self, incident_id: str) -> Incident | None:
        return incidents.by_id(self._link, incident_id)

    def relayed(self, ended_from_ms: int) -> Sequence[Incident]:
        return incidents.open_or_ended(self._link, ended_from_ms)

    def counters(self) -> Sequence[CounterSeries]:
        return shown.counters(self._link)

    def durations(self) -> Sequence[DurationSeries]:
        return shown.durations(self._link)

    def project_counters(self) -> Sequence[ProjectCounters]:
        return shown.project_counters(self._link)

    def deliveries(self, *, states: Sequence[str], limit: int) -> Sequence[DeliveryRow]:
        return outbox.deliveries(self._link, states, limit)

    def delivery_counts(self) -> Mapping[tuple[str, str], int]:
        return outbox.counts(self._link)

    def totals(self) -> Totals:
        return shown.totals(self._link)

    def history(self, from_ms: int, to_ms: int, *, people: bool) -> Sequence[Past]:
        return history.between(self._link, self._interning, from_ms, to_ms, people=people)

    def sums(self, from_ms: int, to_ms: int, *, known_ms: int, people: bool) -> Sequence[Sums]:
        return hindsight.sums(self._link, self._interning, from_ms, to_ms, known_ms=known_ms, people=people)

    def incidents_of(self, rule: str, key: Key, period: str) -> Sequence[Incident]:
        return incidents.episodes(self._link, rule, key, period)

    def posted(self, incident_id: str, *, from_ms: int) -> Sequence[Posted]:
        return outbox.about(self._link, incident_id, from_ms)

    def rules(self) -> StoredRules | None:
        return rules.stored(self._link)

    def rules_versions(self) -> Sequence[StoredRules]:
        return rules.versions(self._link)

    def values(self, dimension: str) -> Sequence[str]:
        return shown.values(self._link, dimension)

    def held(self) -> Sequence[Held]:
        return holding.held(self._link)

    def silences(self, *, active_at_ms: int | None) -> Sequence[Silence]:
        return silences.listed(self._link, active_at_ms)

    def drivers(self) -> DriverReader:
        return DriverReader(self._link, self._interning, self)

    def waiting(self) -> bool:
        return self._link.row("SELECT 1 FROM dirty LIMIT 1") is not None

    def metered_reads(self) -> Mapping[tuple[str, str], MeteredRead]:
        return meta.metered_reads(self._link)

    def audited(self) -> Audited | None:
        return upkeep.audited(self._link)

    def traces(self, user: str) -> Traces:
        return forgetting.traces(self._link, user)

    def row_sums(self, from_ms: int, to_ms: int, *, people: bool) -> Sequence[Delta]:
        interning = Interning(self._link, Caches())  # those of the writer belong to its thread
        found: list[Delta] = []
        for project, key in projects.keys(self._link).items():
            found += series.sums(self._link, interning, project, key, (from_ms, to_ms), uses_people=people)
        return found

    def cells(self, view: str, from_cell: int, to_cell: int) -> Mapping[tuple[Key, int], Amounts]:
        return series.cells(self._link, view, series.QUARTER, from_cell, to_cell)

    def day_cells(self, view: str, day: int) -> Mapping[Key, Amounts]:
        return {key: amounts for (key, _), amounts in series.cells(self._link, view, series.DAY, day, day + 1).items()}
