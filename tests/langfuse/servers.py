"""Small Langfuse servers behind `httpx.MockTransport`, written from the reference and not from the readers."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

Row = dict[str, Any]
Trouble = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response | None]

DATE = "Sun, 22 Nov 2026 14:15:00 GMT"


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms_of(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def answer(body: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers={"Date": DATE, **headers})


def not_found_page() -> httpx.Response:
    html = "<!DOCTYPE html><html><head><title>404: This page could not be found.</title></head></html>"
    return httpx.Response(404, html=html)


def generation(number: int, start_ms: int, **changes: Any) -> Row:
    """A v2 row that cost a tenth of a cent."""
    row: Row = {
        "id": f"{number:016x}",
        "traceId": f"{number // 3:032x}",
        "startTime": iso(start_ms),
        "endTime": iso(start_ms + 1500),
        "updatedAt": iso(start_ms + 3000),
        "createdAt": iso(start_ms + 3000),
        "projectId": "proj-test",
        "type": "GENERATION",
        "name": "answer",
        "environment": "production",
        "model": "gpt-4o",
        "userId": "user-a",
        "sessionId": "",
        "version": "",
        "release": "",
        "traceName": "chat",
        "tags": ["prod"],
        "metadata": {"feature": "search", "team": "alpha"},
        "usageDetails": {"input": 100, "output": 10, "total": 110},
        "costDetails": {"input": 0.0005, "output": 0.0005, "total": 0.001},
        "totalCost": 0.001,
        "promptName": "",
        "promptVersion": None,
        "latency": 1.5,
    }
    return {**row, **changes}


@dataclass
class Server:
    """Answers from `rows`; each of `troubles` takes the place of one answer (None from a function: answer as usual)."""

    rows: list[Row] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    before_answer: Callable[["Server"], None] | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            found = trouble if isinstance(trouble, httpx.Response) else trouble(request)
            if found is not None:
                return found
        if self.before_answer is not None:
            self.before_answer(self)
        return self.answer(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        raise NotImplementedError

    def limits(self) -> list[int]:
        return [int(request.url.params["limit"]) for request in self.asked if "limit" in request.url.params]


class V2Server(Server):
    """`/api/public/v2/observations` with its keyset cursor, v2/metrics, projects and health; v1 is gone."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.partition("/api/public/")[2]
        if path == "v2/observations":
            return self._observations(request.url.params)
        if path == "v2/metrics":
            return answer({"data": [{"count_count": 1}]})
        if path == "observations":
            message = "This endpoint is not available on deployments running in Langfuse v4 events_only mode."
            return answer({"message": message}, 404)
        return common(path)

    def _observations(self, params: httpx.QueryParams) -> httpx.Response:
        limit = int(params["limit"])
        if limit > 1000:
            return answer({"message": "Invalid request data", "error": []}, 400)
        lower, upper = ms_of(params["fromStartTime"]), ms_of(params["toStartTime"])
        rows = sorted((row for row in self.rows if lower <= ms_of(row["startTime"]) < upper), key=_place, reverse=True)
        if "cursor" in params:
            after = json.loads(base64.b64decode(params["cursor"]))
            place = (ms_of(after["lastStartTimeTo"]), after["lastTraceId"], after["lastId"])
            rows = [row for row in rows if _place(row) < place]
        page = rows[:limit]
        meta = {}
        if len(rows) > limit:
            last = page[-1]
            cursor = {"lastStartTimeTo": last["startTime"], "lastTraceId": last["traceId"], "lastId": last["id"]}
            meta["cursor"] = base64.b64encode(json.dumps(cursor).encode()).decode()
        return answer({"data": page, "meta": meta})


@dataclass
class V1Server(Server):
    """`/api/public/observations` by page and offset, and `/api/public/traces`; v2 is not there yet."""

    traces: list[Row] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.partition("/api/public/")[2]
        params = request.url.params
        if path == "observations":
            return self._page(self.rows, params, "startTime", params["fromStartTime"], params["toStartTime"])
        if path == "traces":
            return self._page(self.traces, params, "timestamp", params["fromTimestamp"], params["toTimestamp"])
        if path.startswith("traces/"):
            trace = next((t for t in self.traces if t["id"] == path.removeprefix("traces/")), None)
            return answer(trace) if trace else answer({"message": "Trace not found"}, 404)
        if path.startswith("v2/"):
            return not_found_page()
        return common(path)

    def _page(self, rows: list[Row], params: httpx.QueryParams, time: str, lower: str, upper: str) -> httpx.Response:
        limit, page = int(params["limit"]), int(params.get("page", "1"))
        if limit > 100:
            return answer({"message": "Invalid request data", "error": []}, 400)
        inside = [row for row in rows if ms_of(lower) <= ms_of(row[time]) < ms_of(upper)]
        inside.sort(key=lambda row: ms_of(row[time]), reverse=True)
        found = inside[(page - 1) * limit : page * limit]
        pages = -(-len(inside) // limit)
        return answer(
            {"data": found, "meta": {"page": page, "limit": limit, "totalItems": len(inside), "totalPages": pages}}
        )


def v1_of(row: Row) -> Row:
    """The same observation as v1 tells it."""
    gone = {"userId", "sessionId", "release", "traceName", "tags", "totalCost"}
    kept = {key: (None if value == "" else value) for key, value in row.items() if key not in gone}
    return {**kept, "calculatedTotalCost": row["totalCost"], "metadata": {}, "input": "x" * 50, "output": "y" * 50}


def trace_of(row: Row, started_ms: int) -> Row:
    """The trace of a v2 row as v1 tells it."""
    return {
        "id": row["traceId"],
        "projectId": row["projectId"],
        "name": row["traceName"],
        "timestamp": iso(started_ms),
        "userId": row["userId"] or None,
        "sessionId": row["sessionId"] or None,
        "release": None,
        "version": None,
        "tags": row["tags"],
        "metadata": row["metadata"],
        "input": {"question": "private"},
        "output": "private",
    }


def common(path: str) -> httpx.Response:
    if path == "health":
        return answer({"status": "OK", "version": "4.16.0"})
    if path == "projects":
        project = {"id": "proj-test", "name": "Test Project", "organization": {"id": "org-test", "name": "Test Org"}}
        return answer({"data": [project]})
    return not_found_page()


def _place(row: Row) -> tuple[int, str, str]:
    return ms_of(row["startTime"]), row["traceId"], row["id"]
