"""HTML by small functions: what is not markup already gets escaped, so nothing can be forgotten."""

from html import escape

from fusewatch.web.textformat import utf8

Child = str | None

_VOID = frozenset({"meta", "link", "br", "hr", "input"})


class Markup(str):
    """Text that is HTML. Only `el`, `text`, `join` and the page's own constants make it."""

    __slots__ = ()


def text(value: str) -> Markup:
    """The value as text that cannot be markup."""
    return value if isinstance(value, Markup) else Markup(escape(utf8(value)))


def el(name: str, /, *children: Child, **attributes: str | None) -> Markup:
    """An element. Children that are None are left out; so are attributes. `class_` is `class`, `aria_label` is
    `aria-label`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(utf8(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: Child) -> Markup:
    return Markup("".join([text(child) for child in children if child is not None]))


def foreign(value: str) -> Markup:
    """A name that came from outside: its writing direction ends with it, whatever marks it holds."""
    return el("bdi", value)
