"""Structured logs: constant event names with fields, to standard error, for people or as JSON."""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from fusewatch.ports import Clock

_ATTACKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What would end a line, move a cursor, or turn the writing direction of whoever reads the log."""


def _tame(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Names come from outside: none of them may forge a line of the log or command the terminal that shows it."""
    return {key: _ATTACKS.sub(_written, value) if isinstance(value, str) else value for key, value in event.items()}


def _written(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def make_logger(style: str, clock: Clock, stream: TextIO | None = None) -> FilteringBoundLogger:
    """A logger that writes `console` or `json` lines, stamped by `clock`."""
    # The HTTP client logs whole addresses, and a Slack webhook's address is a secret.
    for name in ("httpx", "httpcore", "apscheduler", "watchfiles", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.ERROR)
    out = stream or sys.stderr

    def stamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        at = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
        event["timestamp"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return event

    colours = out.isatty()
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=24)
    )
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        stamp,
        _tame,
        structlog.processors.format_exc_info,
        renderer,
    ]
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return logger
