"""Where the money goes, as the page shows it: exact sums by any dimension, over hours and days, within bounds."""

from fusewatch.app.spending import MOST_TRACES, MOST_VALUES, Spending, Wanted, read_spending
from fusewatch.domain.coverage import Span
from fusewatch.domain.periods import Every
from tests.app.conftest import Play
from tests.app.stage import Stage
from tests.app.when import DAY_MS

RULES = """
history: 10d
attribution: {customer: [metadata.team, trace_name]}
budgets:
  - {name: each-feature, each: [feature], limit: $10, every: day}
"""
HOUR_MS = 3_600_000
CENT = 10**10


def look(stage: Stage, by: str = "feature", *, days: int = 1, ends: int = 10**9, **only: str) -> Spending:
    """The last days of the story by a dimension; the time for it is over after `ends` questions about it."""
    to_ms = stage.ms("11-19 00:00")
    wanted = Wanted(
        by,
        Span(to_ms - days * DAY_MS, to_ms),
        Every.HOUR if days < 3 else Every.DAY,
        tuple((name, (value,)) for name, value in only.items()),
    )
    asked = iter(range(10**9))
    return stage.store.read(
        lambda unit: read_spending(
            unit,
            stage.book.rules,
            frozenset(stage.active),
            wanted,
            now_ms=stage.clock.now_ms(),
            ended=lambda: next(asked) >= ends,
        )
    )


def cents(found: Spending) -> dict[str, int]:
    return {one.value: one.pico // CENT for one in found.series}


def story(play: Play) -> Stage:
    stage = play(RULES)
    stage.spend("3", at="11-16 12:00", feature="chat", team="web", user="ana")
    stage.spend("2", at="05:10", feature="chat", team="web", user="ana", trace="aa")
    stage.spend("1", at="05:59", feature="chat", team="app", user="bo", trace="aa", model="small")
    stage.spend("4", at="07:00", feature="search", team="web", user="bo")
    stage.spend(None, at="07:30", feature="search", team="web", user="bo")
    stage.at("08:00", "08:01")
    return stage


def test_each_value_has_its_exact_spend_in_the_hour_in_which_it_started(play: Play) -> None:
    found = look(story(play))
    assert cents(found) == {"search": 400, "chat": 300}
    chat = next(one for one in found.series if one.value == "chat")
    assert {hour: pico // CENT for hour, pico in enumerate(chat.buckets) if pico} == {5: 300}
    assert (chat.requests, found.whole.requests, found.whole.pico) == (2, 4, 700 * CENT)


def test_days_sum_what_hours_sum(play: Play) -> None:
    stage = story(play)
    days, hours = look(stage, days=3), look(stage, days=2)
    assert [pico // CENT for pico in days.whole.buckets] == [300, 0, 700]
    assert hours.whole.pico == days.whole.buckets[1] + days.whole.buckets[2]


def test_any_dimension_splits_the_same_money_and_filters_leave_out_the_rest(play: Play) -> None:
    stage = story(play)
    assert cents(look(stage, "team")) == {"web": 600, "app": 100}
    assert cents(look(stage, "model")) == {"gpt-4o": 600, "small": 100}
    assert cents(look(stage, "customer")) == {"web": 600, "app": 100}
    assert cents(look(stage, "feature", team="web", model="gpt-4o")) == {"search": 400, "chat": 200}
    assert cents(look(stage, "feature", team="nobody")) == {}


def test_users_are_read_from_the_rows_and_sum_to_the_same(play: Play) -> None:
    stage = story(play)
    assert cents(look(stage, "user")) == {"bo": 500, "ana": 200}
    assert cents(look(stage, "feature", user="bo")) == {"search": 400, "chat": 100}
    assert look(stage, "user").whole.pico == look(stage, "team").whole.pico


def test_the_dearest_traces_come_first_with_what_all_of_their_calls_cost(play: Play) -> None:
    first, second = look(story(play)).traces
    assert (first.pico // CENT, first.requests, first.feature) == (400, 1, "search")
    assert (second.pico // CENT, second.requests, second.feature) == (300, 2, "chat")


def test_of_many_values_and_traces_the_dearest_are_told_and_the_rest_is_one(play: Play) -> None:
    stage = play(RULES)
    for number in range(MOST_VALUES + 15):
        stage.spend(f"{number + 1}", at="05:10", feature=f"f{number:02}")
    stage.at("06:00", "06:01")
    found = look(stage)
    assert (len(found.series), found.others, len(found.traces)) == (MOST_VALUES, 15, MOST_TRACES)
    assert found.rest.pico == sum(100 * (number + 1) for number in range(15)) * CENT
    assert found.series[0].value == f"f{MOST_VALUES + 14}"


def test_what_drove_an_open_incident_is_told_and_what_today_cost(play: Play) -> None:
    stage = story(play)
    stage.spend("20", at="09:00", feature="chat", team="web", user="ana")
    stage.at("09:01", "09:02")
    found = look(stage)
    (incident,) = stage.open("each-feature")
    assert found.why[incident.id].amount == incident.measured
    assert found.today is not None
    assert found.today.pico == 2700 * CENT


def test_when_the_time_is_over_what_was_found_is_a_lower_bound_and_says_so(play: Play) -> None:
    stage = story(play)
    cut = look(stage, ends=3)
    assert cut.too_long
    assert cut.whole.pico <= look(stage).whole.pico
    assert not look(stage).too_long
