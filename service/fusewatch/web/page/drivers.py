"""What drove an incident, as it unfolds under it: the values whose spend grew most, by how much and by which cause."""

from fractions import Fraction

from fusewatch.domain.explanations import Against, Effect, Explanation, Part
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import UNKNOWN
from fusewatch.web.html import Child, Markup, el, foreign, join, text
from fusewatch.web.words import amount, moment

_UNCHANGED = (Fraction(4, 5), Fraction(5, 4))
"""A factor within these is no news."""

_AGAINST = {
    Against.NOTHING: "",
    Against.HOURS: "the same hours of {} before",
    Against.WEEKS: "the same part of {} before",
    Against.MONTHS: "the same part of {} before",
    Against.WINDOWS: "{} of that length before",
    Against.STRETCH: "{} before, brought to the same length",
}
_NOUNS = {Against.WEEKS: "week", Against.MONTHS: "month", Against.WINDOWS: "window"}


def drivers(why: Explanation, now_ms: int, zone: str) -> Markup:
    """A heading line and a list; what explains a value within it stands below it."""
    noun = _NOUNS.get(why.against, "day")
    counted = f"the {noun}" if why.count == 1 else f"{why.count} {noun}s"
    compared = _AGAINST[why.against].format(counted)
    if why.baseline is None:
        head = "What it went to; there is no earlier time to compare with:"
    elif why.grew:
        head = f"What drove it, against {compared} ({_change(why.growth, why.unit)}):"
    else:
        head = f"No more than usual, against {compared}; what it went to:"
    items: list[Child] = []
    for driver in why.drivers:
        under = [el("li", _part(part, why, now_ms, zone)) for part in driver.under]
        items.append(el("li", _part(driver.part, why, now_ms, zone), el("ul", *under) if under else None))
    if why.drivers and why.rest:
        rest = _change(why.rest, why.unit) if why.grew else amount(why.rest, why.unit)
        items.append(el("li", f"everything else {rest}"))
    return el("div", el("p", head), el("ul", *items), class_="drivers")


def _change(value: int, unit: Unit) -> str:
    return f"{'+' if value >= 0 else '−'}{amount(abs(value), unit)}"


def _part(part: Part, why: Explanation, now_ms: int, zone: str) -> Markup:
    name = f"no {part.dimension}" if part.value == UNKNOWN else part.value
    kind = None if part.value == UNKNOWN else join(foreign(part.dimension), " ")
    sums = _change(part.growth, why.unit) if why.grew else amount(part.amount, why.unit)
    more = " or more" if part.at_least else ""
    cause: Markup | None = None
    if part.was is not None:
        until = "" if part.was.until_ms is None else f" until {moment(part.was.until_ms, now_ms, zone)}"
        cause = join(", was ", foreign(part.was.value), until)
    elif why.grew and (words := _effect(part.effect)):
        cause = text(f", {words}")
    elif why.amount > 0:
        cause = text(f", {part.amount * 100 // why.amount} % of it")
    return join(kind, el("b", foreign(name)), f" {sums}{more}", cause)


def _effect(effect: Effect) -> str:
    """`3.1x requests, same size`: the causes that are news, the largest first."""
    if effect.requests_by is None:
        return ""
    causes = (
        (effect.requests, effect.requests_by, "requests"),
        (effect.size, effect.size_by, "tokens per request"),
        (effect.price, effect.price_by, "price per token"),
    )
    news = [
        (abs(share), f"{float(by):,.1f}x {words}")
        for share, by, words in causes
        if by is not None and not _UNCHANGED[0] <= by <= _UNCHANGED[1]
    ]
    return ", ".join(words for _, words in sorted(news, key=lambda one: -one[0]))
