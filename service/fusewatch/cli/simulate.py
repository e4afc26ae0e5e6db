"""`fusewatch simulate`: tagged traffic of several features, teams and providers into a Langfuse."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from fusewatch.cli.common import JsonOption, environ, print_json
from fusewatch.cli.simtraffic import DAY_MS, FEATURES, SimTrace, Spike, Traffic
from fusewatch.config.rulefile.connect import LANGFUSE_CLOUD
from fusewatch.config.settings import Settings, load_settings
from fusewatch.config.words import Wrong, nearest, one_of, parse_duration
from fusewatch.errors import ConfigError, Problem
from fusewatch.runtime import SystemClock

if TYPE_CHECKING:
    from fusewatch.cli.simsend import Sender

ENVIRONMENT = "simulate"
_LIVE_RATE = 60.0
_LIVE_MS = 60_000
_PAST_RATE = 0.2
_MOST_CALLS = 1_000_000
_ENVIRONMENT = re.compile(r"(?!langfuse)[a-z0-9_-]{1,40}")
_SPIKE = re.compile(r"feature=([^,]+?)(?:,\s*x=([0-9]+(?:\.[0-9]+)?))?")
_INSTALL = "pip install 'fusewatch[tagging]'"
_SHOWN = 10


@dataclass(slots=True)
class Sums:
    """Calls and tokens of one value; the tokens as the providers count them."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def document(self) -> dict[str, int]:
        total = self.input_tokens + self.output_tokens
        return {
            "calls": self.calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": total,
        }


@dataclass(slots=True)
class Summary:
    """What was sent. Keys of `by`: feature, team, model; a trace without attribution counts as `unknown`."""

    traces: int = 0
    all: Sums = field(default_factory=Sums)
    by: dict[str, dict[str, Sums]] = field(default_factory=lambda: {"feature": {}, "team": {}, "model": {}})

    def add(self, trace: SimTrace) -> None:
        self.traces += 1
        for call in trace.calls:
            values = {"feature": trace.feature or "unknown", "team": trace.team or "unknown", "model": call.model}
            for sums in (self.all, *(self.by[name].setdefault(value, Sums()) for name, value in values.items())):
                sums.calls += 1
                sums.input_tokens += call.input_tokens
                sums.output_tokens += call.output_tokens


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to send: a history and then live traffic, either of which may be empty."""

    history: Iterable[SimTrace]
    live: Iterable[SimTrace]
    calls: int


def command(
    rate: Annotated[
        float | None, typer.Option("--rate", help="Calls a minute. Default: 60, and 0.2 in a history.")
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option("--duration", metavar="TIME", help="Live traffic for so long, such as 10m. Default: 1m."),
    ] = None,
    count: Annotated[int | None, typer.Option("--count", help="Exactly so many calls.")] = None,
    days: Annotated[
        int | None,
        typer.Option("--days", help="A history of so many days, sent at once; live traffic after --duration."),
    ] = None,
    spike: Annotated[
        list[str] | None,
        typer.Option("--spike", metavar="feature=NAME[,x=5]", help="A feature whose calls take x times the tokens."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same calls.")] = 1,
    environment: Annotated[
        str, typer.Option("--environment", help="The Langfuse environment that everything is sent to.")
    ] = ENVIRONMENT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; show what would be sent.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send made-up, tagged traffic into your Langfuse, to see a new installation work. No model is called.

    Needs LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and, for a server of your own, LANGFUSE_BASE_URL; and the SDK of
    Langfuse: pip install 'fusewatch[tagging]'. Everything has the environment `simulate` and the tag
    `fusewatch-simulate`. Rules judge it like any other spend, unless they name environments. A spike holds in the last
    day of a history, and in all live traffic. Exit code 1 when Langfuse did not take everything.

    For example: fusewatch simulate --days 14 --spike feature=summarization,x=5
    """
    now_ms = SystemClock().now_ms()
    spikes = tuple(_spike(text) for text in spike or ())
    _checked(environment, rate, count, days)
    plan = _planned(Traffic(seed, spikes), now_ms, rate, duration, count, days)
    if dry_run:
        _show(plan, as_json=as_json)
        return
    summary, problems, interrupted = _sent(plan, environment)
    _tell(summary, problems, as_json=as_json, interrupted=interrupted)
    if problems:
        raise typer.Exit(1)


