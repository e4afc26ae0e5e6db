"""Made-up days with one known culprit each, in the database as ingest writes it: does the explanation name it first?

Ordinary traffic has a weekly and a daily shape, six features in three teams with their own operations, prompts and
models, two hundred users of whom few are busy, five tenants, sessions and traces of several calls; sizes vary by a
log-normal factor. Everything follows from the scenario's name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from fusewatch.app.assess import Assessment, assess_pass
from fusewatch.app.drivers import explain
from fusewatch.domain.explanations import Explanation
from fusewatch.domain.periods import Every, Last
from fusewatch.domain.rules import DEFAULT_ATTRIBUTION, AttributionSource, Budget, Limit, Matcher, RuleSet, Scope, Unit
from fusewatch.domain.usage import Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import IngestUnit, ProjectIdentity, ReadUnit, Span
from fusewatch.store import SqlStore, open_store

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
MONDAY_MS = 1_760_313_600_000
"""13 October 2025, midnight UTC."""

SHOP = ProjectIdentity("https://langfuse.example", "p1", "Shop", "org", "v2", "4.16.0")
LABS = ProjectIdentity("https://langfuse.example", "p2", "Labs", "org", "v2", "4.16.0")
PRICES = {"gpt-4o": 5.0, "gpt-4o-mini": 0.3, "claude-sonnet": 6.0, "o1-pro": 60.0}
"""Dollars for a million tokens."""

FEATURES = {
    "chat": ("support", ("reply", "classify"), "gpt-4o-mini", 6),
    "search": ("search", ("rewrite", "fetch_context", "answer"), "gpt-4o-mini", 5),
    "summarize": ("content", ("summarize",), "gpt-4o", 3),
    "write": ("content", ("outline", "draft", "polish"), "gpt-4o", 2),
    "review": ("engineering", ("review",), "claude-sonnet", 2),
    "tagging": ("search", ("tag",), "gpt-4o-mini", 4),
}
TENANTS = ("acme", "bolt", "crane", "delta", "echo")
OFFICE = (1, 1, 1, 1, 2, 4, 8, 14, 22, 28, 30, 28, 24, 26, 30, 30, 28, 22, 14, 8, 5, 4, 2, 1)


@dataclass(slots=True)
class Call:
    """One call before it becomes a row; a scenario changes calls of its day or adds some."""

    at_ms: int
    dims: Dimensions
    user: str
    session: str
    trace: str
    tokens: int
    price: float
    project: ProjectIdentity = SHOP


Change = Callable[[list[Call], Random, int], list[Call]]
"""From the calls of the last day, which begins at the instant, to what they are with the culprit."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`culprits` are the names under which the culprit may be told: values that stand for the very same spend."""

    name: str
    culprits: tuple[tuple[str, str], ...]
    change: Change
    each: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    where: tuple[Matcher, ...] = ()
    every: Every | Last = Every.DAY
    unit: Unit = Unit.USD
    hour: int = 16
    weekday: int = 2
    days: int = 9
    calls_a_day: int = 500


def _ordinary(random: Random, midnight_ms: int, count: int) -> list[Call]:
    weekend = (midnight_ms - MONDAY_MS) // DAY_MS % 7 >= 5
    calls: list[Call] = []
    for _ in range(round(count * (0.4 if weekend else 1) * random.uniform(0.92, 1.08) / 2)):
        feature = random.choices(list(FEATURES), weights=[f[3] for f in FEATURES.values()])[0]
        hour = random.choices(range(24), weights=OFFICE)[0]
        at_ms = midnight_ms + hour * HOUR_MS + random.randrange(HOUR_MS)
        user = f"user-{min(199, int(random.paretovariate(0.6)))}"
        trace = f"{random.getrandbits(128):032x}"
        tenant = TENANTS[hash_of(user) % len(TENANTS)]
        environment = "staging" if random.random() < 0.06 else "production"
        for step in range(random.choice((1, 2, 2, 3))):
            calls.append(call(random, feature, at_ms + step * 2000, user, trace, tenant, environment))
    return calls


def hash_of(text: str) -> int:
    return sum(ord(char) * 31**place for place, char in enumerate(text))


