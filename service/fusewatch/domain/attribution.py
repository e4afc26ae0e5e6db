"""Whom a generation belongs to: its dimensions, taken from metadata, tags and fields in the declared order."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from itertools import compress
from json import dumps
from operator import itemgetter
from typing import NamedTuple, cast

from fusewatch.domain.labels import LONGEST, label_of, label_of_text
from fusewatch.domain.metadata import NOWHERE, MetadataPath, Places, find_label
from fusewatch.domain.providers import PROVIDER_KEYS, provider_named, provider_of_model
from fusewatch.domain.rules import BUILT_IN_DIMENSIONS, AttributionSource
from fusewatch.domain.usage import UNKNOWN, Dimensions, Observation

FIELDS: Mapping[str, int] = {
    name: Observation._fields.index("name" if name == "operation" else name)
    for name in (
        "environment",
        "model",
        "name",
        "operation",
        "prompt",
        "release",
        "session",
        "trace_name",
        "type",
        "user",
        "version",
    )
}
"""What a source of kind ``field`` may name, and its place in `Observation`."""

_NAMED = Dimensions._fields[:-1]
_REVISION = 1
"""Another one whenever this code finds another value in the same observation."""

_OF_THE_TRACE = ("user", "session", "release", "version", "trace_name")
"""Built-in dimensions that hold for a whole trace."""

_OF_THE_CALL = frozenset({"model", "provider", "operation", "type", "prompt", "environment"})
"""Dimensions of the single call, wherever they are taken from."""

_FIELDS_OF_THE_CALL = frozenset({"model", "name", "operation", "type", "prompt", "provider"})
_MODEL = Observation._fields.index("model")
_MOST_REMEMBERED = 20_000

_MOST_FOUND = 8_000
"""Sets of dimensions by the identity of metadata, which is kept so that it stays its own, and all fields but user and
session. A hit costs a look; what is not found is found by the values, for ten times as much."""

_FIRST, _USER = (Observation._fields.index(name) for name in ("type", "user"))
_AFTER_PEOPLE, _METADATA = (Observation._fields.index(name) for name in ("release", "metadata"))
_OWN_USER, _OWN_SESSION = (AttributionSource("field", "user"),), (AttributionSource("field", "session"),)

_Plan = tuple[Places, ...]
_Read = Callable[[Observation, _Plan], str]


class Attributed(NamedTuple):
    """A generation's dimensions, user and session; what is missing is `unknown`."""

    dimensions: Dimensions
    user: str
    session: str


class Attributions(NamedTuple):
    """Those of many generations, by columns."""

    dimensions: Sequence[Dimensions]
    users: Sequence[str]
    sessions: Sequence[str]

    def of(self, which: Sequence[bool]) -> "Attributions":
        """Those of the generations for which `which` is true."""
        dimensions, users, sessions = self
        return Attributions(
            list(compress(dimensions, which)), list(compress(users, which)), list(compress(sessions, which))
        )


