"""From an observation to the ledger's row, and which of its versions counts."""

import subprocess
import sys
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.merge import LARGEST_COST_PICO, call_of, generation_of, newest, order_key
from fusewatch.domain.usage import Generation, Observation, Pricing
from tests.domain.observing import DEFAULT, PLAIN, START_MS, observation


def generation(**changes: object) -> Generation:
    found = generation_of(observation(**changes), DEFAULT)
    assert found is not None
    return found


N = TypeVar("N", int, float)

VERSIONS = st.builds(
    lambda updated, start, dollars, user, tokens: generation(
        updated_ms=START_MS + updated,
        start_ms=START_MS + start,
        total_cost=dollars / 1000,
        user=user,
        usage={"input": tokens, "total": tokens},
    ),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(-2, 2),
    st.sampled_from(["", "a", "b"]),
    st.integers(0, 2),
)


def test_a_generation_keeps_langfuses_cost_tokens_and_times() -> None:
    g = generation()
    assert g[:4] == ("t1", "o1", START_MS, START_MS + 3000)
    assert (g.cost_pico, g.pricing, g.tokens.total, g.duration_ms) == (1_000_000_000, Pricing.PRICED, 110, 1500)
    assert (g.user, g.session, g.dimensions.operation) == ("user-a", "s1", "answer")


@pytest.mark.parametrize(
    ("changes", "is_call"),
    [
        ({"usage": {}, "cost": {}, "total_cost": 0}, False),
        ({"usage": {"input": 0}, "cost": {}, "total_cost": 0}, True),
        ({"usage": {}, "cost": {"total": 0}, "total_cost": 0}, True),
        ({"usage": {}, "cost": {}, "total_cost": 0.5}, True),
        ({"type": "SPAN"}, True),
        ({"type": "EMBEDDING", "usage": {"input": 3}}, True),
    ],
)
def test_an_observation_of_any_type_is_a_call_when_it_carries_usage_or_cost(
    changes: dict[str, object], is_call: bool
) -> None:
    assert (generation_of(observation(**changes), DEFAULT) is not None) is is_call


@pytest.mark.parametrize(
    ("sentence", "usage", "cost", "total_cost", "pricing", "cost_pico"),
    [
        ("an unknown model costs 0 and is unpriced", {"input": 5, "total": 5}, {}, 0, Pricing.UNPRICED, 0),
        ("a total of tokens alone is not priced", {"total": 1000}, {}, 0, Pricing.UNPRICED, 0),
        ("an explicit zero is free, not unpriced", {"input": 5}, {"total": 0}, 0, Pricing.PRICED, 0),
        ("nothing used is nothing to price", {"input": 0, "total": 0}, {}, 0, Pricing.PRICED, 0),
        ("a given total covers every key", {"input": 9, "output": 9}, {"total": 0.5}, 0.5, Pricing.PRICED, 5 * 10**11),
        (
            "a used key without a price makes the cost a lower bound",
            {"input": 100, "output": 100, "output_reasoning_tokens": 50, "total": 250},
            {"input": 0.25, "output": 1.0, "total": 1.25},
            1.25,
            Pricing.PARTLY,
            125 * 10**10,
        ),
        (
            "an unused key needs no price",
            {"input": 100, "output_reasoning_tokens": 0, "total": 100},
            {"input": 0.25, "total": 0.25},
            0.25,
            Pricing.PRICED,
            25 * 10**10,
        ),
        (
            "only the cache read was priced",
            {"input": 50, "cache_read_input_tokens": 4000, "total": 4050},
            {"cache_read_input_tokens": 0.0003, "total": 0.0003},
            0.0003,
            Pricing.PARTLY,
            3 * 10**8,
        ),
        (
            "parts without a total are summed, for Langfuse says 0 then",
            {"input": 1, "output": 1},
            {"input": 0.1, "output": 0.2},
            0,
            Pricing.PRICED,
            3 * 10**11,
        ),
        (
            "the total counts, not the sum",
            {"input": 1},
            {"input": 0.1, "total": 0.100000000001},
            0.100000000001,
            0,
            100000000001,
        ),
        ("a cost without keys is a cost", {"input": 1}, {}, 0.1, Pricing.PRICED, 10**11),
        ("a negative cost is kept", {"input": 1}, {"input": -0.5, "total": -0.5}, -0.5, Pricing.PRICED, -5 * 10**11),
        ("an exponent is a number", {"input": 1}, {"total": 1e-12}, 1e-12, Pricing.PRICED, 1),
        ("a sum beyond 64 bits is bounded", {"input": 1}, {"a": 8e6, "b": 8e6}, 0, Pricing.PARTLY, LARGEST_COST_PICO),
    ],
)
def test_unknown_cost_is_told_from_no_cost(
    sentence: str, usage: dict[str, int], cost: dict[str, float], total_cost: float, pricing: Pricing, cost_pico: int
) -> None:
    g = generation(usage=usage, cost=cost, total_cost=total_cost)
    assert (g.pricing, g.cost_pico) == (pricing, cost_pico), sentence


