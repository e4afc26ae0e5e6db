"""`fusewatch incidents` and `status` as people call them: what is wrong in the words of the notices, and what died."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fusewatch.app.assess import Assessment, assess_pass
from fusewatch.config.rulefile import load
from fusewatch.domain.usage import Dimensions, Generation, Pricing, Tokens
from fusewatch.ports import ProjectIdentity, Span, StoredRules
from fusewatch.store import SqlStore, open_store

PROJECT = ProjectIdentity("https://langfuse.example", "p1", "Production", "org", "v2", "4.16.0")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
THURSDAY_MS = 1_762_387_200_000
"""6 November 2025, 00:00 UTC."""

NOON_MS = THURSDAY_MS + 12 * HOUR_MS
RULES = """
version: 1
destinations: {finops: {type: console}, old: {type: console}}
notify: [finops, old]
attribution: {feature: [metadata.feature]}
budgets:
  - {name: features, each: [feature], limit: $10, every: day}
"""
ESCAPE = "\x1b[31m"


def _call(number: int, hour: float, usd: int, feature: str) -> Generation:
    name = f"{number:032x}"
    scope = Dimensions("prod", feature, "web", "m", "p", "o", "GENERATION", "r", "v", "p", "t")
    used = Tokens(input=100, total=100)
    start_ms = THURSDAY_MS + int(hour * HOUR_MS)
    return Generation(name, name[:16], start_ms, 1, usd * 10**12, Pricing.PRICED, used, 2000, scope, "u", "s", number)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """`chat` cost $12 by 11:00 on Thursday and `search` $4 of its $10. Of the chat's notice finops was told, the
    receiver of `old` refused it for good."""
    file = tmp_path / "budgets.yaml"
    file.write_text(RULES)
    given = Assessment(load(file, {}, secrets=False).rules, frozenset({PROJECT.key}), THURSDAY_MS - DAY_MS)
    with _store(tmp_path) as store:
        store.register(PROJECT, "shop", now_ms=1)
        store.keep_rules(StoredRules((("budgets.yaml", RULES),), THURSDAY_MS - DAY_MS))
        calls = [_call(n, 9 + n, 4, "chat") for n in range(3)]
        for hour, rows in [(8.0, []), (11.5, [*calls, _call(7, 9, 4, "search")])]:
            now_ms = THURSDAY_MS + int(hour * HOUR_MS)
            span = Span(THURSDAY_MS - 9 * DAY_MS, now_ms)
            store.ingest(PROJECT.key, lambda unit, s=span, r=rows, n=now_ms: unit.record(s, r, now_ms=n))  # type: ignore[misc]  # mypy infers no lambda with defaults
            store.ingest(PROJECT.key, lambda unit, s=span, n=now_ms: unit.cover(s, read_at_ms=n))  # type: ignore[misc]  # mypy infers no lambda with defaults
            store.ingest(PROJECT.key, lambda unit, n=now_ms: unit.succeeded(at_ms=n, as_of_ms=n))  # type: ignore[misc]  # mypy infers no lambda with defaults
            store.ingest(PROJECT.key, lambda unit, n=now_ms: unit.loaded(at_ms=n, counters_from_ms=n))  # type: ignore[misc]  # mypy infers no lambda with defaults
            assess_pass(store, given, now_ms + 60_000)
        _deliver(store)
    return tmp_path


def _store(home: Path) -> SqlStore:
    return open_store(f"sqlite:///{home}/fusewatch.db", holder="test", exclusive=True)


def _deliver(store: SqlStore) -> None:
    for name in ("finops", "old"):
        claimed = store.deliver(lambda u, d=name: u.claim(d, now_ms=NOON_MS, until_ms=NOON_MS + 9, holder="test"))  # type: ignore[misc]  # mypy infers no lambda with defaults
        assert claimed is not None
        if name == "finops":
            store.deliver(lambda u, c=claimed: u.sent(c, at_ms=NOON_MS, reference=""))  # type: ignore[misc]  # mypy infers no lambda with defaults
        else:
            said = f"Slack said invalid_auth {ESCAPE}"
            store.deliver(lambda u, c=claimed, s=said: u.dead(c, at_ms=NOON_MS, reason="invalid_auth", text=s))  # type: ignore[misc]  # mypy infers no lambda with defaults


@pytest.fixture
def call(home: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    def called(command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environ = {
            "PATH": os.environ["PATH"],
            "FUSEWATCH_CONFIG": "budgets.yaml",
            "FUSEWATCH_DATABASE_URL": "sqlite:///fusewatch.db",
            "FUSEWATCH_PUBLIC_URL": "https://spend.example.com",
        }
        words = [sys.executable, "-m", "fusewatch", command, *arguments]
        done = subprocess.run(words, cwd=home, env=environ, capture_output=True, text=True, check=False, timeout=60)
        assert ESCAPE not in done.stdout
        return done

    return called


Call = Callable[..., "subprocess.CompletedProcess[str]"]
HEADLINE = "chat (features) reached 100 % of its daily budget: $12.00 of $10.00"


def test_an_incident_is_shown_in_the_words_of_its_notice_with_the_way_to_its_rows(call: Call) -> None:
    done = call("incidents")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"● {HEADLINE}"
    assert "100 % at 6 Nov 2025, 11:00" in lines[1]
    (link,) = [line for line in lines if "Open these rows in Langfuse: " in line]
    assert "https://langfuse.example/project/p1/observations?filter=" in link
    assert "fusewatch why features feature=chat" in lines[-1]
    assert "search" not in done.stdout


def test_incidents_as_json_have_the_same_words_and_links(call: Call) -> None:
    (found,) = json.loads(call("incidents", "--json").stdout)
    assert (found["rule"], found["key"], found["state"]) == ("features", {"feature": "chat"}, "open")
    assert (found["measured"], found["limit"], found["severity"]) == ("12", "10", "critical")
    assert found["headline"] == HEADLINE
    assert found["links"][0]["wider"] == ""
    assert [c["share"] for c in found["crossings"]] == [0.5, 0.8, 1.0]
    assert found["told"] == ["finops", "old"]


def test_one_incident_tells_who_was_told_and_what_each_receiver_said(call: Call) -> None:
    (found,) = json.loads(call("incidents", "--json").stdout)
    done = call("incidents", found["id"][:7].lower())
    assert done.returncode == 0, done.stderr
    assert "  100 % critical: 06 Nov 11:00, learned 06 Nov 11:31" in done.stdout
    assert "  finops was told 06 Nov 12:00: opened at 100 %" in done.stdout
    assert "  old was not told, dead after 1 attempt (Slack said invalid_auth): opened at 100 %" in done.stdout
    told = json.loads(call("incidents", found["id"], "--json").stdout)
    assert {d["destination"]: d["state"] for d in told["deliveries"]} == {"finops": "sent", "old": "dead"}
    assert told["deliveries"][0]["notices"] == [{"reason": "opened", "threshold": 1.0, "severity": "critical"}]


def test_an_unknown_incident_is_wrong_use_and_says_where_to_look(call: Call) -> None:
    done = call("incidents", "nope")
    assert done.returncode == 2
    assert done.stderr == ('command line: ID: no incident has the id "nope"; fusewatch incidents --all shows them\n')


def test_what_died_is_listed_with_its_reason_and_revived_by_its_id(call: Call, home: Path) -> None:
    (dead,) = json.loads(call("incidents", "--dead", "--json").stdout)
    assert (dead["destination"], dead["state"], dead["reason"]) == ("old", "dead", "invalid_auth")
    shown = call("incidents", "--dead").stdout
    assert f"{dead['id']}  old, notices of 06 Nov 11:31, 1 attempt" in shown
    assert "Slack said invalid_auth" in shown
    done = call("incidents", "--revive", dead["id"][:8].lower())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{dead['id']} is due again, to old\n1 delivery is in line again;")
    assert call("incidents", "--dead").stdout == "No delivery is dead.\n"
    with _store(home) as store:
        again = store.deliver(lambda u: u.claim("old", now_ms=2**42, until_ms=2**42 + 9, holder="test"))
    assert again is not None
    assert (again.id, again.attempts) == (dead["id"], 0)


def test_reviving_all_works_without_any_and_tells_of_a_destination_that_is_gone(call: Call, home: Path) -> None:
    (home / "budgets.yaml").write_text(RULES.replace(", old: {type: console}", "").replace(", old]", "]"))
    assert "no such destination any more" in call("incidents", "--dead").stdout
    done = call("incidents", "--revive", "all")
    assert "but the budget file has no such destination any more, so nothing sends it" in done.stdout
    empty = call("incidents", "--revive", "all")
    assert (empty.returncode, empty.stdout) == (0, "No delivery is dead.\n")
    assert json.loads(call("incidents", "--revive", "all", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--revive", "nope"], 'no dead delivery has the id "nope"; fusewatch incidents --dead shows them'),
        (["--dead", "--revive", "all"], "this asks for several things"),
        (["--dead", "ABC"], "this asks for several things"),
    ],
)
def test_a_wrong_wish_changes_nothing(call: Call, arguments: list[str], error: str) -> None:
    done = call("incidents", *arguments)
    assert done.returncode == 2
    assert error in done.stderr
    assert len(json.loads(call("incidents", "--dead", "--json").stdout)) == 1


def test_no_more_than_the_limit_are_shown_and_that_is_said(call: Call) -> None:
    assert len(json.loads(call("incidents", "--all", "--limit", "1", "--json").stdout)) == 1
    assert "and more" not in call("incidents", "--all").stdout


def test_status_explains_open_incidents_in_the_same_words(call: Call) -> None:
    shown = call("status").stdout
    assert f"● {HEADLINE} (critical)\n  50 % at 6 Nov 2025, 10:00, " in shown
    (found,) = json.loads(call("status", "--json").stdout)["incidents"]
    assert (found["headline"], found["links"][0]["wider"]) == (HEADLINE, "")
