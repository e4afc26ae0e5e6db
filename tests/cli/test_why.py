"""`fusewatch why` as people call it: a ledger on disk, a budget file, what is printed, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fusewatch.app.assess import Assessment, assess_pass
from fusewatch.config.rulefile import load
from fusewatch.domain.usage import Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import ProjectIdentity, Span, StoredRules
from fusewatch.store import open_store

PROJECT = ProjectIdentity("https://langfuse.example", "p1", "Production", "org", "v2", "4.16.0")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
THURSDAY_MS = 1_762_387_200_000
"""6 November 2025, 00:00 UTC."""

RULES = """
version: 1
destinations: {finops: {type: console}}
notify: [finops]
budgets:
  - {name: features, each: [feature], limit: $10, every: day}
  - {name: typo, where: {team: wep}, limit: $100, every: day}
"""


def _call(number: int, hour: float, usd: int) -> Generation:
    name = f"{number:032x}"
    scope = Dimensions("prod", "chat", "web", "m", "p", "o", "GENERATION", "r", "v", "p", "t")
    used = Tokens(input=100, total=100)
    start_ms = THURSDAY_MS + int(hour * HOUR_MS)
    return Generation(name, name[:16], start_ms, 1, usd * 10**12, Pricing.PRICED, used, 2000, scope, "u", "s", number)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in which chat cost $12 by 11:00, judged at 11:31, and $2 of 10:30 came at 13:00. Nothing was sent."""
    folder = tmp_path_factory.mktemp("home")
    file = folder / "budgets.yaml"
    file.write_text(RULES)
    given = Assessment(load(file, {}, secrets=False).rules, frozenset({PROJECT.key}), THURSDAY_MS - DAY_MS)
    with open_store(f"sqlite:///{folder}/fusewatch.db", holder="test", exclusive=True) as store:
        store.register(PROJECT, "shop", now_ms=1)
        store.keep_rules(StoredRules((("budgets.yaml", RULES),), THURSDAY_MS - DAY_MS))
        came = [(8.0, []), (11.5, [_call(n, 9 + n, 4) for n in range(3)]), (13.0, [_call(9, 10.5, 2)])]
        for hour, rows in came:
            now_ms = THURSDAY_MS + int(hour * HOUR_MS)
            span = Span(THURSDAY_MS - 9 * DAY_MS, now_ms)
            store.ingest(PROJECT.key, lambda unit, s=span, r=rows, n=now_ms: unit.record(s, r, now_ms=n))  # type: ignore[misc]  # mypy infers no lambda with defaults
            store.ingest(PROJECT.key, lambda unit, s=span, n=now_ms: unit.cover(s, read_at_ms=n))  # type: ignore[misc]  # mypy infers no lambda with defaults
            store.ingest(PROJECT.key, lambda unit, n=now_ms: unit.succeeded(at_ms=n, as_of_ms=n))  # type: ignore[misc]  # mypy infers no lambda with defaults
            store.ingest(PROJECT.key, lambda unit, n=now_ms: unit.loaded(at_ms=n, counters_from_ms=n))  # type: ignore[misc]  # mypy infers no lambda with defaults
            assess_pass(store, given, now_ms + 60_000)
    return folder


def why(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {
        "PATH": os.environ["PATH"],
        "FUSEWATCH_CONFIG": "budgets.yaml",
        "FUSEWATCH_DATABASE_URL": "sqlite:///fusewatch.db",
    }
    command = [sys.executable, "-m", "fusewatch", "why", *arguments]
    return subprocess.run(command, cwd=home, env=environ, capture_output=True, text=True, check=False, timeout=60)


NOON = ("--at", "2025-11-06T12:00")
EXPECTED = [
    "features feature=chat: at most $10.00 a day, for each feature",
    "  at 6 Nov 12:00, data as of 6 Nov 12:00:00; counted: 6 Nov 00:00 – 7 Nov 00:00 UTC",
    "  Judged by the budget file of 5 Nov 00:00.",
    "  spent $12.00 as known then, $14.00 as known now, 120 % of the limit",
    "    1 call worth $2.00 came after 12:00",
    "  50 % info, $5.00: crossed 10:00, learned 11:31",
    "    finops: told with 100 %, crossed at once",
    "  80 % warning, $8.00: crossed 10:00, learned 11:31",
    "    finops: told with 100 %, crossed at once",
    "  100 % critical, $10.00: crossed 11:00, learned 11:31",
    "    finops: waits to be sent",
    "  200 % critical, $20.00: not crossed, $8.00 missing",
]


def test_it_tells_of_a_key_what_was_known_then_what_is_known_now_and_who_was_told(home: Path) -> None:
    result = why(home, "features", "chat", *NOON)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == EXPECTED


def test_without_a_key_it_lists_the_worst_and_says_how_to_ask_for_one(home: Path) -> None:
    result = why(home, "features", *NOON)
    lines = result.stdout.splitlines()
    assert lines[-2:] == [
        "  feature=chat: $12.00 of $10.00 (120 %)",
        "One of them: fusewatch why features feature=chat",
    ]


def test_a_rule_that_matches_nothing_names_the_nearest_value(home: Path) -> None:
    assert "    no team is wep; did you mean web?" in why(home, "typo", *NOON).stdout.splitlines()


def test_json_has_the_same_facts(home: Path) -> None:
    document = json.loads(why(home, "features", "feature=chat", *NOON, "--json").stdout)
    assert document["rule"]["at"] == "2025-11-06T12:00:00.000Z"
    assert document["key"] == {"feature": "chat"}
    assert document["spend"] == {
        "as_known_then": "12",
        "as_known_now": "14",
        "late": "2",
        "late_requests": 1,
        "changed_requests": 0,
        "changed_usd": "0",
        "estimated_usd": "0",
    }
    assert [(one["share"], one["crossed_at"] is not None) for one in document["thresholds"]] == [
        (0.5, True),
        (0.8, True),
        (1.0, True),
        (2.0, False),
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        pytest.param(("feature",), 2, "rule: there is no rule feature; did you mean features?", id="unknown rule"),
        pytest.param(
            ("features", "chats"),
            1,
            "fusewatch: features never saw feature=chats; did you mean feature=chat?",
            id="a key never seen",
        ),
        pytest.param(
            ("features", "chat", "--at", "noon"), 2, 'command line: --at: "noon" is neither a date nor', id="no time"
        ),
    ],
)
def test_what_is_asked_wrongly_is_answered_with_what_would_be_right(
    home: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    result = why(home, *arguments)
    assert (result.returncode, result.stdout) == (code, "")
    assert told in result.stderr
