"""Silences: somebody says of some notices, for some time, that nobody is to be told of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from fusewatch.domain.incidents import stable_id
from fusewatch.domain.notices import Kind, Notice
from fusewatch.domain.rules import Matcher, RuleSet, Severity
from fusewatch.domain.views import matches

FACTS = ("rule", "severity", "kind")
"""What a silence may name beside dimensions."""

LONGEST_MS = 366 * 86_400_000
MOST_TEXT = 500
"""So many characters a comment may have."""

_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is told of the notices that every matcher matches, from `starts_ms` until `ends_ms`, or until somebody
    ended it, at `ended_ms`. `author` and `comment` are for people."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_ms: int
    ends_ms: int
    author: str = ""
    comment: str = ""
    ended_ms: int | None = None

    @property
    def until_ms(self) -> int:
        return self.ends_ms if self.ended_ms is None else min(self.ended_ms, self.ends_ms)

    def is_active(self, now_ms: int) -> bool:
        return self.starts_ms <= now_ms < self.until_ms

    def covers(self, facts: Mapping[str, str]) -> bool:
        """Whether a notice with these `facts_of` is meant. What a notice has no value of is not meant by naming it."""
        return all(m.dimension in facts and matches(m, facts[m.dimension]) for m in self.matchers)


def facts_of(notice: Notice, values: Mapping[str, str]) -> dict[str, str]:
    """What a silence may match of a notice; `values` are those that its key is known to have."""
    incident = notice.incident
    own = {"rule": incident.rule, "severity": notice.severity.word, "kind": incident.kind.value}
    return {**values, **own}


def silence_of(
    wanted: Mapping[str, Sequence[str]], *, starts_ms: int, ends_ms: int, author: str, comment: str
) -> Silence:
    """A silence with its id, which the same wish at the same instant always gives."""
    matchers = tuple(Matcher(name, tuple(patterns)) for name, patterns in sorted(wanted.items()))
    id_ = stable_id(repr(matchers), str(starts_ms), str(ends_ms), author, comment)
    return Silence(id_, matchers, starts_ms, ends_ms, author, comment)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a wished silence: where, what, and what would be right."""

    where: str
    what: str
    right: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"; {self.right}" if self.right else "")


def mistakes_in(silence: Silence, rules: RuleSet, now_ms: int) -> tuple[Mistake, ...]:
    """Everything that keeps a silence from being meant."""
    found = [mistake for matcher in silence.matchers for mistake in _in_matcher(matcher, rules)]
    if not silence.matchers:
        found.append(Mistake("matchers", "nothing says what to silence", 'name a rule or a dimension; rule "*" is all'))
    if silence.ends_ms <= now_ms:
        found.append(Mistake("end", "it lies in the past", "name a time from now on"))
    elif silence.ends_ms <= silence.starts_ms:
        found.append(Mistake("end", "it lies before the start"))
    elif silence.ends_ms - silence.starts_ms > LONGEST_MS:
        found.append(Mistake("end", "it lies more than a year away", "what nobody wants to be told of needs no rule"))
    if not silence.comment.strip():
        found.append(Mistake("comment", "nothing says why", "write it for whoever wonders at night"))
    for where, text in (("comment", silence.comment), ("author", silence.author)):
        if len(text) > MOST_TEXT:
            found.append(Mistake(where, f"it has {len(text):,} characters", f"at most {MOST_TEXT}"))
    return tuple(found)


def _in_matcher(matcher: Matcher, rules: RuleSet) -> Iterable[Mistake]:
    name = matcher.dimension
    if name not in (*FACTS, *rules.dimensions):
        known = (*FACTS, *rules.dimensions)
        yield Mistake(name, "there is no such dimension", _nearest(name, known))
        return
    if not matcher.patterns or not all(matcher.patterns):
        yield Mistake(name, "no value stands there", f"write {name}=VALUE")
        return
    told = {
        "rule": [*(rule.name for rule in rules.rules), *rules.watches],
        "severity": [severity.word for severity in Severity],
        "kind": [kind.value for kind in Kind],
    }.get(name)
    for pattern in matcher.patterns if told is not None else ():
        if told is not None and not any(matches(Matcher(name, (pattern,)), value) for value in told):
            what = "matches none" if _GLOB & set(pattern) else "is none"
            yield Mistake(name, f'"{pattern}" {what}', _nearest(pattern, told))


def _nearest(text: str, known: Sequence[str]) -> str:
    close = get_close_matches(text, known, n=2)
    return f"did you mean {' or '.join(close)}?" if close else f"known here: {', '.join(known)}"
