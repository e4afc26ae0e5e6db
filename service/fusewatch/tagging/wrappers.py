"""Calls of openai and anthropic with their recording around them: same arguments, same answers, same errors.

Each takes a synchronous or an asynchronous client; with the latter it returns what the client's method returns, an
awaitable. Prompts and completions are not sent to Langfuse.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from fusewatch.tagging import sdk
from fusewatch.tagging.calls import Call
from fusewatch.tagging.complaints import harmless
from fusewatch.tagging.streams import is_stream, watched
from fusewatch.tagging.usage import usage_of


def chat_openai(client: Any, /, *, name: str = "chat-openai", include_usage: bool = True, **request: Any) -> Any:
    """`client.chat.completions.create(**request)`, recorded.

    With `stream=True` OpenAI tells the usage only when asked, so it is asked (`stream_options`), and the additional
    last chunk, which has no choices, is kept back. `include_usage=False` leaves the request as it is, for servers that
    do not know the option; a `stream_options` of your own is always left as it is.
    """
    added = bool(request.get("stream")) and include_usage and request.get("stream_options") is None
    if added:
        request = {**request, "stream_options": {"include_usage": True}}
    return _recorded(client.chat.completions.create, request, name, hide_usage=added)


def respond_openai(client: Any, /, *, name: str = "respond-openai", **request: Any) -> Any:
    """`client.responses.create(**request)`, recorded. Its streams end with the usage by themselves."""
    return _recorded(client.responses.create, request, name)


def embed_openai(client: Any, /, *, name: str = "embed-openai", **request: Any) -> Any:
    """`client.embeddings.create(**request)`, recorded as an embedding."""
    return _recorded(client.embeddings.create, request, name, embedding=True)


def chat_anthropic(client: Any, /, *, name: str = "chat-anthropic", **request: Any) -> Any:
    """`client.messages.create(**request)`, recorded. Its streams carry the usage by themselves."""
    return _recorded(client.messages.create, request, name)


def _recorded(
    create: Callable[..., Any],
    request: dict[str, Any],
    name: str,
    *,
    embedding: bool = False,
    hide_usage: bool = False,
) -> Any:
    call = _started(name, request.get("model"), embedding=embedding)
    try:
        response = create(**request)
    except BaseException as error:
        call.fail(error)
        raise
    if inspect.isawaitable(response):
        return _awaited(response, call, hide_usage=hide_usage)
    return _finished(response, call, hide_usage=hide_usage)


async def _awaited(response: Awaitable[Any], call: Call, *, hide_usage: bool) -> Any:
    try:
        answer = await response
    except BaseException as error:
        call.fail(error)
        raise
    return _finished(answer, call, hide_usage=hide_usage)


def _started(name: str, model: object, *, embedding: bool) -> Call:
    asked = model if isinstance(model, str) else ""
    with harmless("Starting a generation"):
        call = Call(sdk.open_generation(name, model=asked, embedding=embedding), owned=True)
        call.tally.model = asked
        return call
    return Call(None, owned=False)


def _finished(response: Any, call: Call, *, hide_usage: bool) -> Any:
    if is_stream(response):
        return watched(response, call, hide_usage=hide_usage)
    usage = None
    with harmless("Reading usage"):
        usage = usage_of(response)
    if usage is None:
        call.end()
    else:
        call.record(usage)
    return response
