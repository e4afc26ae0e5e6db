"""Views: which generations a rule counts, and under which key. Rules that count alike share a view and its cells."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

from fusewatch.domain.periods import Calendar
from fusewatch.domain.rules import (
    BUILT_IN_DIMENSIONS,
    HIGH_CARDINALITY,
    Budget,
    Matcher,
    Rule,
    RuleSet,
    Scope,
    period_kind,
)
from fusewatch.domain.usage import UNKNOWN, Dimensions

Key = tuple[str, ...]

_FIELDS = {name: index for index, name in enumerate(Dimensions._fields) if name != "extra"}


@dataclass(frozen=True, slots=True)
class View:
    """A scope, the dimensions that split it, and the calendar of its day cells.

    `projects` are the stable keys of the projects it may count, None for all: names are resolved before, so that
    renaming a project changes no view. `id` is a hash of the meaning; a rule change makes another view. It is
    made once, since everything about cells asks for it. The cells of a view with `metered`, the kind of its
    periods, are not formed from the ledger: what Langfuse's sums of such a period grew by is added (`app.totals`).
    """

    scope: Scope
    each: tuple[str, ...]
    calendar: Calendar
    projects: frozenset[str] | None = None
    metered: str = ""
    id: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", _view_id(self.scope, self.each, self.calendar, self.projects, self.metered))

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def uses_people(self) -> bool:
        """Whether user or session matter, so that cells cannot be formed from the other dimensions alone."""
        named = {*self.each, *(m.dimension for m in (*self.scope.where, *self.scope.unless))}
        return not named.isdisjoint(HIGH_CARDINALITY)

    def key_of(self, project: str, dimensions: Dimensions, user: str, session: str) -> Key | None:
        """The key under which such a generation counts, None when the view does not count it."""
        if self.projects is not None and project not in self.projects:
            return None

        def value(name: str) -> str:
            return dimension_value(name, project, dimensions, user, session)

        if not all(matches(m, value(m.dimension)) for m in self.scope.where):
            return None
        if any(matches(m, value(m.dimension)) for m in self.scope.unless):
            return None
        return tuple(value(name) for name in self.each)


@lru_cache(maxsize=4096)
def _view_id(
    scope: Scope, each: tuple[str, ...], calendar: Calendar, projects: frozenset[str] | None, metered: str
) -> str:
    known = None if projects is None else sorted(projects)
    meaning = (scope, each, calendar, known, metered) if metered else (scope, each, calendar, known)
    return blake2b(repr(meaning).encode(), digest_size=9).hexdigest()


@lru_cache(maxsize=128)
def remembering(view: View) -> Callable[[str, Dimensions, str, str], Key | None]:
    """The view's `key_of`, worked out once for each set of dimensions."""

    @lru_cache(maxsize=10_000)
    def of(project: str, dimensions: Dimensions, user: str, session: str) -> Key | None:
        return view.key_of(project, dimensions, user, session)

    if view.uses_people:
        return of
    return lambda project, dimensions, user, session: of(project, dimensions, "", "")


def dimension_value(name: str, project: str, dimensions: Dimensions, user: str, session: str) -> str:
    """The value of one dimension, `unknown` where it has none; the project as its stable key."""
    index = _FIELDS.get(name)
    if index is not None:
        return str(dimensions[index])
    if name == "project":
        return project
    if name == "user":
        return user
    if name == "session":
        return session
    for extra, value in dimensions.extra:
        if extra == name:
            return value
    return UNKNOWN


@lru_cache(maxsize=4096)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(glob))


def matches(matcher: Matcher, value: str) -> bool:
    """Whether any pattern of the matcher fits the value; globs, compared with case."""
    return any(p == value or _pattern(p).match(value) is not None for p in matcher.patterns)


