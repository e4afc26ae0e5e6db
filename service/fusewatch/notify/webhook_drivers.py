"""What drove the spend, as a webhook receives it."""

import msgspec

from fusewatch.domain.explanations import Against, Effect, Explanation, Part
from fusewatch.domain.money import usd_json
from fusewatch.domain.rules import Unit
from fusewatch.notify.webhook_values import Amount, Instant, amount_text, instant, value_text


class EffectBody(msgspec.Struct, frozen=True, kw_only=True):
    """A growth split into more requests, more tokens in each, and a dearer token; the three sum to it."""

    requests: Amount
    size: Amount
    price: Amount


class DriverPartBody(msgspec.Struct, frozen=True, kw_only=True):
    """One value that spent more than usual; `was` is the value it replaced, null where it replaced none."""

    dimension: str
    value: str
    amount: Amount
    baseline: Amount
    growth: Amount
    effect: EffectBody
    was: str | None
    was_until: Instant | None
    at_least: bool


class DriverBody(DriverPartBody, frozen=True, kw_only=True):
    """The same, and what explains it within that value."""

    under: list[DriverPartBody]


class TraceBody(msgspec.Struct, frozen=True, kw_only=True):
    """A dear trace; `project` is the stable key of its project."""

    project: str
    trace_id: str
    cost_usd: Amount


class DriversBody(msgspec.Struct, frozen=True, kw_only=True):
    """What drove the spend of `start` to `end`, against `count` earlier spans (`against` says which; null `baseline`
    without any). The growth of the drivers and `rest` are all of `growth`; where nothing grew, their amounts and `rest`
    are all of `amount`."""

    against: Against
    count: int
    start: Instant
    end: Instant
    unit: Unit
    amount: Amount
    baseline: Amount | None
    growth: Amount | None
    effect: EffectBody | None
    drivers: list[DriverBody]
    rest: Amount
    traces: list[TraceBody]
    sampled: bool


def drivers_body(why: Explanation, length: int) -> DriversBody:
    """The body; values are cut at `length`."""
    unit = why.unit
    return DriversBody(
        against=why.against,
        count=why.count,
        start=instant(why.from_ms),
        end=instant(why.to_ms),
        unit=unit,
        amount=amount_text(why.amount, unit),
        baseline=None if why.baseline is None else amount_text(why.baseline, unit),
        growth=None if why.baseline is None else amount_text(why.growth, unit),
        effect=_effect(why.effect, unit) if why.effect else None,
        drivers=[
            DriverBody(
                **msgspec.structs.asdict(_part(driver.part, unit, length)),
                under=[_part(part, unit, length) for part in driver.under],
            )
            for driver in why.drivers
        ],
        rest=amount_text(why.rest, unit),
        traces=[
            TraceBody(
                project=value_text(trace.project, length),
                trace_id=value_text(trace.trace, length),
                cost_usd=usd_json(trace.cost_pico),
            )
            for trace in why.traces
        ],
        sampled=why.sampled,
    )


def _part(part: Part, unit: Unit, length: int) -> DriverPartBody:
    was = part.was
    return DriverPartBody(
        dimension=value_text(part.dimension, 60),
        value=value_text(part.value, length),
        amount=amount_text(part.amount, unit),
        baseline=amount_text(part.baseline, unit),
        growth=amount_text(part.growth, unit),
        effect=_effect(part.effect, unit),
        was=None if was is None else value_text(was.value, length),
        was_until=None if was is None or was.until_ms is None else instant(was.until_ms),
        at_least=part.at_least,
    )


def _effect(effect: Effect, unit: Unit) -> EffectBody:
    return EffectBody(
        requests=amount_text(effect.requests, unit),
        size=amount_text(effect.size, unit),
        price=amount_text(effect.price, unit),
    )
