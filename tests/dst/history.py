"""What happens in a history, as plain data: who spends what, what goes wrong, what people do. Nothing here decides what
the daemon ought to do about it."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

SECOND_MS = 1000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
PICO = 10**12


class Version(NamedTuple):
    """One version of an observation. It can be read from `arrives_ms` on. `cost_pico` None: no price is known."""

    start_ms: int
    updated_ms: int
    arrives_ms: int
    cost_pico: int | None
    tokens: int
    feature: str
    team: str
    user: str
    model: str
    environment: str = "production"


@dataclass(frozen=True, slots=True)
class Call:
    """One observation, with its versions as they were written."""

    project: str
    trace_id: str
    id: str
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something goes wrong, from `at_ms` to `until_ms`, or once. What `number` and `text` mean depends on `kind`."""

    kind: str
    at_ms: int
    until_ms: int = 0
    number: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget as an edit of the file leaves it: from `at_ms` on."""

    at_ms: int
    amount: int


@dataclass(frozen=True, slots=True)
class Override:
    """Another limit for the keys whose first dimension has that `value`, or begins with it where it ends with a star.
    `amount` None: no limit. `until`: the local date with which it ends, empty for never."""

    value: str
    amount: int | None
    until: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget of the file. `every`: hour, day, week, month, or `last:` and hours. `unit`: usd, tokens, requests;
    `limits` in it (picodollars for usd), the first from the beginning."""

    name: str
    every: str
    limits: tuple[Limit, ...]
    unit: str = "usd"
    each: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    zone: str = ""
    thresholds: tuple[int, ...] = (50, 80, 100)
    """In percent; the default."""
    overrides: tuple[Override, ...] = ()
    """The first that matches holds."""


@dataclass(frozen=True, slots=True)
class Spike:
    """Today so far against the mean of the days before."""

    name: str
    each: tuple[str, ...]
    factor: int
    days: int
    at_least: int
    floor_pico: int


@dataclass(frozen=True, slots=True)
class Destination:
    """A webhook, or a Slack webhook (`kind` slack). `least`: the least severity that it is told."""

    name: str
    kind: str = "webhook"
    least: str = "warning"
    quiet: tuple[str, str] | None = None
    """From and to, in the file's zone; critical notices are sent anyway."""


@dataclass(frozen=True, slots=True)
class History:
    """Everything that one seed decides. Times are true epoch milliseconds; the daemon starts at `begins_ms`, and from
    `calm_ms` on nothing goes wrong any more."""

    seed: int
    begins_ms: int
    calm_ms: int
    ends_ms: int
    zone: str
    mode: str
    cloud: bool
    poll_s: int
    tick_s: int
    projects: tuple[str, ...]
    budgets: tuple[Budget, ...]
    spikes: tuple[Spike, ...]
    destinations: tuple[Destination, ...]
    calls: tuple[Call, ...] = field(repr=False)
    faults: tuple[Fault, ...]

    def without(self, *, faults: frozenset[int] = frozenset(), calls: frozenset[int] = frozenset()) -> "History":
        """The same, without some of what happens in it."""
        return replace(
            self,
            faults=tuple(f for i, f in enumerate(self.faults) if i not in faults),
            calls=tuple(c for i, c in enumerate(self.calls) if i not in calls),
        )

    def of(self, *kinds: str) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if fault.kind in kinds)

    @property
    def days(self) -> float:
        return (self.ends_ms - self.begins_ms) / DAY_MS


def canaries(history: History) -> dict[str, str]:
    """The secrets of a history by environment name: none may ever be seen in an output."""
    secrets = {f"{name.upper()}_SK": f"sk-canary-{name}-{history.seed}" for name in history.projects}
    for destination in history.destinations:
        secrets[f"{destination.name.upper()}_URL"] = f"http://{destination.name}.test/canary-{history.seed}"
    return secrets
