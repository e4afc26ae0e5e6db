"""A frozen clock, receivers that remember what they were sent, and the golden files."""

import asyncio
import os
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TypeVar

import httpx

T = TypeVar("T")

GOLDEN = Path(__file__).parent / "golden"


class FrozenClock:
    """Always the same instant; nobody here may sleep."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return self._now_ms / 1000

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"a notifier wanted to sleep for {seconds} s; pauses belong to the delivery pass")


class Receiver:
    """A receiver behind httpx's own seam: gives one answer (or fails), and remembers every request."""

    def __init__(
        self,
        status: int = 200,
        text: str = "ok",
        headers: dict[str, str] | None = None,
        *,
        fails: Exception | None = None,
    ) -> None:
        self.requests: list[httpx.Request] = []
        self._status, self._text, self._headers, self._fails = status, text, headers or {}, fails

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self._fails is not None:
            raise self._fails
        return httpx.Response(self._status, text=self._text, headers=self._headers)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)


def run(work: Coroutine[object, object, T]) -> T:
    """The result of one coroutine on a loop of its own."""
    return asyncio.run(work)


def check_golden(name: str, text: str) -> None:
    """Compare with the file, or write it where UPDATE_GOLDEN=1."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_bytes(text.encode())
    expected = path.read_bytes().decode()
    assert text == expected, f"{path.name} differs; make update-golden writes it anew, read the diff"


def strings(value: object) -> Iterator[str]:
    """Every string inside decoded JSON, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