def _sent(plan: _Plan, environment: str) -> tuple[Summary, list[str], bool]:
    """What was sent, what the SDK complained about, and whether somebody pressed Ctrl-C; ConfigError without keys or
    SDK, Permanent where the server does not take the keys."""
    settings = load_settings(environ())
    public, secret = settings.langfuse_public_key, settings.langfuse_secret_key
    if not (public and secret):
        raise ConfigError([_missing_keys(settings)])
    try:
        from fusewatch.cli.simsend import Sender, listening  # noqa: PLC0415 - the SDK is an extra, and slow to load
    except ModuleNotFoundError as error:
        what = f"simulate sends through the Langfuse SDK, which is not installed ({error.name})"
        raise ConfigError([Problem("command line", 0, "simulate", what, f"install it with: {_INSTALL}")]) from error
    base_url = settings.langfuse_base_url or LANGFUSE_CLOUD
    summary = Summary()
    interrupted = False
    with listening() as complaints:
        sender = Sender(base_url, public.get_secret_value(), secret.get_secret_value(), environment)
        sender.check()
        print(f"sending to {base_url}, environment {environment}", file=sys.stderr)
        try:
            _send(plan, sender, summary)
        except KeyboardInterrupt:
            interrupted = True
        sender.flush()
    return summary, complaints.texts, interrupted


def _planned(
    traffic: Traffic, now_ms: int, rate: float | None, duration: str | None, count: int | None, days: int | None
) -> _Plan:
    live_ms = _duration(duration) if duration is not None else (0 if days else _LIVE_MS)
    live_rate, past_rate = rate or _LIVE_RATE, rate or _PAST_RATE
    if days:
        past = count if count is not None else round(days * DAY_MS / 60_000 * past_rate)
        live = round(live_ms / 60_000 * live_rate)
    else:
        past = 0
        live = count if count is not None else max(round(live_ms / 60_000 * live_rate), 1)
    if past + live > _MOST_CALLS:
        what = f"that would be {past + live:,} calls"
        raise ConfigError([Problem("command line", 0, "--rate", what, f"stay below {_MOST_CALLS:,}")])
    history = traffic.history(now_ms - (days or 0) * DAY_MS, now_ms, past) if past else iter(())
    return _Plan(history, traffic.live(now_ms, live_rate, live) if live else iter(()), past + live)


def _send(plan: _Plan, sender: Sender, summary: Summary) -> None:
    clock = SystemClock()
    told = _Progress(plan.calls)
    for trace in plan.history:
        sender.send(trace)
        summary.add(trace)
        told.at(summary.all.calls)
    for trace in plan.live:
        threading.Event().wait(max(trace.end_ms - clock.now_ms(), 0) / 1000)
        sender.send(trace)
        summary.add(trace)
        told.at(summary.all.calls)


