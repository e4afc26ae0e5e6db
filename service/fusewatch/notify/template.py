"""The language of a destination's own words: a part of Jinja2 that always comes to an end.

No calls, no assignments, no macros, no arithmetic; loops run over lists of ours only, and their steps are counted. So
what a template costs is bounded by its size, without any clock: the same template and values always give the same text.
"""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2 import Template as Compiled
from jinja2.exceptions import TemplateError, TemplateRuntimeError, TemplateSyntaxError, UndefinedError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from fusewatch.notify.templatefilters import FILTERS

LONGEST_SOURCE = 8000
"""Characters of a template."""
LONGEST_TEXT = 20_000
"""Characters that a template may write; what is shown of them is less."""
MOST_STEPS = 2000
"""Turns of all loops together."""

_MOST_NODES = 2000
_DEEPEST = 40
_LOOPS_INSIDE = 3
_TESTS = ("defined", "undefined", "none")
_LOOP_WORDS = ("index", "index0", "first", "last", "length", "revindex", "revindex0")
_COUNTED = "_counted"
_STEPS = "_steps"
_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Keyword,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.For,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Concat,
    nodes.Getattr,
    nodes.Getitem,
)
_RIGHT = "use {{ … }}, {% if %}, {% for %}, comparisons, `~` and the filters that docs/templates.md lists"
_CALLS = "there are no calls in a template"


class Mistake(NamedTuple):
    """What is wrong with a template, in its own `line` (from 1), and what would be right."""

    line: int
    what: str
    right: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}{f'; {self.right}' if self.right else ''}"


class Faulty(Exception):
    """A template that cannot be read, or that failed with some values."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Named plain values: all that can be asked of a thing in a template. `what` is its name in messages.

    `lenient`: any name may be asked for, one that is not there is an empty text (the labels of a rule).
    """

    what: str
    values: Mapping[str, object]
    lenient: bool = False

    def __str__(self) -> str:
        raise TemplateRuntimeError(f"{self.what} is no text; write one of its values, such as {self._example()}")

    def _example(self) -> str:
        return f"{self.what.split()[-1]}.{next(iter(self.values), 'name')}"


class _Steps:
    """Counts the turns of all loops of one rendering."""

    def __init__(self) -> None:
        self.left = MOST_STEPS

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise TemplateRuntimeError(f"its loops take more than {MOST_STEPS:,} turns")


class _Room(ImmutableSandboxedEnvironment):
    """Nothing can be reached but the values of `Facts`, the items of lists and what a loop knows of itself."""

    def getattr(self, obj: object, attribute: str) -> object:
        if isinstance(obj, Facts):
            return self._of_facts(obj, attribute)
        if isinstance(obj, LoopContext) and attribute in _LOOP_WORDS:
            return getattr(obj, attribute)
        if isinstance(obj, Undefined):
            return obj
        if obj is None:
            hint = f"there is no `{attribute}` here, as this message has nothing of the kind"
            return self.undefined(hint=hint, name=attribute)
        return self.undefined(hint=f"a text or number has no `{attribute}`", name=attribute)

    def getitem(self, obj: object, argument: object) -> object:
        if isinstance(obj, list | tuple) and isinstance(argument, int):
            return obj[argument] if -len(obj) <= argument < len(obj) else self.undefined(hint="the list is shorter")
        return self.getattr(obj, argument if isinstance(argument, str) else repr(argument))

    def _of_facts(self, facts: Facts, name: str) -> object:
        if name in facts.values:
            return facts.values[name]
        return "" if facts.lenient else self.undefined(hint=f"{facts.what} has no `{name}`", name=name)


@pass_context
def _counted(context: Context, items: object) -> object:
    """What a loop goes over, its turns paid for before it begins."""
    if isinstance(items, Undefined):
        return items
    if not isinstance(items, list | tuple):
        raise TemplateRuntimeError("a loop goes over a list, such as notices or lines")
    steps = context.resolve(_STEPS)
    assert isinstance(steps, _Steps)
    steps.take(len(items))
    return items


def _shown(value: object) -> object:
    """What `{{ … }}` writes of a value."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        raise TemplateRuntimeError("a list is no text; write … | join(', ') or a loop")
    return value


def _room() -> _Room:
    room = _Room(
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
        cache_size=0,
        extensions=(),
    )
    room.globals.clear()
    room.filters = {**FILTERS, _COUNTED: _counted}
    room.tests = {name: test for name, test in room.tests.items() if name in _TESTS}
    return room


_ROOM = _room()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that a template may use: variables, and what their values are asked for."""

    variables: frozenset[str]
    fields: frozenset[str]
    lenient: frozenset[str]
    """Values of which any name may be asked."""


@lru_cache(maxsize=64)
def compiled(source: str, known: Vocabulary) -> Compiled:
    """The template, ready to be filled; raises Faulty with all that is wrong with it."""
    if len(source) > LONGEST_SOURCE:
        raise Faulty([Mistake(1, f"it has {len(source):,} characters", f"write at most {LONGEST_SOURCE:,}")])
    try:
        tree = _ROOM.parse(source)
        mistakes = list(dict.fromkeys(_Reader(known).mistakes(tree)))
        if mistakes:
            raise Faulty(sorted(mistakes))
        _count_loops(tree)
        return Compiled.from_code(_ROOM, _ROOM.compile(tree), {})
    except TemplateSyntaxError as error:
        raise Faulty([Mistake(error.lineno, _sentence(str(error.message)), _hint(str(error.message)))]) from None
    except Faulty:
        raise
    except Exception:  # noqa: BLE001 - Jinja2 and Python's compiler stumble in many ways over what is nested too deeply
        raise Faulty(
            [Mistake(1, "it is nested too deeply, or holds an endless number", "write less into it")]
        ) from None


