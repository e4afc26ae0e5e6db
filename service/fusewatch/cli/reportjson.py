"""Reports as JSON for programs: money as exact decimals in text, instants in epoch milliseconds."""

from collections.abc import Sequence
from itertools import islice

from fusewatch.app.reports import EVER, Average, Breakdown, Month, TraceGroup, Trend, total
from fusewatch.cli.reporttable import round_div
from fusewatch.domain.breakdown import Usage
from fusewatch.domain.money import usd_json
from fusewatch.domain.usage import TOKEN_TYPES
from fusewatch.ports import Line


def usage(used: Usage) -> dict[str, object]:
    return {
        "calls": used.calls,
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "total_tokens": used.tokens.total,
        "tokens": {name: count for name, count in zip(TOKEN_TYPES, used.tokens, strict=False) if count},
        "cost_usd": usd_json(used.cost_pico),
        "estimate_usd": usd_json(used.estimate_pico),
        "unpriced_calls": used.unpriced,
    }


def breakdown(made: Breakdown, zone: str, *, most: int | None = None) -> dict[str, object]:
    return {
        "by": list(made.by),
        "timezone": zone,
        "from_ms": None if made.span.from_ms <= EVER.from_ms else made.span.from_ms,
        "to_ms": None if made.span.to_ms >= EVER.to_ms else made.span.to_ms,
        "as_of_ms": made.as_of_ms,
        "at_least": bool(made.gaps),
        "not_read": [{"project": g.project, "from_ms": g.span.from_ms, "to_ms": g.span.to_ms} for g in made.gaps],
        "groups": [
            dict(zip(made.by, group.key, strict=True)) | usage(group.usage) for group in islice(made.groups, most)
        ],
        "left_out": usage(made.left_out),
        "total": usage(made.whole),
    }


def trend(made: Trend, by: Sequence[str]) -> dict[str, object]:
    return {
        "per": made.every.value,
        "periods": [
            {
                "period": period.label.partition(":")[2],
                "from_ms": part.span.from_ms,
                "to_ms": part.span.to_ms,
                "at_least": bool(part.gaps),
                "groups": [dict(zip(by, group.key, strict=True)) | usage(group.usage) for group in part.groups],
                "left_out": usage(part.left_out),
                "total": usage(part.whole),
            }
            for period, part in made.periods
        ],
        "total": usage(total(part.whole for _, part in made.periods)),
    }


def trace_group(one: TraceGroup) -> dict[str, object]:
    told = {"feature": one.feature, "team": one.team, "trace_name": one.trace_name}
    return {"project": one.project, "trace_id": one.trace_id, "first_ms": one.first_ms} | told | usage(one.usage)


def average(one: Average, by: Sequence[str]) -> dict[str, object]:
    per_trace = usd_json(round_div(one.usage.cost_pico, one.traces))
    return (
        dict(zip(by, one.key, strict=True)) | {"traces": one.traces, "cost_per_trace_usd": per_trace} | usage(one.usage)
    )


def trace(lines: Sequence[Line]) -> dict[str, object]:
    return {
        "trace_id": lines[0].trace_id,
        "generations": [
            {
                "project": line.project,
                "id": line.id,
                "start_ms": line.start_ms,
                "duration_ms": line.duration_ms,
                "operation": line.dimensions.operation,
                "model": line.dimensions.model,
                "feature": line.dimensions.feature,
                "team": line.dimensions.team,
                "user": line.user,
                "session": line.session,
                "priced": line.pricing.name.lower(),
            }
            | usage(line.usage)
            for line in lines
        ],
        "total": usage(total(line.usage for line in lines)),
    }


def month(found: Month, zone: str) -> dict[str, object]:
    return {
        "month": found.label,
        "closed_ms": found.closed_ms,
        "closed": None if found.closed is None else breakdown(found.closed, zone),
        "correction": usage(found.correction),
        "now": breakdown(found.now, zone),
    }
