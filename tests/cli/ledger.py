"""The five generations of a calculation by hand, in a database, with a budget file beside it."""

from pathlib import Path

import pytest

from fusewatch.cli import main
from fusewatch.domain.usage import Generation, Pricing, Tokens
from tests.store.samples import NOBODY, SEARCH, T0, fresh_url, generation, opened, record

MICRO = 10**6
HOUR_MS = 3_600_000

BUDGETS = """version: 1
attribution:
  agent_type: [metadata.agent_type]
budgets:
  - {name: all, limit: $10, every: day}
"""

SUMMARY = SEARCH._replace(feature="summarization", team="content", extra=(("agent_type", "writer"),))
ASSIST = SEARCH._replace(feature="search-assist", team="search")
REVIEW = SEARCH._replace(feature="code-review", team="engineering", model="claude", provider="anthropic")


def five() -> list[Generation]:
    """Two summaries of 200 and 155 tokens for $0.000030 and $0.000023, a search, a review, one that nobody claims."""
    return [
        _one("a1", SUMMARY, 30 * MICRO, 150, 50, at=0),
        _one("a2", SUMMARY, 23 * MICRO, 100, 55, at=1),
        _one("b1", ASSIST, 12 * MICRO, 80, 20, at=2, trace="2b" * 16),
        _one("c1", REVIEW, 210 * MICRO, 900, 100, at=3, trace="3c" * 16),
        generation(
            "d1" * 8,
            trace_id="4d" * 16,
            start_ms=T0 + 4 * HOUR_MS,
            cost_pico=0,
            pricing=Pricing.UNPRICED,
            tokens=Tokens(input=40, output=10, total=50),
            dimensions=NOBODY,
            user="unknown",
            session="unknown",
        ),
    ]


def _one(
    name: str, dimensions: object, cost_pico: int, used: int, made: int, *, at: int, trace: str = "1a" * 16
) -> Generation:
    made_of = generation(name * 8, trace_id=trace, start_ms=T0 + at * HOUR_MS, cost_pico=cost_pico)
    return generation(
        name * 8,
        trace_id=trace,
        start_ms=made_of.start_ms,
        cost_pico=cost_pico,
        tokens=Tokens(input=used, output=made, total=used + made),
        dimensions=dimensions,  # type: ignore[arg-type]  # fields by name
        user="ann" if name.startswith("a") else "bob",
    )


def prepared(folder: Path, monkeypatch: pytest.MonkeyPatch, generations: list[Generation] | None = None) -> str:
    """The address of the database; the environment names it, and the budget file."""
    (folder / "budgets.yaml").write_text(BUDGETS)
    url = fresh_url(folder)
    with opened(url) as store:
        record(store, five() if generations is None else generations)
    monkeypatch.setenv("FUSEWATCH_CONFIG", str(folder / "budgets.yaml"))
    monkeypatch.setenv("FUSEWATCH_DATABASE_URL", url)
    return url


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run a command in this process; its exit code."""
    monkeypatch.setattr("sys.argv", ["fusewatch", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)
