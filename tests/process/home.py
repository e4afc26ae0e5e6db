"""The real command in a folder of its own: a budget file, an environment, a database, and daemons that surely end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from fusewatch.demo.standin import DEMO_PROJECT, DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, Span
from fusewatch.runtime import SystemClock

COMMAND = (sys.executable, "-m", "fusewatch")
KEPT = ("PATH", "LANG", "PYTHONPATH", "LD_LIBRARY_PATH")
TRACEBACK = "Traceback (most recent call last)"
_SAMPLE = re.compile(r"^([a-z_]+(?:\{.*\})?) (\S+)$")


def now_ms() -> int:
    return SystemClock().now_ms()


def wait_for(claim: Callable[[], object], what: str, within_s: float = 15.0) -> None:
    """Until `claim` holds; AssertionError with `what` when it does not in time."""
    until = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < until, f"not within {within_s:g} s: {what}"
        time.sleep(0.02)


def noon_zone() -> str:
    """A zone in which it is about noon now, so that no day ends during a test."""
    ahead = 12 - now_ms() // 3_600_000 % 24
    return f"Etc/GMT{-ahead:+d}"


_spans = iter(range(10**9))


def spend(
    usd: str, *, feature: str = "chat", team: str = "web", ago_s: float = 0.0, project: str = DEMO_PROJECT
) -> Span:
    """A generation that cost so much and can be read at once."""
    number = next(_spans)
    start_ms = now_ms() - int(ago_s * 1000)
    return Span(
        id=f"{number:016x}",
        trace_id=f"{number:032x}",
        start_ms=start_ms,
        end_ms=start_ms + 5,
        created_ms=start_ms + 6,
        updated_ms=start_ms + 6,
        name="call",
        model="gpt-4o",
        metadata={"feature": feature, "team": team},
        usage={"input": 900, "output": 100},
        cost={"input": Decimal(usd) / 2, "output": Decimal(usd) / 2},
        project_id=project,
    )


@dataclass(slots=True)
class Daemon:
    """A process that stays up, mostly `fusewatch run`. Its output is in files, so that no pipe can fill up."""

    process: "subprocess.Popen[bytes]"
    out: Path
    err: Path
    stopped: int | None = None

    @property
    def stdout(self) -> str:
        return self.out.read_text(encoding="utf-8", errors="replace")

    @property
    def stderr(self) -> str:
        return self.err.read_text(encoding="utf-8", errors="replace")

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its log lines, where they are JSON; a line that is being written is left out."""
        return [json.loads(line) for line in self.stderr.splitlines(keepends=True) if line.endswith("}\n")]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in self.log if entry["event"] == name]

    @property
    def serves(self) -> bool:
        """Whether it listens already."""
        return bool(self.events("listening"))

    @property
    def url(self) -> str:
        """Where it serves; waits until it does."""
        wait_for(lambda: self.serves or self.process.poll() is not None, f"listening; {self.stderr}")
        assert self.process.poll() is None, f"ended with {self.process.poll()}: {self.stderr}"
        found: str = self.events("listening")[0]["url"]
        return found

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metrics(self) -> dict[str, Decimal]:
        """The samples of /metrics by name and labels, as they are written."""
        status, text = self.get("/metrics")
        assert status == 200, text
        matches = (_SAMPLE.match(line) for line in text.splitlines())
        return {match[1]: Decimal(match[2].replace("+Inf", "Infinity")) for match in matches if match}

    def metric(self, name: str) -> Decimal:
        return self.metrics().get(name, Decimal(-1))

    def kill(self) -> None:
        self.process.kill()
        self.stopped = self.process.wait(10)

    def ended(self, within_s: float = 15.0) -> int:
        """Its exit code, once it ended by itself."""
        self.stopped = self.process.wait(within_s)
        return self.stopped

    def stop(self, sign: signal.Signals = signal.SIGTERM, within_s: float = 10.0) -> int:
        """The exit code after a signal."""
        self.process.send_signal(sign)
        return self.ended(within_s)


@dataclass(slots=True)
class Home:
    """Where a Fusewatch lives. `env` is its whole environment but for the search path."""

    folder: Path
    env: dict[str, str]
    daemons: list[Daemon] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path, langfuse_url: str) -> "Home":
        return cls(
            folder,
            {
                "LANGFUSE_PUBLIC_KEY": DEMO_PUBLIC_KEY,
                "LANGFUSE_SECRET_KEY": DEMO_SECRET_KEY,
                "LANGFUSE_BASE_URL": langfuse_url,
                "FUSEWATCH_LISTEN": "127.0.0.1:0",
                "FUSEWATCH_POLL_INTERVAL": "1s",
                "FUSEWATCH_LOG_FORMAT": "json",
            },
        )

    @property
    def database(self) -> Path:
        return self.folder / "fusewatch.db"

    @property
    def file(self) -> Path:
        return self.folder / "config" / "budgets.yaml"

    def write(self, text: str) -> None:
        """The budget file, put in place at once as editors do."""
        self.file.parent.mkdir(exist_ok=True)
        draft = self.file.with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(self.file)

    def environment(self, changes: Mapping[str, str]) -> dict[str, str]:
        kept = {
            name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ
        }
        merged = {**kept, "HOME": str(self.folder), "PYTHONUNBUFFERED": "1", **self.env, **changes}
        return {name: value for name, value in merged.items() if value}

    def call(
        self, *arguments: str, program: Sequence[str] = COMMAND, within_s: float = 30.0, **changes: str
    ) -> "subprocess.CompletedProcess[str]":
        """One command, to its end. No command ever shows a traceback. An empty variable is not set."""
        ended = subprocess.run(
            [*program, *arguments],
            cwd=self.folder,
            env=self.environment(changes),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        assert TRACEBACK not in ended.stderr, ended.stderr
        return ended

    def start(self, *arguments: str, program: Sequence[str] = COMMAND, **changes: str) -> Daemon:
        """A daemon, or another command that stays up."""
        number = len(self.daemons)
        out, err = self.folder / f"daemon-{number}.out", self.folder / f"daemon-{number}.err"
        with out.open("wb") as out_stream, err.open("wb") as err_stream:
            process = subprocess.Popen(
                [*program, *arguments],
                cwd=self.folder,
                env=self.environment(changes),
                stdin=subprocess.DEVNULL,
                stdout=out_stream,
                stderr=err_stream,
            )
        daemon = Daemon(process, out, err)
        self.daemons.append(daemon)
        return daemon

    def run(self, *arguments: str, **changes: str) -> Daemon:
        """The daemon."""
        return self.start("run", *arguments, **changes)

    def end(self) -> None:
        """End what still runs; no daemon may have shown a traceback."""
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                daemon.process.kill()
            daemon.process.wait(10)
        for daemon in self.daemons:
            assert TRACEBACK not in daemon.stderr, daemon.stderr
            assert '"exception"' not in daemon.stderr, daemon.stderr
