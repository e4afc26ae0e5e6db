"""Finds a dimension's key in metadata, wherever its producer put it."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

METADATA_HOMES = (
    "langfuse.trace.metadata",
    "langfuse.observation.metadata",
    "langfuse.metadata",
    "ai.telemetry.metadata",
    "attributes",
    "attributes.langfuse.trace.metadata",
    "attributes.langfuse.observation.metadata",
    "attributes.langfuse.metadata",
    "attributes.ai.telemetry.metadata",
    "attributes.metadata",
    "resourceAttributes",
)
"""Where a metadata key lands when not at the top, by producer: Langfuse's own attributes as plain OpenTelemetry sends
them, the Vercel AI SDK, any other span attribute, LangChain by OpenInference; last what holds for a whole process."""

LabelOf = Callable[[object], str]


class Places(NamedTuple):
    """Where one path may be found in metadata with certain top-level keys: those keys, and paths below others."""

    flat: tuple[str, ...]
    nested: tuple[tuple[str, tuple[str, ...]], ...]


NOWHERE = Places((), ())


class MetadataPath:
    """A declared path like `feature` or `service.name`, with every place it may stand in, worked out once.

    Looked for as the exact key first (direct OpenTelemetry rows have flat dotted keys), then in the homes, then the
    same as a walk through nested objects (v1 and dual-written rows have those).
    """

    def __init__(self, path: str) -> None:
        self._keys = (path, *(f"{home}.{path}" for home in METADATA_HOMES))
        nested: dict[str, list[str]] = {}
        for key in self._keys:
            for head, rest in _splits(key):
                nested.setdefault(head, []).append(rest)
        self._nested = tuple((head, tuple(rests)) for head, rests in nested.items())

    def places(self, keys: frozenset[str]) -> Places:
        """The places worth a look when metadata has the top-level `keys`."""
        return Places(
            tuple(key for key in self._keys if key in keys),
            tuple((head, rests) for head, rests in self._nested if head in keys),
        )


def find_label(metadata: Mapping[str, object], places: Places, label_of: LabelOf) -> str:
    """The label at the first place that holds one, "" when none does."""
    for key in places.flat:
        found = label_of(metadata[key])
        if found:
            return found
    for head, rests in places.nested:
        below = metadata[head]
        if isinstance(below, dict):
            for rest in rests:
                found = _walk(below, rest, label_of)
                if found:
                    return found
    return ""


def _splits(path: str) -> list[tuple[str, str]]:
    return [(path[:i], path[i + 1 :]) for i, char in enumerate(path) if char == "." and 0 < i < len(path) - 1]


def _walk(below: Mapping[str, object], path: str, label_of: LabelOf) -> str:
    """The label at `path`, whose dots may be part of a key (`resourceAttributes` holds `service.name`) or steps."""
    if path in below:
        found = label_of(below[path])
        if found:
            return found
    for head, rest in _splits(path):
        deeper = below.get(head)
        if isinstance(deeper, dict):
            found = _walk(deeper, rest, label_of)
            if found:
                return found
    return ""
