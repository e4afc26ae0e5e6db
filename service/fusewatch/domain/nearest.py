"""Why a rule matches nothing: which of its patterns fits no value that exists, and which values look like it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from fusewatch.domain.rules import HIGH_CARDINALITY, Matcher, Scope
from fusewatch.domain.views import matches

MOST_SHOWN = 3
LONGEST_COMPARED = 100


@dataclass(frozen=True, slots=True)
class Misfit:
    """A matcher of a rule's `where` that no existing value fits, and the existing values nearest to it."""

    dimension: str
    patterns: tuple[str, ...]
    nearest: tuple[str, ...]


def misfits(scope: Scope, values_of: Callable[[str], Sequence[str]]) -> tuple[Misfit, ...]:
    """The matchers of `where` that fit no existing value. `values_of` gives the values of a dimension; those of users
    and sessions are too many to compare, and are not asked for."""
    found = []
    for matcher in scope.where:
        if matcher.dimension in HIGH_CARDINALITY:
            continue
        existing = values_of(matcher.dimension)
        if not any(matches(matcher, value) for value in existing):
            found.append(Misfit(matcher.dimension, matcher.patterns, nearest(matcher, existing)))
    return tuple(found)


def nearest(matcher: Matcher, existing: Iterable[str]) -> tuple[str, ...]:
    """The existing values that look most like one of the patterns, best first; letter case and wild cards aside."""
    by_form: dict[str, str] = {}
    for value in existing:
        by_form.setdefault(_form(value), value)
    close: dict[str, None] = {}
    for pattern in matcher.patterns:
        word = _form(pattern.strip("*?"))
        alike = get_close_matches(word, list(by_form), n=MOST_SHOWN, cutoff=0.6)
        within = [form for form in by_form if word and (word in form or (len(form) > 3 and form in word))]
        close.update(dict.fromkeys(by_form[form] for form in (*alike, *within)))
    return tuple(close)[:MOST_SHOWN]


def _form(value: str) -> str:
    return value[:LONGEST_COMPARED].casefold()
