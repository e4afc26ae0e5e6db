"""A real daemon over two weeks of made-up traffic and a day that goes wrong, in which it is evening."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fusewatch.demo.standin import Span, StandinServer, Store
from fusewatch.demo.standin.traffic import demo_day, history
from tests.process.home import Daemon, Home, now_ms, wait_for

SEED = 7
HOUR_MS = 3_600_000
TOKEN = "a-token-that-may-change-things"

BUDGETS = """\
version: 1
timezone: {zone}
history: 14d
budgets:
  - {{name: content-team, where: {{team: content}}, limit: $50, every: day, forecast: true}}
  - {{name: all-llm, limit: $2000, every: month}}
  - {{name: each-feature, each: [feature], limit: $28, every: day}}
  - {{name: each-model, each: [model], limit: 20M tokens, every: day}}
spikes:
  - {{name: twice-the-average, each: [feature, team], factor: 2, floor: $5}}
destinations:
  terminal: {{type: console}}
notify: [terminal]
"""


def evening() -> tuple[str, int]:
    """A zone in which it is about eight in the evening now, and when its day began."""
    ahead = (20 - now_ms() // HOUR_MS % 24 + 12) % 24 - 12
    start_ms = (now_ms() + ahead * HOUR_MS) // (24 * HOUR_MS) * 24 * HOUR_MS - ahead * HOUR_MS
    return f"Etc/GMT{-ahead:+d}", start_ms


def _traffic(day_ms: int) -> Iterator[Span]:
    """The demo's traffic, whose days are those of UTC, moved to days that begin with this one."""
    by_ms = day_ms % (24 * HOUR_MS)
    for span in (*history(SEED, day_ms), *demo_day(SEED, day_ms)):
        yield replace(
            span,
            start_ms=span.start_ms + by_ms,
            end_ms=None if span.end_ms is None else span.end_ms + by_ms,
            created_ms=span.created_ms + by_ms,
            updated_ms=span.updated_ms + by_ms,
        )


def _told(daemon: Daemon) -> bool:
    """Whether the spike of the day is open, which needs all of the history."""
    samples = daemon.metrics()
    return any(
        value > 0
        for name, value in samples.items()
        if name.startswith("fusewatch_incidents_open") and "twice-the-average" in name
    )


@contextmanager
def open_shop(folder: Path) -> Iterator[Daemon]:
    """The daemon, once it has read everything and judged it."""
    zone, day_ms = evening()
    spans = [span for span in _traffic(day_ms) if max(span.end_ms or 0, span.updated_ms) < now_ms()]
    with StandinServer(Store(spans), now_ms=now_ms) as langfuse:
        home = Home.make(folder, langfuse.url)
        home.env["FUSEWATCH_WEB_TOKEN"] = TOKEN
        home.write(BUDGETS.format(zone=zone))
        try:
            daemon = home.run()
            wait_for(lambda: daemon.serves, "listening", 90)
            wait_for(lambda: _told(daemon), "the day's incidents", 90)
            yield daemon
        finally:
            home.end()