@pytest.mark.parametrize(
    ("end_ms", "duration_ms"), [(None, None), (START_MS - 1, None), (START_MS, 0), (START_MS + 7, 7)]
)
def test_a_duration_is_known_only_when_the_end_makes_sense(end_ms: int | None, duration_ms: int | None) -> None:
    assert generation(end_ms=end_ms).duration_ms == duration_ms


@given(st.lists(VERSIONS, min_size=1, max_size=4))
def test_merging_does_not_depend_on_the_order(versions: list[Generation]) -> None:
    expected = newest(versions)
    assert all(newest(order) == expected for order in permutations(versions))


@given(VERSIONS, VERSIONS, VERSIONS)
def test_merging_does_not_depend_on_the_grouping(a: Generation, b: Generation, c: Generation) -> None:
    assert newest([newest([a, b]), c]) == newest([a, newest([b, c])])


@given(VERSIONS)
def test_merging_a_version_with_itself_changes_nothing(g: Generation) -> None:
    assert newest([g, g]) == g


@given(VERSIONS, VERSIONS)
def test_versions_of_equal_order_are_equal(a: Generation, b: Generation) -> None:
    assert (order_key(a) == order_key(b)) == (a == b)


def test_the_latest_update_wins_then_the_higher_cost_then_the_later_start() -> None:
    old = generation(updated_ms=1, total_cost=9.0, start_ms=START_MS + 9)
    assert newest([old, generation(updated_ms=2)]).updated_ms == 2
    assert newest([generation(total_cost=0.5), generation(total_cost=0.7)]).cost_pico == 7 * 10**11
    assert newest([generation(start_ms=START_MS + 5), generation()]).start_ms == START_MS + 5


def test_no_version_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        newest([])


CHANGES: list[dict[str, object]] = [
    {"trace_id": "t2"},
    {"id": "o2"},
    {"trace_id": "t", "id": "1o1"},
    {"start_ms": START_MS + 1},
    {"updated_ms": START_MS + 3001},
    {"end_ms": None},
    {"total_cost": 0.002},
    {"usage": {"input": 101, "output": 10, "total": 111}},
    {"usage": {"input": 100, "audio": 10, "total": 110}},
    {"cost": {"output": 0.0005, "total": 0.001}},
    {"user": "user-b"},
    {"session": "s2"},
    {"metadata": {"team": "alpha"}},
    {"model": "gpt-4o-mini"},
    {"environment": "staging"},
    {"prompt": "greeting:3"},
    {"tags": ("feature:x",)},
]


def test_whatever_the_ledger_keeps_changes_the_digest() -> None:
    digests = [generation().digest, *(generation(**change).digest for change in CHANGES)]
    assert len(set(digests)) == len(digests)
    assert all(-(2**63) <= digest < 2**63 for digest in digests)


def test_what_the_ledger_does_not_keep_leaves_the_digest_alone() -> None:
    same = [
        observation(metadata={"request_id": "r"}),
        observation(usage=turned(PLAIN.usage), cost=turned(PLAIN.cost)),
        observation(tags=("prod",)),
        observation(name=" answer "),
    ]
    assert {_digest(o) for o in same} == {generation().digest}


def turned(amounts: Mapping[str, N]) -> dict[str, N]:
    return {key: amounts[key] for key in sorted(amounts, reverse=True)}


def _digest(o: Observation) -> int:
    found = generation_of(o, DEFAULT)
    assert found is not None
    return found.digest


def test_dimensions_that_are_gone_are_never_taken_for_others_in_a_digest() -> None:
    """More of them than are remembered, each gone before the next comes, so that most get the place of the last."""

    def digests() -> list[int]:
        who, o = DEFAULT.resolve(observation()), observation()
        return [call_of(o, who._replace(dimensions=who[0]._replace(feature=str(n)))).digest for n in range(5000)]

    found = digests()
    assert len(set(found)) == 5000
    assert digests() == found


def test_the_digest_is_the_same_in_every_process() -> None:
    program = "from tests.domain.test_merge import generation; print(generation().digest)"
    root = Path(__file__).parent.parent.parent
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert int(told.stdout) == generation().digest
