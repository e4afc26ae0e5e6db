"""The first start: what is read, what is told of it, and what is not."""

from itertools import count

from tests.app.conftest import Play
from tests.app.inbox import told
from tests.app.scene import PROJECTS
from tests.app.when import DAY_MS, clock_of

DAILY = """
history: 2d
budgets:
  - {name: daily, limit: $10, every: day}
"""
TEAMS = """
history: 2d
budgets:
  - {name: daily, limit: $10, every: day}
  - {name: teams, each: [team], limit: $4, every: day, notify: [finops, content]}
"""


def test_what_was_over_at_the_first_start_goes_out_as_one_message_for_each_destination(play: Play) -> None:
    stage = play(TEAMS, begins="09:00")
    stage.spend("6", at="06:10", team="content")
    stage.spend("5", at="07:20", team="search")
    stage.spend("3.30", at="08:00", team="sales")
    stage.at("09:00")
    over = "teams team=content opened critical 100%; teams team=search opened critical 100%"
    assert stage.news("finops") == [f"start: {over}; daily opened critical 100%; teams team=sales opened warning 80%"]
    assert stage.news("content") == [f"start: {over}; teams team=sales opened warning 80%"]
    assert stage.news("pager") == []


def test_what_was_over_at_the_first_start_carries_the_time_when_it_was_crossed(play: Play) -> None:
    stage = play(DAILY, begins="09:00")
    for minute in ("06:10", "06:20", "07:05:30", "08:00"):
        stage.spend("4", at=minute)
    stage.at("09:00")
    (notice,) = stage.told()[0].notices
    crossed = [(float(c.share), clock_of(c.at_ms), clock_of(c.learned_ms)) for c in notice.incident.crossings]
    learned = clock_of(stage.clock.now_ms())
    assert crossed == [
        (0.5, "11-18 06:20:00", learned),
        (0.8, "11-18 06:20:00", learned),
        (1.0, "11-18 07:05:30", learned),
    ]


def test_the_message_of_the_first_start_says_what_was_read(play: Play) -> None:
    stage = play(DAILY, begins="09:00")
    stage.spend("1.25", at="11-17 12:00")
    stage.spend("12", at="08:00")
    stage.at("09:00")
    start = stage.told()[0].start
    assert start is not None
    assert (start.projects, start.history_ms, start.generations, start.cost_pico) == (
        ("langfuse",),
        2 * DAY_MS,
        2,
        13_250_000_000_000,
    )


def test_when_nothing_is_over_at_the_first_start_nothing_is_sent(play: Play) -> None:
    stage = play(DAILY, begins="09:00")
    stage.spend("7.99", at="06:10")
    stage.at("09:00", "09:01")
    assert stage.silent()
    assert [float(incident.level) for incident in stage.open("daily")] == [0.5]


def test_what_is_over_at_the_first_start_is_told_again_neither_by_polls_nor_by_a_restart(play: Play) -> None:
    stage = play(DAILY, begins="09:00")
    stage.spend("11", at="08:00")
    stage.at("09:00", "09:01", "09:02")
    stage.restart()
    stage.at("09:03", "09:04")
    assert stage.news() == ["start: daily opened critical 100%"]


def test_periods_that_ended_before_the_first_start_are_not_announced(play: Play) -> None:
    stage = play(DAILY, begins="09:00")
    stage.spend("50", at="11-17 12:00")
    stage.spend("1", at="08:00")
    stage.at("09:00", "09:01")
    assert stage.silent()
    assert stage.incidents() == []


def test_a_first_start_just_after_midnight_does_not_announce_the_day_before(play: Play) -> None:
    stage = play(DAILY, begins="00:01")
    stage.spend("50", at="11-17 23:50", arrives="11-17 23:59")
    stage.spend("20", at="11-17 23:58", arrives="00:03")
    stage.every(1, until="00:10")
    assert stage.silent()


def test_an_empty_project_starts_in_silence_and_is_watched_from_then_on(play: Play) -> None:
    stage = play(DAILY, begins="09:00")
    stage.at("09:00")
    assert stage.silent()
    stage.spend("11", at="09:00:30")
    stage.at("09:01")
    assert stage.news() == ["daily opened critical 100%"]


def test_a_rule_is_loading_until_its_period_is_read_from_its_start(play: Play) -> None:
    stage = play("history: 1d\nbudgets:\n  - {name: month, limit: $10, every: month}\n", window_ms=5 * DAY_MS)
    stage.spend("6", at="11-02 12:00")
    stage.spend("7", at="11-17 12:00")
    stage.poll("06:00")
    while stage.shown().loading:
        assert stage.shown().budgets == ()
        assert stage.silent()
        stage.read_on()
    assert stage.news() == ["start: month opened critical 100%"]
    (line,) = stage.shown().budgets
    assert line.spent == 13_000_000_000_000


def test_rules_wait_for_the_whole_first_load_so_that_they_are_told_together(play: Play) -> None:
    rules = """
history: 1d
budgets:
  - {name: day, limit: $5, every: day}
  - {name: month, limit: $10, every: month}
"""
    stage = play(rules, window_ms=5 * DAY_MS)
    stage.spend("8", at="11-02 12:00")
    stage.spend("6", at="05:00")
    stage.poll("06:00")
    stage.read_on()
    assert set(stage.shown().loading) == {"day", "month"}
    stage.at("06:01")
    assert stage.news() == ["start: month opened critical 100%; day opened critical 100%"]


