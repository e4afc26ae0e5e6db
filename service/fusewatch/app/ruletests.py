"""Rule tests: made-up spend through the real passes, and whether exactly the expected notices come of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from fusewatch.app.backtest import Course, Told, backtest
from fusewatch.domain.coverage import Span
from fusewatch.domain.notices import Reason
from fusewatch.domain.periods import Every, period_at
from fusewatch.domain.rules import BUILT_IN_DIMENSIONS, RuleSet, Severity
from fusewatch.domain.usage import UNKNOWN, Amounts, Dimensions
from fusewatch.ports import Past, ProjectState

POLL_MS = 60_000
"""What is spent is known at the next full minute."""

READ_MS = 800 * 86_400_000
"""So long before the first spend everything counts as read, so that every rule is judged from the beginning."""

_FIELDS = frozenset(Dimensions._fields) - {"extra"}


@dataclass(frozen=True, slots=True)
class Spending:
    """Generations at one instant: what they cost and used together. `values` are dimensions by name; what it does not
    name is `unknown`."""

    at_ms: int
    amounts: Amounts
    values: tuple[tuple[str, str], ...] = ()
    unpriced: bool = False

    @property
    def project(self) -> str:
        return dict(self.values).get("project", "default")


@dataclass(frozen=True, slots=True)
class Expected:
    """A notice that has to come. What is None may be anything; `measured` and `limit` in the rule's own unit. `line`
    is where it stands in its file."""

    at_ms: int
    rule: str
    line: int
    key: tuple[tuple[str, str], ...] | None = None
    reason: Reason | None = None
    severity: Severity | None = None
    threshold: Fraction | None = None
    measured: int | None = None
    limit: int | None = None
    to: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One story: it lasts from the local midnight before its first spend to `until_ms`."""

    name: str
    line: int
    from_ms: int
    until_ms: int
    spend: tuple[Spending, ...]
    expect: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of one test: the expected notices that did not come, and those sent that nobody expected."""

    test: RuleTest
    missing: tuple[Expected, ...]
    unexpected: tuple[Told, ...]

    @property
    def passed(self) -> bool:
        return not self.missing and not self.unexpected


def verify(test: RuleTest, rules: RuleSet) -> Verified:
    """Run one test. A notice that is sent to nobody, as one of severity info usually is, may be expected but need not
    be."""
    pasts = sorted((_past(spending) for spending in test.spend), key=lambda past: past.start_ms)
    projects = sorted({past.project for past in pasts} or {"default"})
    coverage = {name: [Span(test.from_ms - READ_MS, test.until_ms)] for name in projects}
    course = Course(test.from_ms, test.until_ms, POLL_MS, [_project(name) for name in projects], coverage)
    (outcome,) = backtest(_Story(pasts), course, [rules])
    left = list(outcome.told)
    missing = []
    for expected in test.expect:
        found = next((told for told in left if _fits(expected, told)), None)
        if found is None:
            missing.append(expected)
        else:
            left.remove(found)
    return Verified(test, tuple(missing), tuple(told for told in left if told.destinations))


def beginning(rules: RuleSet, spend: Iterable[Spending], otherwise_ms: int) -> int:
    """The first instant of the local day on which the first spend stands."""
    first_ms = min((spending.at_ms for spending in spend), default=otherwise_ms)
    return period_at(rules.calendar, Every.DAY, first_ms).start_ms


def _fits(expected: Expected, told: Told) -> bool:
    notice, incident = told.notice, told.notice.incident
    pairs: tuple[tuple[object, object], ...] = (
        (expected.reason, notice.reason),
        (expected.severity, notice.severity),
        (expected.threshold, notice.threshold),
        (expected.measured, incident.measured),
        (expected.limit, incident.limit),
        (expected.to, frozenset(told.destinations)),
    )
    return (
        told.at_ms == expected.at_ms
        and incident.rule == expected.rule
        and (expected.key is None or dict(expected.key) == dict(incident.labels))
        and all(wanted is None or wanted == found for wanted, found in pairs)
    )


@dataclass(frozen=True, slots=True)
class _Story:
    """The history of a test."""

    pasts: Sequence[Past]

    def between(self, from_ms: int, to_ms: int, *, people: bool) -> Sequence[Past]:
        del people  # a story is short: who spent it is always told
        return [past for past in self.pasts if from_ms <= past.start_ms < to_ms]


def _past(spending: Spending) -> Past:
    values = dict(spending.values)
    return Past(
        project=spending.project,
        start_ms=spending.at_ms,
        end_ms=spending.at_ms,
        seen_ms=spending.at_ms,
        dimensions=_dimensions(values),
        user=values.get("user", UNKNOWN),
        session=values.get("session", UNKNOWN),
        amounts=spending.amounts,
        unpriced=spending.unpriced,
    )


def _dimensions(values: Mapping[str, str]) -> Dimensions:
    named = {name: values.get(name, UNKNOWN) for name in _FIELDS}
    extra = tuple(sorted((n, v) for n, v in values.items() if n not in BUILT_IN_DIMENSIONS))
    return Dimensions(**named, extra=extra)


def _project(name: str) -> ProjectState:
    return ProjectState(
        key=name,
        name=name,
        host="",
        project_id=name,
        organisation_id="",
        api="",
        floor_ms=None,
        loaded_ms=None,
        counters_from_ms=None,
        last_success_ms=None,
        data_as_of_ms=None,
        failing_since_ms=None,
        failure="",
        failure_text="",
        retry_at_ms=None,
    )
