"""Which rows of the API's lists are meant, and in which order they are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fusewatch.app.reports import Breakdown, Group
from fusewatch.app.snapshot import BudgetLine, SpendLine
from fusewatch.domain.breakdown import Usage
from fusewatch.domain.notices import Incident, Kind, State
from fusewatch.ports import DeliveryRow
from fusewatch.web.paging import Place


class Severities(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Order(StrEnum):
    """`name` never changes, so that all pages together hold every row once; `largest` is told first what is most, and a
    row that overtakes others while somebody pages may be missed or come twice."""

    NAME = "name"
    LARGEST = "largest"


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Whatever is None or empty allows everything. An incident lies in the span if it was open at any time of it."""

    project: str | None = None
    rule: str | None = None
    kind: Kind | None = None
    severity: str | None = None
    state: State | None = None
    group: str | None = None
    values: Mapping[str, str] | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    def holds(self, incident: Incident) -> bool:
        ended_ms = None if incident.state is State.OPEN else incident.changed_ms
        return (
            self.rule in (None, incident.rule)
            and self.kind in (None, incident.kind)
            and self.severity in (None, incident.severity.word)
            and self.state in (None, incident.state)
            and _of(incident.labels, incident.group, self.project, self.group, self.values)
            and (self.to_ms is None or incident.opened_ms < self.to_ms)
            and (self.from_ms is None or ended_ms is None or ended_ms >= self.from_ms)
        )


def budgets_of(
    lines: Sequence[BudgetLine],
    *,
    rule: str | None,
    project: str | None,
    group: str | None,
    values: Mapping[str, str],
    over: float | None,
) -> list[BudgetLine]:
    """Those of a rule and key, with at least the share `over` of the limit used."""
    return [
        line
        for line in lines
        if rule in (None, line.budget)
        and _of(line.labels, line.group, project, group, values)
        and (over is None or line.ratio >= over)
    ]


def spend_of(lines: Sequence[SpendLine], names: Sequence[str], values: Mapping[str, str]) -> list[SpendLine]:
    return [line for line in lines if _has(tuple(zip(names, line.labels, strict=True)), values)]


def groups_of(found: Breakdown, by: Sequence[str], values: Mapping[str, str]) -> list[Group]:
    """The groups that have the values, summed by the dimensions `by`, which are among those of `found`."""
    places = [found.by.index(name) for name in by]
    sums: dict[tuple[str, ...], Usage] = {}
    for group in found.groups:
        if _has(tuple(zip(found.by, group.key, strict=True)), values):
            key = tuple(group.key[place] for place in places)
            sums[key] = sums.get(key, Usage()).plus(group.usage)
    return [Group(key, usage) for key, usage in sums.items()]


def place_of_budget(order: Order, line: BudgetLine) -> Place:
    place = (line.budget, *(part for pair in line.labels for part in pair))
    return place if order is Order.NAME else (-line.ratio, *place)


def place_of_incident(incident: Incident) -> Place:
    """The one that opened last first; that never changes."""
    return -incident.opened_ms, incident.id


def place_of_spend(order: Order, line: SpendLine) -> Place:
    return line.labels if order is Order.NAME else (-line.month_pico, *line.labels)


def place_of_group(order: Order, group: Group) -> Place:
    return group.key if order is Order.NAME else (-group.usage.cost_pico, *group.key)


def place_of_delivery(row: DeliveryRow) -> Place:
    return -row.created_ms, row.id


def _of(
    labels: Sequence[tuple[str, str]],
    group: str,
    project: str | None,
    wanted: str | None,
    values: Mapping[str, str] | None,
) -> bool:
    given = dict(labels)
    return (
        (project is None or given.get("project") == project) and wanted in (None, group) and _has(labels, values or {})
    )


def _has(labels: Sequence[tuple[str, str]], values: Mapping[str, str]) -> bool:
    given = dict(labels)
    return all(given.get(name) == value for name, value in values.items())
