"""Which values are named as drivers, and that what is told adds up."""

import random
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.drivers import PEOPLE, Fact, Frame, Table, explain, replaced_at
from fusewatch.domain.explanations import Against, Explanation
from fusewatch.domain.rules import Unit
from fusewatch.domain.usage import Amounts

NAMES = ("feature", "model", "tenant")
DOLLAR = 10**12

amounts = st.builds(
    Amounts, st.integers(0, 10**15), st.integers(0, 10**7), st.integers(0, 10**5), st.integers(0, 10**12)
)
facts = st.lists(
    st.builds(
        Fact,
        st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from(["t", "u", "unknown"])),
        amounts,
        amounts,
    ),
    max_size=12,
)


def framed(
    held: list[Fact],
    *,
    days: int = 7,
    unit: Unit = Unit.USD,
    tells: tuple[str, ...] = NAMES,
    more: list[Table] | None = None,
) -> Explanation:
    """The explanation by one table that holds everything."""
    now, before = Amounts(), Amounts()
    for fact in held:
        now, before = now.plus(fact.now), before.plus(fact.before)
    scale = Fraction(1, days) if days else Fraction(0)
    against = Against.HOURS if days else Against.NOTHING
    frame = Frame(unit, 0, 1000, now, before, scale, against, days)
    return explain(frame, [Table(NAMES, held, scale, frozenset(NAMES))])


def spent(*values: str, now: int, before: int, requests: int = 10) -> Fact:
    """`now` and `before` a day, over a week, in dollars."""
    return Fact(values, Amounts(now * DOLLAR, 1000, requests), Amounts(before * 7 * DOLLAR, 7000, 7 * requests))


def first(why: Explanation) -> tuple[str, str]:
    part = why.drivers[0].part
    return part.dimension, part.value


@given(held=facts, days=st.sampled_from([0, 1, 7]), unit=st.sampled_from([Unit.USD, Unit.TOKENS, Unit.REQUESTS]))
def test_the_drivers_and_the_rest_are_exactly_the_growth_or_where_nothing_grew_the_amount(
    held: list[Fact], days: int, unit: Unit
) -> None:
    why = framed(held, days=days, unit=unit)
    if why.grew:
        assert sum(d.part.growth for d in why.drivers) + why.rest == why.growth
    else:
        assert sum(d.part.amount for d in why.drivers) + why.rest == why.amount
    for part in (p for d in why.drivers for p in (d.part, *d.under)):
        assert part.effect.requests + part.effect.size + part.effect.price == part.growth
    assert (why.baseline is None) == (days == 0)


@given(held=facts, seed=st.integers(0, 100))
def test_the_order_of_the_facts_does_not_matter(held: list[Fact], seed: int) -> None:
    shuffled = list(held)
    random.Random(seed).shuffle(shuffled)
    assert framed(held) == framed(shuffled)


def test_the_value_that_has_most_of_the_growth_and_little_of_the_usual_spend_is_named() -> None:
    why = framed(
        [
            spent("chat", "gpt-4o", "acme", now=40, before=2),
            spent("chat", "gpt-4o", "bolt", now=50, before=48),
            spent("mail", "gpt-4o", "bolt", now=50, before=50),
        ]
    )
    assert first(why) == ("tenant", "acme")
    assert (why.drivers[0].part.growth, why.rest) == (38 * DOLLAR, 2 * DOLLAR)


def test_a_dimension_that_all_traffic_shares_is_never_named() -> None:
    why = framed([spent("chat", "gpt-4o", "acme", now=30, before=5), spent("mail", "gpt-4o", "acme", now=5, before=5)])
    assert first(why) == ("feature", "chat")
    assert why.drivers[0].under == ()


def test_of_dimensions_that_say_the_same_one_is_named() -> None:
    why = framed([spent("chat", "gpt-4o", "acme", now=30, before=5), spent("mail", "mini", "bolt", now=5, before=5)])
    named = [part.dimension for driver in why.drivers for part in (driver.part, *driver.under)]
    assert named == ["tenant"], "what the budget file names itself is what people know best"


def test_where_everything_grew_alike_the_largest_values_are_named() -> None:
    why = framed([spent("chat", "gpt-4o", "acme", now=40, before=20), spent("mail", "mini", "acme", now=20, before=10)])
    assert {driver.part.value for driver in why.drivers} <= {"chat", "mail"}
    assert why.effect is not None
    assert why.effect.price == why.growth


def test_what_fell_elsewhere_makes_the_rest_negative() -> None:
    why = framed([spent("chat", "gpt-4o", "acme", now=40, before=5), spent("mail", "mini", "acme", now=5, before=15)])
    assert why.drivers[0].part.value == "chat"
    assert why.rest == -10 * DOLLAR


def test_without_growth_it_is_told_what_it_went_to() -> None:
    why = framed([spent("chat", "gpt-4o", "acme", now=40, before=45), spent("mail", "mini", "acme", now=5, before=15)])
    assert not why.grew
    assert why.drivers[0].part.amount + why.rest == why.amount


def test_nothing_to_tell_apart_gives_no_drivers() -> None:
    why = framed([spent("chat", "gpt-4o", "acme", now=40, before=5)])
    assert (why.drivers, why.rest) == ((), 35 * DOLLAR)
    assert framed([]).drivers == ()


def test_a_trace_is_named_only_where_it_is_dearer_than_the_dearest_of_a_usual_day() -> None:
    rows = [
        Fact(("chat", "gpt-4o", "acme", "1", "", "p t1"), Amounts(20 * DOLLAR, 1000, 10), Amounts()),
        Fact(("mail", "gpt-4o", "acme", "2", "", "p t2"), Amounts(5 * DOLLAR, 1000, 10), Amounts()),
        Fact(("mail", "gpt-4o", "bolt", "3", "", ""), Amounts(5 * DOLLAR, 1000, 10), Amounts(70 * DOLLAR, 7000, 70)),
    ]
    for dearest, named in ((1, ("trace", "p t1")), (20, ("user", "1"))):
        table = Table((*NAMES, *PEOPLE), rows, Fraction(1, 7), frozenset(PEOPLE), dearest={"trace": dearest * DOLLAR})
        frame = Frame(
            Unit.USD, 0, 1, Amounts(30 * DOLLAR, 1, 30), Amounts(70 * DOLLAR, 1, 70), Fraction(1, 7), Against.HOURS, 7
        )
        assert first(explain(frame, [table])) == named


def test_a_value_took_the_place_of_another_where_the_one_ends_and_the_other_begins() -> None:
    assert replaced_at([(5, 10), (6, 10)], [(1, 10), (3, 10), (4, 10)]) == 5
    assert replaced_at([(5, 10), (6, 10)], [(1, 10), (3, 10), (5, 1)]) == 5, "a straggler does not matter"
    assert replaced_at([(1, 10), (6, 10)], [(1, 10), (6, 10)]) is None, "both go on"
    assert replaced_at([(5, 10)], []) is None
    assert replaced_at([], [(5, 10)]) is None
