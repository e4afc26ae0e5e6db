"""The tables as they stand at the newest migration; a test compares them with what the migrations make.

Money: a row holds picodollars in one integer; every sum is two columns, `…_hi` whole micro-dollars and `…_lo` the
picodollars that remain (`money.split`), because one int64 ends at $9.2 million. Times are epoch milliseconds, cells
count quarter hours. Primary keys without rowid keep rows in the order in which they are scanned.
"""

import sqlalchemy as sa

HEAD = "0012"
"""The newest migration. Kept here so that Alembic is imported only when there is something to migrate."""

APPLICATION_ID = 0x46555345
"""Marks an SQLite file as ours ("FUSE"), so that somebody else's database is never touched."""

TOKEN_COLUMNS = ("input", "output", "cache_read", "cache_write", "reasoning", "audio", "other")
DURATION_COLUMNS = tuple(f"b{i}" for i in range(13))
ARCHIVED = (
    *("cost_hi", "cost_lo", "estimate_hi", "estimate_lo", "requests", "unpriced", "total"),
    *TOKEN_COLUMNS,
    *DURATION_COLUMNS,
    "duration_sum",
)
"""What is kept of rows that were pruned, as sums."""

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""64 bits everywhere; SQLite wants the very word INTEGER for its row ids."""

Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Compared byte by byte, as SQLite does by itself."""

metadata = sa.MetaData()


def _big(name: str, *, default: int | None = None, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, Big, nullable=nullable, server_default=None if default is None else sa.text(str(default)))


def _text(name: str, *, default: str | None = None, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, Text, nullable=nullable, server_default=default)


def _id(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, Big, primary_key=True)


meta = sa.Table("meta", metadata, sa.Column("name", Text, primary_key=True), _text("value"))

project = sa.Table(
    "project",
    metadata,
    _id(),
    sa.Column("key", Text, nullable=False, unique=True),
    _text("name"),
    _text("host"),
    _text("project_id"),
    _text("organisation_id"),
    _text("api"),
    _big("registered_ms"),
    _big("floor_ms", nullable=True),
    _big("loaded_ms", nullable=True),
    _big("counters_from_ms", nullable=True),
    _big("last_success_ms", nullable=True),
    _big("data_as_of_ms", nullable=True),
    _big("failing_since_ms", nullable=True),
    _text("failure", default=""),
    _text("failure_text", default=""),
    _big("retry_at_ms", nullable=True),
    _big("reconciled_ms", nullable=True),
    _big("drift_hi", default=0),
    _big("drift_lo", default=0),
    # Running totals of the counted rows: the whole ledger is never summed to be shown.
    _big("generations", default=0),
    _big("cost_hi", default=0),
    _big("cost_lo", default=0),
    _big("unpriced", default=0),
    _text("lateness", default=""),
    _big("est_hi", default=0),
    _big("est_lo", default=0),
    # Langfuse's price list as last fetched, and the revision of the price book by which estimates were formed.
    _text("models", default=""),
    _big("models_ms", nullable=True),
    _text("estimated_by", default=""),
    _text("attribution", default=""),
)

attribution = sa.Table("attribution", metadata, _id(), sa.Column("revision", Text, nullable=False, unique=True))

stale_span = sa.Table(
    "stale_span",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("from_ms", Big, primary_key=True),
    _big("to_ms"),
    sqlite_with_rowid=False,
)

trace_fact = sa.Table(
    "trace_fact",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("trace", sa.LargeBinary, primary_key=True),
    sa.Column("facts", sa.LargeBinary, nullable=False),
    _big("lacks"),
    _big("touched_ms"),
    sa.Index("trace_fact_touched", "project", "touched_ms"),
    sqlite_with_rowid=False,
)

coverage = sa.Table(
    "coverage",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("from_ms", Big, primary_key=True),
    _big("to_ms"),
    _big("read_at_ms"),
    sqlite_with_rowid=False,
)

hour_reading = sa.Table(
    "hour_reading",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("hour_ms", Big, primary_key=True),
    _text("fingerprint"),
    _big("langfuse_hi"),
    _big("langfuse_lo"),
    _big("duplicates_hi"),
    _big("duplicates_lo"),
    _big("unexplained_hi"),
    _big("unexplained_lo"),
    _big("read_at_ms"),
    sqlite_with_rowid=False,
)

text = sa.Table("text", metadata, _id(), sa.Column("value", Text, nullable=False, unique=True))

dims = sa.Table(
    "dims",
    metadata,
    _id(),
    sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
    _text("environment"),
    _text("feature"),
    _text("team"),
    _text("model"),
    _text("provider"),
    _text("operation"),
    _text("type"),
    _text("release"),
    _text("version"),
    _text("prompt"),
    _text("trace_name"),
    _text("extra"),
)

