"""The demo, as a person and as a program see it."""

import contextlib
import json
import re
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fusewatch.cli.demo import PORT
from tests.process.home import Home, wait_for

FIELDS = {"rule", "key", "reason", "threshold", "spend_usd", "limit_usd", "at"}


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def usual_port_in_use() -> Iterator[None]:
    """As with a real daemon on the same machine; it may be another test's demo already."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", PORT)))
        yield


@pytest.mark.slow
@pytest.mark.timeout(100)
def test_the_demo_tells_of_a_crossed_budget_and_a_spike_and_leaves_nothing_behind(home: Home) -> None:
    temporary = home.folder / "tmp"
    temporary.mkdir()
    ended = home.call("demo", "--exit-after", "40s", "--json", within_s=90, TMPDIR=str(temporary))
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    assert document["generations"] > 10_000
    assert document["spend_usd"] > 100
    assert document["ledger_drift_usd"] == 0
    assert document["complete"] is True
    assert all(alert.keys() >= FIELDS for alert in document["alerts"])
    crossings = [alert for alert in document["alerts"] if alert["rule"] == "content-team"]
    assert {(alert["reason"], alert["threshold"], alert["limit_usd"]) for alert in crossings} >= {
        ("escalated", 1.0, 50.0)
    }
    spikes = [alert for alert in document["alerts"] if alert["kind"] == "spike"]
    assert any(alert["spend_usd"] > alert["limit_usd"] > 0 for alert in spikes)
    assert leftovers(temporary) == []

    assert "Loading history: " in ended.stderr
    assert "/metrics" in ended.stderr


@pytest.mark.slow
@pytest.mark.timeout(100)
def test_the_demo_for_people_shows_its_progress_its_address_and_the_alerts_until_ctrl_c(
    home: Home, usual_port_in_use: None
) -> None:
    del usual_port_in_use
    temporary = home.folder / "tmp"
    temporary.mkdir()
    demo = home.start("demo", TMPDIR=str(temporary))
    wait_for(lambda: "/metrics" in demo.stderr, "the address")
    metrics = re.search(r"metrics: (http://127\.0\.0\.1:\d+/metrics)", demo.stderr)
    assert metrics is not None
    assert f":{PORT}/" not in metrics[1]
    with urllib.request.urlopen(metrics[1], timeout=10) as answer:
        assert b"fusewatch_build_info" in answer.read()
    wait_for(lambda: "content-team reached 100 % of its daily budget" in demo.stdout, "the crossing is told", 60)
    assert demo.stop(signal.SIGINT) == 0
    assert "Loading history: " in demo.stderr
    assert "History loaded." in demo.stderr
    assert "twice-the-average" in demo.stdout
    assert "Summary: " in demo.stdout
    assert leftovers(temporary) == []
