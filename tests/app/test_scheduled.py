"""Scheduled exports: written once for each time that they are due, made up once, and tried again when they fail."""

from pathlib import Path

import pytest

from fusewatch.app.reports import Interrupted
from fusewatch.app.scheduled import Schedule, due_ms, write_due
from fusewatch.bootstrap import connect_export
from fusewatch.config.rulefile import load_text
from fusewatch.domain.rules import RuleSet
from fusewatch.errors import Permanent
from fusewatch.store import SqlStore
from tests.store.samples import CHAT, T0, fresh_url, generation, opened, record

DAY_MS = 86_400_000
NIGHT = T0 // DAY_MS * DAY_MS + 2 * 3_600_000
"""02:00 UTC of the day of the generations."""


def scheduled(folder: Path, entry: str) -> tuple[Schedule, RuleSet]:
    entry = entry.replace("FOLDER", str(folder))
    text = (
        f"version: 1\nbudgets:\n  - {{name: all, limit: $5, every: day}}\nexports:\n  - {{cron: 0 2 * * *, {entry}}}\n"
    )
    loaded = load_text(text, "budgets.yaml", {}, secrets=False)
    return connect_export(loaded.exports[0]), loaded.rules


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    made = opened(fresh_url(tmp_path))
    record(made, [generation(cost_pico=30_000_000), generation("0b" * 8, cost_pico=5, dimensions=CHAT)])
    return made


def run(store: SqlStore, schedule: Schedule, rules: RuleSet, now_ms: int) -> bool:
    """As the daemon's loop does at one look; whether anything was written."""
    at_ms = due_ms(store, schedule, rules.calendar.timezone, now_ms)
    if at_ms is not None:
        write_due(store, schedule, rules, at_ms, now_ms, lambda: False)
    return at_ms is not None


def test_it_begins_with_its_next_time_and_is_written_once_for_each(store: SqlStore, tmp_path: Path) -> None:
    schedule, rules = scheduled(tmp_path, "by: [feature], to: 'csv:FOLDER/spend.csv'")
    looks = [NIGHT + 3_600_000, NIGHT + DAY_MS - 1, NIGHT + DAY_MS, NIGHT + DAY_MS + 60_000, NIGHT + 2 * DAY_MS]
    with store:
        assert [run(store, schedule, rules, now_ms) for now_ms in looks] == [False, False, True, False, True]
    assert (tmp_path / "spend.csv").read_text() == (
        "feature,calls,input_tokens,output_tokens,total_tokens,cost_usd\n"
        "search,1,100,20,120,0.00003\nchat,1,100,20,120,0.000000000005\n"
    )


def test_what_was_missed_while_nothing_ran_is_made_up_once(store: SqlStore, tmp_path: Path) -> None:
    schedule, rules = scheduled(tmp_path, "by: [feature], to: 'csv:FOLDER/spend.csv'")
    with store:
        run(store, schedule, rules, NIGHT)
    with opened(f"sqlite:///{tmp_path}/fusewatch.db") as again:
        later = NIGHT + 10 * DAY_MS + 5_000
        assert [run(again, schedule, rules, later + n) for n in range(3)] == [True, False, False]


def test_one_that_failed_is_due_again_and_leaves_the_file_as_it_was(store: SqlStore, tmp_path: Path) -> None:
    schedule, rules = scheduled(tmp_path, "by: [feature], to: 'csv:FOLDER/later/spend.csv'")
    with store:
        run(store, schedule, rules, NIGHT)
        for _ in range(2):
            with pytest.raises(Permanent, match=r"later/spend\.csv: No such file or directory"):
                run(store, schedule, rules, NIGHT + DAY_MS)
        (tmp_path / "later").mkdir()
        assert run(store, schedule, rules, NIGHT + DAY_MS + 60_000)
        assert not run(store, schedule, rules, NIGHT + DAY_MS + 120_000)


def test_one_that_is_given_up_on_the_way_is_due_again(store: SqlStore, tmp_path: Path) -> None:
    for entry in ("by: [team], to: 'csv:FOLDER/x.csv'", "rows: true, to: 'sqlite:///FOLDER/x.db'"):
        schedule, rules = scheduled(tmp_path, entry)
        assert due_ms(store, schedule, "UTC", NIGHT) is None
        at_ms = due_ms(store, schedule, "UTC", NIGHT + DAY_MS)
        assert at_ms == NIGHT + DAY_MS
        with pytest.raises(Interrupted):
            write_due(store, schedule, rules, at_ms, NIGHT + DAY_MS, lambda: True)
        assert due_ms(store, schedule, "UTC", NIGHT + DAY_MS) == at_ms
    assert not (tmp_path / "x.csv").exists()
    store.close()


def test_two_entries_of_one_time_are_remembered_apart(store: SqlStore, tmp_path: Path) -> None:
    one, rules = scheduled(tmp_path, "by: [team], to: 'csv:FOLDER/one.csv'")
    other, _ = scheduled(tmp_path, "by: [team], per: day, to: 'jsonl:FOLDER/other.jsonl'")
    with store:
        for now_ms in (NIGHT, NIGHT + DAY_MS):
            for schedule in (one, other):
                run(store, schedule, rules, now_ms)
    assert (tmp_path / "one.csv").exists()
    assert '"period":"2025-10-09"' in (tmp_path / "other.jsonl").read_text()


def test_the_zone_of_the_file_decides(store: SqlStore, tmp_path: Path) -> None:
    schedule, _ = scheduled(tmp_path, "by: [team], to: 'csv:FOLDER/one.csv'")
    with store:
        assert due_ms(store, schedule, "Europe/Berlin", NIGHT - 3 * 3_600_000) is None
        assert due_ms(store, schedule, "Europe/Berlin", NIGHT - 2 * 3_600_000) == NIGHT - 2 * 3_600_000


def test_a_password_is_in_no_name_and_no_representation(tmp_path: Path) -> None:
    schedule, _ = scheduled(tmp_path, "by: [team], to: 'postgresql://fuse:hunter2hunter2@db/x'")
    assert schedule.place == "postgresql://…@db/x"
    assert "hunter2" not in schedule.mark
