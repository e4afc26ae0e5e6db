"""Which spans of start times have been read: a set of disjoint spans, never a single watermark."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """Half-open span of start times, epoch milliseconds: ``from_ms <= start < to_ms``."""

    from_ms: int
    to_ms: int


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same instants as sorted, disjoint spans; spans that touch become one, empty ones vanish."""
    result: list[Span] = []
    for span in sorted(s for s in spans if s.from_ms < s.to_ms):
        if result and span.from_ms <= result[-1].to_ms:
            result[-1] = Span(result[-1].from_ms, max(result[-1].to_ms, span.to_ms))
        else:
            result.append(span)
    return result


def holes(spans: Sequence[Span], from_ms: int, to_ms: int) -> list[Span]:
    """What is not covered between the two instants, oldest first. `spans` are merged."""
    result = []
    at = from_ms
    for span in spans:
        if span.to_ms <= at:
            continue
        if span.from_ms >= to_ms:
            break
        if span.from_ms > at:
            result.append(Span(at, span.from_ms))
        at = span.to_ms
    if at < to_ms:
        result.append(Span(at, to_ms))
    return result


def covers(spans: Sequence[Span], from_ms: int, to_ms: int) -> bool:
    """Whether every instant between the two was read; an empty span always is."""
    return not holes(spans, from_ms, to_ms)


def frontier(spans: Sequence[Span]) -> int | None:
    """The end of what was read: the latest covered instant. `spans` are merged."""
    return spans[-1].to_ms if spans else None


def without(spans: Iterable[Span], span: Span) -> list[Span]:
    """The spans less the instants of `span`."""
    rest: list[Span] = []
    for one in spans:
        for part in (Span(one.from_ms, min(one.to_ms, span.from_ms)), Span(max(one.from_ms, span.to_ms), one.to_ms)):
            if part.from_ms < part.to_ms:
                rest.append(part)
    return rest
