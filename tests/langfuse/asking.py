"""What the tests of the Langfuse adapter share: a clock that stands, a source on a fake transport, a whole walk."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from fusewatch.domain.usage import Observation
from fusewatch.langfuse.source import LangfuseSource, open_source
from fusewatch.ports import Page, Span, Walk

T = TypeVar("T")

RECORDED = Path(__file__).parent.parent / "recorded"
NOW_MS = 1_795_356_900_000  # 2026-11-22T14:15:00Z, when the recordings were made
PUBLIC_KEY = "pk-lf-1234567890"
SECRET_KEY = "sk-lf-very-secret"

Answer = Callable[[httpx.Request], httpx.Response]


class StandingClock:
    """A clock that does not move."""

    def now_ms(self) -> int:
        return NOW_MS

    def monotonic(self) -> float:
        return 1000.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("the adapter never sleeps; waiting is the caller's")


@dataclass
class Reading:
    """A source on a fake server, with what it told about its requests."""

    source: LangfuseSource
    requests: list[tuple[str, str, float]] = field(default_factory=list)

    def endpoints(self) -> list[str]:
        return [endpoint for endpoint, _, _ in self.requests]

    def statuses(self) -> list[str]:
        return [status for _, status, _ in self.requests]


def reading(
    answer: Answer,
    *,
    api: str = "v2",
    project_id: str = "",
    base_url: str = "https://langfuse.example",
) -> Reading:
    requests: list[tuple[str, str, float]] = []
    source = open_source(
        base_url,
        PUBLIC_KEY,
        SECRET_KEY,
        clock=StandingClock(),
        remembered_api=api,
        remembered_project_id=project_id,
        transport=httpx.MockTransport(answer),
        on_request=lambda *told: requests.append(told),
    )
    return Reading(source, requests)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def read_all(source: LangfuseSource, span: Span) -> list[Page]:
    """Every page of a walk through `span`."""

    async def pages() -> list[Page]:
        return await pages_of(source.walk(span))

    return run(pages())


async def pages_of(walk: Walk) -> list[Page]:
    found = []
    while (page := await walk.next_page()) is not None:
        found.append(page)
        assert len(found) < 10_000, "the walk does not end"
    return found


def ids(pages: list[Page]) -> list[str]:
    return [o.id for page in pages for o in page.observations]


def observations(pages: list[Page]) -> list[Observation]:
    return [o for page in pages for o in page.observations]


def recording(name: str) -> httpx.Response:
    """A recorded answer, as the server sent it."""
    recorded = json.loads((RECORDED / f"{name}.json").read_text())
    body = recorded["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    headers = [
        (key, value) for key, value in recorded["headers"] if key.lower() not in {"content-length", "connection"}
    ]
    return httpx.Response(recorded["status"], headers=headers, content=text.encode())
