"""Realistic traffic from a seed: two weeks of a company's LLM calls, and the day on which one team crosses its budget.

What a normal working day costs, in US dollars (weekend days 0.9 of it; single days within 25 % of their mean):

| feature       | team        | models                                   | a day  |
|---------------|-------------|------------------------------------------|--------|
| summarization | content     | gpt-4o-mini                              | about 4   |
| copywriting   | content     | claude-sonnet-4-5                        | about 16  |
| translation   | content     | gpt-4o                                   | about 5.5 |
| code-review   | engineering | claude-sonnet-4-5                        | about 6.5 |
| chat-support  | support     | gpt-4o                                   | about 3.5 |
| search-assist | search      | text-embedding-3-small, gpt-4o(-mini)    | about 2   |
| eval-nightly  | platform    | gpt-4o, my-ft-summarizer (has no price)  | about 1   |

So team `content` spends about 25 a day, every other team below 15, and no feature more than 20.
On the day of `demo_day` summarization runs on gpt-4o from 13:05 UTC, at 17 times the price, and `user-4711` starts a
batch with it: content ends above 60 and passes 50 between 15:00 and 18:00; summarization costs more than ten times its
daily average; everything else stays as it was. One trace in sixty carries no metadata (about 0.5 a day), never one of
summarization on the demo day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Final

import msgspec

from fusewatch.demo.standin.model import DEMO_PROJECT, WRITE_DELAY_MS, Span
from fusewatch.demo.standin.prices import cost_of_call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
SWITCH_MS: Final = 13 * _HOUR_MS + 5 * 60_000  # into the demo day
_BATCH_ENDS_MS: Final = 18 * _HOUR_MS
_BATCH_TRACES: Final = 90
HEAVY_USER: Final = "user-4711"
_USERS: Final = (*(f"user-{1001 + number}" for number in range(40)), HEAVY_USER)
_WEEKEND: Final = 0.9
_NO_METADATA: Final = 60  # one trace in so many
_LATE: Final = 0.03
_RESENT: Final = 0.004
_OFFICE: Final = (1, 1, 1, 1, 2, 4, 8, 14, 22, 28, 30, 28, 24, 26, 30, 30, 28, 22, 14, 8, 5, 4, 2, 1)
_AROUND_THE_CLOCK: Final = (6, 5, 4, 4, 5, 7, 10, 14, 18, 20, 21, 21, 20, 20, 20, 20, 19, 18, 17, 16, 15, 13, 10, 8)
_NIGHTLY: Final = (0, 0, 30, 6, *(0,) * 20)


@dataclass(frozen=True, slots=True)
class Call:
    """A model call inside a trace: how many of them, and their mean tokens. `share` is how often it happens."""

    name: str
    model: str
    input: int
    output: int
    cached: float = 0.0  # of the input
    times: tuple[int, int] = (1, 1)
    share: float = 1.0
    type: str = "GENERATION"


@dataclass(frozen=True, slots=True)
class Feature:
    name: str
    team: str
    trace_name: str
    traces: int  # on a working day
    calls: tuple[Call, ...]
    hours: Sequence[int]  # weights of the hours of a UTC day
    sdk: str  # version of the Langfuse SDK; from 5 on it JSON-encodes metadata
    environment: str = "production"


SUMMARIZATION: Final = Feature(
    "summarization",
    "content",
    "summarize-document",
    220,
    (Call("summarize", "gpt-4o-mini", 70_000, 1_500, times=(1, 2)),),
    _OFFICE,
    "4.18.0",
)
FEATURES: Final[tuple[Feature, ...]] = (
    SUMMARIZATION,
    Feature(
        "copywriting",
        "content",
        "write-copy",
        105,
        (Call("draft", "claude-sonnet-4-5", 12_000, 5_200, cached=0.3, times=(1, 2)),),
        _OFFICE,
        "4.18.0",
    ),
    Feature(
        "translation",
        "content",
        "translate-copy",
        60,
        (Call("translate", "gpt-4o", 7_000, 4_300, times=(1, 2)),),
        _OFFICE,
        "4.18.0",
    ),
    Feature(
        "search-assist",
        "search",
        "answer-search",
        130,
        (
            Call("embed-query", "text-embedding-3-small", 400, 0, type="EMBEDDING"),
            Call("rewrite", "gpt-4o-mini", 3_000, 300),
            Call("answer", "gpt-4o", 6_500, 500, share=0.7),
        ),
        _AROUND_THE_CLOCK,
        "5.0.4",
    ),
    Feature(
        "code-review",
        "engineering",
        "review-change",
        60,
        (Call("review", "claude-sonnet-4-5", 18_000, 1_600, cached=0.5, times=(1, 3)),),
        _OFFICE,
        "4.18.0",
    ),
    Feature(
        "chat-support",
        "support",
        "support-chat",
        90,
        (Call("reply", "gpt-4o", 8_000, 400, cached=0.4, times=(1, 3)),),
        _AROUND_THE_CLOCK,
        "5.0.4",
    ),
    Feature(
        "eval-nightly",
        "platform",
        "nightly-eval",
        20,
        (
            Call("candidate", "my-ft-summarizer", 8_000, 500),
            Call("judge", "gpt-4o", 6_000, 400, times=(2, 2)),
        ),
        _NIGHTLY,
        "4.18.0",
        environment="batch",
    ),
)


def history(seed: int, now_ms: int, days: int = 14, project_id: str = DEMO_PROJECT) -> list[Span]:
    """The `days` whole UTC days before the UTC day of `now_ms`, in order of arrival; about 27,000 rows in 14 days."""
    today_ms = now_ms - now_ms % DAY_MS
    spans = [
        span
        for day_ms in range(today_ms - days * DAY_MS, today_ms, DAY_MS)
        for feature in FEATURES
        for span in _FeatureDay(seed, day_ms, feature, project_id).spans(_activity(day_ms))
    ]
    return sorted(spans, key=_arrival)


def demo_day(seed: int, day_ms: int, project_id: str = DEMO_PROJECT) -> list[Span]:
    """The UTC day of `day_ms`, always as busy as a working day, with summarization on gpt-4o from 13:05."""
    start_ms = day_ms - day_ms % DAY_MS
    spans: list[Span] = []
    for feature in FEATURES:
        day = _FeatureDay(seed, start_ms, feature, project_id)
        if feature is SUMMARIZATION:
            day.switch_ms = start_ms + SWITCH_MS
        spans += day.spans(1.0)
    batch = _FeatureDay(seed, start_ms, replace(SUMMARIZATION, trace_name="summarize-archive"), project_id)
    batch.switch_ms = start_ms + SWITCH_MS
    spans += batch.batch(_BATCH_TRACES, start_ms + SWITCH_MS, start_ms + _BATCH_ENDS_MS)
    return sorted(spans, key=_arrival)


def _arrival(span: Span) -> tuple[int, int, str]:
    return (span.arrives_ms, span.start_ms, span.id)


def _activity(day_ms: int) -> float:
    return _WEEKEND if datetime.fromtimestamp(day_ms / 1000, UTC).weekday() >= 5 else 1.0


class _FeatureDay:
    """The traces of one feature on one UTC day. Each has its own random numbers, so days do not depend on another."""

    def __init__(self, seed: int, day_ms: int, feature: Feature, project_id: str) -> None:
        self._random = Random(f"{seed}/{day_ms}/{feature.trace_name}")  # noqa: S311 - made-up traffic
        self._day_ms = day_ms
        self._feature = feature
        self._project_id = project_id
        self._traces = 0
        self.switch_ms: int | None = None

    def spans(self, activity: float) -> list[Span]:
        traces = round(self._feature.traces * activity)
        hours = self._random.choices(range(24), weights=self._feature.hours, k=traces)
        starts = sorted(self._day_ms + hour * _HOUR_MS + self._random.randrange(_HOUR_MS - 120_000) for hour in hours)
        return [span for start_ms in starts for span in self._trace(start_ms, self._random.choice(_USERS))]

    def batch(self, traces: int, from_ms: int, to_ms: int) -> list[Span]:
        """The heavy user's traces, evenly spread."""
        step = (to_ms - from_ms) // traces
        starts = [from_ms + number * step + self._random.randrange(step) for number in range(traces)]
        return [span for start_ms in starts for span in self._trace(start_ms, HEAVY_USER)]

    def _trace(self, start_ms: int, user: str) -> list[Span]:
        feature, rng = self._feature, self._random
        self._traces += 1
        untagged = self._traces % _NO_METADATA == _NO_METADATA // 2 and self.switch_ms is None
        trace_id, root_id = f"{rng.getrandbits(128):032x}", f"{rng.getrandbits(64):016x}"
        root = Span(
            id=root_id,
            trace_id=trace_id,
            start_ms=start_ms,
            type="SPAN",
            name=feature.trace_name,
            environment=feature.environment,
            user_id=user,
            session_id=f"{user}-{start_ms // _HOUR_MS}",
            tags=("prod",) if feature.environment == "production" else (feature.environment,),
            trace_name=feature.trace_name,
            metadata=_origin(feature),
            propagated={} if untagged else _attribution(feature),
            project_id=self._project_id,
        )
        calls: list[Span] = []
        at_ms = start_ms + rng.randrange(2, 30)
        for call in feature.calls:
            if rng.random() >= call.share:
                continue
            for _ in range(rng.randint(*call.times)):
                calls.append(self._call(root, call, at_ms))
                at_ms = calls[-1].end_ms + rng.randrange(5, 400)
        finished = replace(root, end_ms=at_ms, created_ms=-1, updated_ms=-1)
        return [version for span in (finished, *calls) for version in self._sent(span)]

    def _call(self, root: Span, call: Call, start_ms: int) -> Span:
        rng = self._random
        model = call.model
        if self.switch_ms is not None and start_ms >= self.switch_ms:
            model = "gpt-4o"
        tokens = round(call.input * rng.uniform(0.6, 1.4))
        cached = round(tokens * call.cached)
        output = round(call.output * rng.uniform(0.6, 1.4))
        usage = {"input": tokens - cached, "input_cached_tokens": cached, "output": output}
        return replace(
            root,
            id=f"{rng.getrandbits(64):016x}",
            parent_id=root.id,
            start_ms=start_ms,
            end_ms=start_ms + 300 + output * 9 + tokens // 60,
            created_ms=-1,
            updated_ms=-1,
            type=call.type,
            name=call.name,
            model=model,
            model_parameters={"temperature": 0.2} if call.type == "GENERATION" else {},
            prompt_name=f"{self._feature.name}/{call.name}",
            prompt_version=3,
            usage=_counted(usage),
            cost=cost_of_call(model, _counted(usage)),
        )

    def _sent(self, span: Span) -> list[Span]:
        """The versions that reach Langfuse: now and then late, seldom a second one with more output."""
        rng = self._random
        delay_ms = rng.randrange(900, 2_500)
        if rng.random() < _LATE:
            delay_ms = rng.randrange(5_000, 180_000)
        written_ms = span.end_ms + max(delay_ms, WRITE_DELAY_MS)
        first = replace(span, created_ms=written_ms - 200, updated_ms=written_ms - 200, arrives_ms=written_ms)
        if span.type != "GENERATION" or rng.random() >= _RESENT:
            return [first]
        again_ms = written_ms + rng.randrange(60_000, 1_200_000)
        usage = {**span.usage, "output": span.usage["output"] + rng.randrange(20, 200)}
        later = replace(
            span,
            created_ms=again_ms - 200,
            updated_ms=again_ms - 200,
            arrives_ms=again_ms,
            usage=usage,
            cost=cost_of_call(span.model, usage),
        )
        return [first, later]


def _counted(usage: Mapping[str, int]) -> dict[str, int]:
    return {key: tokens for key, tokens in usage.items() if tokens}


def _attribution(feature: Feature) -> dict[str, str]:
    """What `propagate_attributes(metadata=...)` leaves in storage: SDK 5 stores the JSON, quotes included."""
    values = {"feature": feature.name, "team": feature.team}
    if feature.sdk.startswith("5"):
        return {key: msgspec.json.encode(value).decode() for key, value in values.items()}
    return values


def _origin(feature: Feature) -> dict[str, str]:
    return {
        "scope.name": "langfuse-sdk",
        "scope.version": feature.sdk,
        "resourceAttributes.service.name": f"{feature.team}-api",
    }
