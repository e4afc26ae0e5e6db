"""What explaining a spend reads: the cells by all dimensions, and a bounded number of rows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, TypeAlias

from fusewatch.domain.coverage import Span
from fusewatch.domain.usage import Amounts, Dimensions
from fusewatch.ports.ingest import ProjectState
from fusewatch.ports.series import SeriesUnit

Call: TypeAlias = tuple[int, bytes, int, int, int, int, int, int]
"""One counted generation: start, trace, dimensions, user, session, cost and estimate in 1e-12 USD, tokens. What is no
amount is a number, or bytes, that `DriverUnit` gives names to. A plain tuple: thousands are looked at at once."""


class DriverUnit(SeriesUnit, Protocol):
    """A consistent read of what explains spend. Keys of a view are asked for by their numbers, many at once."""

    def projects(self) -> Sequence[ProjectState]: ...

    def coverage(self) -> Mapping[str, Sequence[Span]]: ...

    def built_views(self) -> frozenset[str]: ...

    def known_from(self) -> Mapping[str, int]:
        """As `AssessUnit.known_from`."""

    def numbered_keys(self, view: str, from_cell: int) -> Mapping[int, tuple[str, ...]]:
        """The keys that spent anything in or after `from_cell`, by number."""

    def quarter_sums(self, keys: Collection[int], from_cell: int, to_cell: int) -> Mapping[int, Amounts]:
        """What each key spent in ``from_cell <= cell < to_cell``; keys without any cell are left out."""

    def day_sums(self, keys: Collection[int], from_day: int, to_day: int) -> Mapping[int, Amounts]:
        """The same over day cells, by the day indexes of the view's calendar."""

    def quarters_of(self, keys: Collection[int], from_cell: int, to_cell: int) -> Sequence[tuple[int, int, Amounts]]:
        """(key, cell, amounts) of the 15-minute cells in the span."""

    def calls(self, project: str, from_ms: int, to_ms: int, *, most: int) -> Sequence[Call]:
        """The counted generations of a project that start in the span, the first `most` of them by start time."""

    def dimensions(self, numbers: Collection[int]) -> Mapping[int, Dimensions]: ...

    def people(self, numbers: Collection[int]) -> Mapping[int, str]:
        """The users or sessions that the numbers stand for."""

    def trace_id(self, trace: bytes) -> str: ...