def view_of(rule: Rule, rules: RuleSet, project_names: Mapping[str, str]) -> View:
    """The view that `rule` needs. `project_names` maps the stable project keys to their names in the budget file.

    Langfuse's own environments are left out unless the rule's `where` names the environment (BUDGET_FILE, Environment).
    """
    where = rule.scope.where
    unless = rule.scope.unless
    projects: frozenset[str] | None = None
    named = [m for m in where if m.dimension == "project"]
    barred = [m for m in unless if m.dimension == "project"]
    if named or barred:
        projects = frozenset(
            key
            for key, name in project_names.items()
            if all(matches(m, name) for m in named) and not any(matches(m, name) for m in barred)
        )
        where = tuple(m for m in where if m.dimension != "project")
        unless = tuple(m for m in unless if m.dimension != "project")
    if rules.excluded_environments and not any(m.dimension == "environment" for m in where):
        unless = (*unless, Matcher("environment", rules.excluded_environments))
    scope = Scope(_in_order(where), _joined(unless))
    if isinstance(rule, Budget) and rule.metered:
        return View(scope, rule.each, rule.calendar, projects, period_kind(rule).value)
    return View(scope, rule.each, _days_of(rule.calendar), projects)


def _in_order(matchers: Iterable[Matcher]) -> tuple[Matcher, ...]:
    """The same matchers, of which each must match, in one order, so that the order in the file makes no other view."""
    tidy = {Matcher(m.dimension, tuple(sorted(set(m.patterns)))) for m in matchers}
    return tuple(sorted(tidy, key=lambda m: (m.dimension, m.patterns)))


def _joined(matchers: Iterable[Matcher]) -> tuple[Matcher, ...]:
    """The same exclusions, of which any may match, as one matcher for each dimension."""
    patterns: dict[str, set[str]] = {}
    for matcher in matchers:
        patterns.setdefault(matcher.dimension, set()).update(matcher.patterns)
    return tuple(Matcher(name, tuple(sorted(patterns[name]))) for name in sorted(patterns))


def _days_of(calendar: Calendar) -> Calendar:
    """What of the calendar day cells depend on: weeks and months are sums of them, wherever they start."""
    return Calendar(calendar.timezone, calendar.day_starts_at_min)


def totals_view(rules: RuleSet) -> View:
    """Everything, by project: what recovery notices and status sum."""
    return View(Scope(), ("project",), _days_of(rules.calendar))


def counted_view(rules: RuleSet) -> View:
    """What rules count unless their `where` names an environment, by project."""
    return View(Scope(unless=_environments_left_out(rules)), ("project",), _days_of(rules.calendar))


def lacking_view(rules: RuleSet, dimension: str) -> View:
    """The part of `counted_view` in which the dimension is unknown: one key for each project, however many values the
    dimension has."""
    scope = Scope((Matcher(dimension, (UNKNOWN,)),), _environments_left_out(rules))
    return View(scope, ("project",), _days_of(rules.calendar))


def newcomer_view(rules: RuleSet, dimension: str) -> View:
    """What rules count, by project and one dimension: in which values a newcomer is looked for."""
    return View(Scope(unless=_environments_left_out(rules)), ("project", dimension), _days_of(rules.calendar))


def _environments_left_out(rules: RuleSet) -> tuple[Matcher, ...]:
    left_out = rules.excluded_environments
    return _joined([Matcher("environment", left_out)]) if left_out else ()


def labels_view(rules: RuleSet) -> View:
    """Everything, by the metric labels: what the `llm_spend_dollars` gauges show."""
    return View(Scope(), ("project", *rules.metric_labels), _days_of(rules.calendar))


def drivers_view(rules: RuleSet) -> View:
    """Everything, by every dimension but the people's: where drivers are looked for without a look at rows."""
    custom = [name for name, _ in rules.attribution if name not in BUILT_IN_DIMENSIONS]
    return View(Scope(), ("project", *_FIELDS, *dict.fromkeys(custom)), _days_of(rules.calendar))


def parts_of(view: View, key: Key) -> tuple[str, Dimensions]:
    """The project and the dimensions that a key of `drivers_view` stands for."""
    extra = zip(view.each[1 + len(_FIELDS) :], key[1 + len(_FIELDS) :], strict=True)
    return key[0], Dimensions._make((*key[1 : 1 + len(_FIELDS)], tuple(extra)))
