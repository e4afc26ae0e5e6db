"""`fusewatch backtest` and `fusewatch test` as people call them: a ledger on disk, a budget file, exit codes."""

import json
import os
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import pytest

from fusewatch.domain.usage import Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import ProjectIdentity, Span
from fusewatch.store import open_store
from tests.cli.terminal import ESCAPE, typed

PROJECT = ProjectIdentity("https://langfuse.example", "p1", "Production", "org", "v2", "4.16.0")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MONDAY_MS = 1_762_128_000_000
"""3 November 2025, 00:00 UTC."""

RULES = """
version: 1
destinations: {finops: {type: console}}
notify: [finops]
budgets:
  - {name: features, each: [feature], limit: $10, every: day}
  - {name: everything, limit: $100, every: day}
spikes:
  - {name: twice, each: [feature], factor: 2, floor: $1}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of two weeks from 27 October on: $1 an hour in office hours, and on Thursday the 6th a dearer one."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "budgets.yaml").write_text(RULES)
    (folder / "other.yaml").write_text(RULES.replace("$10", "$30"))
    rows: list[Generation] = []
    for day in range(-7, 7):
        for hour in range(9, 17):
            start_ms = MONDAY_MS + day * DAY_MS + hour * HOUR_MS
            cost_pico = (3 if day == 3 else 1) * 10**12
            name = f"{len(rows):032x}"
            scope = Dimensions("prod", "chat", "web", "m", "p", "o", "GENERATION", "r", "v", "p", "t")
            used = Tokens(input=100, total=100)
            rows.append(
                Generation(name, name[:16], start_ms, 1, cost_pico, Pricing.PRICED, used, 2000, scope, "u", "s", day)
            )
    with open_store(f"sqlite:///{folder}/fusewatch.db", holder="test", exclusive=True) as store:
        store.register(PROJECT, "shop", now_ms=1)
        span = Span(MONDAY_MS - 7 * DAY_MS, MONDAY_MS + 7 * DAY_MS)
        store.ingest(PROJECT.key, lambda unit: unit.record(span, rows, now_ms=span.to_ms))
        store.ingest(PROJECT.key, lambda unit: unit.cover(span, read_at_ms=span.to_ms))
    return folder


def call(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {
        "PATH": os.environ["PATH"],
        "FUSEWATCH_CONFIG": "budgets.yaml",
        "FUSEWATCH_DATABASE_URL": "sqlite:///fusewatch.db",
    }
    command = [sys.executable, "-m", "fusewatch", *arguments]
    return subprocess.run(command, cwd=home, env=environ, capture_output=True, text=True, check=False, timeout=60)


def backtest(home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return call(home, "backtest", "--from", "2025-11-03", "--to", "2025-11-09", *more)


def test_a_backtest_prints_when_what_would_have_been_told_and_how_much_had_been_spent(home: Path) -> None:
    done = backtest(home)
    assert done.returncode == 0, done.stderr
    lines = [re.sub(r" {2,}", " | ", line.strip()) for line in done.stdout.splitlines()]
    assert lines[1] == (
        "Mon 03 Nov 2025 16:01 | warning | features feature=chat | chat (features) reached 80 % of its daily budget:"
        " $8.00 of $10.00 | finops"
    )
    thursday = [line for line in lines if line.startswith("Thu 06 Nov")]
    assert [line.split(" | ")[0][-5:] for line in thursday] == ["11:01", "12:01", "14:01", "15:01"]
    assert "twice feature=chat" in "".join(thursday)
    assert lines[-1].startswith("Mon 03 Nov 2025 00:00 to Mon 10 Nov 2025 00:00 (UTC): 56 generations, $72.00;")
    assert "replaying: 100 %" in done.stderr
    assert re.search(r"^everything\s+0$", done.stdout, re.MULTILINE), "a rule that said nothing says so"


def test_a_backtest_without_any_notice_says_that_nobody_would_have_been_told(home: Path) -> None:
    done = backtest(home, "--rule", "everything")
    assert done.returncode == 0
    assert done.stdout.startswith("Nobody would have been told of anything: no notice in this time.")


def test_a_comparison_shows_what_the_other_file_adds_and_removes(home: Path) -> None:
    done = backtest(home, "--compare", "other.yaml", "--json")
    document = json.loads(done.stdout)
    assert document["added"] == []
    assert {(n["rule"], n["threshold"]) for n in document["removed"]} == {
        ("features", 0.8),
        ("features", 1.0),
        ("features", 2.0),
    }
    assert {n["rule"] for n in document["notices"]} == {"features", "twice"}
    kept = [n for n in document["notices"] if not n["destinations"]]
    assert {(n["severity"], n["threshold"]) for n in kept} == {("info", 0.5)}


def test_a_backtest_changes_nothing_in_the_database(home: Path) -> None:
    def version() -> tuple[int, int, int]:
        with open_store(f"sqlite:///{home}/fusewatch.db", holder="test", exclusive=False) as store:
            return store.read(lambda u: (u.version(), len(u.incidents(open_only=False, limit=9)), len(u.rule_states())))

    before = version()
    backtest(home)
    assert version() == before
    assert before[1:] == (0, 0)


@pytest.mark.parametrize("span", [("2025-11-03", "2025-11-09"), ("2025-11-06", "2025-11-07")])
def test_the_picture_is_a_whole_svg_with_a_mark_for_each_notice(home: Path, span: tuple[str, str]) -> None:
    done = call(home, "backtest", "--from", span[0], "--to", span[1], "--plot", "p.svg", "--json")
    sent = [n for n in json.loads(done.stdout)["notices"] if n["destinations"]]
    root = ET.fromstring((home / "p.svg").read_text())
    circles = [c for c in root if c.tag.endswith("circle")]
    titles = [circle[0].text for circle in circles if circle[0].text]
    assert len(titles) == len(sent)
    assert any("limit of everything: $100.00" in (t.text or "") for t in root if t.tag.endswith("text")) == (
        span[1] > "2025-11-08"
    )


def test_the_picture_may_be_a_png(home: Path) -> None:
    backtest(home, "--plot", "p.png", "--rule", "features")
    content = (home / "p.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    size = struct.unpack(">I", content[33:37])[0]
    pixels = zlib.decompress(content[41 : 41 + size])
    assert len(pixels) == height * (3 * width + 1)
    assert len({pixels[i : i + 3] for i in range(1, len(pixels), 3 * width + 1)}) >= 1
    assert bytes.fromhex("9fb3c8") in pixels, "there are bars"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--rule", "nobody"), "there is no rule nobody; choose from everything, features, twice"),
        (("--plot", "spend.pdf"), "spend.pdf is no picture; write .svg or .png"),
        (("--from", "2025-01-01", "--to", "2025-01-02"), "read it first: fusewatch backfill --from 2025-01-01"),
        (("--from", "2025-11-05", "--to", "2025-11-04"), "2025-11-04 is not after --from 2025-11-05"),
    ],
)
def test_wrong_use_says_what_would_be_right(home: Path, arguments: tuple[str, ...], told: str) -> None:
    done = call(home, "backtest", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_days_that_were_not_read_are_named_with_the_command_that_reads_them(home: Path) -> None:
    done = call(home, "backtest", "--from", "2025-11-01", "--to", "2025-11-09")
    assert done.returncode == 0
    assert "shop was not read from 2025-10-25 00:00 to 2025-10-27 00:00" in done.stderr
    assert "To read it: fusewatch backfill --from 2025-10-25" in done.stderr


TESTS = """rules: budgets.yaml
tests:
  - name: it is told at its limit
    spend:
      - {at: "day 1 10:00", cost: $10.50, feature: chat}
    expect:
      - {at: "day 1 10:00", rule: features, threshold: 80%}
