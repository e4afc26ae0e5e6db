"""The way back into Langfuse: addresses of what a person wants to look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from fusewatch.domain.rules import AttributionSource
from fusewatch.ports.ingest import ProjectState


class Counted(StrEnum):
    """Which of the observations that match are meant."""

    COST = "cost"
    """Those that cost something."""
    TOKENS = "tokens"
    """Those that used tokens."""
    CALLS = "calls"
    """All calls, those without a price too."""
    ALL = "all"
    """Every observation, call or not."""


class Condition(NamedTuple):
    """A dimension has a value that any of the `patterns` fits (globs, compared with case), or none when `excluded`;
    with `literal` the patterns are values and nothing else."""

    dimension: str
    patterns: tuple[str, ...]
    excluded: bool = False
    literal: bool = False


@dataclass(frozen=True, slots=True)
class RowsMeant:
    """Rows that start in [from_ms, to_ms) and for which all conditions hold; none of these is about the project.

    `attribution` says where dimensions come from. `known` gives the values that a dimension ever had in the ledger,
    None for one with too many to know (user, session).
    """

    conditions: tuple[Condition, ...]
    counted: Counted
    from_ms: int
    to_ms: int
    attribution: tuple[tuple[str, tuple[AttributionSource, ...]], ...]
    known: Callable[[str], Sequence[str] | None]


class RowsLink(NamedTuple):
    """Where the rows are seen. `wider` says in words what is seen there, where that is more than was meant; "" where it
    is exactly that."""

    url: str
    wider: str


class Linker(Protocol):
    """Addresses of Langfuse's own pages; nothing is asked of Langfuse."""

    def rows(self, project: ProjectState, meant: RowsMeant) -> RowsLink | None:
        """The table with these rows, or with the fewest more; None for a host that no link can lead to."""

    def trace(self, project_key: str, trace_id: str) -> str:
        """The page of one trace of the project with this stable key, "" where there is none."""
