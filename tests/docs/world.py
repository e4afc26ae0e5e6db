"""The world in which the commands of the pages run: a stand-in Langfuse with two weeks of spend, a budget file with the
names that the pages use, and a daemon on loopback that has read it all."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fusewatch.demo.standin import StandinServer, Store
from tests.docs.blocks import ROOT
from tests.process.home import Daemon, Home, noon_zone, now_ms, spend, wait_for

TOKEN = "a-token-of-the-test-world"
BUDGETS = """\
version: 1
timezone: {zone}
history: 20d
attribution:
  feature: [metadata.feature, "tag:feature", trace_name]
  team: [metadata.team, "tag:team"]
  agent_type: [metadata.agent_type]
destinations:
  finops: {{type: console, from: info}}
  slack: {{type: console}}
notify: [finops]
budgets:
  - {{name: daily-cap, limit: $5, every: day}}
  - {{name: content-team, where: {{team: content}}, limit: $50, every: day, forecast: true}}
  - {{name: each-feature, each: [feature], limit: $20, every: day}}
spikes:
  - {{name: twice-the-average, each: [feature], factor: 2, floor: $5}}
"""
_HOUR_S = 3600.0
_USUALLY = (
    ("summarization", "content", "0.9"),
    ("search-assist", "search", "0.4"),
    ("code-review", "engineering", "2"),
)


@dataclass(frozen=True, slots=True)
class World:
    """A folder in which `fusewatch`, `.venv/bin/fusewatch` and `config/budgets.yaml` are found."""

    home: Home
    daemon: Daemon
    trace_id: str
    incident_id: str

    def bash(self, command: str) -> "subprocess.CompletedProcess[str]":
        """The command as a person would type it, but for the address of the daemon and the ids of this world."""
        for said, here in (
            ("http://localhost:9469", self.daemon.url),
            ("http://127.0.0.1:9469", self.daemon.url),
            ("TRACE_ID", self.trace_id),
            ("INCIDENT", self.incident_id),
        ):
            command = command.replace(said, here)
        return self.home.call("-c", command, program=["bash"], within_s=60)


def two_weeks() -> list[object]:
    """What each feature costs at noon of each day, and a summary today that costs thirty times as much."""
    usual = [
        spend(usd, feature=feature, team=team, ago_s=day * 24 * _HOUR_S + 600)
        for day in range(15)
        for feature, team, usd in _USUALLY
    ]
    return [*usual, spend("30", feature="summarization", team="content", ago_s=300)]


def placed(folder: Path) -> dict[str, str]:
    """`.venv` and the project's own folders where the pages expect them; the variables that find them."""
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    for name in ("config", "Makefile", "pyproject.toml", "requirements-dev.lock"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    (folder / ".venv" / ".installed").touch()
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "FUSEWATCH_WEB_TOKEN": TOKEN}


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Ends with everything it started."""
    with StandinServer(Store(), now_ms=now_ms) as langfuse:
        spans = two_weeks()
        langfuse.store.add(spans)  # type: ignore[arg-type]  # made spans, not any
        home = Home.make(folder, langfuse.url)
        home.env |= placed(folder)
        home.write(BUDGETS.format(zone=noon_zone()))
        try:
            daemon = home.run()
            wait_for(lambda: daemon.events("notification_sent"), "the first notices", 150)
            shown = home.call("incidents", "--json")
            yield World(home, daemon, spans[-1].trace_id, _first_id(shown.stdout))  # type: ignore[attr-defined]  # made spans, not any
        finally:
            home.end()


def _first_id(document: str) -> str:
    import json

    found: str = json.loads(document)[0]["id"]
    return found