def test_after_ten_minutes_a_rule_whose_period_is_read_waits_no_longer_for_the_rest_of_the_load(play: Play) -> None:
    rules = """
history: 1d
budgets:
  - {name: day, limit: $5, every: day}
  - {name: month, limit: $10, every: month}
"""
    stage = play(rules, window_ms=2 * DAY_MS)
    stage.spend("6", at="11-02 12:00")
    stage.spend("6", at="05:00")
    stage.poll("06:00")
    stage.poll("06:11")
    assert stage.shown().loading == ("month",)
    assert stage.news() == ["start: day opened critical 100%"]
    stage.at("06:12")
    assert stage.news() == ["start: month opened critical 100%"]


def test_live_polling_goes_on_while_history_loads(play: Play) -> None:
    stage = play(DAILY.replace("2d", "40d"), window_ms=DAY_MS)
    for day in range(1, 18):
        stage.spend("3", at=f"11-{day:02} 12:00")
    stage.poll("06:00")
    stage.read_on()
    stage.spend("11", at="06:00:30")
    (report,) = stage.poll("06:01")
    assert report.more
    assert stage.store.read(lambda unit: unit.totals()).generations == 4
    stage.at("06:02")
    assert stage.news() == ["start: daily opened critical 100%"]


def test_a_crossing_that_happens_while_history_loads_is_not_lost(play: Play) -> None:
    stage = play(DAILY.replace("2d", "40d"), window_ms=DAY_MS)
    stage.poll("06:00")
    minutes = count(1)
    stage.spend("11", at="06:11:30")
    while stage.shown().loading or stage.clock.now_ms() < stage.ms("06:13"):
        stage.poll(f"06:{next(minutes):02}")
    assert stage.news() == ["daily opened critical 100%"]


def test_a_rule_added_by_reload_says_what_was_over_and_where_it_was_not_read_yet_loads_first(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("9", at="11-02 12:00")
    stage.spend("2", at="05:00")
    stage.at("06:00")
    assert stage.silent()
    more = "  - {name: month, limit: $10, every: month, notify: [content]}\n"
    hour = "  - {name: hour, limit: $1, every: day, where: {team: nobody}}\n"
    stage.reload(DAILY + more + hour)
    stage.poll("06:30")
    stage.at("06:31")
    assert stage.news("content") == ["start: month opened critical 100%"]
    assert stage.news("finops") == []


def test_a_rule_added_by_reload_over_what_was_read_already_is_judged_at_once(play: Play) -> None:
    stage = play(DAILY)
    stage.spend("6", at="05:00", team="content")
    stage.at("06:00")
    stage.reload(TEAMS)
    assert stage.news("content") == ["start: teams team=content opened critical 100%"]


def test_the_first_load_goes_on_after_a_crash_between_any_two_pages(play: Play) -> None:
    """Every possible request is the last one once; nothing is lost, nothing counted twice (the fixture looks)."""
    for request in count(1):
        stage = play(DAILY, begins="09:00")
        for minute in range(60):
            stage.spend("0.12", at=f"11-17 12:{minute:02}")
            stage.spend("0.25", at=f"05:{minute:02}")
        stage.small_pages()
        stage.wire.fatal = request
        died = stage.dies(lambda: stage.at("09:00"))  # noqa: B023 - called at once
        if not died:
            break
        stage.restart()
        stage.at("09:01", "09:02")
        assert stage.news() == ["start: daily opened critical 100%"]
        assert stage.store.read(lambda unit: unit.totals()).generations == 120
    assert request > 10


def test_a_load_that_was_interrupted_goes_on_where_it_was_and_reads_nothing_again(play: Play) -> None:
    stage = play("history: 30d\nbudgets:\n  - {name: daily, limit: $10, every: day}\n", window_ms=5 * DAY_MS)
    stage.spend("1", at="11-16 12:00")
    stage.spend("1", at="11-01 12:00")
    stage.poll("06:00")
    stage.read_on()
    before = stage.store.read(lambda unit: next(iter(unit.coverage().values())))
    stage.restart()
    (report,) = stage.poll("06:01")
    after = stage.store.read(lambda unit: next(iter(unit.coverage().values())))
    assert report.new == 0
    assert after[0].from_ms < before[0].from_ms
    stage.round()
    assert stage.shown().totals.generations == 2


def test_two_projects_are_told_together_once_both_are_read(play: Play) -> None:
    stage = play(PROJECTS_DAILY, begins="09:00")
    stage.spend("6", at="08:00", project="shop")
    stage.spend("5", at="08:10", project="labs")
    stage.at("09:00", "09:01")
    (message,) = stage.told()
    assert [told(notice) for notice in message.notices] == ["daily opened critical 100%"]
    assert message.start is not None
    assert message.start.projects == ("labs", "shop")


def test_a_project_that_cannot_be_asked_yet_is_waited_for_before_anything_is_told(play: Play) -> None:
    stage = play(PROJECTS_DAILY, begins="09:00")
    stage.spend("6", at="08:00", project="shop")
    stage.spend("5", at="08:10", project="labs")
    stage.langfuse_down(only="sk-labs")
    stage.at("09:00")
    assert stage.shown().loading == ("daily",)
    stage.langfuse_up()
    stage.at("09:01")
    assert stage.news() == ["start: daily opened critical 100%"]


def test_a_project_that_cannot_be_asked_for_ten_minutes_does_not_blind_the_others(play: Play) -> None:
    stage = play(PROJECTS_DAILY, begins="09:00")
    stage.spend("11", at="08:00", project="shop")
    stage.langfuse_down(only="sk-labs")
    stage.every(2, until="09:08")
    assert stage.silent()
    stage.every(2, until="09:12")
    assert stage.news() == ["start: daily opened critical 100%"]


PROJECTS_DAILY = (
    """
version: 1
history: 1d
destinations: {finops: {type: console}}
notify: [finops]
"""
    + PROJECTS
    + """
budgets:
  - {name: daily, limit: $10, every: day}
"""
)
