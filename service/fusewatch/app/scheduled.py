"""Exports at fixed times: which are due, and each of them written once, however long the daemon was down."""

from collections.abc import Callable
from dataclasses import dataclass

from fusewatch.app.exports import Grouping, Listing, row_columns, usual_columns, write_groups, write_rows
from fusewatch.app.reports import EVER, Environments, Interrupted, Question
from fusewatch.domain.cron import Cron, latest_due
from fusewatch.domain.incidents import stable_id
from fusewatch.domain.periods import Calendar, Every
from fusewatch.domain.rules import RuleSet
from fusewatch.ports import FileTarget, Store, TableTarget


@dataclass(frozen=True, slots=True)
class Schedule:
    """One entry of `exports:`. `place` names its target without secrets; `open` finds it."""

    cron: Cron
    by: tuple[str, ...]
    place: str
    open: Callable[[], FileTarget | TableTarget]
    every: Every | None = None
    rows: bool = False

    @property
    def mark(self) -> str:
        """Under what it is remembered when it was last written; an entry that means something else is another one."""
        every = self.every.value if self.every else ""
        return f"export {stable_id(self.cron.text, self.place, every, str(self.rows), *self.by)}"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """One export that was written: for when it was due, and how many records it has or, in a table, were written."""

    place: str
    due_ms: int
    records: int


def due_ms(store: Store, schedule: Schedule, timezone: str, now_ms: int) -> int | None:
    """The instant for which the export is to be written now; None when it was. What was missed is made up once, for
    the last time that was missed; an entry that was never seen before begins with its next time."""
    at_ms = latest_due(schedule.cron, timezone, now_ms)

    def look() -> int | None:
        last_ms = store.assess(lambda unit: unit.mark(schedule.mark))
        if last_ms is None:
            store.assess(lambda unit: unit.put_mark(schedule.mark, at_ms))
        return last_ms

    last_ms = look()
    return at_ms if last_ms is not None and last_ms < at_ms else None


def write_due(
    store: Store, schedule: Schedule, rules: RuleSet, at_ms: int, now_ms: int, ended: Callable[[], bool]
) -> ExportReport:
    """Write it, and remember that it was. Raises `Interrupted` when `ended` says so on the way, else as the target
    does; it is then due again."""
    target = schedule.open()
    try:
        records = _write(store, schedule, rules, now_ms, target, ended)
    finally:
        if isinstance(target, TableTarget):
            target.close()
    store.assess(lambda unit: unit.put_mark(schedule.mark, at_ms))
    return ExportReport(schedule.place, at_ms, records)


def _write(
    store: Store,
    schedule: Schedule,
    rules: RuleSet,
    now_ms: int,
    target: FileTarget | TableTarget,
    ended: Callable[[], bool],
) -> int:
    if schedule.rows:

        def told(_done: int, _at_ms: int) -> None:
            if ended():
                raise Interrupted

        listing = Listing(EVER, rules.dimensions, row_columns(rules.dimensions))
        return write_rows(store, listing, target, told)
    asked = Question(schedule.by, EVER, rules.excluded_environments, now_ms, Environments.ALL, ended)
    calendar = Calendar(rules.calendar.timezone, week_starts_on=rules.calendar.week_starts_on)
    grouping = Grouping(asked, usual_columns(schedule.by, schedule.every), schedule.every, calendar)
    return len(write_groups(store, grouping, target).records)
