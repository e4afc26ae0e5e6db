"""What reading costs Langfuse: requests and bytes a day, at rest and under traffic, by both APIs.

The real passes over the stand-in on a simulated clock: half an hour of traffic of which the last ten minutes, two
rounds of the long look back, are counted and scaled to a day. 100 a second follows from 10: pages, rows and bytes grow
with the traffic, the requests of an idle poll do not. What the hourly comparison asks and reads comes to it.
"""

import sys
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from fusewatch.demo.standin.model import DEMO_PROJECT, Mode, Span
from tests.app.stage import Stage
from tests.app.when import MINUTE_MS

RATES = (0, 1, 10)
COUNTED_MIN, BEFORE_MIN = 10, 22
A_DAY = 24 * 60 / COUNTED_MIN

RULES = "budgets:\n  - {name: cap, each: [feature], limit: $1000000, every: day}\n"

Row = tuple[str, float, str, float | None]


@dataclass(slots=True)
class _Counting(httpx.AsyncBaseTransport):
    """Counts what goes through."""

    inner: httpx.AsyncBaseTransport
    requests: int = 0
    bytes: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        content = await answer.aread()
        self.requests += 1
        self.bytes += len(content)
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)


def rows(rates: tuple[int, ...] = RATES, apis: tuple[str, ...] = ("v2", "v1")) -> list[Row]:
    """(name, value, unit, budget) of each measurement."""
    found: list[Row] = []
    for api in apis:
        of = {rate: _day(api, rate) for rate in rates}
        if 10 in of:
            requests, size = of[10]
            idle, idle_size = of.get(0, (0.0, 0.0))
            of[100] = (idle + ceil((requests - idle) * 10), idle_size + (size - idle_size) * 10)
        for rate, (requests, size) in of.items():
            name = f"cost: {api}, {rate} a second" if rate else f"cost: {api}, at rest"
            found += [(f"{name}, requests", requests, "/day", None), (f"{name}, received", size / 1e6, "MB/day", None)]
    return found


def _day(api: str, rate: int) -> tuple[float, float]:
    """Requests and bytes of a day of polls, a minute apart."""
    with TemporaryDirectory() as folder:
        stage = Stage(rules=RULES, folder=Path(folder), begins="06:00")
        try:
            stage.standin.mode = Mode.DUAL if api == "v2" else Mode.LEGACY
            counting = _Counting(stage.wire._app)
            stage.wire._app = counting  # type: ignore[assignment]  # counts what passes
            begins_ms = stage.clock.now_ms()
            number = rate * 60 * (BEFORE_MIN + COUNTED_MIN)
            stage.warehouse.add(_span(n, begins_ms + n * 1000 // max(rate, 1)) for n in range(number))
            stage.clock.move(begins_ms + BEFORE_MIN * MINUTE_MS)
            stage.round()
            counting.requests = counting.bytes = 0
            for _ in range(COUNTED_MIN):
                stage.clock.go_on(MINUTE_MS)
                stage.round()
            return counting.requests * A_DAY, counting.bytes * A_DAY
        finally:
            stage.close()


def _span(number: int, start_ms: int) -> Span:
    return Span(
        id=f"{number:016x}",
        trace_id=f"{number // 5:032x}",
        start_ms=start_ms,
        end_ms=start_ms + 2_000,
        created_ms=start_ms + 2_500,
        updated_ms=start_ms + 2_500,
        arrives_ms=start_ms + 3_000,
        name="call",
        model="gpt-4o",
        user_id=f"u{number % 50}",
        metadata={"feature": f"f{number % 7}", "team": f"t{number % 3}"},
        usage={"input": 900, "output": 100},
        project_id=DEMO_PROJECT,
    )


if __name__ == "__main__":
    for name, value, unit, _ in rows():
        sys.stdout.write(f"{name}: {value:,.1f} {unit}\n")