class _Progress:
    """A line for every tenth that was sent."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._tenths = 0

    def at(self, sent: int) -> None:
        tenths = sent * 10 // self._calls
        if tenths > self._tenths:
            self._tenths = tenths
            print(f"{tenths * 10} % sent, {sent:,} calls", file=sys.stderr, flush=True)


def _show(plan: _Plan, *, as_json: bool) -> None:
    """What would be sent: the first traces and the sums."""
    summary = Summary()
    first: list[SimTrace] = []
    for trace in chain(plan.history, plan.live):
        summary.add(trace)
        if len(first) < _SHOWN:
            first.append(trace)
    if as_json:
        print_json(_document(summary, sent=False, problems=[]))
        return
    print(f"would send {summary.all.calls:,} calls in {summary.traces:,} traces, the first of them:")
    for trace in first:
        for call in trace.calls:
            whose = f"{trace.feature or 'unknown'}/{trace.team or 'unknown'}"
            print(
                f"  {call.operation:<12} {whose:<26} {call.model:<28} {call.input_tokens:>8,} + {call.output_tokens:,}"
            )
    _table(summary)


def _tell(summary: Summary, problems: list[str], *, as_json: bool, interrupted: bool) -> None:
    if as_json:
        print_json(_document(summary, sent=True, problems=problems))
    else:
        print(f"sent {summary.all.calls:,} calls in {summary.traces:,} traces{', then interrupted' * interrupted}")
        _table(summary)
    for problem in dict.fromkeys(problems):
        print(f"not everything arrived: {problem}", file=sys.stderr)


def _table(summary: Summary) -> None:
    for name, values in summary.by.items():
        print(f"\n{name:<28} {'calls':>8} {'input':>14} {'output':>12} {'total':>14}")
        for value, sums in sorted(values.items(), key=lambda pair: -pair[1].input_tokens):
            _row(value, sums)
    print()
    _row("all", summary.all)


def _row(name: str, sums: Sums) -> None:
    total = sums.input_tokens + sums.output_tokens
    print(f"{name:<28} {sums.calls:>8,} {sums.input_tokens:>14,} {sums.output_tokens:>12,} {total:>14,}")


def _document(summary: Summary, *, sent: bool, problems: list[str]) -> dict[str, object]:
    by = {name: {value: sums.document() for value, sums in values.items()} for name, values in summary.by.items()}
    return {
        "sent": sent,
        "traces": summary.traces,
        **summary.all.document(),
        "by": by,
        "problems": list(dict.fromkeys(problems)),
    }


def _checked(environment: str, rate: float | None, count: int | None, days: int | None) -> None:
    wrong: list[Problem] = []
    if not _ENVIRONMENT.fullmatch(environment):
        right = "write up to 40 of a-z, 0-9, - and _; not beginning with langfuse"
        wrong.append(
            Problem("command line", 0, "--environment", f"Langfuse takes no environment {environment!r}", right)
        )
    for option, value, most in (("--rate", rate, 100_000), ("--count", count, _MOST_CALLS), ("--days", days, 365)):
        if value is not None and not 0 < value <= most:
            wrong.append(Problem("command line", 0, option, f"{value:g} is not above 0 and up to {most:,}"))
    if wrong:
        raise ConfigError(wrong)


def _spike(text: str) -> Spike:
    known = [feature.name for feature in FEATURES]
    match = _SPIKE.fullmatch(text.strip())
    if match is None:
        right = "write feature=summarization or feature=summarization,x=5"
        raise ConfigError([Problem("command line", 0, "--spike", f"{text!r} names no feature", right)])
    if match[1] not in known:
        right = nearest(match[1], known) or f"write {one_of(known)}"
        raise ConfigError([Problem("command line", 0, "--spike", f"there is no feature {match[1]!r}", right)])
    return Spike(match[1], float(match[2] or 5))


def _duration(text: str) -> int:
    try:
        return parse_duration(text)
    except Wrong as wrong:
        what = wrong.what.replace("{}", text)
        raise ConfigError([Problem("command line", 0, "--duration", what, wrong.right)]) from wrong


def _missing_keys(settings: Settings) -> Problem:
    keys = {
        "LANGFUSE_PUBLIC_KEY": settings.langfuse_public_key,
        "LANGFUSE_SECRET_KEY": settings.langfuse_secret_key,
    }
    absent = [name for name, key in keys.items() if not key]
    what = f"{' and '.join(absent)} {'are' if len(absent) > 1 else 'is'} not set, so there is no Langfuse to send to"
    return Problem("environment", 0, "", what, "set them to the keys of a Langfuse project, or look with --dry-run")
