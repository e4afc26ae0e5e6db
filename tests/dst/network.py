"""Everything that the daemon reaches over the network: the stand-in for Langfuse, and receivers that remember."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal

import httpx

from fusewatch.demo.standin import Key, Project, Span, Standin, Store
from fusewatch.demo.standin.model import Mode
from tests.dst.history import MINUTE_MS, Call, Fault, History
from tests.dst.universe import Killed, Universe

ORGANISATION = "org-acme"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to Langfuse. `planted`: the answer was a fault of the history. `status` 0: there was none."""

    at_ms: int
    path: str
    project: str
    status: int
    planted: str
    retry_after_s: int = 0
    host_limit: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """What a receiver took in. `told`: the sender can have read that it did."""

    at_ms: int
    destination: str
    id: str
    body: str
    told: bool


@dataclass(slots=True)
class Network:
    """Implements the way out. It belongs to the world outside, so it outlives boots; `boot` counts them."""

    history: History
    universe: Universe
    die: Callable[[str], None]
    requests: int = 0
    fatal_at: int | None = None
    after: bool = False
    dead: bool = False
    asked: list[Asked] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    faulted: dict[str, int] = field(default_factory=dict)
    standin: Standin = field(init=False)
    _langfuse: httpx.ASGITransport = field(init=False)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        history = self.history
        store = Store(merge_every_ms=10 * MINUTE_MS)
        store.add(span_of(call, number) for call in history.calls for number in range(len(call.versions)))
        self.standin = Standin(
            store,
            now_ms=self.universe.true_ms,
            mode=Mode(history.mode),
            projects=tuple(Project(f"proj-{name}", name, ORGANISATION, "Acme") for name in history.projects),
            keys=tuple(Key(f"pk-{n}", f"sk-canary-{n}-{history.seed}", f"proj-{n}") for n in history.projects),
        )
        self._langfuse = httpx.ASGITransport(app=self.standin)
        self._dice = random.Random(f"network {history.seed}")

    def wire(self) -> "Wire":
        return Wire(self)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if self.dead:
            raise Killed
        self.requests += 1
        if self.requests == self.fatal_at and not self.after:
            self.die(f"before request {request.url.path}")
        await asyncio.sleep(0.02 + 0.2 * self._dice.random())
        host = request.url.host
        answer = await (self._ask(request) if "langfuse" in host else self._receive(request, host.partition(".")[0]))
        if self.dead:
            raise Killed
        if self.requests >= (self.fatal_at or 2**62) and self.after:
            self.die(f"after request {request.url.path}")
        return answer

    # ------------------------------------------------------------ Langfuse

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        for fault in self._now("langfuse"):
            if self._dice.randrange(100) < (100 if fault.text == "429" else fault.number):
                return await self._troubled(request, fault)
        return await self._answered(request, "")

    async def _answered(self, request: httpx.Request, planted: str) -> httpx.Response:
        response = await self._langfuse.handle_async_request(request)
        await response.aread()
        self._note(request, response.status_code, planted)
        return response

    async def _troubled(self, request: httpx.Request, fault: Fault) -> httpx.Response:
        kind = fault.text
        self._count(f"langfuse {kind}")
        match kind:
            case "down":
                self._note(request, 0, kind)
                raise httpx.ConnectError("connection refused", request=request)
            case "hang":
                self._note(request, 0, kind)
                await asyncio.sleep(10)
                raise httpx.ReadTimeout("timed out", request=request)
            case "5xx":
                status = self._dice.choice((500, 502, 503, 504))
                self._note(request, status, kind)
                return httpx.Response(status, json={"message": "Internal Server Error"}, request=request)
            case "html":
                self._note(request, 200, kind)
                return httpx.Response(200, html="<!doctype html><title>Sign in</title>", request=request)
            case "429":
                self._note(request, 429, kind, fault.number)
                headers = {"Retry-After": str(fault.number)}
                limit = _allowed(request.url.path)
                details = {"retryAfterSeconds": fault.number, "limit": limit, "remaining": 0}
                body = {"message": "Rate limit exceeded", "code": "rate_limited", "details": details}
                return httpx.Response(429, headers=headers, json=body, request=request)
            case "slow" | "late":
                await asyncio.sleep(self._dice.choice((3, 12, 25)))
                return await self._answered(request, kind)
        answer = await self._answered(request, kind)
        if kind == "rows" and not (answer.status_code == 200 and request.url.path.endswith("/observations")):
            return answer
        return _spoilt(answer, kind, self._dice)

    def _note(self, request: httpx.Request, status: int, planted: str, retry_after_s: int = 0) -> None:
        path = request.url.path
        self.asked.append(Asked(self.universe.true_ms(), path, "", status, planted, retry_after_s))
        self.universe.note(f"langfuse {path} {request.url.query!r} {status} {planted}")

    # ------------------------------------------------------------ receivers

    async def _receive(self, request: httpx.Request, name: str) -> httpx.Response:
        body = (await request.aread()).decode()
        id_ = request.headers.get("webhook-id", "")
        for fault in self._now(f"receiver {name}"):
            if self._dice.randrange(100) < fault.number:
                return await self._trouble(request, name, id_, body, fault)
        return self._accept(request, name, id_, body, told=True)

    async def _trouble(self, request: httpx.Request, name: str, id_: str, body: str, fault: Fault) -> httpx.Response:
        kind = fault.text
        self._count(f"receiver {kind}")
        self.universe.note(f"{name} {kind} {id_}")
        match kind:
            case "down":
                raise httpx.ConnectError("connection refused", request=request)
            case "500":
                return httpx.Response(500, text="oops", request=request)
            case "429":
                headers = {"Retry-After": str(self._dice.choice((1, 30, 300)))}
                return httpx.Response(429, headers=headers, text="ratelimited", request=request)
            case "slow":
                await asyncio.sleep(5)
                return self._accept(request, name, id_, body, told=True)
            case "swallow":  # it takes the message and never says so
                self._accept(request, name, id_, body, told=False)
                await asyncio.sleep(9)
                raise httpx.ReadTimeout("timed out", request=request)
            case "cut":
                self._accept(request, name, id_, body, told=False)
                raise httpx.RemoteProtocolError("server disconnected without sending a response", request=request)
        if name == "chat":
            return httpx.Response(200, json={"ok": False, "error": "internal_error"}, request=request)
        return httpx.Response(503, text="unavailable", request=request)

    def _accept(self, request: httpx.Request, name: str, id_: str, body: str, *, told: bool) -> httpx.Response:
        self.received.append(Received(self.universe.true_ms(), name, id_, body, told))
        self.universe.note(f"{name} takes {id_} {body}")
        return httpx.Response(200, text="ok", request=request)

    # ------------------------------------------------------------ faults

    def _now(self, kind: str) -> list[Fault]:
        now_ms = self.universe.true_ms()
        return [f for f in self.history.faults if f.kind == kind and f.at_ms <= now_ms < f.until_ms]

    def _count(self, what: str) -> None:
        self.faulted[what] = self.faulted.get(what, 0) + 1


