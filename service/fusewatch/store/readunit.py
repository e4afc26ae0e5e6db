"""The unit of whoever only reads (`ports.ReadUnit`), over one open transaction."""

from collections.abc import Mapping, Sequence

from fusewatch.domain.holding import Held
from fusewatch.domain.metered import MeteredRead
from fusewatch.domain.notices import Incident
from fusewatch.domain.silences import Silence
from fusewatch.domain.usage import Amounts, Delta
from fusewatch.ports import (
    Audited,
    CounterSeries,
    DeliveryRow,
    DurationSeries,
    Past,
    Posted,
    ProjectCounters,
    ProjectState,
    RuleState,
    Span,
    StoredRules,
    Sums,
    Totals,
    Traces,
)  # fmt: skip
from fusewatch.store import (
    forgetting,
    hindsight,
    history,
    holding,
    incidents,
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
from fusewatch.store.drivers import DriverReader
from fusewatch.store.interning import Caches, Interning
from fusewatch.store.reports import ReportReader
from fusewatch.store.series import Key, SeriesReader


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

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        return outbox.delivery(self._link, delivery_id)

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
