"""Forget a user: the spend stays, the name goes. In short transactions, each of which may be taken again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from fusewatch.app.daywatches import watch_views
from fusewatch.domain.rules import AttributionSource, RuleSet
from fusewatch.domain.views import drivers_view, labels_view, totals_view, view_of
from fusewatch.ports import PersonPlaces, Store, UpkeepUnit

Place = TypeVar("Place", int, str)
Step = Callable[[UpkeepUnit, Place], tuple[int, Place | None]]
"""One transaction of a walk that goes on behind a row: how many it redacted, and the last one it looked at."""

_USER = AttributionSource("field", "user")


@dataclass(slots=True)
class ForgetReport:
    """What was done. `known`: whether anything of the user was found; `wiped`: whether the files hold nothing of it any
    more."""

    known: bool
    rows: int = 0
    incidents: int = 0
    messages: int = 0
    wiped: bool = False


def places_of(rules: RuleSet, names: Mapping[str, str]) -> PersonPlaces:
    """Where the rules in force let a user's name come to stand. `names` are those of the projects by their keys."""
    derived = tuple(name for name, sources in rules.attribution if name != "user" and _USER in sources)
    personal = {"user", *derived}
    views = {rule.name: view_of(rule, rules, names) for rule in rules.rules}
    known = [*views.values(), totals_view(rules), labels_view(rules), drivers_view(rules), *watch_views(rules)]
    return PersonPlaces(
        dimensions=derived,
        views={view.id: _places(view.each, personal) for view in known},
        rules={rule.name: _places(rule.each, personal) for rule in rules.rules},
        formed_anew=frozenset(
            view.id for view in known if any(m.dimension in personal for m in (*view.scope.where, *view.scope.unless))
        ),
    )


def _places(each: tuple[str, ...], personal: set[str]) -> tuple[int, ...]:
    return tuple(place for place, name in enumerate(each) if name in personal)


def forget_user(store: Store, user: str, rules: RuleSet) -> ForgetReport:
    """Forget `user` (a value as the ledger has it). The order matters: once no row, cell or due key names the user,
    nothing new can, so that what is redacted after it stays so, though a daemon goes on beside it."""
    names = store.read(lambda unit: {project.key: project.name for project in unit.projects()})
    rows = store.read(lambda unit: unit.traces(user)).rows
    places = places_of(rules, names)
    known = store.upkeep(lambda unit: unit.forget_name(user, places))
    incidents = _walk(store, lambda unit, after: unit.redact_incidents(user, places, after), "")
    messages = _walk(store, lambda unit, after: unit.redact_deliveries(user, places, after), 0)
    if not (known or incidents or messages):
        return ForgetReport(known=False)
    return ForgetReport(True, rows, incidents, messages, wiped=store.wipe())


def _walk(store: Store, step: Step[Place], first: Place) -> int:
    done = 0
    after: Place | None = first
    while after is not None:
        count, after = store.upkeep(partial(_at, step, after))
        done += count
    return done


def _at(step: Step[Place], after: Place, unit: UpkeepUnit) -> tuple[int, Place | None]:
    return step(unit, after)
