"""A call that lacks a dimension takes it from the earliest of its trace that has it, however the trace was read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.attribution import Attributed, Resolver
from fusewatch.domain.inheritance import Facts, Heirs, merged, read, values_of
from fusewatch.domain.usage import UNKNOWN, Observation
from tests.domain.observing import DEFAULT, START_MS, observation, resolver

TEAMS = resolver(feature=["metadata.feature"], team=["metadata.team"], tier=["metadata.tier"], verb=["operation"])


def span(id_: str, start_ms: int = START_MS, **changes: Any) -> Observation:
    """An observation without usage: no call, and nothing of its own but what is said."""
    bare = {"user": "", "session": "", "trace_name": "", "usage": {}, "cost": {}, "total_cost": 0.0}
    return observation(id=id_, start_ms=start_ms, **(bare | changes))


def call(id_: str, start_ms: int = START_MS, **changes: Any) -> Observation:
    return observation(id=id_, start_ms=start_ms, **({"user": "", "session": "", "trace_name": ""} | changes))


def completed(batches: list[list[Observation]], by: Resolver = TEAMS) -> dict[str, Attributed]:
    """The calls of these batches, by id, with what they inherit from all of them."""
    heirs = Heirs(by.inheritable)
    readings = [read(batch, by) for batch in batches]
    facts: dict[str, Facts] = {}
    for reading in readings:
        for trace, found in reading.inheritance.traces.items():
            facts[trace] = merged(facts.get(trace, ()), found.facts)
    return {
        g.id: heirs.filled(Attributed(g.dimensions, g.user, g.session), facts.get(g.trace_id, ()))[0]
        for reading in readings
        for g in reading.generations
    }


@pytest.mark.parametrize(
    ("what", "donor", "value"),
    [
        ("feature", {"metadata": {"feature": "chat"}}, "chat"),
        ("team", {"metadata": {"team": "core"}}, "core"),
        ("release", {"release": "r1"}, "r1"),
        ("version", {"version": "7"}, "7"),
        ("trace_name", {"trace_name": "answer"}, "answer"),
    ],
)
def test_a_call_takes_what_it_lacks_from_a_span_of_its_trace(what: str, donor: dict[str, Any], value: str) -> None:
    found = completed([[call("c"), span("s", **donor)]])["c"]
    assert getattr(found.dimensions, what) == value


def test_user_session_and_dimensions_of_ones_own_are_inherited_too() -> None:
    found = completed([[call("c"), span("s", user="ann", session="s1", metadata={"tier": "gold"})]])["c"]
    assert (found.user, found.session, dict(found.dimensions.extra)["tier"]) == ("ann", "s1", "gold")


def test_what_a_single_call_does_is_never_inherited() -> None:
    bare = call("c", model="", name="", type="", prompt="", environment="")
    rich = span("s", model="gpt-4o", name="root", type="SPAN", prompt="p:1", environment="prod")
    found = completed([[bare, rich]])["c"].dimensions
    assert (found.model, found.provider, found.operation, found.type) == (UNKNOWN,) * 4
    assert (found.prompt, found.environment, dict(found.extra)["verb"]) == (UNKNOWN,) * 3


def test_a_value_of_its_own_is_never_replaced() -> None:
    own = call("c", START_MS + 5, metadata={"feature": "own"}, user="bob")
    found = completed([[own, span("s", metadata={"feature": "root"}, user="ann")]])["c"]
    assert (found.dimensions.feature, found.user) == ("own", "bob")


def test_traces_give_nothing_to_each_other_and_rows_without_a_trace_nothing_at_all() -> None:
    donor = {"feature": "chat"}
    rows = [call("c"), span("s", trace_id="t2", metadata=donor)]
    rows += [call("lone", trace_id=""), span("lost", trace_id="", metadata=donor)]
    assert {who.dimensions.feature for who in completed([rows]).values()} == {UNKNOWN}


def test_the_earliest_of_several_donors_gives_and_the_newest_version_of_it() -> None:
    rows = [
        call("c", START_MS + 9),
        span("s2", START_MS + 2, metadata={"feature": "later", "team": "web"}),
        span("s1", START_MS + 1, updated_ms=1, metadata={"feature": "old"}),
        span("s1", START_MS + 1, updated_ms=2, metadata={"feature": "new"}),
    ]
    found = completed([rows])["c"].dimensions
    assert (found.feature, found.team) == ("new", "web")


def test_the_revision_of_an_attribution_tells_whether_it_means_the_same() -> None:
    first = resolver(feature=["metadata.a", "tag:a"], team=["metadata.t"])
    assert first.revision == resolver(team=["metadata.t"], feature=["metadata.a", "tag:a"]).revision
    others = [resolver(feature=["tag:a", "metadata.a"], team=["metadata.t"]), resolver(team=["metadata.t"]), DEFAULT]
    assert len({r.revision for r in (first, *others)}) == 4


observations = st.builds(
    lambda id_, at, updated, feature, team, user, called: (call if called else span)(
        id_,
        START_MS + at,
        updated_ms=updated,
        user=user,
        metadata={k: v for k, v in (("feature", feature), ("team", team)) if v},
    ),
    st.sampled_from("abc"),
    st.integers(0, 2),
    st.integers(1, 2),
    st.sampled_from(["", "f1", "f2"]),
    st.sampled_from(["", "t1", "t2"]),
    st.sampled_from(["", "u1", "u2"]),
    st.booleans(),
)


@given(st.lists(observations, max_size=7), st.randoms(use_true_random=False))
def test_the_order_and_the_batches_of_reading_change_nothing(found: list[Observation], chance: object) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis's Random is untyped
    split = len(found) // 2
    whole = _facts([found])
    assert _facts([shuffled]) == whole
    assert _facts([shuffled[:split], shuffled[split:], found]) == whole
    assert _facts([[o] for o in shuffled]) == whole


def _facts(batches: list[list[Observation]]) -> dict[str, tuple[Facts, dict[str, str]]]:
    parts: dict[str, Facts] = {}
    for batch in batches:
        for trace, one in read(batch, TEAMS).inheritance.traces.items():
            parts[trace] = merged(parts.get(trace, ()), one.facts)
    return {trace: (merged(facts), values_of(facts)) for trace, facts in parts.items()}
