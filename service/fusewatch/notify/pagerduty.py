"""PagerDuty's Events API v2: an event for each alert, sent one after the other, and what its answers mean."""

import asyncio
from collections import OrderedDict
from typing import TypeVar

import httpx
import msgspec

from fusewatch.domain.notices import Message
from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.notify.http import Answer, Poster, Sealed, problem_of
from fusewatch.notify.kinds import PagerdutyKind
from fusewatch.notify.pagerduty_payload import Event, events
from fusewatch.notify.text import clean
from fusewatch.ports import Clock, Receipt

K = TypeVar("K")
V = TypeVar("V")

PATH = "/v2/enqueue"
TOGETHER_S = 20.0
"""For all events of a message; below the lease of a claim."""

_REMEMBERED = 5_000
_ENOUGH_REFUSALS = 3
_PAUSE_AFTER_429_S = 30.0
"""What PagerDuty suggests where it names no time itself (developer.pagerduty.com, "Events API Rate Limits")."""


class _Said(msgspec.Struct):
    """The answer's body; `errors` are sentences about what is wrong with an event."""

    message: str = ""
    errors: list[str] = []


class Pagerduty:
    """One integration key. The receipt's reference is the `dedup_key` of the message's first event.

    Sending a message again is safe: each event names its alert by `dedup_key`, so that PagerDuty adds a repeated one to
    the alert that is open. Within a process, what was accepted is not even sent again, and a trigger that lost its
    race against the resolution of its alert is dropped.
    """

    min_interval_s = 0.0

    def __init__(
        self, kind: PagerdutyKind, clock: Clock, *, timezone: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._key = kind.routing_key
        self._timezone = timezone
        self._poster = Poster(f"{kind.url.rstrip('/')}{PATH}", clock, headers={}, transport=transport)
        self._accepted: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        """Message, action and key of events that were accepted while others of their message were not yet."""
        self._resolved: OrderedDict[str, int] = OrderedDict()
        """When the alert of a key was resolved last, as far as this process did it."""

    async def send(self, message: Message) -> Receipt:
        """Send what is not accepted yet. One refused event does not keep back the others: they are sent first."""
        told = events(message, self._timezone)
        refused: list[Permanent] = []
        try:
            async with asyncio.timeout(TOGETHER_S):
                for event in told:
                    try:
                        await self._once(message.id, event)
                    except Permanent as error:
                        refused.append(error)
                        if len(refused) >= _ENOUGH_REFUSALS:
                            break
        except TimeoutError:
            left = sum((message.id, event.action, event.key) not in self._accepted for event in told)
            text = (
                f"{self._poster.host} took {len(told) - left} of {len(told)} events in {TOGETHER_S:g} s; the rest next"
            )
            raise Retryable("timeout", text) from None
        if refused:
            raise refused[0]
        for event in told:
            self._accepted.pop((message.id, event.action, event.key), None)
        return Receipt(told[0].key if told else "")

    async def _once(self, message_id: str, event: Event) -> None:
        mark = (message_id, event.action, event.key)
        stale = event.action == "trigger" and event.at_ms < self._resolved.get(event.key, event.at_ms)
        if mark in self._accepted or stale:
            return
        answer = await self._poster.post(Sealed(event.body(self._key)))
        problem = self._problem_of(answer)
        if problem is not None:
            raise problem
        _remember(self._accepted, mark, None)
        if event.action == "resolve":
            _remember(self._resolved, event.key, max(event.at_ms, self._resolved.get(event.key, event.at_ms)))

    def _problem_of(self, answer: Answer) -> FusewatchError | None:
        """202 is accepted, 400 wrong, 429 and 5xx to be tried again ("Events API v2 Overview")."""
        host = self._poster.host
        problem = problem_of(answer, host)
        if problem is None and answer.status != 202:
            return Retryable("unexpected_answer", f"{host} answered {answer.status}, but not as PagerDuty does")
        if answer.status == 429:
            wish = _PAUSE_AFTER_429_S if answer.retry_after_s is None else answer.retry_after_s
            return Retryable("rate_limited", f"{host} asks to slow down (429)", retry_after_s=wish)
        if isinstance(problem, Permanent):
            said = self._said(answer)
            return Permanent(problem.reason, f"{problem}: {said}" if said else str(problem))
        return problem

    def _said(self, answer: Answer) -> str:
        """What PagerDuty complains about, in its words; never the key, should it repeat it."""
        if answer.html:
            return ""
        try:
            said = msgspec.json.decode(answer.text, type=_Said)
        except msgspec.MsgspecError:
            return ""
        words = "; ".join(said.errors) or said.message
        return clean(words.replace(self._key, "(the key)"), 300)

    async def close(self) -> None:
        await self._poster.close()


def _remember(memory: OrderedDict[K, V], key: K, value: V) -> None:
    """Keep the newest; what falls out costs no more than a repeated event."""
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > _REMEMBERED:
        memory.popitem(last=False)