def call(
    random: Random, feature: str, at_ms: int, user: str, trace: str, tenant: str, environment: str = "production"
) -> Call:
    """One call of a feature as it usually is."""
    team, operations, model, _ = FEATURES.get(feature, ("content", ("translate",), "gpt-4o", 1))
    operation = random.choice(operations)
    dims = Dimensions(
        environment,
        feature,
        team,
        model,
        "anthropic" if model.startswith("claude") else "openai",
        operation,
        "GENERATION",
        "r41",
        "1.8",
        f"{operation}:7",
        f"{feature}-flow",
        (("tenant", tenant),),
    )
    tokens = max(50, round(1500 * random.lognormvariate(0, 0.5)))
    return Call(at_ms, dims, user, f"s-{trace[:6]}", trace, tokens, PRICES[model])


def with_values(dims: Dimensions, said: Mapping[str, str]) -> Dimensions:
    return Dimensions._make([said.get(name, value) for name, value in zip(Dimensions._fields, dims, strict=True)])


# ---------------------------------------------------------------- what goes wrong


def _later(calls: Sequence[Call], day_ms: int, hour: int) -> Iterator[Call]:
    return (each for each in calls if each.at_ms >= day_ms + hour * HOUR_MS)


def flood(hours: tuple[int, int], count: int, **said: str) -> Change:
    """Many more calls of one kind; a dimension not said is as usual."""

    def change(calls: list[Call], random: Random, day_ms: int) -> list[Call]:
        for _ in range(count):
            at_ms = day_ms + random.randrange(hours[0] * HOUR_MS, hours[1] * HOUR_MS)
            feature = said.get("feature") or random.choice(list(FEATURES))
            user = said.get("user") or f"user-{random.randrange(200)}"
            trace = said.get("trace") or f"{random.getrandbits(128):032x}"
            tenant = said.get("tenant") or TENANTS[hash_of(user) % len(TENANTS)]
            one = call(random, feature, at_ms, user, trace, tenant, said.get("environment", "production"))
            one.dims = with_values(one.dims, said)
            if "operation" in said:
                one.dims = one.dims._replace(prompt=f"{said['operation']}:7")
            one.project = LABS if said.get("project") else SHOP
            calls.append(one)
        return calls

    return change


def larger(hour: int, tokens: float, **which: str) -> Change:
    """From an hour on the calls that have these values use more tokens."""

    def change(calls: list[Call], random: Random, day_ms: int) -> list[Call]:
        for one in _later(calls, day_ms, hour):
            if all(getattr(one.dims, name) == value for name, value in which.items()):
                one.tokens = round(one.tokens * tokens)
        return calls

    return change


def dearer(hour: int, factor: float, **which: str) -> Change:
    """From an hour on a token costs more in the calls that have these values."""

    def change(calls: list[Call], random: Random, day_ms: int) -> list[Call]:
        for one in _later(calls, day_ms, hour):
            if all(getattr(one.dims, name) == value for name, value in which.items()):
                one.price *= factor
        return calls

    return change


def replaced(hour: int, share: float = 1.0, tokens: float = 1.0, to: str = "", **new: str) -> Change:
    """From an hour on a share of the calls with the values `to` ("name=value") have others in their place."""

    def change(calls: list[Call], random: Random, day_ms: int) -> list[Call]:
        name, _, value = to.partition("=")
        for one in _later(calls, day_ms, hour):
            if (not to or getattr(one.dims, name) == value) and random.random() < share:
                one.dims = with_values(one.dims, new)
                one.tokens = round(one.tokens * tokens)
                if "model" in new:
                    one.price = PRICES[new["model"]]
        return calls

    return change


def both(*changes: Change) -> Change:
    def change(calls: list[Call], random: Random, day_ms: int) -> list[Call]:
        for each in changes:
            calls = each(calls, random, day_ms)
        return calls

    return change


GIANT = "feedface" * 4

