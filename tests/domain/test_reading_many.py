"""What is read of many observations at once is what is read of each by itself."""

from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.attribution import Resolver
from fusewatch.domain.inheritance import GradualReading, read
from fusewatch.domain.merge import call_of, generation_of
from fusewatch.domain.rules import DEFAULT_ATTRIBUTION
from fusewatch.domain.usage import Observation
from fusewatch.domain.usage_keys import MOST_TOKENS, count_all, count_tokens
from tests.domain.observing import DEFAULT, START_MS, observation, resolver

BY_USER = resolver(feature=["metadata.feature", "user"], session=["tag:session", "session"])
TOKENS = st.one_of(st.integers(0, 90), st.sampled_from([-1, MOST_TOKENS, MOST_TOKENS + 1, 2**70]))
KEYS = st.sampled_from(["input", "output", "total", "total_tokens", "cache_read_input_tokens", "input_cached_tokens"])
USAGE = st.dictionaries(KEYS, TOKENS, max_size=4)
USUAL = st.sampled_from([{"input": 3, "output": 4, "total": 7}, {"input": 1, "output": 0, "total": 1}])
COSTS = st.dictionaries(KEYS, st.sampled_from([0.0, 0.1, -0.5, 2048.0, 1e-12]), max_size=3)
TEXTS = st.sampled_from(["", "a", " b ", "c\x1fd", "\ud800", "x" * 300])
METADATA = st.sampled_from([{}, {"feature": "chat"}, {"feature": ["no label"]}, {"langfuse.trace.metadata.team": "t"}])
OBSERVATIONS = st.builds(
    observation,
    trace_id=st.sampled_from(["", "t1", "t2"]),
    id=st.sampled_from(["o1", "o2", "o3"]),
    start_ms=st.integers(START_MS, START_MS + 3),
    end_ms=st.one_of(st.none(), st.integers(START_MS - 1, START_MS + 9)),
    updated_ms=st.integers(START_MS, START_MS + 3),
    model=st.sampled_from(["gpt-4o", "", "claude"]),
    user=TEXTS,
    session=TEXTS,
    release=TEXTS,
    tags=st.sampled_from([(), ("session:s",), ("team:x", "session:")]),
    metadata=METADATA,
    usage=st.one_of(USUAL, USAGE),
    cost=COSTS,
    total_cost=st.sampled_from([0.0, 0.25, -1.0, 2048.5, 1e7, 3e-12]),
)


@given(st.lists(OBSERVATIONS, max_size=12), st.sampled_from([DEFAULT, BY_USER]))
def test_the_calls_of_many_observations_are_those_of_each(observations: list[Observation], by: Resolver) -> None:
    each = [g for o in observations if (g := generation_of(o, by)) is not None]
    found = read(observations, by).generations
    assert found == each
    assert [repr(g) for g in found] == [repr(g) for g in each], "of the same types, too"


@given(st.lists(OBSERVATIONS, max_size=12), st.integers(0, 12))
def test_reading_page_by_page_gives_what_reading_all_gives(observations: list[Observation], cut: int) -> None:
    gradual = GradualReading(DEFAULT)
    gradual.add(observations[:cut])
    gradual.add(observations[cut:])
    assert gradual.whole() == read(observations, DEFAULT)


@given(st.lists(st.one_of(USUAL, USAGE), max_size=8))
def test_tokens_are_counted_for_many_as_for_each(usages: list[dict[str, int]]) -> None:
    assert count_all(usages) == [count_tokens(usage) for usage in usages]


def test_more_observations_than_are_read_at_a_time_come_in_their_order() -> None:
    many = [observation(id=f"o{n}", trace_id=f"t{n % 9}", metadata={"feature": f"f{n % 7}"}) for n in range(700)]
    found = read(many, DEFAULT)
    assert [g.id for g in found.generations] == [o.id for o in many]
    assert found.inheritance.traces.keys() == {f"t{n}" for n in range(9)}


def test_more_dimensions_than_are_remembered_are_still_told_apart() -> None:
    by = Resolver(DEFAULT_ATTRIBUTION)
    many = [observation(id=f"o{n}", metadata={"feature": f"f{n}"}) for n in range(9_000)]
    for _ in range(2):
        assert [g.dimensions.feature for g in read(many, by).generations] == [f"f{n}" for n in range(9_000)]
    assert call_of(many[0], by.resolve(many[0])).dimensions.feature == "f0"
