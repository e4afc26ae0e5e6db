"""What the database holds, read without the product's own queries; and a version as the stand-in is sent it."""

import sqlite3
from collections import Counter
from decimal import Decimal
from typing import Any

from fusewatch.demo.standin import Span
from fusewatch.store.ids import unpack
from tests.app.stage import Stage
from tests.model.truth import Fact, Version


def facts(stage: Stage) -> Counter[Fact]:
    """The generations that count."""
    rows = _query(
        stage,
        "SELECT g.trace, g.obs, g.start_ms, g.cost, g.total, g.pricing, g.estimate, d.team, t.value FROM generation g"
        " JOIN dims d ON d.id = g.dims JOIN text t ON t.id = g.person WHERE g.counted = 1",
    )
    return Counter(
        Fact(unpack(trace), unpack(obs), start, cost, total, pricing != 0, estimate or 0, _own(team), _own(user))
        for trace, obs, start, cost, total, pricing, estimate, team, user in rows
    )


def content(stage: Stage) -> list[Any]:
    """Every row with all its columns."""
    return _query(stage, "SELECT * FROM generation ORDER BY project, start_ms, trace, obs")


def totals(stage: Stage) -> tuple[int, int, int, int]:
    """The running totals: generations, picodollars, estimated picodollars, generations without a price."""
    ((generations, hi, lo, est_hi, est_lo, unpriced),) = _query(
        stage, "SELECT generations, cost_hi, cost_lo, est_hi, est_lo, unpriced FROM project"
    )
    return generations, hi * 10**6 + lo, est_hi * 10**6 + est_lo, unpriced


def span_of(trace_id: str, id_: str, model: str, version: Version) -> Span:
    says = version.says
    metadata = {"team": says.team, "squad": says.squad}
    cost = version.cost_pico
    return Span(
        id=id_,
        trace_id=trace_id,
        start_ms=version.start_ms,
        name="call",
        type="GENERATION" if version.is_call else "SPAN",
        environment="production",
        model=model if version.is_call else "",
        user_id=says.user,
        metadata={name: value for name, value in metadata.items() if value},
        usage={"input": version.tokens} if version.is_call else {},
        cost={} if cost is None else {"input": Decimal(cost).scaleb(-12)},
        created_ms=version.updated_ms,
        updated_ms=version.updated_ms,
        arrives_ms=version.arrives_ms,
    )


def _query(stage: Stage, sql: str) -> list[Any]:
    with sqlite3.connect(stage.store.path) as database:
        rows = database.execute(sql).fetchall()
    database.close()
    return rows


def _own(value: str) -> str:
    return "" if value == "unknown" else value
