"""`fusewatch notify-test`: a sample message to the destinations, and what the receivers said."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, TextIO

import typer

from fusewatch.bootstrap import connect_destination, load_rules
from fusewatch.cli.common import ConfigOption, JsonOption, environ, print_json
from fusewatch.cli.online import world
from fusewatch.config.rulefile import DestinationConfig
from fusewatch.errors import ConfigError, Permanent, Problem, Retryable
from fusewatch.notify.samples import sample_message


def command(
    destination: Annotated[str | None, typer.Argument(help="One destination; all without it.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a test message to one destination, or to all, and say what each receiver answered.

    For example: fusewatch notify-test slack
    """
    path = Path(config or environ().get("FUSEWATCH_CONFIG") or "config/budgets.yaml")
    loaded = load_rules(path, _with_keys(), secrets=True)
    chosen = [d for d in loaded.destinations if destination in (None, d.name)]
    if not chosen:
        names = ", ".join(d.name for d in loaded.destinations)
        raise ConfigError(
            [
                Problem(
                    "command line", 0, "DESTINATION", f"there is no destination {destination}", f"choose from {names}"
                )
            ]
        )
    # A console destination must not write into the JSON.
    results = asyncio.run(_send_all(chosen, sys.stderr if as_json else sys.stdout))
    if as_json:
        print_json([{"destination": name, "ok": ok, "answer": text} for name, ok, text in results])
    else:
        for name, ok, text in results:
            print(f"{'✓' if ok else '✗'} {name}: {text}")
    if not all(ok for _, ok, _ in results):
        raise typer.Exit(1)


def _with_keys() -> dict[str, str]:
    """Sending a sample needs no Langfuse: keys that are not set do not matter here."""
    given = dict(environ())
    for name in ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"):
        if not given.get(name) and not given.get(f"{name}_FILE"):
            given[name] = "not-needed"
    return given


async def _send_all(destinations: list[DestinationConfig], stream: TextIO) -> list[tuple[str, bool, str]]:
    return [await _send(config, stream) for config in destinations]


async def _send(config: DestinationConfig, stream: TextIO) -> tuple[str, bool, str]:
    outside = world(stream)
    notifier = connect_destination(config, outside)
    if notifier is None:
        return config.name, False, f"destinations of type {config.type} are not active in this version"
    try:
        receipt = await notifier.send(sample_message(config.name, outside.clock.now_ms()))
    except (Permanent, Retryable) as error:
        return config.name, False, f"{error} ({error.reason})"
    finally:
        await notifier.close()
    return config.name, True, "accepted" + (f" as {receipt.reference}" if receipt.reference else "")
