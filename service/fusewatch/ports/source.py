"""What a Langfuse project is asked, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

from fusewatch.domain.coverage import Span
from fusewatch.domain.prices import ModelPrices
from fusewatch.domain.ratebudget import Priority
from fusewatch.domain.usage import Observation


@dataclass(frozen=True, slots=True)
class ProjectIdentity:
    """Who a key pair answers for. `host` is scheme://host[:port][/base] in lower case without trailing slash.

    `api` is ``v2`` or ``v1``; `server_version` as its health endpoint says, "" if it does not.
    """

    host: str
    project_id: str
    project_name: str
    organisation_id: str
    api: str
    server_version: str

    @property
    def key(self) -> str:
        """The stable key of the project: renaming it or rotating its key changes nothing."""
        return f"{self.host}|{self.project_id}"


class Rejected(NamedTuple):
    """A row that could not be read: its id ("" if that was unreadable too), the field, and what was wrong."""

    id: str
    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. Rows are newest first by start time.

    `complete_from_ms`: every readable row of the asked span that starts at or after this instant is in this page or an
    earlier one of the same walk (so a crash after committing the page loses nothing). On the last page it is the span's
    own start. `server_now_ms` is the `Date` header of the answer.
    """

    observations: Sequence[Observation]
    rejected: Sequence[Rejected]
    complete_from_ms: int
    server_now_ms: int
    last: bool
    size_bytes: int


class Walk(Protocol):
    """A walk through one span, page by page, newest first; `None` after the last page.

    Raises `Retryable` (``rate_limited``, ``timeout``, ``unreachable``, ``server_error``, ``not_json`` …) or `Permanent`
    (``bad_key``, ``organisation_key``, ``not_langfuse``, ``wrong_project`` …). After a `Retryable` the walk may be
    asked again and goes on at the same page.
    """

    async def next_page(self) -> Page | None: ...


@dataclass(frozen=True, slots=True)
class BucketSum:
    """What Langfuse's metrics say of one hour or minute that begins at `start_ms`.

    Metrics count every stored version of an observation, spans too, and sum doubles: compare with an earlier reading of
    the same bucket, or with a tolerance, never with the ledger's own count (FINDINGS, second part, 2).
    """

    start_ms: int
    count: int
    cost: float
    tokens: int

    @property
    def fingerprint(self) -> str:
        """Changes when anything in the bucket did that the sums can see."""
        return f"{self.count}:{self.cost:.9f}:{self.tokens}"


@dataclass(frozen=True, slots=True)
class ModelList:
    """Langfuse's price list, its own models and the project's. `skipped` names the entries that could not be read."""

    models: tuple[ModelPrices, ...]
    skipped: tuple[str, ...] = ()


class GroupSum(NamedTuple):
    """What Langfuse's metrics say of one group: its values in the order of the dimensions asked for ("" where a row
    has none), cost in USD, tokens."""

    values: tuple[str, ...]
    cost: float
    tokens: int


class GroupSums(NamedTuple):
    """`whole`: there are no more groups than these, which are the dearest first."""

    groups: tuple[GroupSum, ...]
    whole: bool


class Source(Protocol):
    """One Langfuse project, read through one key pair."""

    async def identify(self) -> ProjectIdentity:
        """Ask who we are and which API answers; raises as `Walk` does."""

    def walk(self, span: Span, *, priority: Priority = Priority.LIVE) -> Walk:
        """A walk through `span`. Where requests are short, the less urgent walk waits for the more urgent one."""

    async def sums(self, span: Span, *, by_minute: bool = False) -> Sequence[BucketSum]:
        """The sums of all observations by UTC hour (or minute), oldest first, buckets without any left out.

        One request; at most 1,000 buckets, ValueError for a longer span. `span` lies on bucket boundaries. Raises as
        `Walk` does.
        """

    async def group_sums(self, from_ms: int, to_ms: int, dimensions: Sequence[str]) -> GroupSums:
        """The sums of all observations that start in [from_ms, to_ms) by these dimensions of ours
        (`metered.METERED_DIMENSIONS`, not the project): one request.

        Raises as `Walk` does; `Permanent` (``no_metrics``) where the server cannot group by one of them.
        """

    async def sums_pace_s(self) -> float:
        """How far apart requests for `group_sums` may be, so that half of our share is left for other sums; 0 where no
        limit is known."""

    async def models(self) -> ModelList:
        """The price list; a request for each 100 models, of the least urgency. Raises as `Walk` does."""

    async def close(self) -> None: ...


UNITS = ("TOKENS", "CHARACTERS", "MILLISECONDS", "SECONDS", "REQUESTS", "IMAGES")
"""What Langfuse can count a price by."""


class NewModel(NamedTuple):
    """A price to be added to a project's list: `prices` are US dollars for one of `unit`, by `input`, `output` and
    `total`. `pattern` is a regular expression of PostgreSQL that the name of a priced model matches."""

    name: str
    pattern: str
    unit: str
    prices: tuple[tuple[str, Fraction], ...]


class PriceList(Protocol):
    """The price list of one Langfuse project, as people look at it and add to it. Raises as `Walk` does."""

    async def identify(self) -> ProjectIdentity: ...

    async def models(self) -> ModelList: ...

    async def add_model(self, model: NewModel) -> str:
        """Its id there. Langfuse prices what comes from then on, never what came before."""

    async def close(self) -> None: ...


class Gate(Protocol):
    """Holds requests to Langfuse back, so that an organisation's rate limit is never reached by us alone."""

    def belongs_to(self, organisation_id: str) -> None:
        """Whose budget the requests count against, once that is known; "" when the server names no organisation."""

    async def wait(self, endpoint: str, priority: Priority) -> None:
        """Return when a request may be sent; it is counted. `Retryable` (``rate_limited``) when that takes too long."""

    async def pace_s(self, endpoint: str) -> float:
        """How far apart requests may be so that they take half of what we allow ourselves; 0 without a limit."""

    async def limited(self, endpoint: str, *, limit: int | None, retry_after_s: float | None) -> None:
        """Langfuse answered 429: the allowance it named, and how long it asked us to wait."""


class RateMemory(Protocol):
    """Keeps the rate budget of an organisation over restarts. `organisation` is host and id, `text` opaque."""

    def load_rate(self, organisation: str) -> str | None: ...

    def save_rate(self, organisation: str, text: str) -> None: ...
