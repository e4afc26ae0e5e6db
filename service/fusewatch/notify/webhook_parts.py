"""The parts of a webhook's body that are about no single notice: a start, a gap, a digest, what was held back."""

import msgspec

from fusewatch.domain.money import usd_json
from fusewatch.domain.notices import DigestFacts, Gap, Hold, Mover, StartSummary, Why
from fusewatch.domain.rules import Unit
from fusewatch.notify.webhook_values import LISTED, Amount, Instant, amount_text, instant, value_text


class StartBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the first load read."""

    projects: list[str]
    project_count: int
    history_seconds: int
    generations: int
    spend_usd: Amount


class NearBody(msgspec.Struct, frozen=True, kw_only=True):
    """A budget above 80 % when a project became unreadable."""

    rule: str
    group: str
    percent: int


class GapBody(msgspec.Struct, frozen=True, kw_only=True):
    """A span in which a project could not be read; `until` is null while it lasts."""

    project: str
    since: Instant
    until: Instant | None
    reason: str
    spend_usd: Amount
    near: list[NearBody]
    near_count: int


class MoverBody(msgspec.Struct, frozen=True, kw_only=True):
    """A value whose spend changed: what it cost in the period and in the one before."""

    dimension: str
    value: str
    spend_usd: Amount
    before_usd: Amount


class NearLimitBody(msgspec.Struct, frozen=True, kw_only=True):
    """A budget of which at least 80 % was used; `limit` and `measured` in its unit."""

    rule: str
    key: dict[str, str]
    period: str
    unit: Unit
    measured: Amount
    limit: Amount


class DigestBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a day, week or month cost, `estimated_usd` of it by our own estimate; `before_usd` is that of the one
    before. `near_count` counts all that are near their limit. `open_incidents` by severity, `unpriced` requests by
    model, `unattributed_usd` by dimension."""

    period: str
    start: Instant
    end: Instant
    timezone: str
    spend_usd: Amount
    estimated_usd: Amount
    before_usd: Amount
    requests: int
    tokens: int
    at_least: bool
    up: list[MoverBody]
    down: list[MoverBody]
    near: list[NearLimitBody]
    near_count: int
    open_incidents: dict[str, int]
    unpriced: dict[str, int]
    unattributed_usd: dict[str, Amount]


class HoldBody(msgspec.Struct, frozen=True, kw_only=True):
    """What held the notices of a summary back; `silence` is its id, empty for quiet hours."""

    why: Why
    since: Instant
    until: Instant
    silence: str


def start_body(start: StartSummary, length: int) -> StartBody:
    return StartBody(
        projects=[value_text(name, length) for name in start.projects[:LISTED]],
        project_count=len(start.projects),
        history_seconds=start.history_ms // 1000,
        generations=start.generations,
        spend_usd=usd_json(start.cost_pico),
    )


def gap_body(gap: Gap, length: int) -> GapBody:
    near = [
        NearBody(rule=value_text(r, length), group=value_text(g, length), percent=p) for r, g, p in gap.near[:LISTED]
    ]
    return GapBody(
        project=value_text(gap.project, length),
        since=instant(gap.since_ms),
        until=None if gap.until_ms is None else instant(gap.until_ms),
        reason=value_text(gap.reason, 300),
        spend_usd=usd_json(gap.cost_pico),
        near=near,
        near_count=len(gap.near),
    )


def digest_body(digest: DigestFacts, length: int) -> DigestBody:
    return DigestBody(
        period=digest.every.value,
        start=instant(digest.start_ms),
        end=instant(digest.end_ms),
        timezone=digest.timezone,
        spend_usd=usd_json(digest.cost_pico),
        estimated_usd=usd_json(digest.estimated_pico),
        before_usd=usd_json(digest.before_pico),
        requests=digest.requests,
        tokens=digest.tokens,
        at_least=digest.at_least,
        up=[_mover(mover, length) for mover in digest.up],
        down=[_mover(mover, length) for mover in digest.down],
        near=[
            NearLimitBody(
                rule=value_text(near.rule, length),
                key={value_text(name, 60): value_text(value, length) for name, value in near.labels},
                period=near.every,
                unit=near.unit,
                measured=amount_text(near.measured, near.unit),
                limit=amount_text(near.limit, near.unit),
            )
            for near in digest.near
        ],
        near_count=digest.near_count,
        open_incidents=dict(digest.open_incidents),
        unpriced={value_text(model, length): count for model, count in digest.unpriced},
        unattributed_usd={value_text(name, 60): usd_json(cost) for name, cost in digest.unattributed},
    )


def _mover(mover: Mover, length: int) -> MoverBody:
    return MoverBody(
        dimension=value_text(mover.dimension, 60),
        value=value_text(mover.value, length),
        spend_usd=usd_json(mover.cost_pico),
        before_usd=usd_json(mover.before_pico),
    )


def hold_body(hold: Hold) -> HoldBody:
    return HoldBody(
        why=hold.why, since=instant(hold.since_ms), until=instant(hold.until_ms), silence=value_text(hold.silence, 60)
    )