def filled(template: Compiled, values: Mapping[str, object], *, most: int = LONGEST_TEXT) -> str:
    """The text that the template makes of the values, its first `most` characters; raises Faulty where it fails."""
    pieces: list[str] = []
    length = 0
    try:
        for piece in template.generate(**values, **{_STEPS: _Steps()}):
            pieces.append(piece)
            length += len(piece)
            if length >= most:
                break
    except UndefinedError as error:
        raise Faulty([Mistake(_line_of(error), _sentence(str(error)), _GUARD)]) from None
    except TemplateError as error:
        raise Faulty([Mistake(_line_of(error), _sentence(str(error)))]) from None
    except Exception as error:  # noqa: BLE001 - whatever a template does, it costs no alert
        raise Faulty([Mistake(_line_of(error), _sentence(str(error) or type(error).__name__))]) from None
    return "".join(pieces)[:most]


_GUARD = "guard it, as in {% if notice %}…{% else %}{{ headline }}{% endif %}"


class _Reader:
    """Looks at a template before any of it runs."""

    def __init__(self, known: Vocabulary) -> None:
        self._known = known
        self._seen = 0

    def mistakes(self, tree: nodes.Template) -> Iterator[Mistake]:
        own = {n.name for n in tree.find_all(nodes.Name) if n.ctx == "store"}
        yield from self._walk(tree, 0, 0, own)

    def _walk(self, node: nodes.Node, depth: int, loops: int, own: set[str]) -> Iterator[Mistake]:
        self._seen += 1
        if self._seen > _MOST_NODES or depth > _DEEPEST:
            yield Mistake(node.lineno, "it is larger or nested deeper than any message needs", "write less into it")
            return
        if not isinstance(node, _ALLOWED):
            yield Mistake(node.lineno or 1, _not_allowed(node), _RIGHT)
            return
        yield from self._named(node, own)
        if isinstance(node, nodes.For):
            loops += 1
            if node.recursive:
                yield Mistake(node.lineno, "a loop is recursive", "leave the word away")
            if loops > _LOOPS_INSIDE:
                yield Mistake(node.lineno, f"more than {_LOOPS_INSIDE} loops stand inside each other", "use fewer")
        for child in node.iter_child_nodes():
            yield from self._walk(child, depth + 1, loops, own)

    def _named(self, node: nodes.Node, own: set[str]) -> Iterator[Mistake]:
        match node:
            case nodes.Name(name=name) if node.ctx == "store":
                if name.startswith("_") or name in ("loop", "true", "false", "none"):
                    yield Mistake(node.lineno, f"`{name}` is no name for what a loop goes over", "choose another")
            case nodes.Name(name=name):
                names = {*self._known.variables, *own, "loop"}
                if name not in names:
                    yield Mistake(node.lineno, f"there is no `{name}`", _nearest(name, self._known.variables))
            case nodes.Getattr(attr=name):
                inner = node.node
                last = inner.attr if isinstance(inner, nodes.Getattr) else getattr(inner, "name", "")
                fields = {*self._known.fields, *_LOOP_WORDS}
                if last not in self._known.lenient and name not in fields:
                    yield Mistake(node.lineno, f"nothing has a `{name}`", _nearest(name, self._known.fields))
            case nodes.Filter(name=name) if name not in FILTERS:
                yield Mistake(node.lineno, f"there is no filter `{name}`", _nearest(name, FILTERS))
            case nodes.Test(name=name) if name not in _TESTS:
                yield Mistake(node.lineno, f"there is no test `{name}`", f"use == or one of: {', '.join(_TESTS)}")


def _not_allowed(node: nodes.Node) -> str:
    match node:
        case nodes.Call():
            return _CALLS
        case nodes.Assign() | nodes.AssignBlock() | nodes.With():
            return "a template sets no variables"
        case nodes.BinExpr() | nodes.UnaryExpr():
            return "there is no arithmetic in a template"
        case _:
            return f"{type(node).__name__.lower()} is not allowed in a template"


def _nearest(word: str, known: "frozenset[str] | Mapping[str, object]") -> str:
    close = get_close_matches(word[:100], sorted(known), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else f"known: {', '.join(sorted(known))}"


def _count_loops(tree: nodes.Template) -> None:
    """Let every loop pay for its turns."""
    for loop in tree.find_all(nodes.For):
        counted = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
        loop.iter = counted.set_environment(_ROOM)


def _line_of(error: BaseException) -> int:
    """The template's own line, which Jinja2 writes into the traceback."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return (lines[-1] if lines else 1) or 1


def _sentence(text: str) -> str:
    """An error of Jinja2 as a part of a sentence."""
    text = " ".join(text.split()).rstrip(".")[:200]
    return text[:1].lower() + text[1:]


def _hint(text: str) -> str:
    if "unknown tag" in text or "do not know" in text:
        return _RIGHT
    return "what is opened with {{ or {% is closed with }} or %}, and every if and for with its end"
