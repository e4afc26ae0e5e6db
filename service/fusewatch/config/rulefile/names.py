"""What is wrong between the parts of a budget file: names that stand twice, and names that nothing has."""

from collections.abc import Iterator

from fusewatch.config.rulefile.merge import twice
from fusewatch.config.rulefile.yamltree import Path, Place, Tree
from fusewatch.config.words import Filled, Known, nearest, shown
from fusewatch.domain.rules import BUILT_IN_DIMENSIONS
from fusewatch.errors import Problem

IMPLICIT_DESTINATIONS = ("slack", "terminal")
"""Destinations that need not be written: `slack` is made of SLACK_WEBHOOK_URL, `terminal` is always there."""


def known_names(tree: Tree) -> Known:
    """The names that values may refer to, whether or not what they name is written rightly."""
    destinations = tree.values.get("destinations")
    attribution = tree.values.get("attribution")
    projects = tuple(name for _, name in _named(tree, "projects"))
    return Known(
        destinations=(*IMPLICIT_DESTINATIONS, *(destinations if isinstance(destinations, dict) else ())),
        dimensions=tuple(
            dict.fromkeys((*BUILT_IN_DIMENSIONS, *(attribution if isinstance(attribution, dict) else ())))
        ),
        project_names=projects or None,
    )


def name_problems(tree: Tree) -> list[Problem]:
    """Names that stand twice, `was` that names a living rule, project names that no project has."""
    rules = [*_named(tree, "budgets"), *_named(tree, "spikes")]
    problems = [*_repeated(tree, rules), *_repeated(tree, _named(tree, "projects"))]
    problems += _former_names(tree, {name for _, name in rules})
    problems += [*_project_patterns(tree), *_shared_keys(tree)]
    return problems


def mentioned_destinations(tree: Tree) -> dict[str, Place]:
    """The destinations that any `notify` names, each with the place where it does so first."""
    found: dict[str, Place] = {}

    def walk(value: object, path: Path) -> None:
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, entry in entries:
            if key == "notify" and isinstance(entry, list):
                for index, name in enumerate(entry):
                    if isinstance(name, str):
                        found.setdefault(name, tree.place((*path, key, index)))
            walk(entry, (*path, key))

    walk({name: value for name, value in tree.values.items() if name != "destinations"}, ())
    return found


def _entries(tree: Tree, section: str) -> Iterator[tuple[Path, dict[str, object]]]:
    listed = tree.values.get(section)
    for index, entry in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(entry, dict):
            yield (section, index), entry


def _named(tree: Tree, section: str) -> Iterator[tuple[Path, str]]:
    for path, entry in _entries(tree, section):
        if isinstance(name := entry.get("name"), str):
            yield (*path, "name"), name


def _repeated(tree: Tree, names: "list[tuple[Path, str]] | Iterator[tuple[Path, str]]") -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for path, name in names:
        if name in first:
            yield twice(name, tree.places[first[name]], tree.places[path])
        first.setdefault(name, path)


def _former_names(tree: Tree, living: set[str]) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for section in ("budgets", "spikes"):
        for path, entry in _entries(tree, section):
            was = entry.get("was")
            place = tree.place((*path, "was"))
            if not isinstance(was, str) or was == entry.get("name"):
                continue
            if was in living:
                yield place.problem(f"another rule is named {shown(was)} now", "a former name is one that no rule has")
            if was in first:
                yield twice(was, tree.places[first[was]], place)
            first.setdefault(was, (*path, "was"))


def _project_patterns(tree: Tree) -> Iterator[Problem]:
    names = known_names(tree).project_names
    if names is None:
        return
    for section in ("budgets", "spikes", "routes"):
        for path, entry in _entries(tree, section):
            for key in ("where", "not"):
                scope = entry.get(key)
                patterns = scope.get("project") if isinstance(scope, dict) else None
                for pattern in patterns if isinstance(patterns, list) else [patterns]:
                    if isinstance(pattern, str) and pattern not in names and not set(pattern) & set("*?[$"):
                        sayable = [name for name in names if not isinstance(name, Filled)]
                        right = nearest(pattern, sayable) or f"known here: {', '.join(sayable)}"
                        yield tree.place((*path, key, "project")).problem(
                            f"no project is named {shown(pattern)}", right
                        )


def _shared_keys(tree: Tree) -> Iterator[Problem]:
    """Two entries with one key would count one project twice. The key itself is not said."""
    first: dict[str, Path] = {}
    for path, entry in _entries(tree, "projects"):
        key = entry.get("public_key")
        if isinstance(key, str) and key:
            inner = (*path, "public_key")
            if key in first:
                there = tree.places[first[key]]
                what = f"this is the key of the project in {there.file}:{there.line} too"
                yield tree.places[inner].problem(what, "give each project its own key pair")
            first.setdefault(key, inner)
