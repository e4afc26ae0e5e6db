"""What this version accepts and checks but does not act on yet, said in plain sentences."""

from collections.abc import Iterator

from fusewatch.config.rulefile.models import BudgetFile
from fusewatch.config.rulefile.rulemodels import BudgetPart, SpikePart
from fusewatch.config.rulefile.yamltree import Path, Tree


def why_not_judged(rule: BudgetPart | SpikePart) -> tuple[str, str] | None:
    """The key and the words for what makes a whole rule inactive; None for a rule that is judged."""
    match rule:
        case BudgetPart():
            if rule.source == "metrics":
                return "source", "source: metrics is not active in this version, so this budget is not judged"
        case SpikePart():
            pass
    return None


def inactive_sentences(file: BudgetFile, tree: Tree) -> tuple[str, ...]:
    """One sentence for each part, with its place, in the order of the file."""
    found = list(_inactive(file, tree))
    places = sorted((tree.place(path), words) for path, words in found)
    return tuple(f"{place.file}:{place.line}: {place.path}: {words}" for place, words in places)


def _inactive(file: BudgetFile, tree: Tree) -> Iterator[tuple[Path, str]]:
    for section, rules in _sections(file):
        for index, rule in enumerate(rules):
            if why := why_not_judged(rule):
                yield (section, index, why[0]), why[1]


def _sections(file: BudgetFile) -> tuple[tuple[str, tuple[BudgetPart | SpikePart, ...]], ...]:
    return (("budgets", file.budgets), ("spikes", file.spikes))
