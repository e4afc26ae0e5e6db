"""`fusewatch report` as it is typed."""

import json
from pathlib import Path

import pytest

from fusewatch.domain.coverage import Span
from fusewatch.domain.usage import Pricing, Tokens
from tests.cli.ledger import ASSIST, MICRO, call, five, prepared
from tests.store.samples import OTHER_PROJECT, PROJECT, T0, generation, opened, record

OCTOBER = ("--from", "2025-10", "--to", "2025-10")


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """All of October and of November 2025 was read."""
    made = prepared(tmp_path, monkeypatch)
    with opened(made) as store:
        for project in (PROJECT, OTHER_PROJECT):
            store.ingest(project.key, lambda u: u.cover(Span(T0 - 60 * 86_400_000, T0 + 60 * 86_400_000), read_at_ms=1))
    return made


def test_the_calculation_by_hand_is_shown_with_what_has_no_price(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "report", "spend", "--by", "feature,team", *OCTOBER) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["summarization", "content", "2", "250", "105", "355", "$0.000053"] in lines
    assert ["unknown", "unknown", "1", "40", "10", "50", "$0", "1", "unpriced"] in lines
    assert ["total", "5", "1,270", "235", "1,505", "$0.00028", "1", "unpriced"] in lines
    assert not any("At" in line for line in lines), "all of the month was read"


def test_for_programs_money_is_exact(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "report", "spend", "--by", "provider", *OCTOBER, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(g["provider"], g["calls"], g["cost_usd"]) for g in found["groups"]] == [
        ("anthropic", 1, "0.00021"),
        ("openai", 4, "0.000065"),
    ]
    assert (found["total"]["cost_usd"], found["total"]["unpriced_calls"]) == ("0.000275", 1)
    assert found["at_least"] is False


def test_what_was_not_read_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "report", "spend", "--from", "2025-01", "--to", "2025-10") == 0
    assert "At least: production was not read from 2025-01-01 00:00 to 2025-08-10" in capsys.readouterr().out


def test_environments_that_rules_leave_out_are_a_line_of_their_own(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = ASSIST._replace(environment="langfuse-llm-as-a-judge")
    with opened(url) as store:
        record(store, [generation("e1" * 8, dimensions=judged, cost_pico=5 * MICRO, tokens=Tokens(input=7, total=7))])
    assert call(monkeypatch, "report", "spend", *OCTOBER) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("left out: langfuse-*, sdk-experiment") and "$0.0000050" in line for line in lines)
    assert any(line.startswith("search-assist") and "$0.000012" in line for line in lines)
    assert any(line.startswith("total") and "$0.00028" in line for line in lines)


def test_a_day_is_one_of_the_zone_that_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def calls(zone: str) -> dict[str, int]:
        words = ("trend", "--from", "2025-10-09", "--to", "2025-10-10", "--timezone", zone, "--json")
        assert call(monkeypatch, "report", *words) == 0
        return {p["period"]: p["total"]["calls"] for p in json.loads(capsys.readouterr().out)["periods"]}

    assert calls("UTC") == {"2025-10-09": 5, "2025-10-10": 0}
    assert calls("Pacific/Auckland") == {"2025-10-09": 2, "2025-10-10": 3}


@pytest.mark.parametrize("name", ["trend.svg", "trend.png"])
def test_a_trend_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    words = ("trend", "--by", "model", "--per", "day", *OCTOBER, "--plot", str(tmp_path / name))
    assert call(monkeypatch, "report", *words) == 0
    assert f"The picture is in {tmp_path / name}." in capsys.readouterr().err
    drawn = (tmp_path / name).read_bytes()
    if name.endswith("svg"):
        assert b"2025-10-09 claude: $0.00021" in drawn
        assert b"2025-10-09 gpt-4o: $0.000065" in drawn
    else:
        assert drawn.startswith(b"\x89PNG")


def test_the_average_trace_of_an_agent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "report", "average", "--by", "agent_type", "--json") == 0
    found = {a["agent_type"]: a for a in json.loads(capsys.readouterr().out)}
    assert (found["writer"]["traces"], found["writer"]["cost_per_trace_usd"]) == (1, "0.000053")
    assert (found["unknown"]["traces"], found["unknown"]["cost_per_trace_usd"]) == (3, "0.000074")


def test_users_and_traces_by_what_they_cost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "report", "users", "--limit", "1") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1][:2] == ["bob", "2"]
    assert lines[2][:3] == ["2", "more", "3"]
    assert call(monkeypatch, "report", "top-traces", "--from", "2025-10", "--limit", "2", "--json") == 0
    assert [t["trace_id"][:2] for t in json.loads(capsys.readouterr().out)] == ["3c", "1a"]
    assert call(monkeypatch, "report", "sessions", "--json") == 0
    assert {g["session"] for g in json.loads(capsys.readouterr().out)["groups"]} == {"s1", "unknown"}


def test_every_generation_of_a_trace_and_their_total(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "report", "trace", "1a" * 16) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:19] for line in lines[1:3]] == ["2025-10-09 09:00:00", "2025-10-09 10:00:00"]
    assert lines[-1].split() == ["total", "2", "250", "105", "355", "$0.000053"]
    assert call(monkeypatch, "report", "trace", "nothing") == 1


def test_a_closed_month_shows_later_changes_as_its_correction(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "report", "month", "--close", "2025-10") == 0
    assert "closed at" in capsys.readouterr().out
    assert call(monkeypatch, "report", "month", "--close", "2025-10") == 1
    assert "is closed already" in capsys.readouterr().err
    late = five()[4]._replace(cost_pico=100 * MICRO, pricing=Pricing.PRICED, updated_ms=2, digest=1)
    with opened(url) as store:
        record(store, [late])
    assert call(monkeypatch, "report", "month", "2025-10") == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("correction since") and "$0.00010" in line and "-1 unpriced" in line for line in lines)
    assert any(line.startswith("now") and "$0.00038" in line for line in lines)


def test_a_month_that_runs_or_was_not_read_is_not_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "report", "month", "--close", "this-month") == 2
    assert "is not over yet" in capsys.readouterr().err
    assert call(monkeypatch, "report", "month", "--close", "2024-10") == 1
    assert "production was not read from 2024-10-01 00:00 to 2024-11-01 00:00" in capsys.readouterr().err
    assert call(monkeypatch, "report", "month", "--close", "2024-10", "--anyway") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["spend", "--by", "colour"], "--by: there is no dimension colour"),
        (["average", "--by", "user"], "--by: traces are not averaged by user"),
        (["month", "--by", "user"], "--by: a closed month keeps no user"),
        (["month", "October"], "MONTH: October is no month; write it as 2026-10"),
        (["trend", "--plot", "x.gif"], "--plot: x.gif is no picture; write .svg or .png"),
        (["spend", "--from", "soon"], "--from:"),
    ],
)
def test_what_cannot_be_meant_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert call(monkeypatch, "report", *words) == 2
    assert said in capsys.readouterr().err
