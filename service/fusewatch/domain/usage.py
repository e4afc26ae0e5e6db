"""What one model call used and cost, as Langfuse reports it and as the ledger keeps it."""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

UNKNOWN = "unknown"

FORGOTTEN = "forgotten"
"""Under this user stands what people spent whose name was to leave the database."""

TOKEN_TYPES = ("input", "output", "cache_read", "cache_write", "reasoning", "audio", "other")


class Tokens(NamedTuple):
    """Tokens by type. Each usage key of Langfuse has exactly one type; `total` is Langfuse's own, or their sum."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    audio: int = 0
    other: int = 0
    total: int = 0


class Pricing(IntEnum):
    """Whether Langfuse knew a price; a cost of 0 alone does not tell (FINDINGS: unknown cost is 0, not null)."""

    PRICED = 0
    PARTLY = 1
    """Some usage key has no cost key: the cost is a lower bound."""
    UNPRICED = 2
    """There is usage but no cost at all."""


class Observation(NamedTuple):
    """One version of one observation as a reader hands it up: Langfuse's facts, without our reading of them.

    Times are epoch milliseconds. Absent strings are "". `metadata` values are decoded JSON (flat dotted keys or nested
    objects). `usage` and `cost` hold Langfuse's own keys, `total` included where it was given; `total_cost` in USD.
    """

    trace_id: str
    id: str
    start_ms: int
    end_ms: int | None
    updated_ms: int
    type: str
    name: str
    environment: str
    model: str
    user: str
    session: str
    release: str
    version: str
    trace_name: str
    prompt: str
    tags: tuple[str, ...]
    metadata: Mapping[str, object]
    usage: Mapping[str, int]
    cost: Mapping[str, float]
    total_cost: float


class Dimensions(NamedTuple):
    """The low-cardinality dimensions of a generation. Values are trimmed, never empty: a missing one is `unknown`.

    `extra` holds the dimensions that the budget file names itself, as (name, value) pairs sorted by name.
    """

    environment: str
    feature: str
    team: str
    model: str
    provider: str
    operation: str
    type: str
    release: str
    version: str
    prompt: str
    trace_name: str
    extra: tuple[tuple[str, str], ...] = ()


class Generation(NamedTuple):
    """One row of the ledger: the version of an observation that counts.

    `cost_pico` is Langfuse's own cost in 1e-12 USD; `digest` a signed 64-bit hash of everything that the ledger keeps,
    the last tie-break between versions and the test whether anything changed.
    """

    trace_id: str
    id: str
    start_ms: int
    updated_ms: int
    cost_pico: int
    pricing: Pricing
    tokens: Tokens
    duration_ms: int | None
    dimensions: Dimensions
    user: str
    session: str
    digest: int


class Amounts(NamedTuple):
    """What a scope spent over a span: Langfuse's own cost in 1e-12 USD, tokens, requests, and our estimate for usage
    without a price, which is never part of the cost."""

    cost_pico: int = 0
    tokens: int = 0
    requests: int = 0
    estimate_pico: int = 0

    def plus(self, other: "Amounts") -> "Amounts":
        return Amounts(self[0] + other[0], self[1] + other[1], self[2] + other[2], self[3] + other[3])

    def minus(self, other: "Amounts") -> "Amounts":
        return Amounts(self[0] - other[0], self[1] - other[1], self[2] - other[2], self[3] - other[3])


class Delta(NamedTuple):
    """A change of the ledger in one 15-minute cell, for one set of dimensions.

    `project` is the stable key of the project (see `rules.ProjectRef`); `cell` counts quarter hours since the epoch.
    """

    project: str
    cell: int
    dimensions: Dimensions
    user: str
    session: str
    amounts: Amounts
