"""What was spent: projects, generations, the sums that are kept of them, counters and closed months."""

import sqlalchemy as sa

from fusewatch.store.schema.columns import (
    ARCHIVED,
    DURATION_COLUMNS,
    TOKEN_COLUMNS,
    Big,
    Text,
    big_column,
    id_column,
    metadata,
    text_column,
)

meta = sa.Table("meta", metadata, sa.Column("name", Text, primary_key=True), text_column("value"))

project = sa.Table(
    "project",
    metadata,
    id_column(),
    sa.Column("key", Text, nullable=False, unique=True),
    text_column("name"),
    text_column("host"),
    text_column("project_id"),
    text_column("organisation_id"),
    text_column("api"),
    big_column("registered_ms"),
    big_column("floor_ms", nullable=True),
    big_column("loaded_ms", nullable=True),
    big_column("counters_from_ms", nullable=True),
    big_column("last_success_ms", nullable=True),
    big_column("data_as_of_ms", nullable=True),
    big_column("failing_since_ms", nullable=True),
    text_column("failure", default=""),
    text_column("failure_text", default=""),
    big_column("retry_at_ms", nullable=True),
    big_column("reconciled_ms", nullable=True),
    big_column("drift_hi", default=0),
    big_column("drift_lo", default=0),
    # Running totals of the counted rows: the whole ledger is never summed to be shown.
    big_column("generations", default=0),
    big_column("cost_hi", default=0),
    big_column("cost_lo", default=0),
    big_column("unpriced", default=0),
    text_column("lateness", default=""),
    big_column("est_hi", default=0),
    big_column("est_lo", default=0),
    # Langfuse's price list as last fetched, and the revision of the price book by which estimates were formed.
    text_column("models", default=""),
    big_column("models_ms", nullable=True),
    text_column("estimated_by", default=""),
    text_column("attribution", default=""),
)

attribution = sa.Table("attribution", metadata, id_column(), sa.Column("revision", Text, nullable=False, unique=True))

stale_span = sa.Table(
    "stale_span",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("from_ms", Big, primary_key=True),
    big_column("to_ms"),
    sqlite_with_rowid=False,
)

trace_fact = sa.Table(
    "trace_fact",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("trace", sa.LargeBinary, primary_key=True),
    sa.Column("facts", sa.LargeBinary, nullable=False),
    big_column("lacks"),
    big_column("touched_ms"),
    sa.Index("trace_fact_touched", "project", "touched_ms"),
    sqlite_with_rowid=False,
)

coverage = sa.Table(
    "coverage",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("from_ms", Big, primary_key=True),
    big_column("to_ms"),
    big_column("read_at_ms"),
    sqlite_with_rowid=False,
)

hour_reading = sa.Table(
    "hour_reading",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("hour_ms", Big, primary_key=True),
    text_column("fingerprint"),
    big_column("langfuse_hi"),
    big_column("langfuse_lo"),
    big_column("duplicates_hi"),
    big_column("duplicates_lo"),
    big_column("unexplained_hi"),
    big_column("unexplained_lo"),
    big_column("read_at_ms"),
    sqlite_with_rowid=False,
)

text = sa.Table("text", metadata, id_column(), sa.Column("value", Text, nullable=False, unique=True))

dims = sa.Table(
    "dims",
    metadata,
    id_column(),
    sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
    text_column("environment"),
    text_column("feature"),
    text_column("team"),
    text_column("model"),
    text_column("provider"),
    text_column("operation"),
    text_column("type"),
    text_column("release"),
    text_column("version"),
    text_column("prompt"),
    text_column("trace_name"),
    text_column("extra"),
)

generation = sa.Table(
    "generation",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("start_ms", Big, primary_key=True),
    sa.Column("trace", sa.LargeBinary, primary_key=True),
    sa.Column("obs", sa.LargeBinary, primary_key=True),
    big_column("updated_ms"),
    big_column("cost"),
    big_column("pricing"),
    big_column("dims"),
    big_column("person"),
    big_column("session"),
    *(big_column(name) for name in TOKEN_COLUMNS),
    big_column("total"),
    big_column("duration_ms", nullable=True),
    big_column("digest"),
    big_column("counted"),
    big_column("seen_ms"),
    big_column("replaced_cost", nullable=True),
    big_column("estimate", nullable=True),
    big_column("gone_ms", nullable=True),
    big_column("attribution", default=0),
    sa.Column("inherited", sa.LargeBinary, nullable=True),
    big_column("changed_ms", nullable=True),
    # What the watch for missing prices counts at every pass, so that it never walks through a whole day.
    sa.Index(
        "generation_unpriced", "project", "start_ms", "dims", sqlite_where=sa.text("counted = 1 AND pricing <> 0")
    ),
    sqlite_with_rowid=False,
)

