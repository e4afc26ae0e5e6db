"""`record_usage`: what the provider reported, written into the generation at hand or into one of its own."""

from typing import TypeVar, cast

from fusewatch.tagging import sdk
from fusewatch.tagging.calls import Call
from fusewatch.tagging.complaints import complain_once, harmless
from fusewatch.tagging.sdk import flush
from fusewatch.tagging.streams import is_stream, watched
from fusewatch.tagging.usage import usage_of

__all__ = ["flush", "record_usage"]

Response = TypeVar("Response")


def record_usage(
    response: Response, *, name: str | None = None, start_ns: int | None = None, end_ns: int | None = None
) -> Response:
    """Tells Langfuse the tokens and the resolved model of a provider's answer, and returns that answer.

    Takes what openai returns for chat completions, responses and embeddings and anthropic for messages, the dicts they
    come from, and their streams, sync and async: then the returned stream gives the same chunks and is recorded when
    it ends, breaks or is closed. OpenAI reports usage in a stream only with `stream_options={"include_usage": True}`.

    Inside an open generation of the application (`start_as_current_observation(as_type="generation")`) the usage goes
    there; elsewhere a generation is made, called `name` (default: the provider), from `start_ns` to `end_ns` (epoch
    nanoseconds, default: now). Never raises for what it cannot read or send; that is told once in the log.
    """
    if is_stream(response):
        provider = type(response).__module__.partition(".")[0]
        call = _call(name or provider, start_ns=start_ns)
        return cast(Response, watched(response, call))  # it behaves as the stream that it wraps
    with harmless("Recording usage"):
        usage = usage_of(response)
        if usage is None:
            kind = type(response).__name__
            complain_once(f"no usage {kind}", f"record_usage() found no usage in a {kind}; nothing is recorded")
            return response
        _call(name or usage.provider, embedding=usage.embedding, start_ns=start_ns).record(usage, end_ns=end_ns)
    return response


def _call(name: str, *, embedding: bool = False, start_ns: int | None = None) -> Call:
    with harmless("Starting a generation"):
        current = sdk.current_generation() if start_ns is None else None
        if current is not None:
            return Call(current, owned=False)
        return Call(sdk.open_generation(name, embedding=embedding, start_ns=start_ns), owned=True)
    return Call(None, owned=False)
