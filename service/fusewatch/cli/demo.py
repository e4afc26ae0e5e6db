"""`fusewatch demo`: the whole job on made-up traffic."""

import asyncio
import io
import sys
from typing import Annotated

import typer

from fusewatch.cli.common import JsonOption, print_json
from fusewatch.config.words import Wrong, parse_duration
from fusewatch.demo.scene import Result, play
from fusewatch.domain.money import format_usd, pico_to_float
from fusewatch.domain.notices import Notice
from fusewatch.domain.periods import local_clock
from fusewatch.errors import ConfigError, Problem
from fusewatch.runtime import SystemClock

PORT = 9469
"""Our usual one; while a real daemon runs on this machine, any other."""

SHORTEST_MS = 10_000


def command(
    exit_after: Annotated[
        str | None, typer.Option("--exit-after", metavar="TIME", help="End by itself after so long, such as 60s.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the whole job on made-up traffic: no account, no key, no server, nothing left behind.

    A stand-in Langfuse serves two weeks of history, then a day in which one team crosses its budget and one feature
    spikes. At a terminal the page stays up until Ctrl-C.

    For example: fusewatch demo --exit-after 60s
    """
    exit_after_s = _seconds(exit_after)
    if as_json and exit_after_s is None:
        exit_after_s = 60.0
    stay = exit_after_s is None and sys.stdout.isatty()
    result = asyncio.run(
        play(
            exit_after_s=exit_after_s,
            listen=("127.0.0.1", PORT),
            today_ms=SystemClock().now_ms(),
            stream=io.StringIO() if as_json else sys.stdout,
            log_stream=io.StringIO(),
            say=lambda line: print(line, file=sys.stderr, flush=True),
            stay=stay,
            summary=(lambda result: None) if as_json else _print_summary,
        )
    )
    if as_json:
        print_json(_document(result))


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = parse_duration(text)
    except Wrong as wrong:
        raise ConfigError(
            [Problem("command line", 0, "--exit-after", wrong.what.replace("{}", text), wrong.right)]
        ) from wrong
    if found < SHORTEST_MS:
        raise ConfigError([Problem("command line", 0, "--exit-after", f"{text} is too short", "give it 10s or more")])
    return found / 1000


def _print_summary(result: Result) -> None:
    drift = "ledger and Langfuse agree" if result.drift_usd == 0 else f"ledger minus Langfuse: {result.drift_usd} USD"
    print()
    print(f"Summary: {result.generations:,} generations, ${result.spend_usd:,.2f}; {drift}.")
    if result.unpriced:
        print(f"{result.unpriced} of them have usage but no price: Langfuse does not know their model.")
    print(f"{len(result.alerts)} notices:")
    for notice in result.alerts:
        incident = notice.incident
        name = f"{incident.rule} {incident.group}".strip()
        at = local_clock(incident.timezone, notice.at_ms)
        print(
            f"  {at:%H:%M}  {notice.reason.value:<10} {notice.severity.word:<9} {name}: "
            f"{format_usd(incident.measured)} of {format_usd(incident.limit)}"
            + (f" ({format_usd(incident.estimated)} estimated)" if incident.estimated else "")
        )
    if not result.complete:
        print("The time was over before the day was; give it more with --exit-after, or none.")


def _document(result: Result) -> dict[str, object]:
    return {
        "generations": result.generations,
        "spend_usd": float(result.spend_usd),
        "ledger_drift_usd": float(result.drift_usd),
        "unpriced_requests": result.unpriced,
        "complete": result.complete,
        "alerts": [_alert(notice) for notice in result.alerts],
    }


def _alert(notice: Notice) -> dict[str, object]:
    incident = notice.incident
    money = incident.unit.is_money
    at = local_clock("UTC", notice.at_ms)
    return {
        "rule": incident.rule,
        "key": incident.group,
        "kind": incident.kind.value,
        "reason": notice.reason.value,
        "severity": notice.severity.word,
        "threshold": float(notice.threshold),
        "spend_usd": pico_to_float(incident.measured) if money else None,
        "limit_usd": pico_to_float(incident.limit) if money else None,
        "at": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
