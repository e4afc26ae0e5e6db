"""What receivers were told, read from the bodies of their messages, and what a judgement counts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from tests.dst.history import PICO, Budget, History
from tests.dst.truth import Key

SEVERITY = {"info": 0, "warning": 1, "critical": 2}


class Took(Protocol):
    """A message that a receiver took in."""

    @property
    def at_ms(self) -> int: ...
    @property
    def destination(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def told(self) -> bool: ...


class Told(NamedTuple):
    """One notice of one message, as it was received first."""

    at_ms: int
    made_ms: int
    destination: str
    message: str
    type: str
    kind: str
    rule: str
    key: Key
    period: tuple[int, int]
    label: str
    reason: str
    severity: str
    share: Fraction
    limit: int
    timing: str
    incident: str


@dataclass(slots=True)
class Judgement:
    """What was wrong, and how much was looked at."""

    wrong: list[str] = field(default_factory=list)
    due: int = 0
    sent: int = 0
    lost: int = 0
    doubled: int = 0
    excused: int = 0
    """Doubled where a crash or a lost answer explains it."""
    timely: int = 0
    """How many of the due ones had to come in time, and did."""
    ledger: int = 0
    """Differences of the ledger."""

    def complain(self, what: str) -> None:
        self.wrong.append(what)


def notices_of(history: History, received: Sequence[Took]) -> Iterator[Told]:
    """The notices of every message to a webhook, each message once."""
    kinds = {destination.name: destination.kind for destination in history.destinations}
    each = {budget.name: budget.each for budget in history.budgets} | {s.name: s.each for s in history.spikes}
    seen: set[tuple[str, str]] = set()
    for message in received:
        if kinds[message.destination] != "webhook" or (message.destination, message.id) in seen:
            continue
        seen.add((message.destination, message.id))
        body = json.loads(message.body)
        if body["data"]["gap"] is not None:
            yield _gap(message, body)
        for notice in body["data"]["notices"]:
            told = _told(message, body["type"].removeprefix("fusewatch."), notice, each)
            # The news that Langfuse can be read again lists what was announced before.
            if told.type != "readable":
                yield told


def _gap(message: Took, body: Mapping[str, Any]) -> Told:
    """That a project cannot be read, or can again."""
    gap = body["data"]["gap"]
    since_ms = _ms(gap["since"])
    return Told(
        at_ms=message.at_ms,
        made_ms=_ms(body["timestamp"]),
        destination=message.destination,
        message=message.id,
        type=body["type"].removeprefix("fusewatch."),
        kind="unreadable",
        rule="unreadable",
        key=(gap["project"],),
        period=(since_ms, _ms(gap["until"]) if gap["until"] else since_ms),
        label="",
        reason="resolved" if gap["until"] else "opened",
        severity=body["data"]["severity"],
        share=Fraction(1),
        limit=0,
        timing="live",
        incident="",
    )


def _told(message: Took, type_: str, notice: Mapping[str, Any], each: Mapping[str, tuple[str, ...]]) -> Told:
    names = each.get(notice["rule"], tuple(notice["key"]))
    period = notice["period"]
    usd = notice["unit"] == "usd"
    amount = Decimal(notice["limit"])
    return Told(
        at_ms=message.at_ms,
        made_ms=_ms(notice["at"]),
        destination=message.destination,
        message=message.id,
        type=type_,
        kind=notice["kind"],
        rule=notice["rule"],
        key=tuple(notice["key"][name] for name in names),
        period=(_ms(period["start"]), _ms(period["end"])),
        label=period["label"],
        reason=notice["reason"],
        severity=notice["severity"],
        share=Fraction(notice["threshold"]).limit_denominator(1000),
        limit=int(amount * PICO) if usd else int(amount),
        timing=notice["timing"],
        incident=notice["incident_id"],
    )


def _ms(text: str) -> int:
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def percent_severity(percent: int) -> int:
    return 0 if percent < 80 else 1 if percent < 100 else 2


def steps_of(budget: Budget, limit: int, amount: int) -> list[tuple[Fraction, int]]:
    """The thresholds that an amount has reached, with their severities, rising; doublings without end."""
    shares = [(Fraction(percent, 100), percent_severity(percent)) for percent in budget.thresholds]
    doubling = Fraction(2)
    while amount >= limit * doubling:
        shares.append((doubling, 2))
        doubling *= 2
    return [(share, severity) for share, severity in shares if amount >= limit * share]
