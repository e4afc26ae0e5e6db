"""What a part of the ledger used, split by dimensions: the sums that reports and exports are made of."""

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import NamedTuple

from fusewatch.domain.rules import Matcher
from fusewatch.domain.usage import Dimensions, Tokens
from fusewatch.domain.views import Key, dimension_value, matches

INPUT_TYPES = ("input", "cache_read", "cache_write")
OUTPUT_TYPES = ("output", "reasoning")
"""Which token types a report calls input and output, as Langfuse sums every usage key that contains the word. Audio
and other tokens may be either: they are in the total alone."""

_INPUT, _OUTPUT = attrgetter(*INPUT_TYPES), attrgetter(*OUTPUT_TYPES)


class Usage(NamedTuple):
    """What counted generations used and cost: Langfuse's own cost and, beside it, our estimate for `unpriced` of the
    calls, which have usage and no price or one for only part of it; both in 1e-12 USD."""

    calls: int = 0
    unpriced: int = 0
    tokens: Tokens = Tokens()
    cost_pico: int = 0
    estimate_pico: int = 0

    @property
    def pico(self) -> int:
        """Langfuse's cost and our estimate together."""
        return self.cost_pico + self.estimate_pico

    @property
    def input_tokens(self) -> int:
        return sum(_INPUT(self.tokens))

    @property
    def output_tokens(self) -> int:
        return sum(_OUTPUT(self.tokens))

    def plus(self, other: "Usage") -> "Usage":
        return Usage(
            self.calls + other.calls,
            self.unpriced + other.unpriced,
            Tokens._make(a + b for a, b in zip(self.tokens, other.tokens, strict=True)),
            self.cost_pico + other.cost_pico,
            self.estimate_pico + other.estimate_pico,
        )

    def minus(self, other: "Usage") -> "Usage":
        return self.plus(
            Usage(
                -other.calls,
                -other.unpriced,
                Tokens._make(-count for count in other.tokens),
                -other.cost_pico,
                -other.estimate_pico,
            )
        )


NOTHING = Usage()


class Part(NamedTuple):
    """What one set of dimensions used; user and session are `unknown` where nobody asked for them.

    `project` is the stable key of the project (see `rules.ProjectRef`).
    """

    project: str
    dimensions: Dimensions
    user: str
    session: str
    usage: Usage


class Keyer:
    """Turns parts into keys: the values of the dimensions `by`, a project by its name in `names`."""

    def __init__(self, by: Iterable[str], names: Mapping[str, str]) -> None:
        self.by = tuple(by)
        self._names = names

    @property
    def uses_people(self) -> bool:
        """Whether user or session matter."""
        return not {"user", "session"}.isdisjoint(self.by)

    def key(self, project: str, dimensions: Dimensions, user: str, session: str) -> Key:
        name = self._names.get(project, project)
        return tuple(dimension_value(one, name, dimensions, user, session) for one in self.by)


class Excluded:
    """Tells the environments that rules leave out: Langfuse's own judges and experiments, unless the file says else."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._matcher = Matcher("environment", tuple(patterns))
        self._known: dict[str, bool] = {}

    def holds(self, environment: str) -> bool:
        found = self._known.get(environment)
        if found is None:
            found = self._known[environment] = matches(self._matcher, environment)
        return found
