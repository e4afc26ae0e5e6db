"""A stand-in for PagerDuty's Events API v2 on loopback, as strict as its documentation, which keeps its alerts."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

KEY = "R0123456789abcdefghijklmnopqrstu"
SEVERITIES = ("critical", "error", "warning", "info")
_KNOWN = {"routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images"}
_PAYLOAD = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}


def mistakes(event: dict[str, Any]) -> list[str]:
    """What the documentation forbids ("Send an Alert Event")."""
    found = [f"unknown field {name}" for name in event.keys() - _KNOWN]
    if event.get("routing_key") != KEY:
        found.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        found.append("'event_action' is invalid")
    if not 0 < len(event.get("dedup_key", "")) <= 255:
        found.append("'dedup_key' is missing or too long")
    if event.get("event_action") != "trigger":
        return found
    payload = event.get("payload", {})
    found += [f"unknown field payload.{name}" for name in payload.keys() - _PAYLOAD]
    found += [f"'payload.{name}' is missing" for name in ("summary", "source", "severity") if not payload.get(name)]
    if len(payload.get("summary", "")) > 1024:
        found.append("'payload.summary' is too long")
    if payload.get("severity") not in SEVERITIES:
        found.append("'payload.severity' is invalid")
    if not isinstance(payload.get("custom_details", {}), dict):
        found.append("'payload.custom_details' is no object")
    found += ["a link has no href" for link in event.get("links", []) if not link.get("href")]
    return found


@dataclass
class Alert:
    """Open until it is resolved; `triggers` are the events that went into it."""

    triggers: list[dict[str, Any]]
    resolved: bool = False


@dataclass
class PagerService:
    """Alerts by `dedup_key`, the latest last. `scripted` are answers that come first, one for each event (None lets it
    through): a status with its headers, or "drop" for a connection that closes instead of an answer, after the event
    was taken."""

    alerts: dict[str, list[Alert]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    scripted: list[tuple[int, str] | str | None] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    _served: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def open(self) -> list[str]:
        return [key for key, alerts in self.alerts.items() if not alerts[-1].resolved]

    @property
    def pages(self) -> int:
        """How often somebody was called: each alert once, however many triggers it takes in."""
        return sum(len(alerts) for alerts in self.alerts.values())

    def take(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        key, alerts = event["dedup_key"], self.alerts.get(event["dedup_key"], [])
        is_open = bool(alerts) and not alerts[-1].resolved
        if event["event_action"] == "resolve":
            if is_open:
                alerts[-1].resolved = True
        elif is_open:
            alerts[-1].triggers.append(event)
        else:
            self.alerts.setdefault(key, []).append(Alert([event]))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self._served.append(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length")
                )
                body = await reader.readexactly(length)
                if not await self._answer(writer, head, body):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, head: str, body: bytes) -> bool:
        self.sizes.append(len(body))
        script = self.scripted.pop(0) if self.scripted else None
        event = json.loads(body)
        if script == "drop":
            self.take(event)
            return False
        wrong = mistakes(event) if head.startswith("POST /v2/enqueue ") else ["no such path"]
        status, headers, said = 202, "", {"status": "success", "message": "Event processed", "dedup_key": "x"}
        if isinstance(script, tuple):
            (status, headers), said = script, {"status": "throttle exceeded", "message": "Requests for this service"}
        elif wrong or len(body) > 512_000:
            status, said = 400, {"status": "invalid event", "message": "Event object is invalid"}
            said = {**said, "errors": [f"{what}, key {event.get('routing_key')}" for what in wrong]}  # type: ignore[dict-item]  # JSON of one shape
        else:
            self.take(event)
        answer = json.dumps(said).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(answer)}\r\n{headers}\r\n".encode() + answer)
        await writer.drain()
        return True

    async def during(self, work: Callable[[str], Awaitable[None]]) -> None:
        """Listen while `work` runs, which gets the address."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await work(f"http://127.0.0.1:{port}")
            await asyncio.gather(*self._served)
        self._served.clear()
