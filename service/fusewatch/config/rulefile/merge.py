"""The files of a folder → one tree: settings stand in one file, lists are joined, destinations are put together."""

from collections.abc import Iterable

from fusewatch.config.fields import kind_of
from fusewatch.config.rulefile.yamltree import Path, Place, Tree
from fusewatch.config.words import shown
from fusewatch.errors import Problem

_JOINED = frozenset({"projects", "prices", "routes", "budgets", "spikes", "digest", "exports"})
_PUT_TOGETHER = frozenset({"destinations"})
_EACH_FILE = "version"
"""May stand in every file, so that each is a valid one for editors, but must say the same."""


def merge(trees: Iterable[Tree]) -> tuple[Tree, list[Problem]]:
    """One tree of all, and what stands in two files though it may stand in one only."""
    first, *others = trees
    problems: list[Problem] = []
    merged = first
    for tree in others:
        for name, value in tree.values.items():
            problems += _add(merged, tree, name, value)
    return merged, problems


def twice(name: str, first: Place, second: Place) -> Problem:
    """The problem of a name that stands in two places; it is told at the second."""
    return second.problem(f"{shown(name)} stands twice, here and in {first.file}:{first.line}", "keep one")


def _add(merged: Tree, tree: Tree, name: str, value: object) -> list[Problem]:
    here = merged.values.get(name)
    if here is None:
        merged.values[name] = value
        _move(merged, tree, (name,))
    elif value is None or (name == _EACH_FILE and here == value):
        pass
    elif name in _JOINED and isinstance(here, list) and isinstance(value, list):
        _move(merged, tree, (name,), shift=len(here))
        here += value
    elif name in _PUT_TOGETHER and isinstance(here, dict) and isinstance(value, dict):
        problems = []
        for key, entry in value.items():
            path = (name, key)
            if key in here:
                problems.append(twice(key, merged.places[path], tree.places[path]))
            else:
                here[key] = entry
        _move(merged, tree, (name,))
        return problems
    elif name in _JOINED or name in _PUT_TOGETHER:
        wanted = "a list" if name in _JOINED else "a mapping"
        if kind_of(value) != wanted:  # else the one before is wrong, which its own reading tells
            return [tree.places[(name,)].problem(f"{kind_of(value)} stands here, not {wanted}")]
    else:
        return [twice(name, merged.places[(name,)], tree.places[(name,)])]
    return []


def _move(merged: Tree, tree: Tree, prefix: Path, *, shift: int = 0) -> None:
    """Take over the places below a prefix that are not taken, list items `shift` further down.

    A place keeps its own display: an index counts in its own file.
    """

    def moved(path: Path) -> Path:
        return (*prefix, path[1] + shift, *path[2:]) if len(path) > 1 and isinstance(path[1], int) else path

    for path, place in tree.places.items():
        if path[:1] == prefix:
            merged.places.setdefault(moved(path), place)
    merged.hashed.update(moved(path) for path in tree.hashed if path[:1] == prefix)