class Resolver:
    """Reads dimensions as `attribution` declares them: (dimension, its sources in order); the first value wins.

    A dimension of another name than the built-in ones becomes part of `Dimensions.extra`. A declared one is read from
    its sources alone; built-in ones that are not declared come from their own field, provider from metadata or the
    model's name, feature and team from nowhere. Where a metadata source is looked for, `metadata.MetadataPath` tells;
    of several tags with the prefix the first counts. Raises ValueError for a source that does not exist.

    `inheritable` are the dimensions that a call may take from others of its trace, `revision` is a hash of what the
    declaration means.

    Pure: its memos only save time. Dimensions that are equal are one object, as long as they are remembered.
    """

    def __init__(self, attribution: tuple[tuple[str, tuple[AttributionSource, ...]], ...]) -> None:
        self._labels: dict[str, str] = {"": ""}
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._dimensions: dict[tuple[object, ...], Dimensions] = {}
        self._paths: list[MetadataPath] = []
        declared = dict(attribution)
        if "project" in declared:
            raise ValueError("the dimension project is the Langfuse project itself and cannot be declared")
        user = declared.pop("user", _OWN_USER)
        session = declared.pop("session", _OWN_SESSION)
        people = {source.name for sources in declared.values() for source in sources if source.kind == "field"}
        self._reads_people_alone = (user, session) == (_OWN_USER, _OWN_SESSION) and not people & {"user", "session"}
        self._found: dict[tuple[object, ...], Dimensions] = {}
        self._held: dict[int, Mapping[str, object]] = {}
        self._same: dict[object, object] = {}
        self._user = self._reader(user)
        self._session = self._reader(session)
        self._provider = self._reader(
            declared.pop("provider", tuple(AttributionSource("metadata", key) for key in PROVIDER_KEYS))
        )
        self._guesses_provider = "provider" not in dict(attribution)
        self._plain = tuple(name for name in _NAMED if name in FIELDS and name not in declared)
        self._pick = itemgetter(_MODEL, *(FIELDS[name] for name in self._plain))
        self.inheritable = _inheritable(attribution)
        self.revision = _revision(attribution)
        self._declared = tuple(declared)
        self._reads = tuple(self._reader(sources) for sources in declared.values())
        self._extra = tuple(sorted(name for name in declared if name not in BUILT_IN_DIMENSIONS))

    def resolve(self, o: Observation) -> Attributed:
        """Dimensions, user and session in one go."""
        plan = self._plan(o.metadata)
        return Attributed(
            self._dimensions_of(o, plan), self._user(o, plan) or UNKNOWN, self._session(o, plan) or UNKNOWN
        )

    def resolve_all(self, observations: Sequence[Observation]) -> Attributions:
        """`resolve` of each: most of what one application sends has been seen before, which columns tell soonest."""
        if not observations:
            return Attributions((), (), ())
        if not self._reads_people_alone:
            return Attributions(*zip(*map(self.resolve, observations), strict=True))
        columns = tuple(zip(*observations, strict=True))
        metadata = columns[_METADATA]
        keys = list(zip(map(id, metadata), *columns[_FIRST:_USER], *columns[_AFTER_PEOPLE:_METADATA], strict=True))
        found = list(map(self._found.get, keys))
        if None in found:
            for place, (key, dimensions) in enumerate(zip(keys, found, strict=True)):
                if dimensions is None:
                    found[place] = self._find(key, observations[place])
        labels, text = self._labels, self._text
        return Attributions(
            cast("list[Dimensions]", found),
            [labels.get(user) or text(user) or UNKNOWN for user in columns[_USER]],
            [labels.get(session) or text(session) or UNKNOWN for session in columns[_USER + 1]],
        )

    def _find(self, key: tuple[object, ...], o: Observation) -> Dimensions:
        """The dimensions of an observation, remembered by the identity of its metadata and its fields."""
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _MOST_FOUND:
                for memory in (self._found, self._held, self._same):
                    memory.clear()
            # One object for each text: keys that share theirs stay near the processor.
            kept = tuple([self._same.setdefault(part, part) for part in key])
            found = self._found[kept] = self._dimensions_of(o, self._plan(o.metadata))
            self._held[id(o.metadata)] = o.metadata
        return found

    def dimensions(self, o: Observation) -> Dimensions:
        return self.resolve(o).dimensions

    def user(self, o: Observation) -> str:
        return self.resolve(o).user

    def session(self, o: Observation) -> str:
        return self.resolve(o).session

    def _dimensions_of(self, o: Observation, plan: _Plan) -> Dimensions:
        key = (self._pick(o), self._provider(o, plan), *[read(o, plan) for read in self._reads])
        dimensions = self._dimensions.get(key)
        if dimensions is None:
            if len(self._dimensions) >= _MOST_REMEMBERED:
                self._dimensions.clear()
            dimensions = self._dimensions[key] = self._build(*key)
        return dimensions

    def _build(self, fields: tuple[str, ...], provider: str, *declared: str) -> Dimensions:
        values = dict(zip(self._plain, map(self._text, fields[1:]), strict=True))
        values |= zip(self._declared, declared, strict=True)
        if self._guesses_provider:
            provider = provider_named(provider) if provider else provider_of_model(self._text(fields[0]))
        values["provider"] = provider
        extra = tuple((name, values[name] or UNKNOWN) for name in self._extra)
        return Dimensions._make((*(values.get(name) or UNKNOWN for name in _NAMED), extra))

    def _plan(self, metadata: Mapping[str, object]) -> _Plan:
        """Where each path may stand, for metadata with these keys: one application writes the same keys every time."""
        shape = tuple(metadata)
        plan = self._plans.get(shape)
        if plan is None:
            if len(self._plans) >= _MOST_REMEMBERED:
                self._plans.clear()
            keys = frozenset(shape)
            plan = self._plans[shape] = tuple(path.places(keys) for path in self._paths)
        return plan

    def _reader(self, sources: tuple[AttributionSource, ...]) -> _Read:
        reads = tuple(map(self._read_of, sources))
        if len(reads) == 1:
            return reads[0]

        def first(o: Observation, plan: _Plan) -> str:
            for read in reads:
                value = read(o, plan)
                if value:
                    return value
            return ""

        return first

    def _read_of(self, source: AttributionSource) -> _Read:
        if source.kind == "metadata" and source.name:
            return self._read_metadata(source.name)
        if source.kind == "tag" and source.name:
            prefix = f"{source.name}:"
            return lambda o, plan: self._tagged(o.tags, prefix) if o.tags else ""
        if source.kind == "field" and source.name in FIELDS:
            place = FIELDS[source.name]
            return lambda o, plan: self._text(str(o[place]))
        raise ValueError(f"no such source of a dimension: {source.kind} {source.name!r}")

    def _read_metadata(self, name: str) -> _Read:
        number = len(self._paths)
        self._paths.append(MetadataPath(name))

        def read(o: Observation, plan: _Plan) -> str:
            places = plan[number]
            return "" if places == NOWHERE else find_label(o.metadata, places, self._label)

        return read

    def _tagged(self, tags: tuple[str, ...], prefix: str) -> str:
        for tag in tags:
            if tag.startswith(prefix):
                value = self._text(tag[len(prefix) :])
                if value:
                    return value
        return ""

    def _label(self, value: object) -> str:
        return self._text(value) if isinstance(value, str) else label_of(value)

    def _text(self, text: str) -> str:
        known = self._labels.get(text)
        if known is None:
            known = label_of_text(text)
            if len(self._labels) >= _MOST_REMEMBERED:
                self._labels.clear()
            if len(text) <= LONGEST:  # what is cut may be long, and is rarely met again
                self._labels[text] = known
        return known


def _inheritable(attribution: tuple[tuple[str, tuple[AttributionSource, ...]], ...]) -> tuple[str, ...]:
    """The dimensions of the trace, in a fixed order: the built-in ones, and those declared from more than the call."""
    found = dict.fromkeys(_OF_THE_TRACE, True)
    for name, sources in sorted(attribution):
        found[name] = any(s.kind != "field" or s.name not in _FIELDS_OF_THE_CALL for s in sources)
    return tuple(name for name, is_shared in found.items() if is_shared and name not in _OF_THE_CALL)


def _revision(attribution: tuple[tuple[str, tuple[AttributionSource, ...]], ...]) -> str:
    """16 hexadecimal digits; the order in which the dimensions are declared does not count, that of sources does."""
    meaning = [_REVISION, *((name, [(s.kind, s.name) for s in sources]) for name, sources in sorted(attribution))]
    return blake2b(dumps(meaning).encode(), digest_size=8).hexdigest()
