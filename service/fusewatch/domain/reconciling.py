"""Does the ledger say what Langfuse says? The difference of an hour, explained, and what to read again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

HOUR_MS = 3_600_000

SETTLE_MS = 20 * 60_000
"""An hour is compared once it ended so long ago: before, rows are still arriving."""

TOLERANCE = 1e-9
"""Langfuse sums doubles: a relative difference of this size says nothing, nor does a billionth of a dollar."""

TOLERANCE_PICO = 1_000


class HourSums(NamedTuple):
    """What Langfuse's metrics say of an hour; the cost in 1e-12 USD."""

    fingerprint: str
    cost_pico: int
    tokens: int


NO_SUMS = HourSums("", 0, 0)


class HourLedger(NamedTuple):
    """What the ledger holds for one UTC hour, 1e-12 USD.

    `cost_pico` counts; `gone_pico` is the part of it that vanished in Langfuse; `moved_pico` is what versions that lost
    to one at another start still hold there: it does not count, but Langfuse's metrics count it for good.
    `estimated_pico` is our own estimate for usage without a price: no part of the cost, Langfuse knows nothing of it.
    `tokens` are those of all rows that are in Langfuse, as its metrics count them.
    """

    cost_pico: int
    gone_pico: int
    moved_pico: int
    rows: int
    estimated_pico: int
    tokens: int


NO_ROWS = HourLedger(0, 0, 0, 0, 0, 0)


class HourReading(NamedTuple):
    """What was learned when an hour was last compared.

    `fingerprint` and `langfuse_pico` are those of the metrics, taken before the rows were read; `duplicates_pico` is
    what stored versions beyond the newest add to the metrics; `unexplained_pico` what then remained; `read_at_ms` when
    its rows were last known to be right.
    """

    fingerprint: str
    langfuse_pico: int
    duplicates_pico: int
    unexplained_pico: int
    read_at_ms: int


@dataclass(frozen=True, slots=True)
class HourState:
    """One hour as metrics and ledger show it now."""

    hour_ms: int
    fingerprint: str
    langfuse_pico: int
    langfuse_tokens: int
    ledger: HourLedger
    reading: HourReading | None

    @property
    def duplicates_pico(self) -> int:
        return self.reading.duplicates_pico if self.reading else 0

    @property
    def unexplained_pico(self) -> int:
        """Ledger - gone + moved + duplicates - metrics: what no known reason explains; 0 within the tolerance."""
        known = self.ledger.cost_pico - self.ledger.gone_pico + self.ledger.moved_pico + self.duplicates_pico
        difference = known - self.langfuse_pico
        slack = max(TOLERANCE_PICO, int(abs(self.langfuse_pico) * TOLERANCE))
        return 0 if abs(difference) <= slack else difference

    @property
    def damaged(self) -> bool:
        """Whether the ledger is not what it was at the last reading, and Langfuse is."""
        return self.must_read and self.reading is not None and self.reading.fingerprint == self.fingerprint

    @property
    def must_read(self) -> bool:
        """Whether the hour's rows must be read: its metrics changed since the last reading, or the ledger did.

        An hour never compared that agrees at once needs no reading; what stays unexplained after one is not read again
        and again. Calls that cost nothing, or that nobody can price, are missed by their tokens.
        """
        if self.reading is None:
            return self.unexplained_pico != 0 or self.langfuse_tokens > self.ledger.tokens
        return self.fingerprint != self.reading.fingerprint or self.unexplained_pico != self.reading.unexplained_pico


def closed_hours(from_ms: int, now_ms: int) -> tuple[int, int]:
    """The whole UTC hours between the two that have settled, as (start, end); equal when there is none."""
    start = -(-from_ms // HOUR_MS) * HOUR_MS
    end = (now_ms - SETTLE_MS) // HOUR_MS * HOUR_MS
    return (start, end) if end > start else (start, start)


def hour_states(
    start_ms: int,
    end_ms: int,
    metrics: Mapping[int, HourSums],
    ledger: Mapping[int, HourLedger],
    readings: Mapping[int, HourReading],
) -> list[HourState]:
    """Every hour of the span that holds anything anywhere, newest first."""
    hours = {h for known in (metrics, ledger, readings) for h in known if start_ms <= h < end_ms}
    return [
        HourState(hour, *metrics.get(hour, NO_SUMS), ledger.get(hour, NO_ROWS), readings.get(hour))
        for hour in sorted(hours, reverse=True)
    ]


def to_sweep(hours: Sequence[HourState], passes_a_week: int = 168) -> frozenset[int]:
    """The hours whose turn it is to be read although nothing seems to have changed, so that each is once a week: a
    change of dimensions at equal cost is invisible to sums (FINDINGS, second part, 3)."""
    count = -(-len(hours) // passes_a_week)
    compared = sorted((h.reading.read_at_ms, h.hour_ms) for h in hours if h.reading is not None)
    return frozenset(hour for _, hour in compared[:count])


def drift(hours: Sequence[HourState]) -> int:
    """The unexplained difference of all hours, 1e-12 USD: positive where the ledger holds more."""
    return sum(hour.unexplained_pico for hour in hours)
