"""A process that has loaded the program once and forks daemons from it: each is the real daemon in a process of its
own, and starts in a fraction of the time. `python -m tests.crash.nursery` reads orders, one JSON object a line.

A daemon can be ordered to die at the nth statement of a phase: SQLite tells of each statement before it runs.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import re
import signal
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from fusewatch.config.settings import listen_is_loopback, load_settings
from fusewatch.daemon.service import Service, run_service
from fusewatch.errors import FusewatchError
from fusewatch.runtime import SystemClock
from fusewatch.store import open_store

PHASES = {
    "ingest": r"(INSERT|REPLACE|UPDATE)\b.*\b(generation|seen|dirty|coverage|counter_series)\b",
    "assess": r"DELETE FROM dirty|(INSERT|UPDATE)\b.*\b(series|incident|due)\b|INSERT INTO delivery",
    "deliver": r"UPDATE delivery SET state",
    "prune": r"DELETE FROM (generation|seen|series)|INSERT.*\bhour_total\b",
    "migrate": r"(CREATE|ALTER|DROP)\b|.*alembic_version",
    "commit": r"COMMIT",
}
"""How each statement of a phase begins."""

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


@dataclass(frozen=True, slots=True)
class AheadClock(SystemClock):
    """The machine's time, so many milliseconds later."""

    ahead_ms: int

    def now_ms(self) -> int:
        return SystemClock().now_ms() + self.ahead_ms


def die_at(phase: str, nth: int) -> None:
    """Kill this process when the nth statement of the phase is about to run, on whichever connection."""
    wanted, left = re.compile(PHASES[phase], re.DOTALL), nth

    def look(statement: str) -> None:
        nonlocal left
        if wanted.match(statement):
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def opened(connection: sqlite3.Connection, _: object) -> None:
        connection.set_trace_callback(look)

    sa.event.listen(sa.Pool, "connect", opened)


def live(order: dict[str, Any]) -> None:
    """The daemon, as `fusewatch run` makes it, on a clock that may be ahead."""
    os.chdir(order["folder"])
    with Path(order["log"]).open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    if order["phase"] in PHASES:
        die_at(order["phase"], order["nth"])
    environ: dict[str, str] = order["env"]
    settings = load_settings(environ, config=None, database_url=order["database"])
    with open_store(settings.database_url.get_secret_value(), holder=f"process {os.getpid()}", exclusive=True) as store:
        asyncio.run(
            run_service(
                Service(
                    config=Path(settings.config),
                    environ=environ,
                    store=store,
                    clock=AheadClock(order["ahead_ms"]),
                    holder=f"process {os.getpid()}",
                    listen=settings.listen,
                    listen_is_loopback=listen_is_loopback(settings.listen),
                    poll_interval_s=settings.poll_interval / 1000,
                    read_token=None,
                    web_token=None,
                    signing_secret="",
                    public_url="",
                    log_format="json",
                    strict=False,
                    tick_s=order["tick_s"],
                )
            )
        )


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
            code = 1
            with contextlib.suppress(FusewatchError):
                live(order)
                code = 0
            os._exit(code)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
