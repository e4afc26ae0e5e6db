"""What is wrong with `retention`: rows or sums that would go while something still looks at them."""

from fusewatch.config.rulefile.yamltree import Tree
from fusewatch.domain.retention import DAY_MS, needs
from fusewatch.domain.rules import RuleSet
from fusewatch.errors import Problem


def retention_problems(rules: RuleSet, tree: Tree) -> list[Problem]:
    """One problem for each that looks further back than `rows` are kept; than `totals`, where these stand alone."""
    kept = rules.retention
    name, kept_ms = ("totals", kept.totals_ms) if kept.rows_ms is None else ("rows", kept.rows_ms)
    if kept_ms is None:
        return []
    short = [need for need in needs(rules) if need.days * DAY_MS > kept_ms]
    enough = max((need.days for need in short), default=0)
    place = tree.place(("retention", name))
    return [
        place.problem(f"{need.who} looks back {need.days}d, {name} would be gone before", f"write {enough}d or more")
        for need in short
    ]
