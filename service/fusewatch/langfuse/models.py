"""Langfuse's price list: its own models and the project's, page by page; and a price that is added to it."""

from collections.abc import Iterator
from decimal import Context, Decimal
from fractions import Fraction

import msgspec

from fusewatch.domain.prices import OPERATORS, ModelPrices, Tier, UsageCondition
from fusewatch.domain.ratebudget import Priority
from fusewatch.langfuse.instants import epoch_ms
from fusewatch.langfuse.transport import Transport
from fusewatch.langfuse.wire import decode
from fusewatch.ports import ModelList, NewModel

PAGE = 100
"""The greatest `limit` of the endpoint."""

MOST_PAGES = 50
"""5,000 models: a list that goes on for longer never ends."""


class Condition(msgspec.Struct, rename="camel"):
    """A condition over usage has a `usage_detail_pattern`; the others look at model parameters or metadata."""

    operator: str = ""
    usage_detail_pattern: str | None = None
    value: Decimal | None = None
    case_sensitive: bool = False


class PricingTier(msgspec.Struct, rename="camel"):
    """`prices` are US dollars per unit by usage key."""

    prices: dict[str, Decimal]
    is_default: bool = False
    priority: int = 0
    conditions: tuple[Condition, ...] = ()


class KeyPrice(msgspec.Struct):
    price: Decimal


class Model(msgspec.Struct, rename="camel"):
    """An entry of `/api/public/models`. Servers before pricing tiers have `prices` alone, the oldest only the three
    prices of input, output and total."""

    match_pattern: str
    model_name: str = ""
    start_date: str | None = None
    is_langfuse_managed: bool = False
    input_price: Decimal | None = None
    output_price: Decimal | None = None
    total_price: Decimal | None = None
    prices: dict[str, KeyPrice] | None = None
    pricing_tiers: tuple[PricingTier, ...] = ()


class Meta(msgspec.Struct, rename="camel"):
    total_pages: int


class Answer(msgspec.Struct):
    data: list[msgspec.Raw]
    meta: Meta


class Named(msgspec.Struct, rename="camel"):
    """What of a malformed entry may still be read."""

    model_name: str = ""


_WIDE = Context(prec=40)
_ANSWER = msgspec.json.Decoder(Answer)
_MODEL = msgspec.json.Decoder(Model, strict=False)
_NAMED = msgspec.json.Decoder(Named)


class Created(msgspec.Struct):
    """What a POST answers, as far as it matters here."""

    id: str


_CREATED = msgspec.json.Decoder(Created)
_NUMBERS = msgspec.json.Encoder(decimal_format="number")


async def add_model(transport: Transport, model: NewModel) -> str:
    """See `ports.PriceList.add_model`; `Permanent` (``bad_request``) with Langfuse's words where it refuses."""
    document: dict[str, str | Decimal] = {
        "modelName": model.name,
        "matchPattern": model.pattern,
        "unit": model.unit,
        **{f"{name}Price": _decimal(price) for name, price in model.prices},
    }
    answer = await transport.post("models", "models", _NUMBERS.encode(document), priority=Priority.LIVE)
    return decode(_CREATED, answer.body, where=transport.where("models")).id


def _decimal(price: Fraction) -> Decimal:
    """Exact where the price is a decimal at all, as every price that a person wrote is."""
    return _WIDE.divide(Decimal(price.numerator), Decimal(price.denominator))


async def ask_models(transport: Transport, *, priority: Priority = Priority.RECONCILE) -> ModelList:
    """All pages; see `ports.Source.models`. A malformed entry is left out and named."""
    models: list[ModelPrices] = []
    skipped: list[str] = []
    page, pages = 1, 1
    while page <= min(pages, MOST_PAGES):
        params = {"limit": str(PAGE), "page": str(page)}
        answer = await transport.get("models", "models", params, priority=priority)
        decoded = decode(_ANSWER, answer.body, where=transport.where("models"))
        for raw in decoded.data:
            try:
                models.append(_model_of(_MODEL.decode(raw)))
            except (msgspec.MsgspecError, ValueError, OverflowError):
                skipped.append(_name_of(raw))
        page, pages = page + 1, decoded.meta.total_pages
    return ModelList(tuple(models), tuple(skipped))


def _model_of(model: Model) -> ModelPrices:
    """ValueError for an entry that cannot be meant."""
    return ModelPrices(
        name=model.model_name,
        pattern=model.match_pattern,
        managed=model.is_langfuse_managed,
        start_ms=None if model.start_date is None else epoch_ms(model.start_date),
        tiers=tuple(_tiers(model)),
    )


def _tiers(model: Model) -> Iterator[Tier]:
    """In the order in which Langfuse tries them: by priority, the default one at the end (API.md, part 5).

    Conditions over model parameters and metadata are left out with their tier: the ledger keeps neither.
    """
    for tier in sorted(model.pricing_tiers, key=lambda tier: (tier.is_default, tier.priority)):
        if all(condition.usage_detail_pattern is not None for condition in tier.conditions):
            yield Tier(_exact(tier.prices), () if tier.is_default else tuple(map(_condition, tier.conditions)))
    if not model.pricing_tiers:
        yield Tier(_exact(_plain_prices(model)))


def _plain_prices(model: Model) -> dict[str, Decimal]:
    if model.prices:
        return {key: entry.price for key, entry in model.prices.items()}
    three = {"input": model.input_price, "output": model.output_price, "total": model.total_price}
    return {key: price for key, price in three.items() if price is not None}


def _condition(condition: Condition) -> UsageCondition:
    if condition.operator not in OPERATORS or condition.value is None or not condition.value.is_finite():
        raise ValueError(f"a pricing tier with the condition {condition.operator!r}")
    return UsageCondition(
        condition.usage_detail_pattern or "", condition.operator, Fraction(condition.value), condition.case_sensitive
    )


def _exact(prices: dict[str, Decimal]) -> tuple[tuple[str, Fraction], ...]:
    """ValueError for a price below zero, or none at all."""
    if any(not price.is_finite() or price < 0 for price in prices.values()):
        raise ValueError("a price below zero")
    return tuple((key, Fraction(price)) for key, price in prices.items())


def _name_of(raw: msgspec.Raw) -> str:
    try:
        return _NAMED.decode(raw).model_name
    except msgspec.MsgspecError:
        return ""
