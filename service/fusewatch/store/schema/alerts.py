"""What is judged and told: rules, incidents, messages, silences, and who of several daemons does what."""

import sqlalchemy as sa

from fusewatch.store.schema.columns import (
    Big,
    Text,
    big_column,
    id_column,
    metadata,
    text_column,
)

rule_state = sa.Table(
    "rule_state",
    metadata,
    sa.Column("rule", Text, primary_key=True),
    text_column("kind"),
    text_column("revision"),
    big_column("ready_ms", nullable=True),
)

incident = sa.Table(
    "incident",
    metadata,
    sa.Column("id", Text, primary_key=True),
    text_column("kind"),
    text_column("rule"),
    text_column("key"),
    text_column("period"),
    big_column("episode"),
    text_column("state"),
    big_column("period_end_ms"),
    big_column("changed_ms"),
    text_column("facts"),
    sa.UniqueConstraint("rule", "key", "period", "episode", name="incident_fingerprint"),
    sa.Index("incident_state", "state", "rule"),
    sa.Index("incident_changed", "changed_ms"),
)

due = sa.Table(
    "due",
    metadata,
    sa.Column("rule", Text, primary_key=True),
    sa.Column("key", Text, primary_key=True),
    big_column("at_ms"),
    sa.Index("due_at", "at_ms"),
    sqlite_with_rowid=False,
)

delivery = sa.Table(
    "delivery",
    metadata,
    id_column("seq"),
    sa.Column("id", Text, nullable=False, unique=True),
    text_column("destination"),
    text_column("kind"),
    text_column("state"),
    big_column("created_ms"),
    big_column("next_ms"),
    big_column("claimed_until_ms", nullable=True),
    text_column("holder", default=""),
    big_column("attempts", default=0),
    big_column("ended_ms", nullable=True),
    text_column("reference", default=""),
    text_column("reason", default=""),
    text_column("text", default=""),
    text_column("message"),
    big_column("revived_ms", nullable=True),
    sa.Index("delivery_queue", "destination", "state", "seq"),
)

# Messages that can be changed after they were sent (`domain.threads`): where they are, and what was told last.
thread = sa.Table(
    "thread",
    metadata,
    id_column("number"),
    text_column("destination"),
    text_column("place"),
    text_column("delivery"),
    text_column("channel"),
    text_column("reference"),
    big_column("created_ms"),
    text_column("message"),
    sa.Index("thread_recent", "destination", "created_ms"),
)

thread_incident = sa.Table(
    "thread_incident",
    metadata,
    sa.Column("thread", Big, primary_key=True),
    sa.Column("incident", Text, primary_key=True),
    big_column("position"),
    sa.Index("thread_incident_incident", "incident"),
    sqlite_with_rowid=False,
)

told = sa.Table(
    "told",
    metadata,
    sa.Column("destination", Text, primary_key=True),
    sa.Column("incident", Text, primary_key=True),
    big_column("at_ms"),
    text_column("facts"),
    sqlite_with_rowid=False,
)

# How far a delivery of several steps got; a step without a reference began, and nothing is known of its end.
delivery_step = sa.Table(
    "delivery_step",
    metadata,
    sa.Column("delivery", Text, primary_key=True),
    sa.Column("step", Text, primary_key=True),
    text_column("reference", nullable=True),
    sqlite_with_rowid=False,
)

# Signed requests that were taken, so that none is taken twice.
seen_request = sa.Table(
    "seen_request",
    metadata,
    sa.Column("signature", Text, primary_key=True),
    big_column("at_ms"),
    sqlite_with_rowid=False,
)

silence = sa.Table(
    "silence",
    metadata,
    sa.Column("id", Text, primary_key=True),
    text_column("matchers"),
    big_column("starts_ms"),
    big_column("ends_ms"),
    big_column("ended_ms", nullable=True),
    text_column("author"),
    text_column("comment"),
    sa.Index("silence_end", "ends_ms"),
)

held = sa.Table(
    "held",
    metadata,
    sa.Column("incident", Text, primary_key=True),
    sa.Column("destination", Text, primary_key=True),
    big_column("from_ms"),
    text_column("facts"),
    sqlite_with_rowid=False,
)

known_value = sa.Table(
    "known_value",
    metadata,
    sa.Column("dimension", Text, primary_key=True),
    sa.Column("value", Text, primary_key=True),
    sqlite_with_rowid=False,
)

# The right of one daemon of several to a part of the work, until an instant of the database's clock. `fence` grows with
# every change of hands, and every transaction of that work looks whether it is still the one that it knows.
lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", Text, primary_key=True),
    text_column("holder"),
    big_column("fence"),
    big_column("expires_ms"),
    sqlite_with_rowid=False,
)

rules_text = sa.Table("rules_text", metadata, id_column(), text_column("files"), big_column("loaded_ms"))

rate_limit = sa.Table(
    "rate_limit",
    metadata,
    sa.Column("organisation", Text, primary_key=True),
    text_column("state"),
    sqlite_with_rowid=False,
)
