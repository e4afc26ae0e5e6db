"""A real Alertmanager on loopback, and what it sends on to the receivers behind it."""

import json
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.process.home import wait_for
from tests.process.receiver import Receiver

PROGRAM = "prometheus-alertmanager"
CONFIG = """
global: {{resolve_timeout: {resolve_timeout}}}
route:
  receiver: people
  group_by: [alertname, rule]
  group_wait: 10ms
  group_interval: 100ms
  repeat_interval: 1h
receivers:
  - name: people
    webhook_configs: [{{url: "{url}/people", send_resolved: true}}]
"""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@dataclass(slots=True)
class Alertmanager:
    """One process; `receiver` is behind it."""

    folder: Path
    port: int
    receiver: Receiver
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/am"

    def alerts(self) -> list[dict[str, Any]]:
        """What it knows and has not resolved."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts?active=true", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def notified(self) -> list[str]:
        """What its receiver heard, in order: `firing critical chat` … as it stood in each of its messages."""
        return [
            f"{alert['status']} {alert['labels']['severity']} {alert['labels'].get('feature', '')}".strip()
            for post in self.receiver.of("/people")
            for alert in post.json["alerts"]
        ]

    @property
    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)


def start(folder: Path, receiver: Receiver, *, port: int = 0, resolve_timeout: str = "1s") -> Alertmanager:
    """Up and ready. It knows nothing of what an earlier one in another folder knew."""
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed (Debian: prometheus-alertmanager)")
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG.format(url=receiver.url, resolve_timeout=resolve_timeout), encoding="utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                PROGRAM,
                f"--config.file={config}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.route-prefix=/am",
                "--cluster.listen-address=",
            ],
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    started = Alertmanager(folder, port, receiver, process)
    wait_for(lambda: started.ready, "an Alertmanager that is ready")
    return started


@contextmanager
def running(folder: Path) -> Iterator[Alertmanager]:
    """An Alertmanager and the receiver behind it, until the block ends."""
    with Receiver() as receiver:
        started = start(folder, receiver)
        try:
            yield started
        finally:
            started.stop()
