"""Langfuse's times as epoch milliseconds, and back."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
MILLISECONDS = {f".{ms:03d}Z": ms for ms in range(1000)}
_MOST_SECONDS = 4_000

SECONDS: dict[str, int] = {}
"""`2026-11-22T14:11:38` as epoch milliseconds, for the seconds seen lately: neighbouring rows share them.

A lookup costs a third of building a datetime (0.15 against 0.5 µs), and a row has three times. A loop over many rows
looks here itself, and calls `epoch_ms` for what it does not find.
"""


def epoch_ms(text: str) -> int:
    """Epoch milliseconds of an ISO 8601 time with a zone, below the millisecond rounded down; else ValueError."""
    try:
        return SECONDS[text[:19]] + MILLISECONDS[text[19:]]
    except KeyError:
        return _parse(text)


def iso(ms: int) -> str:
    """The instant as Langfuse's parameters want it: UTC with milliseconds and `Z`."""
    return (_EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _parse(text: str) -> int:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    ms = (instant - _EPOCH) // _MILLISECOND
    if text[19:] in MILLISECONDS:
        if len(SECONDS) >= _MOST_SECONDS:
            SECONDS.clear()
        SECONDS[text[:19]] = ms - MILLISECONDS[text[19:]]
    return ms
