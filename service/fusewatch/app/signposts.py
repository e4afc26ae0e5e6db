"""Which rows a notice is about, as links into Langfuse: decided with the notice, from rules and what is known then."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fusewatch.domain.explanations import Explanation
from fusewatch.domain.money import format_usd
from fusewatch.domain.notices import Incident, Kind, Notice, NoticeLink
from fusewatch.domain.rules import HIGH_CARDINALITY, Rule, RuleSet, Unit
from fusewatch.domain.usage import UNKNOWN
from fusewatch.domain.views import View, counted_view, view_of
from fusewatch.ports import Condition, Counted, Linker, ProjectState, RowsMeant

MOST_PROJECTS = 3
"""What lies in more projects is seen on our own page: a row of buttons helps nobody."""

MOST_AT_ONCE = 500
"""So many notices of one pass get links: of more nobody opens each, and making them would hold up the pass."""

HOUR_MS = 3_600_000
THESE_ROWS = "Open these rows in Langfuse"
AROUND_THEM = "Open in Langfuse"


@dataclass(slots=True)
class Signposts:
    """`projects` are those that are read now, by their stable keys; `values` gives the values that a dimension ever had
    in the ledger, `page` is the address of our own page, "" without one."""

    linker: Linker
    rules: RuleSet
    projects: Mapping[str, ProjectState]
    values: Callable[[str], Sequence[str]]
    page: str = ""
    _made: int = 0
    _known: dict[str, Sequence[str]] = field(default_factory=dict)
    _views: dict[str, View] = field(default_factory=dict)

    def of(self, notice: Notice) -> tuple[NoticeLink, ...]:
        """To the rows of the notice up to its instant, a link for each project; none where no link can be made."""
        return self.of_incident(notice.incident, notice.at_ms)

    def of_trace(self, why: Explanation) -> NoticeLink | None:
        """To the dearest trace that an explanation names; None without one, or for a key that is not about money."""
        if not why.traces or why.unit is not Unit.USD:
            return None
        dearest = why.traces[0]
        url = self.linker.trace(dearest.project, dearest.trace)
        return NoticeLink(f"Dearest trace {format_usd(dearest.cost_pico)}", url) if url else None

    def of_incident(self, incident: Incident, at_ms: int) -> tuple[NoticeLink, ...]:
        """As `of`, for an incident as it stands at an instant."""
        if self._made >= MOST_AT_ONCE:
            return ()
        self._made += 1
        if incident.kind.is_watch:
            conditions, counted = _watched(incident), _COUNTED_BY_WATCH[incident.kind]
            conditions = (*conditions, *_conditions(counted_view(self.rules))) if counted is not Counted.ALL else ()
            keys = [key for key in incident.key if key in self.projects] or list(self.projects)
        else:
            rule = next((rule for rule in self.rules.rules if rule.name == incident.rule), None)
            if rule is None:
                return ()
            view = self._view(rule)
            conditions, counted = (*_of_key(incident), *_conditions(view)), _counted(incident)
            keys = [key for key in self.projects if view.projects is None or key in view.projects]
            keys = [key for key in incident.key if key in keys] or keys if "project" in rule.each else keys
        if len(keys) > MOST_PROJECTS:
            return (NoticeLink("Open the page", self.page),) if self.page else ()
        from_ms, to_ms = _span(incident, at_ms)
        meant = RowsMeant(conditions, counted, from_ms, to_ms, self.rules.attribution, self._values_of)
        found = []
        for project in sorted((self.projects[key] for key in keys), key=lambda project: project.name):
            link = self.linker.rows(project, meant)
            if link is not None:
                label = AROUND_THEM if link.wider else THESE_ROWS
                found.append(NoticeLink(f"{label} ({project.name})" if len(keys) > 1 else label, link.url, link.wider))
        return tuple(found)

    def _view(self, rule: Rule) -> View:
        if rule.name not in self._views:
            names = {key: project.name for key, project in self.projects.items()}
            self._views[rule.name] = view_of(rule, self.rules, names)
        return self._views[rule.name]

    def _values_of(self, dimension: str) -> Sequence[str] | None:
        if dimension in HIGH_CARDINALITY:
            return None
        if dimension not in self._known:
            self._known[dimension] = self.values(dimension)
        return self._known[dimension]


_COUNTED_BY_WATCH = {
    Kind.UNREADABLE: Counted.ALL,
    Kind.UNPRICED: Counted.CALLS,
    Kind.DRIFT: Counted.ALL,
    Kind.UNATTRIBUTED: Counted.COST,
    Kind.SILENT: Counted.ALL,
    Kind.NEW: Counted.COST,
}


def _of_key(incident: Incident) -> tuple[Condition, ...]:
    return tuple(Condition(name, (value,), literal=True) for name, value in incident.labels if name != "project")


def _conditions(view: View) -> tuple[Condition, ...]:
    return (
        *(Condition(m.dimension, m.patterns) for m in view.scope.where),
        *(Condition(m.dimension, m.patterns, excluded=True) for m in view.scope.unless),
    )


def _watched(incident: Incident) -> tuple[Condition, ...]:
    """What a watch saw: the models without a price, the new value; what lacks a dimension has no value to ask for."""
    match incident.kind:
        case Kind.UNPRICED:
            models = tuple(name for name, _ in incident.parts)
            return (Condition("model", models, literal=True),) if models else ()
        case Kind.NEW:
            return _of_key(incident)
        case Kind.UNATTRIBUTED:
            lacking = [value for name, value in incident.labels if name != "project"]
            return tuple(Condition(value, (UNKNOWN,), literal=True) for value in lacking)
        case _:
            return ()


def _counted(incident: Incident) -> Counted:
    """Money that is estimated in part lies in rows without a cost, too."""
    match incident.unit:
        case Unit.USD:
            return Counted.CALLS if incident.estimated else Counted.COST
        case Unit.TOKENS:
            return Counted.TOKENS
        case Unit.REQUESTS | Unit.USD_PER_REQUEST:
            return Counted.CALLS


def _span(incident: Incident, at_ms: int) -> tuple[int, int]:
    """From the start of the period to its end, or to now; of a silence the hour before it, since a table with nothing
    in it helps nobody."""
    if incident.kind is Kind.SILENT and incident.crossings:
        last_ms = incident.crossings[0].at_ms
        return last_ms - HOUR_MS, last_ms + 1
    if incident.kind in (Kind.UNREADABLE, Kind.NEW):
        return incident.period_start_ms, max(at_ms, incident.period_start_ms + 1)
    to_ms = incident.period_end_ms if incident.rolling else min(incident.period_end_ms, at_ms)
    return incident.period_start_ms, max(to_ms, incident.period_start_ms + 1)
