"""YAML text → a tree of mappings, lists and plain texts that remembers where each value stands.

Scalars stay texts, whatever they look like: `no` is a country, 1.10 a version and 00:00 a time, and each field reads
its own kind of text. The tree is built from parser events, so that depth, size and aliases are bounded before anything
is recursed into.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from fusewatch.config.rulefile.scanerrors import QUOTES, explain
from fusewatch.config.words import shown
from fusewatch.errors import Problem

Path: TypeAlias = tuple[str | int, ...]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 100_000

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_COMMENTED = re.compile(r":\s+#")


class Place(NamedTuple):
    """Where something stands: the file, its line from 1, and its path as people write it."""

    file: str
    line: int
    path: str

    def problem(self, what: str, right: str = "") -> Problem:
        return Problem(self.file, self.line, self.path, what, right)


@dataclass(slots=True)
class Tree:
    """The values, and a place for each path in them; that of a mapping's entry is its key's.

    `hashed` are the empty entries whose line goes on with a ``#``: most likely it was meant as a value.
    """

    values: dict[str, object] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    hashed: set[Path] = field(default_factory=set)

    def place(self, path: Path) -> Place:
        """The place of a path, or of the nearest thing around it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]


def display(path: Path) -> str:
    """``budgets[2].limit``"""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if re.fullmatch(r"[\w*.-]+", part) else shown(part))
    return text


def read_tree(text: str, file: str) -> tuple[Tree, list[Problem]]:
    """The tree of one YAML document. A text that is no YAML gives one problem and an empty tree."""
    tree = Tree(places={(): Place(file, 1, "")})
    builder = _Builder(tree, text.splitlines(), file)
    try:
        builder.build(text)
    except _Refused as refused:
        builder.problems.append(Problem(file, refused.line, "", refused.what, refused.right))
        return Tree(places={(): Place(file, 1, "")}), builder.problems
    return tree, builder.problems


class _Refused(Exception):
    def __init__(self, line: int, what: str, right: str = "") -> None:
        super().__init__(what)
        self.line = line
        self.what = what
        self.right = right


@dataclass(slots=True)
class _Node:
    """A value as it stands in the text; an alias shares the node of its anchor."""

    line: int
    text: str | None = None
    entries: "list[tuple[_Node, _Node]] | None" = None
    items: "list[_Node] | None" = None


