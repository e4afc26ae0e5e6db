"""The filters of templates: each takes plain values, gives plain values, and cannot make a text endless."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

from jinja2.exceptions import TemplateRuntimeError
from jinja2.runtime import Undefined

from fusewatch.domain.money import PICO_PER_USD, format_usd
from fusewatch.notify.text import cut

_LONGEST = 20_000
_MOST_DOLLARS = 10**15


def _text(value: object) -> str:
    """A plain value as text; an undefined one and a thing of several values raise."""
    return str(value)


def _number(value: object, of: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TemplateRuntimeError(f"the filter {of} takes a number, as measured_amount is one")
    number = Decimal(str(value))
    if not abs(number) < _MOST_DOLLARS:
        raise TemplateRuntimeError(f"the filter {of} takes a number of usual size")
    return number


def _bounded(text: str) -> str:
    if len(text) > _LONGEST:
        raise TemplateRuntimeError(f"a text grows beyond {_LONGEST:,} characters")
    return text


def money(value: object) -> str:
    """A number of dollars as messages write it: `$50.31`."""
    return format_usd(int(_number(value, "money") * PICO_PER_USD))


def number(value: object) -> str:
    """A number with its thousands apart: `1,204,311`."""
    plain = _number(value, "number")
    return f"{plain:,f}" if plain % 1 else f"{int(plain):,}"


def default(value: object, other: object = "") -> object:
    """`other` in place of what is not there or empty."""
    return other if isinstance(value, Undefined) or value is None or value == "" else value


def first(items: object) -> object:
    """The first item of a list; of an empty one, an empty text."""
    return _items(items, "first")[0] if _items(items, "first") else ""


def last(items: object) -> object:
    """The last item of a list; of an empty one, an empty text."""
    return _items(items, "last")[-1] if _items(items, "last") else ""


def length(value: object) -> int:
    """How many items, or characters."""
    if isinstance(value, str | list | tuple):
        return len(value)
    raise TemplateRuntimeError("the filter length takes a list or a text")


def join(items: object, between: str = "") -> str:
    """The items of a list as one text."""
    texts = [_text(item) for item in _items(items, "join")]
    if sum(map(len, texts)) + len(between) * len(texts) > _LONGEST:
        return _bounded(" " * (_LONGEST + 1))
    return between.join(texts)


def replace(value: object, old: str, new: str) -> str:
    """The text with every `old` as `new`."""
    text = _text(value)
    if not old:
        raise TemplateRuntimeError("the filter replace takes the text to be replaced")
    grown = len(text) + text.count(old) * (len(new) - len(old))
    return text.replace(old, new) if grown <= _LONGEST else _bounded(" " * (_LONGEST + 1))


def truncate(value: object, bound: int = 80) -> str:
    """At most so many characters, the last of them "…" where some are missing."""
    if isinstance(bound, bool) or not isinstance(bound, int) or bound < 1:
        raise TemplateRuntimeError("the filter truncate takes a number of characters")
    return cut(_text(value), bound)


def upper(value: object) -> str:
    """In capitals."""
    return _bounded(_text(value).upper())


def lower(value: object) -> str:
    """In small letters."""
    return _bounded(_text(value).lower())


def capitalize(value: object) -> str:
    """With a capital at the front, the rest as it is."""
    text = _text(value)
    return _bounded(text[:1].upper() + text[1:])


def trim(value: object) -> str:
    """Without white space around it."""
    return _text(value).strip()


def _items(value: object, of: str) -> "list[object] | tuple[object, ...]":
    if isinstance(value, list | tuple):
        return value
    raise TemplateRuntimeError(f"the filter {of} takes a list, such as notices or lines")


FILTERS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        one.__name__: one
        for one in (
            capitalize,
            default,
            first,
            join,
            last,
            length,
            lower,
            money,
            number,
            replace,
            trim,
            truncate,
            upper,
        )
    }
)
