"""How values are written, in the environment and in the budget file: each function reads one kind of text.

All of them raise `Wrong`. Its `what` holds ``{}`` where the value may be quoted, so that the caller decides whether it
may be shown: a secret, or what a variable holds, never is.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from typing import NamedTuple
from urllib.parse import urlsplit

from fusewatch.domain.money import Usd
from fusewatch.domain.periods import CELL_MS, Calendar, Last
from fusewatch.domain.rules import Limit, Severity, Unit

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_UNIT_MS = {"s": 1000, "m": 60_000, "h": HOUR_MS, "d": DAY_MS, "y": 365 * DAY_MS}
_LONGEST_MS = 10 * 365 * DAY_MS
_DURATION = re.compile(r"([0-9]{1,9})([smhdy])")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_PERCENT = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,4})?) ?%")
_COUNT = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,9}))? ?([kKMGB]?) (token|request)s?")
_MULTIPLE = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9}
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_LONGEST_SHOWN = 60


class Wrong(ValueError):
    """A value that cannot be meant: `what` is wrong with it, what would be `right`."""

    def __init__(self, what: str, right: str = "") -> None:
        super().__init__(what, right)
        self.what = what
        self.right = right


class Filled(str):
    """A text into which variables were filled. Messages quote its `source`; `known` is False while one is not set."""

    __slots__ = ("known", "source")

    source: str
    known: bool

    def __new__(cls, value: str, source: str, *, known: bool) -> "Filled":
        filled = super().__new__(cls, value)
        filled.source = source
        filled.known = known
        return filled


def shown(text: str) -> str:
    """A value as a message quotes it: on one line, not endless, without control or direction marks.

    Of a text into which variables were filled the source is quoted.
    """
    text = text.source if isinstance(text, Filled) else text
    plain = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[: _LONGEST_SHOWN + 1])
    return f'"{plain[:_LONGEST_SHOWN]}…"' if len(text) > _LONGEST_SHOWN else f'"{plain}"'


def one_of(names: Iterable[str]) -> str:
    """``a, b or c``"""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def nearest(word: str, known: Iterable[str]) -> str:
    """A question when the word looks like a known one, else an empty text."""
    close = get_close_matches(word[:100].lower(), list(dict.fromkeys(known)), n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else ""


def parse_choice(text: str, choices: Sequence[str]) -> str:
    """One of some fixed words."""
    if text in choices:
        return text
    raise Wrong("{} is not known here", nearest(text, choices) or f"write {one_of(choices)}")


def parse_duration(text: str) -> int:
    """``90s``, ``15m``, ``24h`` or ``7d`` in milliseconds; ``y`` is 365 days. Above zero, ten years at most."""
    right = "write a duration such as 90s, 15m, 24h or 7d"
    match = _DURATION.fullmatch(text)
    if not match:
        raise Wrong("{} is not a duration", right)
    duration_ms = int(match[1]) * _UNIT_MS[match[2]]
    if not 0 < duration_ms <= _LONGEST_MS:
        raise Wrong("{} is not between a second and ten years", right)
    return duration_ms


def parse_window(longest: Last) -> Callable[[str], int]:
    """Reads a rolling window in milliseconds: whole quarter hours, from one up to `longest`."""

    def parse(text: str) -> int:
        window_ms = parse_duration(text)
        right = f"write a multiple of 15m from 15m to {longest.span}"
        if not CELL_MS <= window_ms <= longest.ms:
            raise Wrong(f"{{}} is not between 15m and {longest.span}", right)
        if window_ms % CELL_MS:
            raise Wrong("{} is no whole number of quarter hours, in which windows move", right)
        return window_ms

    return parse


def parse_clock(text: str) -> int:
    """``22:00`` in minutes after midnight."""
    match = _CLOCK.fullmatch(text)
    if not match:
        raise Wrong("{} is not a time of day", 'write "00:00" to "23:59"')
    return int(match[1]) * 60 + int(match[2])


def parse_percent(text: str) -> Fraction:
    """``50%`` as a share of 1, above zero."""
    right = "write a percentage such as 80% or 62.5%"
    match = _PERCENT.fullmatch(text)
    if not match:
        raise Wrong("{} is not a percentage", right)
    share = Fraction(Decimal(match[1])) / 100
    if share <= 0:
        raise Wrong("{} is not above zero", right)
    return share


def parse_money(text: str) -> int:
    """``$5`` in picodollars, zero or more."""
    try:
        return Usd.parse(text).pico
    except ValueError as error:
        what, _, right = str(error).partition("; ")
        raise Wrong(what.replace(f'"{text.strip()}"', "{}"), right) from None


def parse_limit(text: str) -> Limit:
    """``$500``, ``2M tokens``, ``10k tokens`` or ``500 requests``, above zero."""
    right = "write an amount such as $50, 2M tokens or 500 requests"
    if re.search(r"tokens?$|requests?$", text):
        match = _COUNT.fullmatch(text)
        if not match:
            raise Wrong("{} is not a number of tokens or requests", right)
        whole, fraction, multiple = int(match[1]), match[2] or "", _MULTIPLE[match[3]]
        amount, rest = divmod((whole * 10 ** len(fraction) + int(fraction or 0)) * multiple, 10 ** len(fraction))
        if rest:
            raise Wrong("{} is not a whole number", right)
        limit = Limit(Unit.TOKENS if match[4] == "token" else Unit.REQUESTS, amount)
    else:
        limit = Limit(Unit.USD, parse_money(text))
    if limit.amount <= 0:
        raise Wrong("{} is not above zero", right)
    return limit


def parse_factor(text: str) -> Fraction:
    """A number above one, exactly."""
    if _NUMBER.fullmatch(text) and (factor := Fraction(text)) > 1:
        return factor
    raise Wrong("{} is not a number above 1", "write a factor such as 2 or 1.5")


def parse_price(text: str) -> Fraction:
    """USD for a number of tokens, zero or more, exactly; ``$3`` and ``3.00`` are the same."""
    return Fraction(parse_money(text), 10**12)


def parse_zone(text: str) -> str:
    """The IANA name of a time zone."""
    try:
        return Calendar(text).timezone
    except ValueError as error:
        _, _, right = str(error).rpartition(": ")
        raise Wrong("{} is not a time zone", right) from None


def parse_severity(text: str) -> Severity:
    return Severity[parse_choice(text, tuple(s.word for s in Severity)).upper()]


def parse_web_address(text: str) -> str:
    """An http or https address, without the slash at its end."""
    right = "write an address such as https://example.com/path"
    if not text.isprintable() or " " in text:
        raise Wrong("this is not an address: it holds a space or a control character", right)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Wrong("this is not an http or https address", right)
    return text.rstrip("/")


def parse_secret(text: str) -> str:
    """A key or token: something that fits into a header line."""
    if not text:
        raise Wrong("this is empty", "write the key or token")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise Wrong("this holds a space, a line break or another character that no key has")
    return text


class Listen(NamedTuple):
    """Where the daemon listens. Port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(text: str) -> Listen:
    """``host:port``; an IPv6 host in brackets."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})", text)
    if not match or int(match[3]) > 65_535 or (match[1] and not _is_address(match[1])):
        raise Wrong("{} is not an address to listen on", "write host:port, such as 127.0.0.1:9469")
    return Listen(match[1] or match[2], int(match[3]))


def listen_is_loopback(listen: Listen) -> bool:
    """Whether only this machine can reach the listen address."""
    if listen.host == "localhost":
        return True
    return _is_address(listen.host) and ipaddress.ip_address(listen.host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Known:
    """The names that a value may refer to; `project_names` is None where the file names none."""

    destinations: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    project_names: tuple[str, ...] | None = None


NAME = re.compile(r"[^\W_][\w.-]{0,79}")


def parse_name(text: str) -> str:
    """The name of a rule, a destination or a project: it stands in metrics, messages and commands."""
    if not NAME.fullmatch(text):
        raise Wrong("{} is not a name", "use letters, digits, - _ and . only, a letter or digit first, at most 80")
    return text


def parse_label(text: str) -> str:
    """A name that can be a Prometheus label."""
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,62}", text):
        raise Wrong("{} cannot be a label", "use letters, digits and _ only, a letter first")
    return text


def parse_pattern(text: str) -> str:
    """A glob for a dimension's value."""
    if not text:
        raise Wrong("an empty pattern matches nothing", 'a missing value is the key "unknown"')
    at = 0
    while (at := text.find("[", at)) >= 0:
        first = at + 2 if text[at + 1 : at + 2] == "!" else at + 1
        end = text.find("]", first + 1)
        if end < 0:
            raise Wrong("in the pattern {} a [ has no ]", "write [[] for a literal [")
        body = text[first:end]
        if any(low > high for low, high in re.findall(r"(.)-(.)", body)):
            raise Wrong("in the pattern {} a range runs backwards", "write it as [a-z]")
        at = end
    return text


def parse_dimension(text: str, known: Known) -> str:
    if text in known.dimensions:
        return text
    right = nearest(text, known.dimensions) or f"known here: {', '.join(known.dimensions)}"
    raise Wrong("there is no dimension {}", right)


def parse_destination(text: str, known: Known) -> str:
    if text in known.destinations:
        return text
    names = sorted(known.destinations)
    raise Wrong("there is no destination {}", nearest(text, names) or f"known here: {', '.join(names)}")
