"""The stand-in as an ASGI application: from a request to the very answer a Langfuse 4.16 (or a v3) would give."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Final

from starlette.requests import Request

from fusewatch.demo.standin import gate, legacy, metrics, observations_v2, otlp, pricing
from fusewatch.demo.standin.answers import (
    JSON_TYPE,
    Refusal,
    Reply,
    json_reply,
    method_not_allowed,
    not_found,
    unknown_path,
)
from fusewatch.demo.standin.metrics_query import parse_query
from fusewatch.demo.standin.model import Key, Mode, Project
from fusewatch.demo.standin.params import Params
from fusewatch.demo.standin.prices import MODELS
from fusewatch.demo.standin.troubles import Ask, Seen, Troubles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import Receive, Scope, Send

    from fusewatch.demo.standin.data import Store
    from fusewatch.demo.standin.gate import Endpoint
    from fusewatch.demo.standin.prices import PricedModel
    from fusewatch.demo.standin.wire import JsonValue

_ROOT: Final = "/api/public/"
_OPEN: Final = frozenset({f"{_ROOT}health", f"{_ROOT}ready"})  # no key needed
_WRITE_ONLY: Final = frozenset({"generations", "spans", "events", "ingestion"})
_VERSIONS: Final = {Mode.LEGACY: "3.225.4", Mode.V3_OLD: "3.112.0"}
_V4_VERSION: Final = "4.16.0"
_EXACT: Final[dict[str, Endpoint]] = {
    "projects": gate.PROJECTS,
    "models": gate.MODELS,
    "observations": gate.V1_ROWS,
    "traces": gate.V1_ROWS,
    "sessions": gate.V1_ROWS,
    "metrics": gate.V1_METRICS,
    "v2/observations": gate.V2_OBSERVATIONS,
    "v2/metrics": gate.V2_METRICS,
}
_BY_ID: Final[dict[str, Endpoint]] = {
    "observations": gate.V1_ROWS,
    "traces": gate.V1_ROWS,
    "models": gate.MODELS,
}


class Standin:
    """The application. `now_ms` is its clock: rows that arrive later are invisible, `Date` and rate limits follow it.

    `log` holds every request in order; `troubles` decides which of them go wrong; `models` is the price list.
    """

    def __init__(
        self,
        store: Store,
        *,
        now_ms: Callable[[], int],
        mode: Mode = Mode.DUAL,
        projects: Sequence[Project] = (Project(),),
        keys: Sequence[Key] = (Key(),),
        compress: bool = False,
    ) -> None:
        self.store = store
        self.mode = mode
        self.troubles = Troubles()
        self.log: list[Seen] = []
        self.models = list(MODELS)
        self._now_ms = now_ms
        self._keyring = gate.Keyring(projects, keys)
        self._limits = gate.RateLimits()
        self._compress = compress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the stand-in answers http only, not {scope['type']}")
        request = Request(scope, receive)
        ask = Ask(
            request.method,
            request.url.path,
            tuple(request.query_params.multi_items()),
            {name.lower(): value for name, value in request.headers.items()},
            await request.body() if request.method == "POST" else b"",
        )
        now_ms = self._now_ms()
        trouble = self.troubles.take(ask)
        reply = trouble.instead if trouble is not None and trouble.instead is not None else self.answer(ask, now_ms)
        if trouble is not None and trouble.change is not None:
            reply = trouble.change(reply)
        if trouble is not None and trouble.wait_s:
            await asyncio.sleep(trouble.wait_s)
        cut_at = None if trouble is None else trouble.cut_at
        self.log.append(Seen(ask.method, ask.path, ask.params, 0 if cut_at is not None else reply.status, now_ms))
        await self._send(ask, reply, now_ms, cut_at, send)

    def answer(self, ask: Ask, now_ms: int) -> Reply:
        """The answer to a request at a moment, without any trouble."""
        self.store.advance(now_ms)
        try:
            return self._routed(ask, now_ms)
        except Refusal as refusal:
            return refusal.reply

    def requests(self, part: str = "") -> list[Seen]:
        """The logged requests whose path contains `part`."""
        return [seen for seen in self.log if part in seen.path]

    def _routed(self, ask: Ask, now_ms: int) -> Reply:
        if ask.path in _OPEN:
            return json_reply({"status": "OK", "version": _VERSIONS.get(self.mode, _V4_VERSION)})
        if ask.path == _ROOT + otlp.PATH:
            return self._taken_in(ask, now_ms)
        name, endpoint = self._endpoint(ask)
        gate.check_before_key(endpoint, self.mode)
        project = self._keyring.project_of(ask.headers.get("authorization"), for_projects=endpoint is gate.PROJECTS)
        if self.mode is Mode.CLOUD:
            self._limits.count(project.organization_id, endpoint, ask.path, now_ms)
        if endpoint is gate.PROJECTS:
            return json_reply(_project_list(project))
        if endpoint is gate.MODELS:
            return self._priced(ask, name.partition("/")[2], now_ms)
        if endpoint.family != "v1":
            return self._v2(endpoint, ask, project.id)
        return legacy.encoded(self._v1(name, ask, project.id), endpoint.stamp(self.mode))

    def _priced(self, ask: Ask, item: str, now_ms: int) -> Reply:
        """The list of models, one of them, or a new one."""
        if ask.method == "POST":
            self.models.append(pricing.created(ask.body, self.models, now_ms))
            return json_reply(self.models[-1].row())
        return json_reply(_model(self.models, item) if item else _model_list(self.models, Params(ask.params)))

    def _taken_in(self, ask: Ask, now_ms: int) -> Reply:
        """Spans sent by an application; every deployment takes them, and all of a request or nothing."""
        if ask.method != "POST":
            raise Refusal(method_not_allowed())
        project = self._keyring.project_of(ask.headers.get("authorization"), for_projects=False)
        raw = otlp.body_of(ask.headers, ask.body)
        self.store.add(otlp.spans_of(raw, project.id, now_ms, self.models))
        return otlp.accepted()

    def _endpoint(self, ask: Ask) -> tuple[str, Endpoint]:
        """The path behind `/api/public/` and what answers it; refuses unknown paths and, but for POST of models,
        every method but GET."""
        name = ask.path.removeprefix(_ROOT)
        if name in _WRITE_ONLY:
            raise Refusal(method_not_allowed())
        family, _, item = name.partition("/")
        by_id = _BY_ID.get(family) if item and "/" not in item else None
        endpoint = _EXACT.get(name, by_id)
        if endpoint is None or not ask.path.startswith(_ROOT):
            raise Refusal(unknown_path())
        makes_model = ask.method == "POST" and name == "models"
        if (
            ask.method != "GET"
            and not makes_model
            and not (self.mode is Mode.V3_OLD and endpoint.family.startswith("v2"))
        ):
            raise Refusal(method_not_allowed())
        return name, endpoint

    def _v2(self, endpoint: Endpoint, ask: Ask, project_id: str) -> Reply:
        if endpoint is gate.V2_METRICS:
            query = parse_query(ask.param("query"), version=2)
            gate.check_available(endpoint, self.mode)
            return json_reply({"data": metrics.rows(self.store, project_id, query)})
        question = observations_v2.parse(Params(ask.params))
        gate.check_available(endpoint, self.mode)
        if self.mode is Mode.LEGACY_OPTIN:
            return json_reply({"data": [], "meta": {}})
        return observations_v2.answer(self.store, project_id, question)

    def _v1(self, name: str, ask: Ask, project_id: str) -> dict[str, JsonValue]:
        params = Params(ask.params)
        family, _, item = name.partition("/")
        match family, item:
            case "metrics", "":
                query = parse_query(ask.param("query"), version=1)
                return {"data": metrics.rows(self.store, project_id, query)}
            case "traces", "":
                return legacy.traces(self.store, project_id, params)
            case "traces", trace_id:
                return legacy.trace(self.store, project_id, trace_id)
            case "sessions", _:
                return legacy.sessions(self.store, project_id, params)
            case _, "":
                return legacy.observations(self.store, project_id, params)
            case _, span_id:
                return legacy.observation(self.store, project_id, span_id)

    async def _send(self, ask: Ask, reply: Reply, now_ms: int, cut_at: float | None, send: Send) -> None:
        headers = reply.all_headers(now_ms)
        body = reply.body
        etag = next((value for name, value in headers if name == "ETag"), None)
        status = 304 if etag is not None and ask.headers.get("if-none-match") == etag and reply.status == 200 else None
        if status == 304:
            body = b""
        elif self._compress and "gzip" in ask.headers.get("accept-encoding", "") and reply.content_type == JSON_TYPE:
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        headers.append(("Content-Length", str(len(body))))
        raw = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status or reply.status, "headers": raw})
        if cut_at is not None:
            await send({"type": "http.response.body", "body": body[: int(len(body) * cut_at)], "more_body": True})
            raise ConnectionAbortedError("the stand-in was told to close this connection in the middle of its answer")
        await send({"type": "http.response.body", "body": b"" if ask.method == "HEAD" else body})


def _project_list(project: Project) -> dict[str, JsonValue]:
    organization: dict[str, JsonValue] = {"id": project.organization_id, "name": project.organization_name}
    return {"data": [{"id": project.id, "name": project.name, "organization": organization, "metadata": {}}]}


def _model_list(models: Sequence[PricedModel], params: Params) -> dict[str, JsonValue]:
    page = params.whole("page", 1, minimum=1, maximum=None, exclusive=True)
    limit = params.whole("limit", 50, minimum=1, maximum=100)
    params.check()
    shown: list[JsonValue] = [model.row() for model in models[(page - 1) * limit : page * limit]]
    pages = -(-len(models) // limit)
    return {"data": shown, "meta": {"page": page, "limit": limit, "totalItems": len(models), "totalPages": pages}}


def _model(models: Sequence[PricedModel], model_id: str) -> dict[str, JsonValue]:
    for model in models:
        if model.id == model_id:
            return model.row()
    raise Refusal(not_found("No model with this id found."))
