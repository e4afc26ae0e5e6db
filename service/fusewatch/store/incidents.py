"""What the rules remember: their state, their incidents, and when a key has to be judged again."""

from collections.abc import Collection, Mapping, Sequence

from fusewatch.domain.notices import Incident, State
from fusewatch.ports import Due, RuleState
from fusewatch.store import bulk, codec
from fusewatch.store.connection import Link


def rule_states(link: Link) -> Mapping[str, RuleState]:
    return {row[0]: RuleState(*row) for row in link.rows("SELECT rule, kind, revision, ready_ms FROM rule_state")}


def put_rule_state(link: Link, state: RuleState) -> None:
    link.run(
        "INSERT INTO rule_state (rule, kind, revision, ready_ms) VALUES (?, ?, ?, ?) ON CONFLICT (rule)"
        " DO UPDATE SET kind = excluded.kind, revision = excluded.revision, ready_ms = excluded.ready_ms",
        state,
    )


def drop_rule(link: Link, rule: str) -> None:
    """Forget a rule's state and what is due for it. Its incidents stay: they are history."""
    link.run("DELETE FROM rule_state WHERE rule = ?", (rule,))
    link.run("DELETE FROM due WHERE rule = ?", (rule,))


def latest(link: Link, rule: str, key: tuple[str, ...], period: str) -> Incident | None:
    row = link.row(
        "SELECT facts FROM incident WHERE rule = ? AND key = ? AND period = ? ORDER BY episode DESC LIMIT 1",
        (rule, codec.encode(key), period),
    )
    return None if row is None else codec.incident_of(row[0])


def latest_of_many(
    link: Link, rule: str, keys: Collection[tuple[str, ...]], period: str
) -> dict[tuple[str, ...], Incident]:
    """The latest episodes of those of the keys that have any."""
    texts = {codec.encode(key): key for key in keys}
    query = "SELECT key, episode, facts FROM incident WHERE rule = ? AND period = ? AND key IN"
    rows = sorted(bulk.select_in(link, query, (rule, period), texts), key=lambda row: int(row[1]))
    return {texts[key]: codec.incident_of(facts) for key, facts in {key: facts for key, _, facts in rows}.items()}


def episodes(link: Link, rule: str, key: tuple[str, ...], period: str) -> Sequence[Incident]:
    """All of a rule, key and period, in their order."""
    rows = link.rows(
        "SELECT facts FROM incident WHERE rule = ? AND key = ? AND period = ? ORDER BY episode",
        (rule, codec.encode(key), period),
    )
    return [codec.incident_of(facts) for (facts,) in rows]


def by_id(link: Link, incident_id: str) -> Incident | None:
    row = link.row("SELECT facts FROM incident WHERE id = ?", (incident_id,))
    return None if row is None else codec.incident_of(row[0])


def open_ones(link: Link, rule: str | None) -> Sequence[Incident]:
    """Those that are open, of one rule or of all, by rule, key and period."""
    where, values = "state = ?", [State.OPEN.value]
    if rule is not None:
        where, values = f"{where} AND rule = ?", [*values, rule]
    rows = link.rows(f"SELECT facts FROM incident WHERE {where} ORDER BY rule, key, period, episode", values)  # noqa: S608 no input in it
    return [codec.incident_of(facts) for (facts,) in rows]


def ended(link: Link, from_ms: int) -> Sequence[Incident]:
    """Those that rolled over with a period that ended after the instant, by rule, key and period. It looks at all that
    ever did; meant for the end of an outage."""
    rows = link.rows(
        "SELECT facts FROM incident WHERE state = ? AND period_end_ms > ? ORDER BY rule, key, period, episode",
        (State.ROLLED_OVER.value, from_ms),
    )
    return [codec.incident_of(facts) for (facts,) in rows]


def open_or_ended(link: Link, from_ms: int) -> Sequence[Incident]:
    """Those that are open, and those that changed last, by ending, at the instant or later."""
    rows = link.rows(
        "SELECT facts FROM incident WHERE state = ? OR (state <> ? AND changed_ms >= ?)"
        " ORDER BY rule, key, period, episode",
        (State.OPEN.value, State.OPEN.value, from_ms),
    )
    return [codec.incident_of(facts) for (facts,) in rows]


def newest_first(link: Link, *, open_only: bool, limit: int) -> Sequence[Incident]:
    where = " WHERE state = ?" if open_only else ""
    values = (State.OPEN.value, limit) if open_only else (limit,)
    rows = link.rows(f"SELECT facts FROM incident{where} ORDER BY changed_ms DESC, id LIMIT ?", values)  # noqa: S608 no input in it
    return [codec.incident_of(facts) for (facts,) in rows]


def put(link: Link, incident: Incident) -> None:
    """Store an incident as it stands now. One episode of a rule, key and period has one id."""
    link.run(
        "INSERT INTO incident (id, kind, rule, key, period, episode, state, period_end_ms, changed_ms, facts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind,"
        " rule = excluded.rule, key = excluded.key, period = excluded.period, episode = excluded.episode,"
        " state = excluded.state, period_end_ms = excluded.period_end_ms, changed_ms = excluded.changed_ms,"
        " facts = excluded.facts",
        (
            incident.id,
            incident.kind.value,
            incident.rule,
            codec.encode(incident.key),
            incident.period,
            incident.episode,
            incident.state.value,
            incident.period_end_ms,
            incident.changed_ms,
            codec.encode(incident),
        ),
    )


def due(link: Link, now_ms: int) -> Sequence[Due]:
    rows = link.rows("SELECT rule, key, at_ms FROM due WHERE at_ms <= ? ORDER BY at_ms, rule, key", (now_ms,))
    return [Due(rule, codec.strings_of(key), at_ms) for rule, key, at_ms in rows]


def set_due(link: Link, rule: str, key: tuple[str, ...], at_ms: int | None) -> None:
    place = (rule, codec.encode(key))
    if at_ms is None:
        link.run("DELETE FROM due WHERE rule = ? AND key = ?", place)
        return
    link.run(
        "INSERT INTO due (rule, key, at_ms) VALUES (?, ?, ?) ON CONFLICT (rule, key)"
        " DO UPDATE SET at_ms = excluded.at_ms",
        (*place, at_ms),
    )


def forget_due(link: Link, rule: str, now_ms: int) -> None:
    link.run("DELETE FROM due WHERE rule = ? AND at_ms <= ?", (rule, now_ms))
