"""The first schema.

A migration never changes after it was released, so it repeats the tables instead of importing them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _big(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, _BIG, nullable=False) for name in names]


def _maybe(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, _BIG, nullable=True) for name in names]


def _zero(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, _BIG, nullable=False, server_default=sa.text("0")) for name in names]


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _empty(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False, server_default="") for name in names]


def _bytes(*names: str) -> list[sa.Column[bytes]]:
    return [sa.Column(name, sa.LargeBinary, nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "meta",
        *_text("name", "value"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "project",
        *_big("id"),
        *_text("key", "name", "host", "project_id", "organisation_id", "api"),
        *_big("registered_ms"),
        *_maybe("floor_ms", "loaded_ms", "counters_from_ms", "last_success_ms", "data_as_of_ms", "failing_since_ms"),
        *_empty("failure", "failure_text"),
        *_maybe("retry_at_ms", "reconciled_ms"),
        *_zero("drift_hi", "drift_lo"),
        *_zero("generations", "cost_hi", "cost_lo", "unpriced"),
        *_empty("lateness"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "coverage",
        *_big("project", "from_ms", "to_ms", "read_at_ms"),
        sa.PrimaryKeyConstraint("project", "from_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hour_reading",
        *_big("project", "hour_ms"),
        *_text("fingerprint"),
        *_big("langfuse_hi", "langfuse_lo", "duplicates_hi", "duplicates_lo", "unexplained_hi", "unexplained_lo"),
        *_big("read_at_ms"),
        sa.PrimaryKeyConstraint("project", "hour_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "text",
        *_big("id"),
        *_text("value"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("value"),
    )
    op.create_table(
        "dims",
        *_big("id"),
        *_bytes("hash"),
        *_text(
            "environment",
            "feature",
            "team",
            "model",
            "provider",
            "operation",
            "type",
            "release",
            "version",
            "prompt",
            "trace_name",
            "extra",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "generation",
        *_big("project", "start_ms"),
        *_bytes("trace", "obs"),
        *_big(
            "updated_ms",
            "cost",
            "pricing",
            "dims",
            "person",
            "session",
            "input",
            "output",
            "cache_read",
            "cache_write",
            "reasoning",
            "audio",
            "other",
            "total",
        ),
        *_maybe("duration_ms"),
        *_big("digest", "counted", "seen_ms"),
        *_maybe("replaced_cost", "estimate", "gone_ms"),
        sa.PrimaryKeyConstraint("project", "start_ms", "trace", "obs"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seen",
        *_big("h64", "start_ms"),
        sa.PrimaryKeyConstraint("h64"),
    )
    op.create_table(
        "seen_more",
        *_big("h64", "start_ms"),
        sa.PrimaryKeyConstraint("h64", "start_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dirty",
        *_big("seq", "project", "cell", "dims", "person", "session", "cost_hi", "cost_lo", "tokens", "requests"),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "view",
        *_text("id"),
        *_big("built"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "series_key",
        *_big("id"),
        *_text("view", "key"),
        *_big("first_cell", "last_cell"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("view", "key", name="series_key_view_key"),
    )
    op.create_index("series_key_last", "series_key", ["view", "last_cell"])
    op.create_table(
        "series",
        *_big("key", "grain", "bucket", "cost_hi", "cost_lo", "tokens", "requests"),
        sa.PrimaryKeyConstraint("key", "grain", "bucket"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rule_state",
        *_text("rule", "kind", "revision"),
        *_maybe("ready_ms"),
        sa.PrimaryKeyConstraint("rule"),
    )
    op.create_table(
        "incident",
        *_text("id", "kind", "rule", "key", "period"),
        *_big("episode"),
        *_text("state"),
        *_big("period_end_ms", "changed_ms"),
        *_text("facts"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("rule", "key", "period", "episode", name="incident_fingerprint"),
    )
    op.create_index("incident_changed", "incident", ["changed_ms"])
    op.create_index("incident_state", "incident", ["state", "rule"])
    op.create_table(
        "due",
        *_text("rule", "key"),
        *_big("at_ms"),
        sa.PrimaryKeyConstraint("rule", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("due_at", "due", ["at_ms"])
    op.create_table(
        "delivery",
        *_big("seq"),
        *_text("id", "destination", "kind", "state"),
        *_big("created_ms", "next_ms"),
        *_maybe("claimed_until_ms"),
        *_empty("holder"),
        *_zero("attempts"),
        *_maybe("ended_ms"),
        *_empty("reference", "reason", "text"),
        *_text("message"),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("delivery_queue", "delivery", ["destination", "state", "seq"])
    op.create_table(
        "metric_key",
        *_text("kind"),
        *_big("project"),
        *_text("labels"),
        *_big("series"),
        sa.PrimaryKeyConstraint("kind", "project", "labels"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counter_series",
        *_big("id", "project"),
        *_text("labels"),
        *_big("overflow"),
        *_zero(
            "cost_hi",
            "cost_lo",
            "requests",
            "input",
            "output",
            "cache_read",
            "cache_write",
            "reasoning",
            "audio",
            "other",
            "shown_cost_hi",
            "shown_cost_lo",
            "shown_requests",
            "shown_input",
            "shown_output",
            "shown_cache_read",
            "shown_cache_write",
            "shown_reasoning",
            "shown_audio",
            "shown_other",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "duration_series",
        *_big("id", "project"),
        *_text("labels"),
        *_big("overflow"),
        *_zero(
            "b0",
            "b1",
            "b2",
            "b3",
            "b4",
            "b5",
            "b6",
            "b7",
            "b8",
            "b9",
            "b10",
            "b11",
            "b12",
            "sum_ms",
            "shown_b0",
            "shown_b1",
            "shown_b2",
            "shown_b3",
            "shown_b4",
            "shown_b5",
            "shown_b6",
            "shown_b7",
            "shown_b8",
            "shown_b9",
            "shown_b10",
            "shown_b11",
            "shown_b12",
            "shown_sum_ms",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "project_counter",
        *_big("id"),
        *_zero("series_dropped", "cost_hi", "cost_lo", "unpriced", "shown_cost_hi", "shown_cost_lo", "shown_unpriced"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rules_text",
        *_big("id"),
        *_text("files"),
        *_big("loaded_ms"),
        sa.PrimaryKeyConstraint("id"),
    )
