"""How the stand-in's tests ask it: in process, without a socket, and what they compare with."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx

from fusewatch.demo.standin import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, Mode, Span, Standin, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RECORDED = Path(__file__).parent.parent / "recorded"
NOW_MS = int(datetime(2026, 11, 22, 15, tzinfo=UTC).timestamp() * 1000)
BASE = "http://standin.invalid"

Params = list[tuple[str, str]] | dict[str, str]


class Clock:
    """A clock that stands where a test puts it."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.ms = now_ms

    def __call__(self) -> int:
        return self.ms


def recording(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return found


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def standin(spans: Iterable[Span] = (), mode: Mode = Mode.DUAL, clock: Clock | None = None) -> Standin:
    return Standin(Store(spans), now_ms=clock or Clock(), mode=mode)


def ask(
    app: Standin,
    path: str,
    params: Params | None = None,
    *,
    method: str = "GET",
    auth: tuple[str, str] | None = (DEMO_PUBLIC_KEY, DEMO_SECRET_KEY),
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """One request; `path` is what stands behind `/api/public/`, or a whole recorded address."""

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            url = path if path.startswith("http") else f"/api/public/{path}"
            query = None if params is None else urlencode(params)
            return await client.request(method, url, params=query, auth=auth, headers=headers)

    return asyncio.run(once())


def replay(app: Standin, name: str) -> tuple[httpx.Response, dict[str, Any]]:
    """Asks what a recording asked; returns the answer beside the recording."""
    held = recording(name)
    return ask(app, held["request"]["url"], method=held["request"]["method"]), held


def data(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    rows: list[dict[str, Any]] = response.json()["data"]
    return rows


def metrics_query(**parts: object) -> dict[str, str]:
    query = {
        "view": "observations",
        "metrics": [
            {"measure": "totalCost", "aggregation": "sum"},
            {"measure": "count", "aggregation": "count"},
        ],
        "fromTimestamp": "2026-11-20T00:00:00Z",
        "toTimestamp": "2026-11-23T00:00:00Z",
        **parts,
    }
    return {"query": json.dumps(query)}
