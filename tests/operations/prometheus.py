"""A real Prometheus on loopback, and questions to it."""

import json
import math
import shutil
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs, at `url`."""

    url: str

    def get(self, path: str, **query: str) -> Any:
        """The data of an answer of its API; AssertionError with its own words when it refuses."""
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{query}: {error.read().decode()}") from None

    def series(self, query: str) -> list[dict[str, str]]:
        """The labels of the series that the expression gives now, with a finite value."""
        found = self.get("query", query=query)
        assert found["resultType"] == "vector", query
        return [one["metric"] for one in found["result"] if math.isfinite(float(one["value"][1]))]

    @property
    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def running(folder: Path, target: str, rule_files: tuple[Path, ...] = ()) -> Iterator[Prometheus]:
    """A Prometheus that scrapes `target` (host:port) as the job `fusewatch` each half second; maybe not ready yet."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    folder.mkdir()
    config = folder / "prometheus.yml"
    job = {"job_name": "fusewatch", "static_configs": [{"targets": [target]}]}
    times = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
    config.write_text(
        json.dumps({"global": times, "scrape_configs": [job], "rule_files": [str(path) for path in rule_files]})
    )
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    arguments = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", "--log.level=warn"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *arguments, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
