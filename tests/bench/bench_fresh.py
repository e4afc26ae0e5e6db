"""Freshness: from the moment when a generation can be read to the moment when its notice leaves, on the real daemon."""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from fusewatch.demo.standin import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, Key, Project, StandinServer, Store
from tests.bench.bench_daemon import resident
from tests.process.home import Home, noon_zone, now_ms, spend, wait_for
from tests.process.receiver import Post, Receiver

CROSSINGS = 40
POLL_S = 2.0
PROJECTS = (1, 50)

RULES = """\
version: 1
timezone: {zone}
destinations: {{hook: {{type: webhook, url: "{hook}/hook"}}}}
notify: [hook]
budgets:
  - {{name: cap, each: [feature], limit: $10, every: day}}
"""

Row = tuple[str, float, str, float | None]


class _Noting(Receiver):
    """Remembers when each post came, on the monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.came: dict[str, float] = {}

    def take(self, handler: object, post: Post) -> None:
        at = time.monotonic()
        for notice in post.notices:
            self.came.setdefault(notice["key"]["feature"], at)
        super().take(handler, post)  # type: ignore[arg-type]  # takes a narrower handler


def rows(crossings: int = CROSSINGS, projects: tuple[int, ...] = PROJECTS, poll_s: float = POLL_S) -> list[Row]:
    """(name, value, unit, budget) of each measurement: at most the poll interval and a second."""
    found: list[Row] = []
    for count in projects:
        found_delays, memory = delays(crossings, count, poll_s)
        name = f"fresh: {count} project{'s' if count > 1 else ''}, a poll every {poll_s:g} s"
        found += [
            (f"{name}, p50", _at(found_delays, 0.5), "s", None),
            (f"{name}, p99", _at(found_delays, 0.99), "s", poll_s + 1),
            (f"{name}, memory", memory, "MB", None),
        ]
    return found


def _at(delays: list[float], share: float) -> float:
    ordered = sorted(delays)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def delays(crossings: int, projects: int, poll_s: float) -> tuple[list[float], float]:
    """Seconds from readable to told of each crossing, and the daemon's memory in MB."""
    ids = [f"project-{n:02d}" for n in range(projects)]
    given = [Project(one, one) for one in ids]
    keys = [Key(f"{DEMO_PUBLIC_KEY}-{one}", f"{DEMO_SECRET_KEY}-{one}", one) for one in ids]
    store = Store()
    with (
        TemporaryDirectory() as folder,
        _Noting() as receiver,
        StandinServer(store, now_ms=now_ms, projects=given, keys=keys) as langfuse,
    ):
        home = Home.make(Path(folder), langfuse.url)
        home.env |= {f"SECRET_{n}": f"{DEMO_SECRET_KEY}-{one}" for n, one in enumerate(ids)}
        home.env["FUSEWATCH_POLL_INTERVAL"] = f"{poll_s:g}s"
        home.write(RULES.format(zone=noon_zone(), hook=receiver.url) + _projects(ids, langfuse.url))
        store.add([spend("0.01", feature="first", project=one, ago_s=30) for one in ids])
        daemon = home.run()
        try:
            wait_for(lambda: len(daemon.events("history_loaded")) == projects, "all history is read", 120)
            time.sleep(2 * poll_s)
            readable: dict[str, float] = {}
            for number in range(crossings):
                feature = f"f{number}"
                store.add([spend("11", feature=feature, project=ids[number % projects])])
                readable[feature] = time.monotonic()
                time.sleep(poll_s * 0.37)  # at every phase of the poll
            wait_for(lambda: readable.keys() <= receiver.came.keys(), "every crossing is told", 60)
            return [receiver.came[name] - at for name, at in readable.items()], resident(daemon)
        finally:
            home.end()


def _projects(ids: list[str], url: str) -> str:
    lines = [
        f"  - {{name: {one}, public_key: {DEMO_PUBLIC_KEY}-{one}, secret_key: '${{SECRET_{n}}}', base_url: '{url}'}}"
        for n, one in enumerate(ids)
    ]
    return "projects:\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    for name, value, unit, budget in rows():
        sys.stdout.write(f"{name}: {value:.3f} {unit}{f' (budget {budget:g})' if budget else ''}\n")
