"""The Langfuse SDK as the rest of this package sees it: one client, generations to write into. Works with 4.2 and 5.

Every failure of the SDK ends here or in `harmless`: what comes back may be None, and then nothing is reported.
"""

import atexit
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from langfuse import (
    Langfuse,
    LangfuseEmbedding,
    LangfuseGeneration,
    LangfuseOtelSpanAttributes,
    LangfuseSpan,
    get_client,
)
from opentelemetry import trace
from opentelemetry.trace import NoOpTracer

from fusewatch.tagging.complaints import complain_once, harmless

Generation = LangfuseGeneration | LangfuseEmbedding

_KINDS: dict[str, type[Generation]] = {"generation": LangfuseGeneration, "embedding": LangfuseEmbedding}
_FLUSH_S = 5.0
_disabled_for: str | None = None  # the public key of the environment with which the SDK refused to work
_last: Langfuse | None = None  # the client that was used last, for the end of the process


def client() -> Langfuse | None:
    """The application's own client, or the one that the environment describes; None where there is none.

    Without credentials the SDK would complain at each call; it is asked again only when they change. No lock of ours is
    held here: a process that forks in such a moment would inherit it for good. The SDK has its own, which it renews.
    """
    global _disabled_for, _last  # noqa: PLW0603 - one client for the process, as in the SDK
    key = os.environ.get("LANGFUSE_PUBLIC_KEY", "")
    with harmless("Finding the Langfuse client"):
        if _disabled_for == key and not _made_elsewhere():
            return None
        found = get_client()
        if isinstance(found._otel_tracer, NoOpTracer):
            _disabled_for = key
            complain_once("no client", "Langfuse has no credentials or is switched off; calls are not reported")
            return None
        _disabled_for = None
        if _last is None:
            atexit.register(_at_exit)
        _last = found
        return found
    return None


def _made_elsewhere() -> bool:
    """Whether the application made a client of its own since."""
    from langfuse._client.resource_manager import LangfuseResourceManager  # noqa: PLC0415 - only when disabled

    return bool(LangfuseResourceManager._instances)


def current_generation() -> Generation | None:
    """The generation that the application has open here, if the innermost open observation is one."""
    span = trace.get_current_span()
    if not span.is_recording():
        return None
    held = getattr(span, "attributes", None) or {}
    kind = _KINDS.get(str(held.get(LangfuseOtelSpanAttributes.OBSERVATION_TYPE)))
    found = client()
    if kind is None or found is None:
        return None
    return kind(otel_span=span, langfuse_client=found, environment=found._environment)


def open_generation(name: str, *, model: str = "", embedding: bool = False, start_ns: int | None = None) -> Any:
    """A generation of its own under the innermost open observation; None without a client.

    `start_ns` (epoch nanoseconds) sets the start into the past, which `start_observation` of the SDK cannot; its
    tracer can, and so does the SDK itself for events.
    """
    found = client()
    if found is None:
        return None
    kind = "embedding" if embedding else "generation"
    if start_ns is None:
        return found.start_observation(name=name, as_type=kind, model=model or None)  # type: ignore[call-overload]  # the SDK has an overload for each literal kind, none for a variable
    span = found._otel_tracer.start_span(name, start_time=start_ns)
    return _KINDS[kind](
        otel_span=span, langfuse_client=found, environment=found._environment, release=found._release, model=model
    )


@contextmanager
def past_span(name: str, *, start_ns: int, end_ns: int) -> Iterator[None]:
    """A span from `start_ns` to `end_ns` (epoch nanoseconds) around the generations made inside; needs a client."""
    found = client()
    if found is None:
        yield
        return
    span = found._otel_tracer.start_span(name, start_time=start_ns)
    around = LangfuseSpan(otel_span=span, langfuse_client=found, environment=found._environment, release=found._release)
    try:
        with trace.use_span(span, end_on_exit=False):
            yield
    finally:
        around.end(end_time=end_ns)


def is_open(generation: Generation) -> bool:
    return generation._otel_span.is_recording()


def parameters_of(generation: Generation) -> dict[str, Any]:
    """The model parameters that the generation carries already."""
    held = getattr(generation._otel_span, "attributes", None) or {}
    text = held.get(LangfuseOtelSpanAttributes.OBSERVATION_MODEL_PARAMETERS)
    found = json.loads(text) if isinstance(text, str) else {}
    return found if isinstance(found, dict) else {}


def now() -> datetime:
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)


def flush(timeout_s: float = _FLUSH_S) -> bool:
    """Sends what is still held back; waits for at most `timeout_s` seconds. True when everything was handed over.

    Called at the end of the process by itself. The SDK sends in the background anyway, every few seconds.
    """
    found = client()
    return found is None or _flushed(found, timeout_s)


def _at_exit() -> None:
    if _last is not None:
        _flushed(_last, _FLUSH_S)


def _flushed(found: Langfuse, timeout_s: float) -> bool:
    done = threading.Event()

    def send() -> None:
        with harmless("Sending to Langfuse"):
            found.flush()
        done.set()

    try:
        threading.Thread(target=send, name="fusewatch-flush", daemon=True).start()
    except RuntimeError:  # no new threads while the interpreter ends: the SDK's own end sends what is left
        return False
    return done.wait(timeout_s)
