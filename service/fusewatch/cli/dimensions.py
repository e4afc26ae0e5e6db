"""Names of dimensions and columns on the command line."""

from collections.abc import Sequence

from fusewatch.config.words import nearest
from fusewatch.domain.rules import RuleSet
from fusewatch.errors import ConfigError, Problem


def listed(text: str) -> tuple[str, ...]:
    """The words of a list that is separated by commas."""
    return tuple(dict.fromkeys(word for part in text.split(",") if (word := part.strip())))


def dimensions(text: str, option: str, rules: RuleSet) -> tuple[str, ...]:
    """The dimensions of such a list; ConfigError for one that there is not."""
    return known(listed(text), option, rules.dimensions, "dimension")


def known(names: Sequence[str], option: str, among: Sequence[str], noun: str) -> tuple[str, ...]:
    """The names, if all are known. ConfigError that names the nearest, or all."""
    problems = [
        Problem("command line", 0, option, f"there is no {noun} {name}", _right(name, among))
        for name in names
        if name not in among
    ]
    if problems:
        raise ConfigError(problems)
    return tuple(names)


def _right(name: str, among: Sequence[str]) -> str:
    return nearest(name, among) or f"choose from {', '.join(among)}"
