"""Prometheus' text format 0.0.4, written by hand: lines of text, no object for each series.

The format is that of https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import isinf

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

OWN_LABELS = frozenset({"budget", "group", "le", "period", "quantile", "rule", "token_type"})
"""Labels that stand beside dimensions in our families: a dimension of the same name gets another one.

Not so `project`: there the dimension is what the label means.
"""

_VALID = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_FOREIGN = re.compile(r"[^a-zA-Z0-9_]")


def label_names(dimensions: Iterable[str]) -> dict[str, str]:
    """The label for each dimension: its name where that is a valid label, else one made valid and unique.

    It depends on the set of dimensions only, not on their order; a valid name never gives way to one that was made.
    """
    every = sorted(set(dimensions))
    names = {name: name for name in every if _VALID.fullmatch(name) and name not in OWN_LABELS}
    taken = OWN_LABELS | names.keys()
    for name in every:
        if name in names:
            continue
        stem = _FOREIGN.sub("_", name).lstrip("_") or "dimension"
        stem = f"_{stem}" if stem[0].isdigit() else stem
        label, number = stem, 1
        while label in taken:
            number += 1
            label = f"{stem}_{number}"
        names[name] = label
        taken |= {label}
    return names


def utf8(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot carry, written out as `\\udcff`."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


class Quoted(dict[str, str]):
    """Label values in quotes, escaped; each text is escaped once."""

    def __missing__(self, text: str) -> str:
        escaped = utf8(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        quoted = self[text] = f'"{escaped}"'
        return quoted


class Exposition:
    """The growing text. A family is its header and then its lines; labels come as text without braces."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._quoted = Quoted()

    def labels(self, names: Sequence[str], values: Iterable[str]) -> str:
        """`a="1",b="2"`; values in the order of the names."""
        quoted = self._quoted
        return ",".join([f"{name}={quoted[value]}" for name, value in zip(names, values, strict=True)])

    def family(self, name: str, kind: str, text: str) -> None:
        """The header. `text` is our own: one line without a backslash."""
        self._parts.append(f"# HELP {name} {text}\n# TYPE {name} {kind}\n")

    def samples(self, name: str, rows: Iterable[tuple[str, object]]) -> None:
        """One line for each (labels, value); the value's `str` is what stands there."""
        self._parts += [f"{name}{{{labels}}} {value}\n" if labels else f"{name} {value}\n" for labels, value in rows]

    def histogram(self, name: str, labels: str, bounds: Sequence[float], buckets: Sequence[int], total: str) -> None:
        """The lines of one histogram; `buckets` are counts for each bound, +Inf last, and become cumulative here."""
        counts = list(accumulate(buckets))
        for bound, count in zip(bounds, counts, strict=False):
            self._parts.append(f'{name}_bucket{{{labels},le="{bound!r}"}} {count}\n')
        self._parts.append(
            f'{name}_bucket{{{labels},le="+Inf"}} {counts[-1]}\n'
            f"{name}_sum{{{labels}}} {total}\n{name}_count{{{labels}}} {counts[-1]}\n"
        )

    def encode(self) -> bytes:
        return "".join(self._parts).encode()


def decimal(amount: int, places: int) -> str:
    """`amount` / 10^places as an exact decimal: `decimal(50_310, 3)` is `50.31`."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    whole, rest = divmod(amount, 10**places)
    return f"{sign}{whole}.{str(rest).zfill(places).rstrip('0')}" if rest else f"{sign}{whole}"


def number(value: float) -> str:
    """A float as the format writes it: the shortest text of the same double, `+Inf` for infinity."""
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def sorted_rows(rows: Mapping[str, object]) -> list[tuple[str, object]]:
    """By the text of their labels, so that the same facts always give the same bytes."""
    return sorted(rows.items(), key=lambda row: row[0])
