"""Reports that go where only alerts belong."""

from fusewatch.config.rulefile.models import BudgetFile
from fusewatch.config.rulefile.yamltree import Tree
from fusewatch.config.words import shown
from fusewatch.errors import Problem

_ALERTS_ONLY = {"pagerduty": "a pager", "alertmanager": "an Alertmanager"}


def digest_problems(file: BudgetFile, tree: Tree) -> list[Problem]:
    """Digests for destinations that call somebody: a report is nothing to get up for, and nothing that ends."""
    problems = []
    for index, digest in enumerate(file.digest):
        for position, name in enumerate(digest.to):
            destination = file.destinations.get(name)
            if destination is not None and destination.type in _ALERTS_ONLY:
                what = f"{shown(name)} is {_ALERTS_ONLY[destination.type]}, and a digest is no alert"
                place = tree.place(("digest", index, "to", position))
                problems.append(place.problem(what, "send it to a channel or by mail"))
    return problems
