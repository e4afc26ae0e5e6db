"""The usage of a stream, gathered from its chunks as they pass."""

from types import SimpleNamespace

from fusewatch.tagging.usage import Usage, anthropic_usage, read, text_of, usage_of

_ANTHROPIC_FIELDS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation",
    "output_tokens_details",
    "service_tier",
    "speed",
)


class Tally:
    """OpenAI reports usage in the last chunk; Anthropic's first event has the input and each `message_delta` the
    counts so far, so a stream that breaks still tells what it read."""

    __slots__ = ("_anthropic", "_last", "model")

    def __init__(self) -> None:
        self.model = ""
        self._last: Usage | None = None
        self._anthropic: dict[str, object] = {}

    def saw(self, chunk: object) -> None:
        kind = text_of(chunk, "type")
        if kind == "message_start":
            message = read(chunk, "message")
            self.model = text_of(message, "model")
            self._add(read(message, "usage"))
        elif kind == "message_delta":
            self._add(read(chunk, "usage"))
        else:
            self.model = self.model or text_of(chunk, "model") or text_of(read(chunk, "response"), "model")
            self._last = usage_of(chunk) or self._last

    def usage(self) -> Usage | None:
        """What was reported until now; None for nothing."""
        return anthropic_usage(SimpleNamespace(**self._anthropic), self.model) if self._anthropic else self._last

    def _add(self, usage: object) -> None:
        for name in _ANTHROPIC_FIELDS:
            value = read(usage, name)
            if value is not None:
                self._anthropic[name] = value
