"""Digests: what a day, week or month cost, told once at its time, in the assess pass's own transaction."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from fusewatch.app.cells import Reading
from fusewatch.app.windowcells import total
from fusewatch.domain.coverage import covers
from fusewatch.domain.digests import LATE_MS, latest_due
from fusewatch.domain.incidents import stable_id
from fusewatch.domain.notices import DigestFacts, Incident, Kind, Message, MessageKind, Mover, Near
from fusewatch.domain.periods import Every, Period, cell_of, days_of, previous
from fusewatch.domain.rules import Digest, RuleSet, Severity, Unit
from fusewatch.domain.usage import Amounts
from fusewatch.domain.verdicts import measure
from fusewatch.domain.views import View, labels_view, lacking_view, totals_view
from fusewatch.ports import AssessUnit

MOVERS = 3
"""How many values that rose most are named, and how many that fell most."""

NEAR = 8
NEAR_FROM = Fraction(4, 5)
LEAST_MOVE_PICO = 10**10
"""A change below a cent moves nothing."""

_DAY_MS = 86_400_000


def due_digests(unit: AssessUnit, rules: RuleSet, reading: Reading, *, now_ms: int, link: str) -> list[Message]:
    """The messages of the digests that are due now. Each is due once: that it was is remembered with its messages.

    The first time that a digest is seen, what had been due before is left out; so are empty ones.
    """
    messages: list[Message] = []
    facts: dict[Every, DigestFacts | None] = {}
    for digest in rules.digests:
        due_ms, period = latest_due(digest, rules.calendar, now_ms)
        name = f"digest {stable_id(digest.every.value, str(digest.at_min), *digest.to)}"
        last_ms = unit.mark(name)
        if last_ms is not None and last_ms >= due_ms:
            continue
        unit.put_mark(name, due_ms)
        if last_ms is None or now_ms - due_ms > LATE_MS:
            continue
        if digest.every not in facts:
            facts[digest.every] = _Desk(unit, rules, reading, now_ms, digest.every).write(period)
        found = facts[digest.every]
        if found is not None:
            messages += _to_all(digest, period, found, now_ms, link)
    return messages


def _to_all(digest: Digest, period: Period, facts: DigestFacts, now_ms: int, link: str) -> list[Message]:
    return [
        Message(
            id=stable_id("digest", period.label, str(digest.at_min), name),
            destination=name,
            kind=MessageKind.DIGEST,
            severity=Severity.INFO,
            created_ms=now_ms,
            link=link,
            digest=facts,
        )
        for name in dict.fromkeys(digest.to)
    ]


@dataclass(slots=True)
class _Desk:
    """Writes the digest of one period."""

    unit: AssessUnit
    rules: RuleSet
    reading: Reading
    now_ms: int
    every: Every
    built: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.built = self.unit.built_views()

    def write(self, period: Period) -> DigestFacts | None:
        """What there is to tell; None when nothing was spent or used in the period or the one before, and nothing is
        wrong."""
        before = previous(self.rules.calendar, period)
        view = totals_view(self.rules)
        spent = self._sum(view, period)
        earlier = self._sum(view, before)
        open_ones = self.unit.open_incidents()
        if not any(spent) and not any(earlier) and not open_ones:
            return None
        movers = self._movers(period, before)
        near = self._near(period, open_ones)
        return DigestFacts(
            every=self.every,
            start_ms=period.start_ms,
            end_ms=period.end_ms,
            before_ms=before.start_ms,
            timezone=self.rules.calendar.timezone,
            cost_pico=measure(spent, Unit.USD),
            estimated_pico=spent.estimate_pico,
            requests=spent.requests,
            tokens=spent.tokens,
            before_pico=measure(earlier, Unit.USD),
            up=tuple(m for m in movers if m.cost_pico > m.before_pico)[:MOVERS],
            down=tuple(m for m in movers if m.cost_pico < m.before_pico)[:MOVERS],
            near=tuple(near[:NEAR]),
            near_count=len(near),
            open_incidents=_by_severity(open_ones),
            unpriced=self._unpriced(period),
            unattributed=self._unattributed(period),
            at_least=not self._is_read(before.start_ms, period.end_ms),
        )

    def _sum(self, view: View, period: Period) -> Amounts:
        if view.id not in self.built:
            return Amounts()
        keys = self.unit.keys(view.id, cell_of(period.start_ms))
        days = days_of(view.calendar, period)
        return total(
            amounts
            for key in keys
            if key[0] in self.reading.active
            for _, amounts in self.unit.days(view.id, key, days.start, days.stop)
        )

    def _movers(self, period: Period, before: Period) -> list[Mover]:
        """By the first of feature, team and model that the metrics carry, the largest change first."""
        view = labels_view(self.rules)
        dimension = next((name for name in ("feature", "team", "model") if name in view.each), "")
        if view.id not in self.built or not dimension:
            return []
        place = view.each.index(dimension)
        now, then = (days_of(view.calendar, p) for p in (period, before))
        sums: dict[str, list[int]] = {}
        for key in self.unit.keys(view.id, cell_of(before.start_ms)):
            if key[0] not in self.reading.active:
                continue
            held = sums.setdefault(key[place], [0, 0])
            for day, amounts in self.unit.days(view.id, key, then.start, now.stop):
                held[day not in now] += measure(amounts, Unit.USD)
        movers = [Mover(dimension, value, *costs) for value, costs in sums.items()]
        moved = [m for m in movers if abs(m.cost_pico - m.before_pico) >= LEAST_MOVE_PICO]
        return sorted(moved, key=lambda m: (-abs(m.cost_pico - m.before_pico), m.value))

    def _near(self, period: Period, open_ones: Iterable[Incident]) -> list[Near]:
        """The budgets that used most of their limit, by share: periods that ended with this one, and running longer
        ones. Those that start again more often than the digest comes are told with their worst period."""
        ended = [i for i in self.unit.ended_incidents(period.start_ms) if i.period_end_ms <= period.end_ms]
        running = [i for i in open_ones if i.period_start_ms < period.end_ms]
        worst: dict[tuple[str, tuple[str, ...]], Incident] = {}
        for incident in (*ended, *running):
            if incident.kind is not Kind.BUDGET or _share(incident) < NEAR_FROM:
                continue
            held = worst.setdefault((incident.rule, incident.key), incident)
            if _share(incident) > _share(held):
                worst[incident.rule, incident.key] = incident
        found = sorted(worst.values(), key=lambda i: (-_share(i), i.rule, i.key))
        return [self._near_of(incident) for incident in found]

    def _near_of(self, incident: Incident) -> Near:
        day = days = 0
        if incident.period_end_ms > self.now_ms and incident.period_end_ms - incident.period_start_ms > 2 * _DAY_MS:
            day = (self.now_ms - incident.period_start_ms) // _DAY_MS + 1
            days = round((incident.period_end_ms - incident.period_start_ms) / _DAY_MS)
        every = incident.period.partition(":")[0]
        return Near(incident.rule, incident.labels, every, incident.unit, incident.measured, incident.limit, day, days)

    def _unpriced(self, period: Period) -> tuple[tuple[str, int], ...]:
        models: Counter[str] = Counter()
        for project in self.reading.active:
            for dimensions, count, _ in self.unit.unpriced(project, period.start_ms, period.end_ms):
                models[dimensions.model] += count
        return tuple(models.most_common(MOVERS))

    def _unattributed(self, period: Period) -> tuple[tuple[str, int], ...]:
        """What lacked a dimension that rules use, where the watch for that is on."""
        found = []
        for name in ("feature", "team"):
            cost = measure(self._sum(lacking_view(self.rules, name), period), Unit.USD)
            if cost > 0:
                found.append((name, cost))
        return tuple(found)

    def _is_read(self, from_ms: int, to_ms: int) -> bool:
        return all(covers(self.reading.coverage.get(key, ()), from_ms, to_ms) for key in self.reading.active)


def _share(incident: Incident) -> Fraction:
    return Fraction(incident.measured, incident.limit) if incident.limit > 0 else Fraction(incident.measured)


def _by_severity(incidents: Iterable[Incident]) -> tuple[tuple[str, int], ...]:
    counts = Counter(incident.severity for incident in incidents)
    return tuple((severity.word, counts[severity]) for severity in sorted(counts, reverse=True))
