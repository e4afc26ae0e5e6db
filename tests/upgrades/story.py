"""The story that the frozen databases were made by, and what each must hold; it uses only what every `Stage` ever had.

To freeze the database of a version: put this file into `tests/upgrades` of a checkout of it, and run there
`python -m tests.upgrades.story OUTPUT.sql`.
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from fusewatch.errors import Retryable
from tests.app.stage import Stage

RULES = """
history: 5d
budgets:
  - {name: daily, limit: $20, every: day, thresholds: [50%, 100%]}
  - {name: monthly, limit: $50, every: month, thresholds: [50%, 100%]}
  - {name: teams, each: [team], limit: $10, every: day, notify: [finops, diary]}
"""
TEAMS = ("content", "search", "support")
BEGINS = "11-16 06:00"
ENDS = "11-18 12:00"


def spend_all(stage: Stage) -> None:
    """Three days of calls, some of them late, one changed after it was read, two without a price."""
    for day in (16, 17, 18):
        for number in range(12):
            team = TEAMS[number % 3]
            at = f"11-{day} {6 + number // 3:02d}:{number % 3 * 15 + 5:02d}"
            stage.spend(
                f"{0.75 + 0.125 * number:.3f}", at=at, feature=f"f{number % 4}", team=team, user=f"u{number % 5}"
            )
    stage.spend("4.5", at="11-17 09:00", team="search", feature="f1", user="u1", arrives="11-17 11:30")
    stage.spend(None, at="11-17 09:30", team="content", feature="f2")
    stage.spend(None, at="11-18 09:30", team="content", feature="f2")
    changed = stage.spend("0.5", at="11-18 07:00", team="support", feature="f3", user="u2")
    stage.update(changed, at="11-18 08:00", usd="6.25")


def live_through(stage: Stage) -> None:
    """What the daemon of that version did: it read, told people, could not reach one of them, and was restarted."""
    stage.at("11-16 06:30", "11-16 12:00", "11-17 07:30", "11-17 12:00")
    stage.restart()
    stage.at("11-18 06:30", "11-18 07:20")
    stage.inbox("diary").down = _away()
    stage.at("11-18 09:00", "11-18 10:20", ENDS)


def _away() -> Exception:
    return Retryable("unreachable", "the receiver is away")


def freeze(target: Path) -> None:
    with TemporaryDirectory() as folder:
        stage = Stage(rules=RULES, folder=Path(folder) / "stage", begins=BEGINS)
        spend_all(stage)
        live_through(stage)
        stage.close()
        with closing(sqlite3.connect(Path(folder) / "stage" / "fusewatch.db")) as link:
            application = link.execute("PRAGMA application_id").fetchone()[0]
            lines = [f"PRAGMA application_id = {application};", *link.iterdump()]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    freeze(Path(sys.argv[1]))