class _Builder:
    def __init__(self, tree: Tree, lines: list[str], file: str) -> None:
        self.tree = tree
        self.lines = lines
        self.file = file
        self.problems: list[Problem] = []
        self._anchors: dict[str, _Node] = {}
        self._nodes = 0

    def build(self, text: str) -> None:
        """Fill the tree; raises `_Refused`."""
        events = self._events(text)
        documents = 0
        for event in events:
            if not isinstance(event, DocumentStartEvent):
                continue
            documents += 1
            if documents > 1:
                raise _Refused(event.start_mark.line + 1, "a second document begins here", "write one file for each")
            self._root(self._node(next(events), events, 0))

    def _root(self, node: _Node) -> None:
        if node.text is not None or node.items is not None:
            found = "a list" if node.items is not None else "a text"
            raise _Refused(node.line, f"{found} stands here, not a mapping", 'begin with "version: 1"')
        if node.entries is not None:
            self.tree.values = self._mapping(node.entries, (), 0)

    def _events(self, text: str) -> Iterator[Event]:
        try:
            yield from YAML(typ="safe", pure=True).parse(io.StringIO(text))
        except MarkedYAMLError as error:
            refused = _Refused(*explain(error, self.lines))
        except YAMLError:
            refused = _Refused(0, "the file holds a character that YAML does not allow")
        except (ValueError, OverflowError, AttributeError, TypeError, AssertionError, LookupError):
            # The parser stumbles over some malformed directives and escapes instead of refusing them.
            refused = _Refused(0, "this is not YAML")
        else:
            return
        raise refused

    # ------------------------------------------------------------ events → nodes

    def _node(self, event: Event, events: Iterator[Event], depth: int) -> _Node:
        line = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise _Refused(line, f"more than {MAX_DEPTH} levels stand inside each other")
        if isinstance(event, AliasEvent):
            return self._alias(event, line)
        if getattr(event, "tag", None) is not None and not self._plain_tag(event):
            raise _Refused(line, "a value begins with ! as if it had a YAML tag", f"{QUOTES} if ! belongs to it")
        node = _Node(line)
        anchor = getattr(event, "anchor", None)
        if isinstance(event, ScalarEvent):
            node.text = self._scalar(event, line)
        elif isinstance(event, MappingStartEvent):
            node.entries = []
            while not isinstance(event := next(events), MappingEndEvent):
                key = self._node(event, events, depth + 1)
                node.entries.append((key, self._node(next(events), events, depth + 1)))
        elif isinstance(event, SequenceStartEvent):
            node.items = []
            while not isinstance(event := next(events), SequenceEndEvent):
                node.items.append(self._node(event, events, depth + 1))
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    @staticmethod
    def _plain_tag(event: Event) -> bool:
        return str(getattr(event, "tag", "")) in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:map")

    def _alias(self, event: AliasEvent, line: int) -> _Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise _Refused(
                line, f"*{shown(event.anchor)[1:-1]} refers to no anchor", f"{QUOTES} if it is meant as a pattern"
            )
        return node

    @staticmethod
    def _scalar(event: ScalarEvent, line: int) -> str | None:
        text = str(event.value)
        if event.style is None and text in _NULLS:
            return None
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise _Refused(line, "a text holds half of a surrogate pair", "write the character itself")
        return text

    # ------------------------------------------------------------ nodes → values and places

    def _value(self, node: _Node, path: Path, depth: int) -> object:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise _Refused(node.line, "aliases make this file far larger than it looks", "write less into it")
        if node.entries is not None:
            return self._mapping(node.entries, path, depth)
        if node.items is not None:
            values = []
            for index, item in enumerate(node.items):
                self.tree.places[(*path, index)] = Place(self.file, item.line, display((*path, index)))
                values.append(self._value(item, (*path, index), depth + 1))
            return values
        return node.text

    def _mapping(self, entries: list[tuple[_Node, _Node]], path: Path, depth: int) -> dict[str, object]:
        values: dict[str, object] = {}
        lines: dict[str, int] = {}
        inherited: list[tuple[_Node, _Node]] = []
        for key, node in entries:
            if key.entries is not None or key.items is not None:
                raise _Refused(key.line, "a key is not a plain word", f"{QUOTES} if a value begins with {{ or [")
            name = key.text or ""
            inner = (*path, name)
            if name == "<<":
                inherited += self._merged(node)
            elif name in values:
                what = f"{shown(name)} stands twice, in lines {lines[name]} and {key.line}"
                self.problems.append(Problem(self.file, key.line, display(inner), what, "keep one"))
            else:
                lines[name] = key.line
                self.tree.places[inner] = Place(self.file, key.line, display(inner))
                values[name] = self._value(node, inner, depth + 1)
                if values[name] is None and _COMMENTED.search(self._line(key.line)):
                    self.tree.hashed.add(inner)
        for key, node in inherited:
            if key.text is not None and key.text not in values:
                inner = (*path, key.text)
                self.tree.places[inner] = Place(self.file, key.line, display(inner))
                values[key.text] = self._value(node, inner, depth + 1)
        return values

    def _merged(self, node: _Node) -> list[tuple[_Node, _Node]]:
        parents = node.items if node.items is not None else [node]
        if any(parent.entries is None for parent in parents):
            raise _Refused(node.line, "<< takes a mapping, or a list of mappings")
        return [entry for parent in parents for entry in parent.entries or ()]

    def _line(self, number: int) -> str:
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""
