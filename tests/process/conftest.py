"""The world of a real process: a stand-in Langfuse, a receiver of notices, and a folder with the command in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fusewatch.demo.standin import StandinServer, Store
from tests.process.home import Home, now_ms
from tests.process.receiver import Receiver


@pytest.fixture
def langfuse() -> Iterator[StandinServer]:
    with StandinServer(Store(), now_ms=now_ms) as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture
def home(tmp_path: Path, langfuse: StandinServer) -> Iterator[Home]:
    made = Home.make(tmp_path, langfuse.url)
    try:
        yield made
    finally:
        made.end()
