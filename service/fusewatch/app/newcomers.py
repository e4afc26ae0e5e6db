"""The watch for newcomers: the first real money of a value (of a model, a feature …) that was never seen before.

What there was before the watch was switched on, before a project was loaded, or in history that is read later, is
learned silently. What is new is told once for ever, when it has cost the floor; no pruning makes it new again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from fusewatch.app.judging import Work, changed
from fusewatch.app.windowcells import total
from fusewatch.domain import routing
from fusewatch.domain.incidents import fingerprint, roll_over, stable_id, withdraw
from fusewatch.domain.notices import Crossing, Incident, Kind, Notice, Reason, State
from fusewatch.domain.periods import cell_of, cell_start_ms, day_at, day_index
from fusewatch.domain.rules import RuleSet, Severity, Unit
from fusewatch.domain.usage import UNKNOWN
from fusewatch.domain.views import Key, View, newcomer_view
from fusewatch.ports import RuleState

NEW = Kind.NEW.value
"""The name of the watch, where a rule's name would stand, and the label of its only period."""


def newcomer_views(rules: RuleSet) -> tuple[View, ...]:
    """The views that this watch sums: one for each dimension."""
    return tuple(newcomer_view(rules, dimension) for dimension in rules.new.each)


@dataclass(slots=True)
class Newcomers:
    """One look within an assess pass. `touched` are the cells that changed, by view and key."""

    work: Work
    touched: Mapping[str, Mapping[Key, Collection[int]]]

    def run(self, state: RuleState | None) -> None:
        """`state` tells since when each dimension is watched."""
        rules, unit = self.work.rules, self.work.unit
        for incident in unit.open_incidents(NEW):
            if incident.period_end_ms <= self.work.now_ms:
                unit.put_incident(changed(roll_over(incident, self.work.now_ms)))
            elif incident.key[0] not in rules.new.each:
                unit.put_incident(changed(withdraw(incident, self.work.now_ms)))
        since = _since(state)
        watched = {name: since.get(name, self.work.now_ms) for name in rules.new.each}
        for dimension, since_ms in watched.items():
            view = newcomer_view(rules, dimension)
            if dimension not in since:
                unit.know(dimension, {value for _, value in unit.keys(view.id, 0)})
            else:
                for value in sorted(self._to_look_at(view, dimension)):
                    if value != UNKNOWN and not unit.is_known(dimension, value):
                        self._look(view, dimension, value, since_ms)
        if watched != since:
            unit.put_rule_state(RuleState(NEW, NEW, _written(watched), None))

    def _to_look_at(self, view: View, dimension: str) -> set[str]:
        """The values that were touched, by this pass or by one that left the looking to a later one."""
        values = {value for _, value in self.touched.get(view.id, {})}
        for entry in self.work.unit.due(self.work.now_ms):
            if entry.rule == NEW and entry.key[0] == dimension:
                values.add(entry.key[1])
                self.work.unit.set_due(NEW, entry.key, None)
        return values

    def _look(self, view: View, dimension: str, value: str, since_ms: int) -> None:
        unit, now_ms = self.work.unit, self.work.now_ms
        cost = 0
        for key, project in self.work.reading.projects.items():
            first = unit.first_cell(view.id, (key, value))
            if first is None:
                continue
            if project.loaded_ms is None or self._was_before(view, (key, value), max(since_ms, project.loaded_ms)):
                unit.know(dimension, (value,))
                return
            days = day_index(view.calendar, cell_start_ms(first)), day_index(view.calendar, now_ms) + 2
            cost += total(amounts for _, amounts in unit.days(view.id, (key, value), *days)).cost_pico
        if cost > 0 and cost >= self.work.rules.new.floor_pico:
            unit.know(dimension, (value,))
            self._tell(self._incident(view, dimension, value, cost))

    def _was_before(self, view: View, key: Key, at_ms: int) -> bool:
        first = self.work.unit.first_cell(view.id, key)
        if first is None or first > cell_of(at_ms):
            return False
        return first < cell_of(at_ms) or self._first_start_ms(view, key[1]) < at_ms

    def _incident(self, view: View, dimension: str, value: str, cost_pico: int) -> Incident:
        now_ms, rules = self.work.now_ms, self.work.rules
        day = day_at(rules.calendar, now_ms)
        label = self.work.names.get(value, value) if dimension == "project" else value
        at_ms = min(self._first_start_ms(view, value), now_ms)
        return Incident(
            id=stable_id(fingerprint(NEW, (dimension, value), NEW), "1"),
            kind=Kind.NEW,
            rule=NEW,
            key=(dimension, value),
            labels=((dimension, label),),
            period=NEW,
            period_start_ms=at_ms,
            period_end_ms=day.end_ms,
            timezone=rules.calendar.timezone,
            episode=1,
            state=State.OPEN,
            severity=Severity.INFO,
            level=Fraction(1),
            limit=rules.new.floor_pico,
            unit=Unit.USD,
            measured=cost_pico,
            opened_ms=now_ms,
            changed_ms=now_ms,
            crossings=(Crossing(Fraction(1), Severity.INFO, rules.new.floor_pico, at_ms, now_ms),),
        )

    def _first_start_ms(self, view: View, value: str) -> int:
        """The start of the first generation with the value."""
        keys = [(key, value) for key in self.work.reading.projects]
        cells = [cell for key in keys if (cell := self.work.unit.first_cell(view.id, key)) is not None]
        rows = self.work.unit.rows(cell_start_ms(min(cells)), cell_start_ms(min(cells) + 1))
        starts = (r.start_ms for r in rows if view.key_of(r.project, r.dimensions, r.user, r.session) in keys)
        return min(starts, default=cell_start_ms(min(cells)))

    def _tell(self, incident: Incident) -> None:
        work = self.work
        as_of = [p.data_as_of_ms for p in work.reading.projects.values() if p.data_as_of_ms is not None]
        notice = Notice(
            incident=incident,
            reason=Reason.OPENED,
            severity=incident.severity,
            threshold=incident.level,
            at_ms=work.now_ms,
            as_of_ms=min(as_of, default=work.now_ms),
        )
        owner = routing.owner_of(work.rules, None, None, dict(incident.labels))
        notice = replace(notice, labels=owner.labels, runbook=owner.runbook)
        work.unit.put_incident(work.tell(routing.Change(notice, owner)))


def _since(state: RuleState | None) -> dict[str, int]:
    """Since when each dimension is watched, as `_written` wrote it."""
    pairs = state.revision.split() if state is not None else []
    return {name: int(since) for name, _, since in (pair.rpartition("=") for pair in pairs)}


def _written(since: Mapping[str, int]) -> str:
    return " ".join(f"{name}={since_ms}" for name, since_ms in since.items())
