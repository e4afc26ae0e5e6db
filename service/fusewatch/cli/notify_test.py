"""`fusewatch notify-test`: a sample of each kind of message to the destinations, and what the receivers said."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, TextIO

import typer

from fusewatch.bootstrap import connect_destination, load_rules
from fusewatch.checking import warnings_of
from fusewatch.cli import completing
from fusewatch.cli.common import ConfigOption, JsonOption, environ, print_json
from fusewatch.cli.online import world
from fusewatch.config.rulefile import DestinationConfig, Loaded
from fusewatch.domain.notices import Message
from fusewatch.errors import ConfigError, Permanent, Problem, Retryable
from fusewatch.notify.samples import KINDS, samples
from fusewatch.ports import Clock, Notifier

LONGEST_PAUSE_S = 30.0
"""A receiver that asks for a longer pause is not waited for."""
_NOT_THERE = ("timeout", "unreachable", "connection")
"""Reasons after which nothing else is tried with a receiver: every try would take as long."""


class Said(NamedTuple):
    """What came of one sample: `answer` in words, `seconds` until it came."""

    destination: str
    kind: str
    ok: bool
    answer: str
    seconds: float = 0.0

    def __str__(self) -> str:
        what = f"{self.destination}: {self.kind}" if self.kind else self.destination
        taken = f" ({self.seconds * 1000:,.0f} ms)" if self.seconds else ""
        return f"{'✓' if self.ok else '✗'} {what}: {self.answer}{taken}"


_CALLING = ("pagerduty", "alertmanager")
"""Types behind which somebody may be called: they get one kind, unless others are asked for by name."""
_FOR_CALLING = ("escalated",)

Tell = Callable[[Said], None]


def command(
    destination: Annotated[
        str | None, typer.Argument(help="One destination; all without it.", autocompletion=completing.destinations)
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", help=f"Only this kind, may be repeated: {', '.join(KINDS)}.", autocompletion=completing.kinds
        ),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a sample of each kind of message to one destination, or to all, and say what each receiver answered.

    Each sample says that it is one and that nothing happened. A Slack channel takes one a second. PagerDuty and
    Alertmanager get only "escalated" without --kind, so that nobody is called a dozen times.

    For example: fusewatch notify-test slack --kind escalated
    """
    path = Path(config or environ().get("FUSEWATCH_CONFIG") or "config/budgets.yaml")
    asked = tuple(dict.fromkeys(kind or ()))
    loaded = load_rules(path, _with_keys(), secrets=True)
    chosen = [Chosen(config, kinds_for(config.type, asked)) for config in _chosen(loaded, destination, asked)]
    # Neither a console destination nor what is told meanwhile may write into the JSON.
    stream = sys.stderr if as_json else sys.stdout
    _announce(chosen, stream)
    said = asyncio.run(_send_all(chosen, stream))
    if as_json:
        print_json([one._asdict() | {"seconds": round(one.seconds, 3)} for one in said])
    if not all(one.ok for one in said):
        raise typer.Exit(1)


class Chosen(NamedTuple):
    """A destination, and the kinds of samples that it gets."""

    config: DestinationConfig
    kinds: tuple[str, ...]


def kinds_for(type_: str, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds of samples that a destination of a type gets."""
    return asked or (_FOR_CALLING if type_ in _CALLING else KINDS)


def _chosen(loaded: Loaded, destination: str | None, kinds: Sequence[str]) -> list[DestinationConfig]:
    problems = [
        Problem("command line", 0, "--kind", f"there is no kind {name}", f"choose from {', '.join(KINDS)}")
        for name in kinds
        if name not in KINDS
    ]
    chosen = [d for d in loaded.destinations if destination in (None, d.name)]
    if not chosen:
        right = f"choose from {', '.join(d.name for d in loaded.destinations)}"
        problems.append(Problem("command line", 0, "DESTINATION", f"there is no destination {destination}", right))
    if problems:
        raise ConfigError(problems)
    return chosen


def _announce(chosen: Sequence[Chosen], stream: TextIO) -> None:
    """What is about to be sent, before it is."""
    counts = ", ".join(f"{len(one.kinds)} to {one.config.name}" for one in chosen)
    print(f"Sending sample messages: {counts}. Each says that it is a test and that nothing happened.", file=stream)
    for one in chosen:
        for warning in warnings_of(one.config):
            print(f"warning: {warning}", file=stream)


def _with_keys() -> dict[str, str]:
    """Sending a sample needs no Langfuse: keys that are not set do not matter here."""
    given = dict(environ())
    for name in ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"):
        if not given.get(name) and not given.get(f"{name}_FILE"):
            given[name] = "not-needed"
    return given


async def _send_all(chosen: Sequence[Chosen], stream: TextIO) -> list[Said]:
    """One destination after the other, each answer told as it comes."""
    told: list[Said] = []

    def tell(said: Said) -> None:
        told.append(said)
        print(said, file=stream, flush=True)

    for config, kinds in chosen:
        outside = world(stream)
        notifier = connect_destination(config, outside)
        if notifier is None:
            tell(Said(config.name, "", False, f"destinations of type {config.type} are not active in this version"))
            continue
        made = samples(config.name, outside.clock.now_ms())
        try:
            await send_samples(notifier, config.name, {name: made[name] for name in kinds}, outside.clock, tell)
        finally:
            await notifier.close()
    return told


async def send_samples(
    notifier: Notifier, destination: str, messages: Mapping[str, Message], clock: Clock, tell: Tell
) -> None:
    """Send them in their order, no faster than the receiver wants; none after one that reached nobody."""
    for number, (name, message) in enumerate(messages.items()):
        if number and notifier.min_interval_s:
            await clock.sleep(notifier.min_interval_s)
        began = clock.monotonic()
        problem, answer = await _sent(notifier, message, clock)
        tell(Said(destination, name, problem is None, answer, clock.monotonic() - began))
        if isinstance(problem, Retryable) and problem.reason in _NOT_THERE:
            for unsent in list(messages)[number + 1 :]:
                tell(Said(destination, unsent, False, "not sent, as the one before found nobody"))
            return


async def _sent(notifier: Notifier, message: Message, clock: Clock) -> tuple[Permanent | Retryable | None, str]:
    """What came of it, and in words. Where the receiver asks for a short pause, it gets that, once."""
    for again in (True, False):
        try:
            receipt = await notifier.send(message)
        except Retryable as error:
            pause_s = error.retry_after_s
            if again and pause_s is not None and pause_s <= LONGEST_PAUSE_S:
                await clock.sleep(pause_s)
                continue
            return error, f"{error} ({error.reason})"
        except Permanent as error:
            return error, f"{error} ({error.reason})"
        words = [word for word in (receipt.said, receipt.reference and f"as {receipt.reference}") if word]
        return None, f"accepted, {' '.join(words)}" if words else "accepted"
    raise AssertionError("the second try ends the loop")