seen = sa.Table("seen", metadata, id_column("h64"), big_column("start_ms"))

seen_more = sa.Table(
    "seen_more",
    metadata,
    sa.Column("h64", Big, primary_key=True),
    sa.Column("start_ms", Big, primary_key=True),
    sqlite_with_rowid=False,
)

dirty = sa.Table(
    "dirty",
    metadata,
    id_column("seq"),
    big_column("project"),
    big_column("cell"),
    big_column("dims"),
    big_column("person"),
    big_column("session"),
    big_column("cost_hi"),
    big_column("cost_lo"),
    big_column("tokens"),
    big_column("requests"),
    big_column("est_hi", default=0),
    big_column("est_lo", default=0),
)

# What pruned rows summed to, by hour. A row of it begins at `from_ms`: a full hour, or within one the instant from
# which counters count, so that what they hold can always be summed again. Sums too old for `totals` keep no hour.
hour_total = sa.Table(
    "hour_total",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("from_ms", Big, primary_key=True),
    sa.Column("dims", Big, primary_key=True),
    *(big_column(name) for name in ARCHIVED),
    sqlite_with_rowid=False,
)

# `known_from_ms`: what started before had been pruned when the view was built, so that its cells lack it.
view = sa.Table(
    "view",
    metadata,
    sa.Column("id", Text, primary_key=True),
    big_column("built"),
    big_column("known_from_ms", nullable=True),
)

series_key = sa.Table(
    "series_key",
    metadata,
    id_column(),
    text_column("view"),
    text_column("key"),
    big_column("first_cell"),
    big_column("last_cell"),
    sa.UniqueConstraint("view", "key", name="series_key_view_key"),
    sa.Index("series_key_last", "view", "last_cell"),
)

series = sa.Table(
    "series",
    metadata,
    sa.Column("key", Big, primary_key=True),
    sa.Column("grain", Big, primary_key=True),
    sa.Column("bucket", Big, primary_key=True),
    big_column("cost_hi"),
    big_column("cost_lo"),
    big_column("tokens"),
    big_column("requests"),
    big_column("est_hi", default=0),
    big_column("est_lo", default=0),
    sqlite_with_rowid=False,
)

metric_key = sa.Table(
    "metric_key",
    metadata,
    sa.Column("kind", Text, primary_key=True),
    sa.Column("project", Big, primary_key=True),
    sa.Column("labels", Text, primary_key=True),
    big_column("series"),
    sqlite_with_rowid=False,
)


def _grown(table: str, counts: tuple[str, ...], *columns: sa.Column[int] | sa.Column[str]) -> sa.Table:
    """A table of cumulative sums: as they truly are, and beside them the greatest value that each ever had."""
    sums = [big_column(prefix + name, default=0) for prefix in ("", "shown_") for name in counts]
    return sa.Table(table, metadata, id_column(), *columns, *sums)


counter_series = _grown(
    "counter_series",
    ("cost_hi", "cost_lo", "requests", *TOKEN_COLUMNS),
    big_column("project"),
    text_column("labels"),
    big_column("overflow"),
)

duration_series = _grown(
    "duration_series",
    (*DURATION_COLUMNS, "sum_ms"),
    big_column("project"),
    text_column("labels"),
    big_column("overflow"),
)

project_counter = _grown("project_counter", ("cost_hi", "cost_lo", "unpriced"), big_column("series_dropped", default=0))

# What a month summed to when it was closed; a set of dimensions that loses a name loses it here too.
closed_month = sa.Table(
    "closed_month",
    metadata,
    sa.Column("month", Text, primary_key=True),
    big_column("closed_ms"),
    big_column("from_ms"),
    big_column("to_ms"),
    sqlite_with_rowid=False,
)

closed_part = sa.Table(
    "closed_part",
    metadata,
    sa.Column("month", Text, primary_key=True),
    sa.Column("project", Big, primary_key=True),
    sa.Column("dims", Big, primary_key=True),
    *(big_column(name) for name in ("calls", "unpriced", *TOKEN_COLUMNS, "total")),
    *(big_column(name) for name in ("cost_hi", "cost_lo", "estimate_hi", "estimate_lo")),
    sqlite_with_rowid=False,
)
