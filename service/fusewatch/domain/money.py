"""Money as whole picodollars: in from JSON and from people, out to SQL, gauges and messages, exact in between."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from math import isfinite
from typing import Self, TypeAlias

PICO_PER_USD = 10**12
"""Langfuse keeps costs as Decimal(18, 12), so one picodollar is its smallest step."""

Pico: TypeAlias = int
"""Picodollars, 1e-12 USD. Variables that hold them end in `_pico`."""

PICO_PER_MICRO = 10**6
"""Where `split` cuts: the high part counts whole micro-dollars, the low part the picodollars that remain."""

EXACT_BELOW_USD = 2048
"""Below it the rounded product of a double in USD and 1e12 is exact (`pico_from_json`)."""

_DECIMALS = 12
_MAX_WHOLE_DIGITS = 12
_PICO_PER_CENT = PICO_PER_USD // 100
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_AMOUNT = re.compile(
    r"(?:US\$|\$|USD)?\s*(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.(?P<fraction>[0-9]+))?\s*(?:USD)?",
    re.IGNORECASE,
)
_FOREIGN_CODE = re.compile(r"(?!USD)[A-Z]{3}\s*[0-9.,]+|[0-9.,]+\s*(?!USD)[A-Z]{3}|(?!US\$)[A-Z]+\$.*", re.IGNORECASE)


def pico_from_json(value: float | int) -> Pico:
    """Picodollars of a JSON number in USD, exact for every amount of up to 12 decimals below $8,192.

    There a double still tells neighbouring picodollars apart; above, the result is the picodollar nearest to the
    shortest decimal that the double stands for. Below $2,048 the error of the double (0.11 pico) and of the
    product (0.13) stay under half a picodollar, so rounding the product is exact and about as cheap as it gets.
    NaN and infinities raise ValueError.
    """
    if -EXACT_BELOW_USD < value < EXACT_BELOW_USD:
        return round(value * 1e12)
    if isinstance(value, int):
        return value * PICO_PER_USD
    if not isfinite(value):
        raise ValueError(f"{value} is not an amount of money")
    shifted = Decimal(repr(value)).scaleb(_DECIMALS, _CONTEXT)
    return int(shifted.to_integral_value(ROUND_HALF_EVEN))


@dataclass(frozen=True, slots=True, order=True)
class Usd:
    """An amount in US dollars, held as whole picodollars; it may be negative (a correction)."""

    pico: Pico

    def __post_init__(self) -> None:
        if type(self.pico) is not int:
            raise TypeError(
                f"Usd counts whole picodollars and takes an int, not {self.pico!r}: "
                'use Usd.parse("0.10") for what a person wrote, Usd(pico_from_json(0.1)) for a JSON number'
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """The amount that a person wrote: `$50`, `50`, `$1,250.50`, `$0.000053`, `50 USD`.

        Raises ValueError, with what would be right, for another currency, a negative amount, more than twelve
        decimals, a trillion dollars and more, and for anything that is no amount.
        """
        return cls(_parse_pico(text.strip()))

    def __add__(self, other: Self) -> Self:
        if not isinstance(other, Usd):
            return NotImplemented
        return type(self)(self.pico + other.pico)

    def __sub__(self, other: Self) -> Self:
        if not isinstance(other, Usd):
            return NotImplemented
        return type(self)(self.pico - other.pico)

    def __neg__(self) -> Self:
        return type(self)(-self.pico)

    def __mul__(self, factor: int) -> Self:
        if type(factor) is not int:
            return NotImplemented
        return type(self)(self.pico * factor)

    __rmul__ = __mul__

    def __str__(self) -> str:
        return format_usd(self.pico)


def _parse_pico(text: str) -> Pico:
    if not text:
        raise ValueError("an amount is missing; write it like $50 or $0.25")
    _refuse_other_currency(text)
    if re.match(r"[$\s]*[-−(]", text):
        raise ValueError(f'"{text}" is negative; an amount is zero or more')
    match = _AMOUNT.fullmatch(text)
    whole, fraction = (match["whole"], match["fraction"] or "") if match else (None, "")
    if whole is None and not fraction:
        raise ValueError(f'"{text}" is not an amount; write it like $50, $1,250.50 or $0.25')
    digits = (whole or "0").replace(",", "").lstrip("0")
    if len(fraction) > _DECIMALS:
        raise ValueError(f'"{text}" has {len(fraction)} decimals; at most {_DECIMALS} are kept')
    if len(digits) > _MAX_WHOLE_DIGITS:
        raise ValueError("an amount stays below $1,000,000,000,000")
    return int(digits or "0") * PICO_PER_USD + int(fraction.ljust(_DECIMALS, "0"))


def _refuse_other_currency(text: str) -> None:
    signs = [char for char in text if unicodedata.category(char) == "Sc" and char != "$"]
    if signs or _FOREIGN_CODE.fullmatch(text):
        raise ValueError(f'"{text}" is not in US dollars; only USD is supported, as Langfuse reports costs in USD')


def split(pico: Pico) -> tuple[int, int]:
    """(whole micro-dollars, remaining picodollars), both cut towards zero as SQL's `/ 1000000` and `% 1000000` do.

    Summed apart, the two parts stay inside int64 where one sum of picodollars would overflow at $9.2 million.
    """
    hi = pico // PICO_PER_MICRO if pico >= 0 else -(-pico // PICO_PER_MICRO)
    return hi, pico - hi * PICO_PER_MICRO


def join(hi: int, lo: int) -> Pico:
    """The picodollars of two parts, or of two sums of parts, made by `split`."""
    return hi * PICO_PER_MICRO + lo


def pico_to_decimal(pico: Pico) -> Decimal:
    """The amount in USD, exact at any size, with twelve decimals."""
    return Decimal((int(pico < 0), tuple(map(int, str(abs(pico)))), -_DECIMALS))


def pico_to_float(pico: Pico) -> float:
    """The double nearest to the amount in USD: for gauges and drawings, never to be summed."""
    return pico / PICO_PER_USD


def usd_json(pico: Pico) -> str:
    """The exact amount in USD as a plain decimal, `50.31`, for JSON fields that a program may compute with."""
    whole, fraction = divmod(abs(pico), PICO_PER_USD)
    decimals = f"{fraction:012d}".rstrip("0")
    return f"{'-' if pico < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"


def format_usd(pico: Pico) -> str:
    """The amount as people read it: `$8,912.44` to the cent from $1 up, two significant digits below, `−$4.10`, `$0`.

    Rounded half to even; a picodollar is the last digit shown, so `$0.000000000001` has only one.
    """
    sign = "−" if pico < 0 else ""
    magnitude = abs(pico)
    if magnitude == 0:
        return "$0"
    if magnitude >= PICO_PER_USD:
        return sign + _to_the_cent(magnitude)
    dropped = max(len(str(magnitude)) - 2, 0)
    digits = _round_half_even(magnitude, 10**dropped)
    decimals = _DECIMALS - dropped
    if digits == 100:  # 0.0996 became 0.100: three digits where two are meant
        digits, decimals = 10, decimals - 1
    if decimals == 1:  # 0.996 became 1.0
        return sign + _to_the_cent(PICO_PER_USD)
    return f"{sign}$0.{digits:0{decimals}d}"


def _to_the_cent(magnitude: Pico) -> str:
    dollars, cents = divmod(_round_half_even(magnitude, _PICO_PER_CENT), 100)
    return f"${dollars:,}.{cents:02d}"


def _round_half_even(value: int, step: int) -> int:
    """How many steps the value makes, to the nearest, a tie to the even one."""
    quotient, remainder = divmod(value, step)
    return quotient + (2 * remainder > step or (2 * remainder == step and quotient % 2))