SCENARIOS = (
    Scenario("runaway loop by one user", (("user", "user-17"),), flood((11, 15), 500, user="user-17", feature="chat")),
    Scenario(
        "one abusive user over all features, on a Monday", (("user", "user-90"),), flood((9, 16), 350, user="user-90"),
        weekday=0,
    ),
    Scenario("a new user's script", (("user", "user-777"),), flood((2, 16), 250, user="user-777", feature="write")),
    Scenario(
        "retry storm in an operation",
        (("operation", "fetch_context"), ("prompt", "fetch_context:7")),
        flood((11, 16), 900, feature="search", operation="fetch_context"),
    ),
    Scenario(
        "long outputs of one operation",
        (("operation", "draft"), ("prompt", "draft:7")),
        larger(9, 6, operation="draft"),
    ),
    Scenario(
        "ten times dearer model for a fifth of everything", (("model", "o1-pro"),), replaced(10, 0.2, model="o1-pro")
    ),
    Scenario(
        "model switch in a feature, seen by its own budget",
        (("model", "gpt-4o"),),
        replaced(13, model="gpt-4o", to="feature=tagging"),
        each=("feature",),
        key=("tagging",),
    ),
    Scenario("the price of a model tripled", (("model", "gpt-4o"),), dearer(0, 3, model="gpt-4o")),
    Scenario("cache break in a feature", (("feature", "review"), ("operation", "review"), ("model", "claude-sonnet")),
             dearer(8, 5, feature="review")),
    Scenario(
        "doubled prompt by a new prompt version",
        (("prompt", "summarize:8"),),
        replaced(9, tokens=2.5, prompt="summarize:8", to="operation=summarize"),
        where=(Matcher("feature", ("summarize",)),),
    ),
    Scenario(
        "new prompt version of one of three operations",
        (("prompt", "draft:8"),),
        replaced(11, tokens=8, prompt="draft:8", to="operation=draft"),
    ),
    Scenario("new release doubles every call", (("release", "r42"),), replaced(10, tokens=2.5, release="r42")),
    Scenario("new application version in half of the fleet", (("version", "1.9"),),
             replaced(8, 0.5, tokens=4, version="1.9")),
    Scenario("load test in one environment", (("environment", "staging"),),
             flood((10, 15), 600, environment="staging")),
    Scenario("one giant trace", (("trace", GIANT),), flood((12, 13), 300, trace=GIANT, user="user-3", feature="write")),
    Scenario("one tenant's import", (("tenant", "crane"),), flood((8, 16), 700, tenant="crane")),
    Scenario("a new feature is launched", (("feature", "translate"),), flood((7, 16), 300, feature="translate")),
    Scenario(
        "a team's features all run wild",
        (("team", "content"), ("model", "gpt-4o")),
        both(flood((8, 16), 300, feature="write"), flood((8, 16), 450, feature="summarize")),
    ),
    Scenario("a nightly workflow gone wrong", (("trace_name", "reindex"),),
             flood((1, 5), 500, trace_name="reindex"), hour=8),
    Scenario("another project's experiment", (("project", "labs"),), flood((8, 15), 500, project="labs")),
    Scenario(
        "user within a feature's hourly budget",
        (("user", "user-33"),),
        flood((15, 16), 200, user="user-33", feature="chat"),
        each=("feature",),
        key=("chat",),
        every=Every.HOUR,
        calls_a_day=1500,
    ),
    Scenario("runaway user over a week", (("user", "user-12"),), flood((0, 16), 1500, user="user-12"),
             every=Every.WEEK, days=24, calls_a_day=200, weekday=4),
    Scenario("load test in a rolling day", (("environment", "staging"),), flood((2, 16), 800, environment="staging"),
             every=Last(DAY_MS)),
    Scenario(
        "doubled prompt against a limit of tokens",
        (("prompt", "answer:8"),),
        replaced(7, tokens=7, prompt="answer:8", to="operation=answer"),
        unit=Unit.TOKENS,
    ),
    Scenario(
        "retry storm against a limit of requests",
        (("operation", "classify"), ("prompt", "classify:7")),
        flood((12, 16), 700, feature="chat", operation="classify"),
        unit=Unit.REQUESTS,
    ),
    Scenario("runaway user during the rollout of a harmless release", (("user", "user-8"),),
             both(replaced(12, release="r42"), flood((10, 16), 400, user="user-8", feature="review"))),
)  # fmt: skip


