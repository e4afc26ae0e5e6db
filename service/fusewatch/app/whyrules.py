"""Which rule and which key are meant, and which version of the budget file was in force."""

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

from fusewatch.app.whyfacts import Version
from fusewatch.domain.rules import Rule, RuleSet
from fusewatch.domain.views import Key
from fusewatch.errors import ConfigError, FusewatchError, Problem
from fusewatch.ports import StoredRules

Parse = Callable[[StoredRules], RuleSet]
"""Reads a stored budget file; ConfigError where it cannot be read any more, since a variable is gone for instance."""

_MOST_COMPARED = 5000


class UnknownRule(ConfigError):
    """No rule has that name; says which are near."""


class UnknownKey(FusewatchError):
    """A rule never saw such a key, or the key is not written as one; says what would be right."""


def version_at(stored: Sequence[StoredRules], parse: Parse, today: RuleSet, at_ms: int) -> Version:
    """The version in force at the instant; `stored` are all that are kept, the newest first."""
    for number, version in enumerate(stored):
        if version.loaded_ms <= at_ms:
            until_ms = stored[number - 1].loaded_ms if number else None
            return Version(_parsed(version, parse, today), version.loaded_ms, until_ms)
    if stored:
        return Version(_parsed(stored[-1], parse, today), None, stored[-1].loaded_ms)
    return Version(today, None, None)


def _parsed(version: StoredRules, parse: Parse, today: RuleSet) -> RuleSet:
    try:
        return parse(version)
    except ConfigError:
        return today


def rule_named(name: str, *rule_sets: RuleSet) -> Rule:
    """The rule of the first set that has it. `UnknownRule` when none does."""
    for rules in rule_sets:
        for rule in rules.rules:
            if rule.name == name:
                return rule
    known = list(dict.fromkeys(rule.name for rules in rule_sets for rule in rules.rules))
    if name in rule_sets[0].watches:
        right = "it is a watch, which has no limit to ask about: fusewatch status"
    else:
        close = get_close_matches(name, known, n=3)
        right = f"did you mean {' or '.join(close)}?" if close else f"choose from {', '.join(known) or 'none'}"
    raise UnknownRule([Problem("rule", 0, "", f"there is no rule {name}", right)])


def key_meant(text: str, rule: Rule, keys: Sequence[Key], names: Mapping[str, str]) -> Key:
    """The key that somebody wrote: ``team=content``, ``feature=a,team=b`` in any order, or the bare value of the only
    dimension. `names` are those of projects by their stable keys. `UnknownKey` when no such key was ever seen."""
    if not rule.each:
        raise UnknownKey(f"{rule.name} has no `each`, so it has no keys: fusewatch why {rule.name}")
    wanted = _parts(text, rule.each)
    shown = {key: _people(rule.each, key, names) for key in keys}
    for key, values in shown.items():
        if wanted is not None and values == wanted:
            return key
    if wanted is None and len(rule.each) > 1:
        raise UnknownKey(f"{text} is no key of {rule.name}; write {','.join(f'{name}=VALUE' for name in rule.each)}")
    lines = [_line(rule.each, values) for values in list(shown.values())[:_MOST_COMPARED]]
    asked = _line(rule.each, wanted) if wanted is not None else text
    close = get_close_matches(asked, lines, n=3, cutoff=0.5) or [
        line for line in lines if text.casefold() in line.casefold()
    ]
    hint = f"did you mean {' or '.join(close[:3])}?" if close else f"its keys: fusewatch why {rule.name}"
    raise UnknownKey(f"{rule.name} never saw {asked}; {hint}")


def _parts(text: str, each: tuple[str, ...]) -> tuple[str, ...] | None:
    """The values in the order of `each`; None where they cannot be told apart. A value may hold commas and signs."""
    names = "|".join(re.escape(name) for name in each)
    pieces = re.split(rf"(?:^|,)({names})=", text)
    if pieces[0] == "" and len(pieces) > 1:
        found = dict(zip(pieces[1::2], pieces[2::2], strict=True))
        return tuple(found[name] for name in each) if set(found) == set(each) else None
    return (text,) if len(each) == 1 else None


def _people(each: tuple[str, ...], key: Key, names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(names.get(value, value) if name == "project" else value for name, value in zip(each, key, strict=True))


def _line(each: tuple[str, ...], values: tuple[str, ...]) -> str:
    return ",".join(f"{name}={value}" for name, value in zip(each, values, strict=True))