generation = sa.Table(
    "generation",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("start_ms", Big, primary_key=True),
    sa.Column("trace", sa.LargeBinary, primary_key=True),
    sa.Column("obs", sa.LargeBinary, primary_key=True),
    _big("updated_ms"),
    _big("cost"),
    _big("pricing"),
    _big("dims"),
    _big("person"),
    _big("session"),
    *(_big(name) for name in TOKEN_COLUMNS),
    _big("total"),
    _big("duration_ms", nullable=True),
    _big("digest"),
    _big("counted"),
    _big("seen_ms"),
    _big("replaced_cost", nullable=True),
    _big("estimate", nullable=True),
    _big("gone_ms", nullable=True),
    _big("attribution", default=0),
    sa.Column("inherited", sa.LargeBinary, nullable=True),
    _big("changed_ms", nullable=True),
    # What the watch for missing prices counts at every pass, so that it never walks through a whole day.
    sa.Index(
        "generation_unpriced", "project", "start_ms", "dims", sqlite_where=sa.text("counted = 1 AND pricing <> 0")
    ),
    sqlite_with_rowid=False,
)

seen = sa.Table("seen", metadata, _id("h64"), _big("start_ms"))

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
    _id("seq"),
    _big("project"),
    _big("cell"),
    _big("dims"),
    _big("person"),
    _big("session"),
    _big("cost_hi"),
    _big("cost_lo"),
    _big("tokens"),
    _big("requests"),
    _big("est_hi", default=0),
    _big("est_lo", default=0),
)

# What pruned rows summed to, by hour. A row of it begins at `from_ms`: a full hour, or within one the instant from
# which counters count, so that what they hold can always be summed again. Sums too old for `totals` keep no hour.
hour_total = sa.Table(
    "hour_total",
    metadata,
    sa.Column("project", Big, primary_key=True),
    sa.Column("from_ms", Big, primary_key=True),
    sa.Column("dims", Big, primary_key=True),
    *(_big(name) for name in ARCHIVED),
    sqlite_with_rowid=False,
)

# `known_from_ms`: what started before had been pruned when the view was built, so that its cells lack it.
view = sa.Table(
    "view",
    metadata,
    sa.Column("id", Text, primary_key=True),
    _big("built"),
    _big("known_from_ms", nullable=True),
)

series_key = sa.Table(
    "series_key",
    metadata,
    _id(),
    _text("view"),
    _text("key"),
    _big("first_cell"),
    _big("last_cell"),
    sa.UniqueConstraint("view", "key", name="series_key_view_key"),
    sa.Index("series_key_last", "view", "last_cell"),
)

series = sa.Table(
    "series",
    metadata,
    sa.Column("key", Big, primary_key=True),
    sa.Column("grain", Big, primary_key=True),
    sa.Column("bucket", Big, primary_key=True),
    _big("cost_hi"),
    _big("cost_lo"),
    _big("tokens"),
    _big("requests"),
    _big("est_hi", default=0),
    _big("est_lo", default=0),
    sqlite_with_rowid=False,
)

rule_state = sa.Table(
    "rule_state",
    metadata,
    sa.Column("rule", Text, primary_key=True),
    _text("kind"),
    _text("revision"),
    _big("ready_ms", nullable=True),
)

incident = sa.Table(
    "incident",
    metadata,
    sa.Column("id", Text, primary_key=True),
    _text("kind"),
    _text("rule"),
    _text("key"),
    _text("period"),
    _big("episode"),
    _text("state"),
    _big("period_end_ms"),
    _big("changed_ms"),
    _text("facts"),
    sa.UniqueConstraint("rule", "key", "period", "episode", name="incident_fingerprint"),
    sa.Index("incident_state", "state", "rule"),
    sa.Index("incident_changed", "changed_ms"),
)

due = sa.Table(
    "due",
    metadata,
    sa.Column("rule", Text, primary_key=True),
    sa.Column("key", Text, primary_key=True),
    _big("at_ms"),
    sa.Index("due_at", "at_ms"),
    sqlite_with_rowid=False,
)

delivery = sa.Table(
    "delivery",
    metadata,
    _id("seq"),
    sa.Column("id", Text, nullable=False, unique=True),
    _text("destination"),
    _text("kind"),
    _text("state"),
    _big("created_ms"),
    _big("next_ms"),
    _big("claimed_until_ms", nullable=True),
    _text("holder", default=""),
    _big("attempts", default=0),
    _big("ended_ms", nullable=True),
    _text("reference", default=""),
    _text("reason", default=""),
    _text("text", default=""),
    _text("message"),
    _big("revived_ms", nullable=True),
    sa.Index("delivery_queue", "destination", "state", "seq"),
)

