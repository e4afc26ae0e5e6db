"""The ledger by UTC hour, what the last comparison with Langfuse found there, and the rows that vanished."""

from collections.abc import Collection

from fusewatch.domain.money import join, split
from fusewatch.domain.reconciling import HOUR_MS, HourLedger, HourReading
from fusewatch.ports import Span
from fusewatch.store import bulk
from fusewatch.store.connection import Link
from fusewatch.store.ids import pack
from fusewatch.store.rows import hours as with_rows

_MICRO = 1_000_000
_PARTS = (
    "counted = 1",
    "counted = 1 AND gone_ms IS NOT NULL",
    "counted = 0 AND gone_ms IS NULL",
)
_SUMS = ", ".join(
    f"coalesce(sum(CASE WHEN {part} THEN cost {sign} {_MICRO} END), 0)" for part in _PARTS for sign in ("/", "%")
)


_ESTIMATES = ", ".join(
    f"coalesce(sum(CASE WHEN counted = 1 THEN estimate {sign} {_MICRO} END), 0)" for sign in ("/", "%")
)


def ledger(link: Link, project: int, span: Span) -> dict[int, HourLedger]:
    """See `ports.IngestUnit.hours`."""
    found = {}
    # An hour at a time: grouped by hour, all rows of the span would be held to be sorted, 100 bytes each.
    for from_ms, to_ms in with_rows(link, project, *span):
        count, tokens, *sums = link.row(
            f"SELECT sum(counted), coalesce(sum(CASE WHEN gone_ms IS NULL THEN total END), 0), {_SUMS}, {_ESTIMATES}"  # noqa: S608 our own names only
            " FROM generation WHERE project = ? AND start_ms >= ? AND start_ms < ?",
            (project, from_ms, to_ms),
        )
        parts = (join(*sums[0:2]), join(*sums[2:4]), join(*sums[4:6]), int(count), join(*sums[6:8]), int(tokens))
        found[from_ms // HOUR_MS * HOUR_MS] = HourLedger(*parts)
    return found


def readings(link: Link, project: int, span: Span) -> dict[int, HourReading]:
    rows = link.rows(
        "SELECT hour_ms, fingerprint, langfuse_hi, langfuse_lo, duplicates_hi, duplicates_lo, unexplained_hi,"
        " unexplained_lo, read_at_ms FROM hour_reading WHERE project = ? AND hour_ms >= ? AND hour_ms < ?",
        (project, *span),
    )
    return {
        hour: HourReading(mark, join(found, found_lo), join(twice, twice_lo), join(rest, rest_lo), read_at_ms)
        for hour, mark, found, found_lo, twice, twice_lo, rest, rest_lo, read_at_ms in rows
    }


def put_reading(link: Link, project: int, hour_ms: int, reading: HourReading) -> None:
    columns = (
        *("project", "hour_ms", "fingerprint", "langfuse_hi", "langfuse_lo", "duplicates_hi", "duplicates_lo"),
        *("unexplained_hi", "unexplained_lo", "read_at_ms"),
    )
    amounts = (*split(reading.langfuse_pico), *split(reading.duplicates_pico), *split(reading.unexplained_pico))
    row = (project, hour_ms, reading.fingerprint, *amounts, reading.read_at_ms)
    bulk.replace(link, "hour_reading", ("project", "hour_ms"), columns, [row])


def mark_gone(link: Link, project: int, span: Span, present: Collection[tuple[str, str, int]], at_ms: int) -> int:
    """See `ports.IngestUnit.mark_gone`."""
    there = {(start_ms, pack(trace), pack(observation)) for trace, observation, start_ms in present}
    rows = link.rows(
        "SELECT start_ms, trace, obs, gone_ms FROM generation WHERE project = ? AND start_ms >= ? AND start_ms < ?",
        (project, *span),
    )
    lost = [row[:3] for row in rows if row[3] is None and row[:3] not in there]
    back = [row[:3] for row in rows if row[3] is not None and row[:3] in there]
    for places, gone_ms in ((lost, at_ms), (back, None)):
        for place in places:
            link.run(
                "UPDATE generation SET gone_ms = ? WHERE project = ? AND start_ms = ? AND trace = ? AND obs = ?",
                (gone_ms, project, *place),
            )
    return len(lost)


def reconciled(link: Link, project: int, at_ms: int, drift_pico: int) -> None:
    link.run(
        "UPDATE project SET reconciled_ms = ?, drift_hi = ?, drift_lo = ? WHERE id = ?",
        (at_ms, *split(drift_pico), project),
    )


def distrust_sums(link: Link) -> None:
    """Sum the totals anew, and let the next assess pass form all cells from the rows.

    What waited to be added to the cells is in the rows already. What was pruned is no more: its sums are the archive's,
    and the cells of that time stay (see `SeriesWriter.build`).
    """
    link.run("DELETE FROM dirty")
    link.run("UPDATE view SET built = 0")
    link.run(
        f"UPDATE project SET (generations, cost_hi, cost_lo, unpriced, est_hi, est_lo) = (SELECT coalesce(sum(n), 0),"  # noqa: S608 our own names only
        " coalesce(sum(hi), 0), coalesce(sum(lo), 0), coalesce(sum(unpriced), 0), coalesce(sum(est_hi), 0),"
        " coalesce(sum(est_lo), 0) FROM"
        f" (SELECT count(*) AS n, sum(cost / {_MICRO}) AS hi, sum(cost % {_MICRO}) AS lo,"
        " count(CASE WHEN pricing <> 0 THEN 1 END) AS unpriced,"
        f" sum(estimate / {_MICRO}) AS est_hi, sum(estimate % {_MICRO}) AS est_lo"
        " FROM generation g WHERE g.project = project.id AND g.counted = 1"
        " UNION ALL SELECT sum(requests), sum(cost_hi), sum(cost_lo), sum(unpriced), sum(estimate_hi), sum(estimate_lo)"
        " FROM hour_total h WHERE h.project = project.id))"
    )