"""


def test_a_failed_rule_test_shows_what_was_expected_and_what_came(home: Path) -> None:
    (home / "t.yaml").write_text(TESTS)
    done = call(home, "test", "t.yaml")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "t.yaml:3: FAILED: it is told at its limit",
        "  - expected  2026-06-01 10:00 features 80%  (line 7)",
        "  + got       2026-06-01 10:00 features feature=chat opened 100% critical to finops  (chat (features) reached"
        " 100 % of its daily budget: $10.50 of $10.00)",
        "t.yaml: 1 test, 1 failed.",
    ]


def test_rule_tests_that_pass_end_with_0_and_a_broken_file_with_2(home: Path) -> None:
    (home / "good.yaml").write_text(TESTS.replace("80%", "100%"))
    (home / "bad.yaml").write_text(TESTS.replace("rule: features", "rule: feature"))
    good = call(home, "test", "good.yaml", "--json")
    assert (good.returncode, json.loads(good.stdout)[0]["tests"][0]["passed"]) == (0, True)
    bad = call(home, "test", "good.yaml", "bad.yaml")
    assert bad.returncode == 2
    assert bad.stderr.strip() == (
        'bad.yaml:7: tests[0].expect[0].rule: there is no rule "feature"; did you mean "features"?'
    )


def test_a_narrow_terminal_shows_what_was_told_and_to_whom_in_two_lines(home: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "FUSEWATCH_CONFIG": "budgets.yaml",
        "FUSEWATCH_DATABASE_URL": "sqlite:///fusewatch.db",
        "TERM": "xterm-256color",
    }
    words = ("backtest", "--from", "2025-11-03", "--to", "2025-11-03")
    shown = ESCAPE.sub("", typed(environment, *words, columns=80, folder=home))
    assert "Mon 03 Nov 2025 16:01  warning  to finops\n  chat (features) reached 80 % of its daily budget:" in shown
