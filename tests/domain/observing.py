"""Observations and generations to test the domain with."""

from typing import Any

from fusewatch.domain.attribution import Resolver
from fusewatch.domain.rules import DEFAULT_ATTRIBUTION, AttributionSource
from fusewatch.domain.usage import Observation

START_MS = 1_795_356_000_000

PLAIN = Observation(
    trace_id="t1",
    id="o1",
    start_ms=START_MS,
    end_ms=START_MS + 1500,
    updated_ms=START_MS + 3000,
    type="GENERATION",
    name="answer",
    environment="production",
    model="gpt-4o",
    user="user-a",
    session="s1",
    release="",
    version="",
    trace_name="chat",
    prompt="",
    tags=(),
    metadata={},
    usage={"input": 100, "output": 10, "total": 110},
    cost={"input": 0.0005, "output": 0.0005, "total": 0.001},
    total_cost=0.001,
)

DEFAULT = Resolver(DEFAULT_ATTRIBUTION)


def observation(**changes: Any) -> Observation:
    return PLAIN._replace(**changes)


def resolver(**sources: list[str]) -> Resolver:
    """A resolver from the notation of the budget file: `metadata.x`, `tag:x`, or a field."""
    return Resolver(tuple((name, tuple(map(_source, texts))) for name, texts in sources.items()))


def _source(text: str) -> AttributionSource:
    if text.startswith("metadata."):
        return AttributionSource("metadata", text.removeprefix("metadata."))
    if text.startswith("tag:"):
        return AttributionSource("tag", text.removeprefix("tag:"))
    return AttributionSource("field", text)
