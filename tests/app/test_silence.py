"""The watch for a project in which nothing comes any more."""

from fusewatch.app.daywatches import DAYS_COMPARED, LEAST_DAYS
from tests.app.conftest import Play
from tests.app.stage import Stage

DAILY = "history: 10d\nbudgets:\n  - {name: daily, limit: $1000, every: day}\n"
SILENT = "watch: {silent: true}\n" + DAILY


def _always(stage: Stage, *, first: int = 11, last: int = 17) -> None:
    """Something came every hour of these days of November, and on the 18th until 5."""
    for day in range(first, last + 1):
        for hour in range(24):
            stage.spend("0.01", at=f"11-{day} {hour:02d}:05")
    if last == 17:
        for hour in range(6):
            stage.spend("0.01", at=f"{hour:02d}:05")


def test_nothing_where_at_these_hours_something_always_came_is_told_until_something_comes(play: Play) -> None:
    stage = play(SILENT)
    _always(stage)
    stage.spend("0.01", at="05:40")
    stage.at("06:00")
    stage.every(15, until="07:30")
    assert stage.silent()
    stage.every(15, until="09:00")
    assert stage.news() == ["silent project=langfuse opened warning 100%"]
    (incident,) = stage.open("silent")
    assert incident.crossings[0].at_ms == stage.ms("05:40")
    stage.spend("0.01", at="09:01")
    stage.at("09:02", "09:03")
    assert stage.news() == ["silent project=langfuse resolved warning"]


def test_the_watch_for_silence_is_off_by_default(play: Play) -> None:
    stage = play(DAILY)
    _always(stage)
    stage.at("06:00")
    stage.every(30, until="10:00")
    assert stage.silent()


def test_one_day_on_which_nothing_came_at_these_hours_makes_silence_usual(play: Play) -> None:
    stage = play(SILENT)
    _always(stage, last=13)
    _always(stage, first=15)
    stage.at("06:00")
    stage.every(30, until="10:00")
    assert stage.silent()


def test_days_that_were_not_read_do_not_count_and_three_must_have_been(play: Play) -> None:
    few = play(SILENT.replace("history: 10d", "history: 1d"), day="2026-11-03")
    for day in ("11-01", "11-02"):
        for hour in range(24):
            few.spend("0.01", at=f"{day} {hour:02d}:05")
    enough = play(SILENT.replace("history: 10d", "history: 4d"), day="2026-11-05")
    for day in ("11-01", "11-02", "11-03", "11-04"):
        for hour in range(24):
            enough.spend("0.01", at=f"{day} {hour:02d}:05")
    for stage in (few, enough):
        for hour in range(6):
            stage.spend("0.01", at=f"{hour:02d}:05")
    few.at("06:00")
    few.every(30, until="10:00")
    assert few.silent()
    enough.at("06:00")
    enough.every(30, until="10:00")
    assert enough.news() == ["silent project=langfuse opened warning 100%"]
    assert LEAST_DAYS < DAYS_COMPARED


def test_a_silence_that_lasts_is_not_over_because_it_has_become_usual(play: Play) -> None:
    stage = play(SILENT)
    _always(stage)
    stage.at("06:00")
    stage.every(60, until="11-20 12:00")
    assert set(stage.news()) == {"silent project=langfuse opened warning 100%"}


def test_a_project_that_cannot_be_read_is_not_silent(play: Play) -> None:
    stage = play("watch: {silent: true, unreadable: false}\n" + DAILY)
    _always(stage)
    stage.at("06:00")
    stage.langfuse_down()
    stage.every(30, until="10:00")
    assert stage.silent()
    stage.langfuse_up()
