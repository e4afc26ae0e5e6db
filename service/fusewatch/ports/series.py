"""The cells under the rules, as everything that judges or shows reads them."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from fusewatch.domain.usage import Amounts


class CellSpan(NamedTuple):
    """The cells ``start <= cell < end``: local days (day indexes of a view's calendar) where `daily`, else quarter
    hours."""

    daily: bool
    start: int
    end: int


class SeriesUnit(Protocol):
    """The cells under the rules, as the engine reads them. `view` is a `views.View.id`."""

    def quarters(self, view: str, key: tuple[str, ...], from_cell: int, to_cell: int) -> Sequence[tuple[int, Amounts]]:
        """The 15-minute cells ``from_cell <= cell < to_cell`` that hold anything, in order."""

    def days(self, view: str, key: tuple[str, ...], from_day: int, to_day: int) -> Sequence[tuple[int, Amounts]]:
        """The local-day cells (day indexes of the view's calendar) that hold anything, in order."""

    def blocks(
        self, view: str, key: tuple[str, ...], from_cell: int, to_cell: int, at_cell: int, size: int
    ) -> Sequence[tuple[int, Amounts]]:
        """The sums of blocks of `size` 15-minute cells in ``from_cell <= cell < to_cell``, in order, those that hold
        anything: block 0 begins at `at_cell`, block -1 ends there."""

    def first_cell(self, view: str, key: tuple[str, ...]) -> int | None:
        """The first 15-minute cell in which the key existed."""


class ManySeriesUnit(SeriesUnit, Protocol):
    """The cells where many keys are judged or shown in one transaction."""

    def prepare(self, view: str, keys: Collection[tuple[str, ...]], *spans: CellSpan) -> None:
        """Read the cells of many keys together, so that `days` and `quarters` over these very spans answer from
        memory. It changes no answer, and is worth it for more than one key."""