# Messages that can be changed after they were sent (`domain.threads`): where they are, and what was told last.
thread = sa.Table(
    "thread",
    metadata,
    _id("number"),
    _text("destination"),
    _text("place"),
    _text("delivery"),
    _text("channel"),
    _text("reference"),
    _big("created_ms"),
    _text("message"),
    sa.Index("thread_recent", "destination", "created_ms"),
)

thread_incident = sa.Table(
    "thread_incident",
    metadata,
    sa.Column("thread", Big, primary_key=True),
    sa.Column("incident", Text, primary_key=True),
    _big("position"),
    sa.Index("thread_incident_incident", "incident"),
    sqlite_with_rowid=False,
)

told = sa.Table(
    "told",
    metadata,
    sa.Column("destination", Text, primary_key=True),
    sa.Column("incident", Text, primary_key=True),
    _big("at_ms"),
    _text("facts"),
    sqlite_with_rowid=False,
)

# How far a delivery of several steps got; a step without a reference began, and nothing is known of its end.
delivery_step = sa.Table(
    "delivery_step",
    metadata,
    sa.Column("delivery", Text, primary_key=True),
    sa.Column("step", Text, primary_key=True),
    _text("reference", nullable=True),
    sqlite_with_rowid=False,
)

# Signed requests that were taken, so that none is taken twice.
seen_request = sa.Table(
    "seen_request",
    metadata,
    sa.Column("signature", Text, primary_key=True),
    _big("at_ms"),
    sqlite_with_rowid=False,
)

silence = sa.Table(
    "silence",
    metadata,
    sa.Column("id", Text, primary_key=True),
    _text("matchers"),
    _big("starts_ms"),
    _big("ends_ms"),
    _big("ended_ms", nullable=True),
    _text("author"),
    _text("comment"),
    sa.Index("silence_end", "ends_ms"),
)

held = sa.Table(
    "held",
    metadata,
    sa.Column("incident", Text, primary_key=True),
    sa.Column("destination", Text, primary_key=True),
    _big("from_ms"),
    _text("facts"),
    sqlite_with_rowid=False,
)

known_value = sa.Table(
    "known_value",
    metadata,
    sa.Column("dimension", Text, primary_key=True),
    sa.Column("value", Text, primary_key=True),
    sqlite_with_rowid=False,
)

metric_key = sa.Table(
    "metric_key",
    metadata,
    sa.Column("kind", Text, primary_key=True),
    sa.Column("project", Big, primary_key=True),
    sa.Column("labels", Text, primary_key=True),
    _big("series"),
    sqlite_with_rowid=False,
)


def _grown(table: str, counts: tuple[str, ...], *columns: sa.Column[int] | sa.Column[str]) -> sa.Table:
    """A table of cumulative sums: as they truly are, and beside them the greatest value that each ever had."""
    sums = [_big(prefix + name, default=0) for prefix in ("", "shown_") for name in counts]
    return sa.Table(table, metadata, _id(), *columns, *sums)


counter_series = _grown(
    "counter_series",
    ("cost_hi", "cost_lo", "requests", *TOKEN_COLUMNS),
    _big("project"),
    _text("labels"),
    _big("overflow"),
)
duration_series = _grown(
    "duration_series", (*DURATION_COLUMNS, "sum_ms"), _big("project"), _text("labels"), _big("overflow")
)
project_counter = _grown("project_counter", ("cost_hi", "cost_lo", "unpriced"), _big("series_dropped", default=0))

# The right of one daemon of several to a part of the work, until an instant of the database's clock. `fence` grows with
# every change of hands, and every transaction of that work looks whether it is still the one that it knows.
lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", Text, primary_key=True),
    _text("holder"),
    _big("fence"),
    _big("expires_ms"),
    sqlite_with_rowid=False,
)

rules_text = sa.Table("rules_text", metadata, _id(), _text("files"), _big("loaded_ms"))

rate_limit = sa.Table(
    "rate_limit",
    metadata,
    sa.Column("organisation", Text, primary_key=True),
    _text("state"),
    sqlite_with_rowid=False,
)

# What a month summed to when it was closed; a set of dimensions that loses a name loses it here too.
closed_month = sa.Table(
    "closed_month",
    metadata,
    sa.Column("month", Text, primary_key=True),
    _big("closed_ms"),
    _big("from_ms"),
    _big("to_ms"),
    sqlite_with_rowid=False,
)

closed_part = sa.Table(
    "closed_part",
    metadata,
    sa.Column("month", Text, primary_key=True),
    sa.Column("project", Big, primary_key=True),
    sa.Column("dims", Big, primary_key=True),
    *(_big(name) for name in ("calls", "unpriced", *TOKEN_COLUMNS, "total")),
    *(_big(name) for name in ("cost_hi", "cost_lo", "estimate_hi", "estimate_lo")),
    sqlite_with_rowid=False,
)