class Wire(httpx.AsyncBaseTransport):
    """One client's way to the network."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._network.handle(request)


class _Cut(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise httpx.ReadError("connection lost")


def _allowed(path: str) -> int:
    """What the Hobby plan allows of an endpoint, as a 429 names it: 100 sums a day, 15 or 30 requests a minute."""
    if path.endswith("/metrics"):
        return 100
    return 15 if path.endswith(("/public/observations", "/public/traces")) else 30


def _spoilt(answer: httpx.Response, kind: str, dice: random.Random) -> httpx.Response:
    body = answer.content
    headers = [(name, value) for name, value in answer.headers.items() if name != "content-length"]
    part = body[: int(len(body) * dice.random())]
    if kind == "cut":
        return httpx.Response(answer.status_code, headers=headers, stream=_Cut(part))
    if kind == "truncated":
        return httpx.Response(answer.status_code, headers=headers, content=part)
    document = json.loads(body)
    document["data"] = [{"id": None, "traceId": 7, "startTime": "yesterday"}, *document["data"]]
    return httpx.Response(answer.status_code, headers=headers, content=json.dumps(document).encode())


def span_of(call: Call, number: int) -> Span:
    """One version as Langfuse stores it."""
    version = call.versions[number]
    said = {"feature": version.feature, "team": version.team}
    return Span(
        id=call.id,
        trace_id=call.trace_id,
        start_ms=version.start_ms,
        name="call",
        environment=version.environment,
        model=version.model,
        user_id=version.user,
        metadata={name: value for name, value in said.items() if value},
        usage={"input": version.tokens},
        cost={} if version.cost_pico is None else {"input": Decimal(version.cost_pico).scaleb(-12)},
        created_ms=call.versions[0].updated_ms,
        updated_ms=version.updated_ms,
        arrives_ms=version.arrives_ms,
        project_id=f"proj-{call.project}",
    )
