"""What the stand-in stores: versions of observations, and who may read them.

Nothing here comes from the daemon's own reading of Langfuse: a misreading shared by both would stay hidden.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEMO_PROJECT: Final = "proj-demo"
DEMO_PUBLIC_KEY: Final = "pk-lf-demo"
DEMO_SECRET_KEY: Final = "sk-lf-demo"  # noqa: S105 - opens nothing but the stand-in
WRITE_DELAY_MS: Final = 650  # observed between the end of a span and its `createdAt` on the direct path
_COST_STEP: Final = Decimal(1).scaleb(-12)


class Mode(StrEnum):
    """Which deployment the stand-in plays; it decides which endpoints read data."""

    EVENTS_ONLY = "events_only"  # self-hosted v4 default: v2 only, v1 answers 404 before it looks at the key
    DUAL = "dual"  # both families
    LEGACY = "legacy"  # late v3: v1 only, v2 is a JSON 404
    LEGACY_OPTIN = "legacy_optin"  # v2 observations answer 200 but are empty, v2 metrics 404
    V3_OLD = "v3_old"  # v3 before v2 existed: v2 paths are HTML 404 pages
    CLOUD = "cloud"  # both families, v1 stamped as deprecated, the Hobby plan's rate limits


@dataclass(frozen=True, slots=True)
class Project:
    id: str = DEMO_PROJECT
    name: str = "Demo"
    organization_id: str = "org-demo"
    organization_name: str = "Demo Org"


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair. `project_id` None makes it an organisation key, which reads no project."""

    public: str = DEMO_PUBLIC_KEY
    secret: str = DEMO_SECRET_KEY
    project_id: str | None = DEMO_PROJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One stored version of an observation.

    Times are epoch milliseconds. `metadata` is what the observation carries itself (flat dotted keys, as the direct
    path stores them), `propagated` what the trace gave it; values are the *stored* strings, so SDK 5 values keep their
    JSON quotes. `cost` maps usage keys to US dollars without `total`; empty cost and no `total_cost` is unpriced.
    `arrives_ms` is the moment from which the version can be read; 0 is at once. A time of -1 is filled in.
    """

    id: str
    trace_id: str
    start_ms: int
    end_ms: int = -1
    type: str = "GENERATION"
    name: str = ""
    environment: str = "default"
    level: str = "DEFAULT"
    status_message: str = ""
    version: str = ""
    release: str = ""
    model: str = ""
    model_parameters: Mapping[str, str | int | float] = field(default_factory=dict)
    user_id: str = ""
    session_id: str = ""
    tags: tuple[str, ...] = ()
    trace_name: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    propagated: Mapping[str, str] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)
    cost: Mapping[str, Decimal | float] = field(default_factory=dict)
    total_cost: Decimal | float | None = None
    created_ms: int = -1
    updated_ms: int = -1
    arrives_ms: int = 0
    completion_start_ms: int | None = None
    prompt_name: str = ""
    prompt_version: int | None = None
    input: str | None = None
    output: str | None = None
    parent_id: str | None = None
    project_id: str = DEMO_PROJECT

    def __post_init__(self) -> None:
        if self.end_ms == -1:
            object.__setattr__(self, "end_ms", self.start_ms)
        if self.created_ms == -1:
            object.__setattr__(self, "created_ms", self.end_ms + WRITE_DELAY_MS)
        if self.updated_ms == -1:
            object.__setattr__(self, "updated_ms", self.created_ms)

    def all_metadata(self) -> dict[str, str]:
        """As v2 shows it: the propagated value wins over the observation's own."""
        return {**self.metadata, **self.propagated}

    def usage_details(self) -> dict[str, int]:
        """The usage with `total` filled in where there is any usage at all."""
        if not self.usage or "total" in self.usage:
            return dict(self.usage)
        return {**self.usage, "total": sum(self.usage.values())}

    def usage_of(self, word: str) -> int:
        """The sum of every usage key that contains `word`, Langfuse's own way to find input and output."""
        return sum(tokens for key, tokens in self.usage.items() if word in key)

    def cost_details(self) -> dict[str, Decimal]:
        """US dollars by usage key with `total`, cut at twelve decimals; empty when the observation has no price."""
        if not self.cost and self.total_cost is None:
            return {}
        parts = {key: dollars(value) for key, value in self.cost.items() if key != "total"}
        total = self.total_cost if self.total_cost is not None else self.cost.get("total")
        parts["total"] = dollars(total) if total is not None else sum(parts.values(), Decimal(0))
        return parts

    def cost_of(self, word: str) -> Decimal | None:
        found = [amount for key, amount in self.cost_details().items() if word in key]
        return sum(found, Decimal(0)) if found else None

    def total_pico(self) -> int:
        """The cost in picodollars (1e-12 USD), 0 when unpriced."""
        return int(self.cost_details().get("total", Decimal(0)).scaleb(12))


def dollars(value: Decimal | float) -> Decimal:
    """The amount as Langfuse's Decimal(18,12) stores it: cut, not rounded, at twelve decimals."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    return exact.quantize(_COST_STEP, rounding=ROUND_DOWN)
