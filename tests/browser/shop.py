"""A real daemon over two weeks of made-up traffic and a day that goes wrong, in which it is evening."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fusewatch.demo.standin import StandinServer, Store
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
  - {{name: each-user, each: [user], limit: 4M tokens, every: day}}
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


@contextmanager
def open_shop(folder: Path) -> Iterator[Daemon]:
    """The daemon, once it has read everything and judged it."""
    zone, day_ms = evening()
    spans = [span for span in (*history(SEED, day_ms), *demo_day(SEED, day_ms)) if span.end_ms < now_ms()]
    with StandinServer(Store(spans), now_ms=now_ms) as langfuse:
        home = Home.make(folder, langfuse.url)
        home.env["FUSEWATCH_WEB_TOKEN"] = TOKEN
        home.write(BUDGETS.format(zone=zone))
        try:
            daemon = home.run()
            wait_for(lambda: "fusewatch_incidents_open" in daemon.get("/metrics")[1], "metrics", 60)
            wait_for(lambda: daemon.metrics().get("fusewatch_incidents_open_any", 1), "incidents", 60)
            yield daemon
        finally:
            home.end()
