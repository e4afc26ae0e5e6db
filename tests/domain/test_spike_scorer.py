"""The scorer of spike rules, on series whose score is known beforehand."""

from dataclasses import replace
from datetime import UTC, datetime

from fusewatch.domain.usage import Amounts
from tests.bench.spike_bank import faulty, harmless
from tests.bench.spike_methods import METHODS, Method
from tests.bench.spike_series import Series, Trouble, nab
from tests.bench.spikes import alerts, one_a_day, score

BY_NAME = {method.name: method for method in METHODS}
TODAY, HOT = BY_NAME["today, factor 2"], BY_NAME["last 1h, factor 3"]
START_MS = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 1000
DOLLAR = 10**12


def _series(*bursts: tuple[int, int], troubles: tuple[Trouble, ...] = ()) -> Series:
    """Twenty days of a dollar an hour, and bursts (hour, dollars); scored from the eleventh day on."""
    hours = [Amounts(DOLLAR, 0, 1)] * 480
    for hour, dollars in bursts:
        hours[hour] = Amounts(dollars * DOLLAR, 0, 1)
    return Series("known", START_MS, hours, 240, troubles)


def test_a_steady_series_alerts_by_no_method() -> None:
    assert {method.name: alerts(method, _series()) for method in METHODS} == {method.name: [] for method in METHODS}


def test_an_alert_comes_at_the_end_of_the_hour_in_which_the_line_was_crossed() -> None:
    series = _series((300, 10), (301, 60))
    assert alerts(TODAY, series) == [301], "the day stands at 12 + 10 after the first, above 48 after the second"
    assert alerts(HOT, series) == [300], "one episode"


def test_an_episode_opens_again_only_after_a_calm_hour() -> None:
    assert alerts(HOT, _series((300, 10), (301, 10), (302, 10), (310, 10))) == [300, 310]


def test_what_lies_before_the_scored_part_is_no_alert() -> None:
    assert alerts(HOT, _series((200, 10))) == []


def test_recall_false_alerts_and_dollars_are_counted() -> None:
    found = Trouble(300, 304, (9 * DOLLAR, 9 * DOLLAR, 9 * DOLLAR, 9 * DOLLAR))
    missed = Trouble(400, 402, (1 * DOLLAR, 2 * DOLLAR))
    series = _series(troubles=(found, missed))
    result = score([(series, [250, 301, 303, 450])])
    assert (result.troubles, result.found, result.false, result.days) == (2, 1, 2, 10.0)
    assert (result.recall, result.false_in_30_days) == (0.5, 6.0)
    assert result.spent_pico == (18 * DOLLAR, 3 * DOLLAR)
    assert result.spent == 10.5


def test_at_most_one_alert_a_day_is_kept_for_comparison_with_published_scores() -> None:
    assert one_a_day([5, 6, 28, 29, 53]) == [5, 29, 53]


def test_what_is_known_late_is_judged_by_what_is_known() -> None:
    series = replace(_series((300, 10)), late={300: Amounts(DOLLAR, 0, 1)})
    assert alerts(HOT, series) == []


def test_a_backfill_is_not_known_before_it_came() -> None:
    empty = tuple(Amounts() if hour < 288 else Amounts(DOLLAR, 0, 1) for hour in range(480))
    series = replace(_series(), before_backfill=empty, backfilled_at=400)
    assert alerts(_with_floor(HOT, 0), series)[0] == 288
    assert all(hour < 400 for hour in alerts(HOT, series))


def _with_floor(method: Method, dollars: int) -> Method:
    return replace(method, rule=replace(method.rule, floor=dollars * DOLLAR))


def test_the_labelled_series_are_those_of_the_benchmark() -> None:
    series = nab()
    assert len(series) == 17
    assert sum(len(each.troubles) for each in series) == 44
    assert all(each.scored_from >= 7 * 24 - 1 for each in series)


def test_the_bank_is_the_same_each_time_and_holds_a_trouble_in_each_faulty_series() -> None:
    first, again = (list(faulty(seeds=(1,))) for _ in range(2))
    assert first == again
    assert all(len(series.troubles) == 1 and sum(series.troubles[0].extra_pico) > 0 for _, series in first)
    assert not any(series.troubles for _, series in harmless(seeds=(1,)))
    other = list(faulty(seeds=(2,)))
    assert [name for name, _ in other] == [name for name, _ in first]
    assert other != first
