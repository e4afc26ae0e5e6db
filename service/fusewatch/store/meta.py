"""Single facts about the database: its version counter, which labels its counters carry, how it attributes."""

from typing import NamedTuple

from fusewatch.domain.metered import MeteredRead
from fusewatch.store import codec
from fusewatch.store.connection import Link

_SET = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_BUMP = (
    "INSERT INTO meta (name, value) VALUES (?, '1') ON CONFLICT (name)"
    " DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)"
)


class MetricChoice(NamedTuple):
    """The dimensions that the spend counters carry, and how many series there may be."""

    labels: tuple[str, ...]
    max_series: int


DEFAULT_CHOICE = MetricChoice(("feature", "team", "model", "operation"), 5000)
"""As in `rules.RuleSet`, until the budget file says otherwise."""


def version(link: Link) -> int:
    """Changes with every write."""
    rows = link.rows("SELECT value FROM meta WHERE name IN ('version', 'version:rest')")
    return sum(int(value) for (value,) in rows)


def bump_version(link: Link, *, of_ledger: bool) -> None:
    """Counted apart, and each in one statement: what is sent must not wait for who writes the ledger."""
    link.run(_BUMP, ("version" if of_ledger else "version:rest",))


def mark(link: Link, name: str) -> int | None:
    """A number that was put under this name; None when it never was."""
    row = link.row("SELECT value FROM meta WHERE name = ?", (f"mark:{name}",))
    return None if row is None else int(row[0])


def put_mark(link: Link, name: str, value: int) -> None:
    link.run(_SET, (f"mark:{name}", str(value)))


def metered_reads(link: Link) -> dict[tuple[str, str], MeteredRead]:
    """By view and project key."""
    found = {}
    for name, value in link.rows("SELECT name, value FROM meta WHERE name LIKE 'metered:%'"):
        _, view, project = name.split(":", 2)
        from_ms, at_ms, whole = map(int, value.split())
        found[view, project] = MeteredRead(from_ms, at_ms, bool(whole))
    return found


def put_metered_read(link: Link, view: str, project: str, read: MeteredRead) -> None:
    link.run(_SET, (f"metered:{view}:{project}", f"{read.from_ms} {read.at_ms} {int(read.whole)}"))


def drop_metered_reads(link: Link, view: str) -> None:
    link.run("DELETE FROM meta WHERE name LIKE ?", (f"metered:{view}:%",))


def metric_choice(link: Link) -> MetricChoice:
    found = dict(link.rows("SELECT name, value FROM meta WHERE name IN ('metric_labels', 'max_series')"))
    if not found:
        return DEFAULT_CHOICE
    return MetricChoice(codec.strings_of(found["metric_labels"]), int(found["max_series"]))


def keep_metric_choice(link: Link, choice: MetricChoice) -> None:
    link.run(_SET, ("metric_labels", codec.encode(choice.labels)))
    link.run(_SET, ("max_series", str(choice.max_series)))


def attribution(link: Link) -> str:
    """The revision of the attribution in force, "" before there was one."""
    row = link.row("SELECT value FROM meta WHERE name = 'attribution'")
    return "" if row is None else str(row[0])


def keep_attribution(link: Link, revision: str) -> None:
    if attribution(link) != revision:
        link.run(_SET, ("attribution", revision))


def fact(link: Link, name: str) -> str | None:
    """A fact by its name; None when nobody ever kept it."""
    row = link.row("SELECT value FROM meta WHERE name = ?", (name,))
    return None if row is None else str(row[0])


def keep_fact(link: Link, name: str, value: str) -> None:
    link.run(_SET, (name, value))
