"""Series of hours for scoring spike rules: what was spent in each, what was known of it at its end, what was wrong."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from fusewatch.domain.usage import Amounts

HOUR_MS = 3_600_000
NAB = Path(__file__).parent / "nab"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something worth an alert, in the hours [first, end); `extra_pico` is what it cost in each of these hours."""

    first: int
    end: int
    extra_pico: tuple[int, ...] = ()

    def holds(self, hour: int) -> bool:
        return self.first <= hour < self.end


@dataclass(frozen=True, slots=True)
class Series:
    """Amounts of successive hours from `start_ms` on. Scored from the hour `scored_from` on.

    `late` are hours of which only so much was known when they ended. `before_backfill` are the hours as they were
    known before the hour `backfilled_at`.
    """

    name: str
    start_ms: int
    hours: Sequence[Amounts]
    scored_from: int
    troubles: tuple[Trouble, ...] = ()
    late: Mapping[int, Amounts] = field(default_factory=dict)
    before_backfill: Sequence[Amounts] = ()
    backfilled_at: int = 0
    timezone: str = "UTC"

    def known_at(self, hour: int) -> Sequence[Amounts]:
        """All hours as they are known while this one is the last that ended, itself apart: see `seen`."""
        return self.before_backfill if hour < self.backfilled_at else self.hours

    def seen(self, hour: int) -> Amounts:
        """What is known of the hour when it ends."""
        return self.late.get(hour, self.known_at(hour)[hour])

    @property
    def scored_days(self) -> float:
        return (len(self.hours) - self.scored_from) / 24


def nab() -> list[Series]:
    """The 17 labelled series, in the order of their names; one unit of theirs stands for a dollar."""
    labels = json.loads((NAB / "labels.json").read_text())
    return [_nab_series(name, labels[name]["from"], labels[name]["windows"]) for name in sorted(labels)]


def _nab_series(name: str, scored_from: str, windows: list[list[str]]) -> Series:
    with (NAB / name).open(newline="") as file:
        rows = [(_ms(f"{row['hour']}:00:00Z"), Decimal(row["amount"])) for row in csv.DictReader(file)]
    start_ms = rows[0][0]
    from_ms = _ms(scored_from)
    troubles = tuple(
        Trouble((_ms(first) - start_ms) // HOUR_MS, (_ms(last) - start_ms) // HOUR_MS + 1)
        for first, last in windows
        if _ms(first) >= from_ms
    )
    hours = [Amounts(int(amount * 10**12), 0, 1) for _, amount in rows]
    return Series(name, start_ms, hours, (from_ms - start_ms) // HOUR_MS, troubles)


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000
