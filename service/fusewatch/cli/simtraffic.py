"""The made-up calls of `fusewatch simulate`: who calls what, when, and what the provider answers. Pure, from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final, Literal

Api = Literal["chat", "responses", "embeddings", "messages"]
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
UNTAGGED: Final = 0.02
"""The share of traces that forget to say whose they are."""

_HOURS: Final = (3, 2, 2, 2, 2, 4, 8, 14, 22, 28, 30, 28, 24, 26, 30, 30, 28, 22, 14, 10, 8, 6, 5, 4)
_LONGEST_MS: Final = 5 * 60_000  # no trace takes longer, so all of a history is over
_USERS: Final = tuple(f"sim-user-{number:02}" for number in range(1, 21))


@dataclass(frozen=True, slots=True)
class Step:
    """A kind of call inside a trace, with its mean tokens; the shares are of its input or output."""

    operation: str
    api: Api
    model: str
    input: int
    output: int
    cached: float = 0.0
    written: float = 0.0
    reasoning: float = 0.0


@dataclass(frozen=True, slots=True)
class Feature:
    name: str
    team: str
    trace_name: str
    weight: int
    steps: tuple[Step, ...]


FEATURES: Final = (
    Feature(
        "summarization", "content", "summarize-document", 30, (Step("summarize", "chat", "gpt-4o-mini", 9_000, 700),)
    ),
    Feature(
        "copywriting",
        "content",
        "write-copy",
        15,
        (Step("draft", "messages", "claude-sonnet-4-5-20250929", 6_000, 1_800, cached=0.4, written=0.1),),
    ),
    Feature(
        "search-assist",
        "search",
        "answer-search",
        25,
        (
            Step("embed-query", "embeddings", "text-embedding-3-small", 400, 0),
            Step("answer", "chat", "gpt-4o", 4_000, 450, cached=0.3),
        ),
    ),
    Feature(
        "code-review",
        "engineering",
        "review-change",
        10,
        (Step("review", "messages", "claude-sonnet-4-5-20250929", 14_000, 2_200, cached=0.6, reasoning=0.3),),
    ),
    Feature(
        "planning", "engineering", "plan-task", 8, (Step("plan", "responses", "gpt-5", 3_000, 2_500, reasoning=0.7),)
    ),
    Feature("chat-support", "support", "answer-ticket", 20, (Step("reply", "chat", "gpt-4o", 3_000, 350, cached=0.5),)),
    Feature("eval-nightly", "platform", "score-summaries", 4, (Step("score", "chat", "my-ft-summarizer", 2_000, 150),)),
)
"""`my-ft-summarizer` is a model that no Langfuse knows: its calls show what unpriced usage looks like."""


@dataclass(frozen=True, slots=True)
class Spike:
    """One feature whose calls take `times` as many tokens: through the last day of a history, all along when live."""

    feature: str
    times: float


@dataclass(frozen=True, slots=True)
class SimCall:
    """One answer of a provider as it would have come, and when. Tokens are the provider's own sums."""

    operation: str
    model: str
    start_ms: int
    end_ms: int
    input_tokens: int
    output_tokens: int
    response: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SimTrace:
    """The calls of one request of a user. `feature` and `team` are None where the application forgot to tell."""

    name: str
    feature: str | None
    team: str | None
    user: str
    session: str
    calls: tuple[SimCall, ...] = field(default=())

    @property
    def start_ms(self) -> int:
        return self.calls[0].start_ms

    @property
    def end_ms(self) -> int:
        return self.calls[-1].end_ms


class Traffic:
    """Traces from a seed: the same seed, times and spikes give the same traces."""

    def __init__(self, seed: int, spikes: tuple[Spike, ...] = ()) -> None:
        self._random = Random(seed)  # noqa: S311 - traffic, no secret
        self._spikes = {spike.feature: spike.times for spike in spikes}

    def history(self, from_ms: int, to_ms: int, calls: int) -> Iterator[SimTrace]:
        """Exactly `calls` calls between the two instants, oldest trace first, more of them in office hours (UTC)."""
        starts: list[int] = []
        while len(starts) < calls:
            at_ms = self._random.randrange(from_ms, to_ms - _LONGEST_MS)
            if self._random.randrange(max(_HOURS)) < _HOURS[at_ms // HOUR_MS % 24]:
                starts.append(at_ms)
        left = calls
        for at_ms in sorted(starts):
            if left <= 0:
                return
            trace = self._trace(at_ms, left, spiking=at_ms >= to_ms - DAY_MS)
            left -= len(trace.calls)
            yield trace

    def live(self, from_ms: int, rate: float, calls: int) -> Iterator[SimTrace]:
        """Exactly `calls` calls at `rate` a minute, in traces that end when they are to be sent."""
        sent = 0
        while sent < calls:
            due_ms = from_ms + round(sent * 60_000 / rate)
            trace = self._trace(0, calls - sent, spiking=True)
            yield _moved(trace, due_ms - trace.end_ms)
            sent += len(trace.calls)

    def _trace(self, start_ms: int, most: int, *, spiking: bool) -> SimTrace:
        rng = self._random
        feature = rng.choices(FEATURES, weights=[one.weight for one in FEATURES])[0]
        times = self._spikes.get(feature.name, 1.0) if spiking else 1.0
        user = rng.choice(_USERS)
        known = rng.random() >= UNTAGGED
        calls: list[SimCall] = []
        for step in feature.steps[:most]:
            calls.append(self._call(step, calls[-1].end_ms + 5 if calls else start_ms, times))
        return SimTrace(
            feature.trace_name,
            feature.name if known else None,
            feature.team if known else None,
            user,
            f"{user}-{start_ms // HOUR_MS}",
            tuple(calls),
        )

    def _call(self, step: Step, start_ms: int, times: float) -> SimCall:
        rng = self._random
        read = round(step.input * times * rng.uniform(0.5, 1.5))
        made = round(step.output * times * rng.uniform(0.5, 1.5))
        duration_ms = 200 + made * 8 + read // 50
        return SimCall(
            step.operation, step.model, start_ms, start_ms + duration_ms, read, made, _answer(step, read, made)
        )


def _moved(trace: SimTrace, by_ms: int) -> SimTrace:
    calls = tuple(replace(call, start_ms=call.start_ms + by_ms, end_ms=call.end_ms + by_ms) for call in trace.calls)
    return replace(trace, session=f"{trace.user}-{calls[0].start_ms // HOUR_MS}", calls=calls)


def _answer(step: Step, read: int, made: int) -> dict[str, object]:
    """The response in the provider's own shape; nothing in it but what tells the usage."""
    cached, written, thought = (round(read * step.cached), round(read * step.written), round(made * step.reasoning))
    if step.api == "messages":
        usage: dict[str, object] = {
            "input_tokens": read - cached - written,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": written,
            "output_tokens": made,
            "output_tokens_details": {"thinking_tokens": thought},
        }
        return {"type": "message", "model": step.model, "usage": usage}
    if step.api == "embeddings":
        return {"object": "list", "model": step.model, "usage": {"prompt_tokens": read, "total_tokens": read}}
    sides = ("prompt", "completion") if step.api == "chat" else ("input", "output")
    usage = {
        f"{sides[0]}_tokens": read,
        f"{sides[0]}_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        f"{sides[1]}_tokens": made,
        f"{sides[1]}_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": read + made,
    }
    kind = "chat.completion" if step.api == "chat" else "response"
    return {"object": kind, "model": step.model, "usage": usage}