# ---------------------------------------------------------------- playing them


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was named first, and whether that is the culprit."""

    scenario: Scenario
    why: Explanation
    first: tuple[str, str] = field(default=("", ""))

    @property
    def right(self) -> bool:
        return self.first in self.scenario.culprits


def judge(scenario: Scenario, seed: int = 1) -> Verdict:
    with played(scenario, seed) as (store, rules, now_ms):
        why = explained(store, rules, scenario, now_ms)
    part = why.drivers[0].part if why.drivers else None
    return Verdict(scenario, why, (part.dimension, part.value) if part else ("", ""))


def explained(store: SqlStore, rules: RuleSet, scenario: Scenario, now_ms: int) -> Explanation:
    def look_up(unit: ReadUnit) -> Explanation | None:
        (incident,) = [i for i in unit.incidents(open_only=True, limit=1000) if i.key == scenario.key]
        return explain(unit.drivers(), rules, incident, now_ms)

    found = store.read(look_up)
    assert found is not None, "an open incident is explained"
    return found


@contextmanager
def played(scenario: Scenario, seed: int = 1) -> Iterator[tuple[SqlStore, RuleSet, int]]:
    """The database in which the scenario has happened and was judged, its rules and the time."""
    day_ms = MONDAY_MS + (scenario.weekday + 7 * ((scenario.days + 6) // 7)) * DAY_MS
    now_ms = day_ms + scenario.hour * HOUR_MS - 7 * 60_000
    rules = _rules(scenario)
    with TemporaryDirectory() as folder, _opened(Path(folder)) as store:
        begins_ms = day_ms - scenario.days * DAY_MS
        for at_ms in range(begins_ms, day_ms + 1, DAY_MS):
            random = Random(f"{scenario.name} {seed} {at_ms}")
            calls = _ordinary(random, at_ms, scenario.calls_a_day)
            if at_ms == day_ms:
                calls = [c for c in scenario.change(calls, random, day_ms) if c.at_ms < now_ms]
            for project in (SHOP, LABS):
                _record(store, project, [c for c in calls if c.project is project], at_ms)
        for project in (SHOP, LABS):
            _covered(store, project, Span(begins_ms, now_ms), now_ms)
        given = Assessment(rules, frozenset((SHOP.key, LABS.key)), now_ms - DAY_MS, expected=2)
        while assess_pass(store, given, now_ms).more:
            pass
        yield store, rules, now_ms


def _rules(scenario: Scenario) -> RuleSet:
    budget = Budget("bank", Limit(scenario.unit, 1), scenario.every, scope=Scope(scenario.where), each=scenario.each)
    tenant = ("tenant", (AttributionSource("metadata", "tenant"),))
    return RuleSet(budgets=(budget,), attribution=(*DEFAULT_ATTRIBUTION, tenant), history_ms=DAY_MS)


@contextmanager
def _opened(folder: Path) -> Iterator[SqlStore]:
    with open_store(f"sqlite:///{folder}/bank.db", holder="bank", exclusive=True) as store:
        store.register(SHOP, "shop", now_ms=1)
        store.register(LABS, "labs", now_ms=1)
        yield store


def _covered(store: SqlStore, project: ProjectIdentity, span: Span, now_ms: int) -> None:
    def cover(unit: IngestUnit) -> None:
        unit.cover(span, read_at_ms=now_ms)
        unit.succeeded(at_ms=now_ms, as_of_ms=now_ms)
        unit.loaded(at_ms=now_ms, counters_from_ms=now_ms)

    store.ingest(project.key, cover)


def _record(store: SqlStore, project: ProjectIdentity, calls: Sequence[Call], day_ms: int) -> None:
    rows = [_row(c, number) for number, c in enumerate(calls)]
    if rows:
        span = Span(day_ms, day_ms + DAY_MS + HOUR_MS)
        store.ingest(project.key, lambda unit: unit.record(span, rows, now_ms=day_ms + DAY_MS))


def _row(one: Call, number: int) -> Generation:
    pico = round(one.tokens * one.price * 1_000_000)
    return Generation(
        one.trace,
        f"{one.at_ms:011x}{number:05x}",
        one.at_ms,
        one.at_ms,
        pico,
        Pricing.PRICED,
        Tokens(input=one.tokens, total=one.tokens),
        900,
        one.dims,
        one.user,
        one.session,
        digest=number,
    )


def table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The scores for people."""
    width = max(len(v.scenario.name) for v in verdicts)
    for verdict in verdicts:
        named = " ".join(verdict.first)
        told = "" if verdict.right else f"  WRONG, it is {' '.join(verdict.scenario.culprits[0])}"
        yield f"{verdict.scenario.name:<{width}}  {named}{told}"
    yield f"culprit named first: {sum(v.right for v in verdicts)} of {len(verdicts)}"
