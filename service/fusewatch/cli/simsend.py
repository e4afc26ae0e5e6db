"""Sending simulated traces through the tagging helper, and noticing when Langfuse did not take them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from langfuse import Langfuse

from fusewatch.cli.simtraffic import SimTrace
from fusewatch.errors import Permanent
from fusewatch.tagging import attribute, record_usage
from fusewatch.tagging.sdk import past_span

TAG = "fusewatch-simulate"
_NS_PER_MS = 1_000_000
_BATCH = 200
"""Calls between two flushes: the SDK holds 2,048 spans back at most and drops what is more."""


class Complaints(logging.Handler):
    """What the SDK and its exporter logged as errors: they never raise, and a batch that was refused is gone."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class Sender:
    """A client of its own for one run. Every observation has the environment and the tag of a simulation."""

    def __init__(self, base_url: str, public_key: str, secret_key: str, environment: str) -> None:
        self._client = Langfuse(
            base_url=base_url, public_key=public_key, secret_key=secret_key, environment=environment
        )
        self._base_url = base_url
        self._waiting = 0

    def check(self) -> None:
        """Permanent when the server does not take the keys, or is not there."""
        try:
            known = self._client.auth_check()
        except Exception as error:
            raise Permanent("refused", f"{self._base_url} did not take the keys: {_told(error)}") from error
        if not known:
            raise Permanent("refused", f"{self._base_url} knows no project for these keys")

    def send(self, trace: SimTrace) -> None:
        """One trace, with its own times."""
        start_ns, end_ns = trace.start_ms * _NS_PER_MS, trace.end_ms * _NS_PER_MS
        whose = attribute(
            feature=trace.feature,
            team=trace.team,
            user_id=trace.user,
            session_id=trace.session,
            trace_name=trace.name if trace.feature is not None else None,  # or the trace's name says whose it is
            tags=[TAG],
        )
        with whose, past_span(trace.name, start_ns=start_ns, end_ns=end_ns):
            for call in trace.calls:
                times = {"start_ns": call.start_ms * _NS_PER_MS, "end_ns": call.end_ms * _NS_PER_MS}
                record_usage(call.response, name=call.operation, **times)
        self._waiting += len(trace.calls)
        if self._waiting >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Waits until everything was handed over or given up."""
        self._client.flush()
        self._waiting = 0


@contextmanager
def listening() -> Iterator[Complaints]:
    """Collects the errors of the SDK inside the block, in place of printing them."""
    complaints = Complaints()
    loggers = [logging.getLogger(name) for name in ("langfuse", "opentelemetry", "fusewatch.tagging")]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(complaints)
        logger.propagate = False
    try:
        yield complaints
    finally:
        for logger, propagated in zip(loggers, before, strict=True):
            logger.removeHandler(complaints)
            logger.propagate = propagated


def _told(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    return f"HTTP {status}" if isinstance(status, int) else str(error) or type(error).__name__
