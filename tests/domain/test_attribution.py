"""Whom a generation belongs to: the declared sources in order, wherever a producer put the key."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.attribution import Resolver
from fusewatch.domain.rules import AttributionSource
from fusewatch.domain.usage import UNKNOWN, Dimensions
from tests.domain.observing import DEFAULT, observation, resolver

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.lists(st.text(max_size=5))
)


def test_every_built_in_dimension_comes_from_its_place() -> None:
    o = observation(
        metadata={"feature": "search", "team": "alpha"},
        release="r1",
        version="v2",
        prompt="greeting:3",
        environment="staging",
        type="EMBEDDING",
    )
    assert DEFAULT.dimensions(o) == Dimensions(
        environment="staging",
        feature="search",
        team="alpha",
        model="gpt-4o",
        provider="openai",
        operation="answer",
        type="EMBEDDING",
        release="r1",
        version="v2",
        prompt="greeting:3",
        trace_name="chat",
    )
    assert (DEFAULT.user(o), DEFAULT.session(o)) == ("user-a", "s1")


def test_what_is_missing_is_unknown_and_never_empty() -> None:
    gone = dict.fromkeys(("type", "name", "environment", "model", "user", "session", "trace_name"), "")
    o = observation(**gone)
    assert set(DEFAULT.dimensions(o)[:-1]) == {UNKNOWN}
    assert (DEFAULT.user(o), DEFAULT.session(o)) == (UNKNOWN, UNKNOWN)


@pytest.mark.parametrize(
    ("metadata", "tags", "trace_name", "feature"),
    [
        ({"feature": "m"}, ("feature:t",), "n", "m"),
        ({}, ("feature:t",), "n", "t"),
        ({}, (), "n", "n"),
        ({}, (), "", UNKNOWN),
        ({"feature": ""}, ("feature:t",), "n", "t"),
        ({"feature": None}, ("feature: ",), "n", "n"),
        ({"feature": {}}, (), "n", "n"),
        ({"feature": {"name": "x"}}, (), "n", "n"),
        ({"feature": []}, (), "n", "n"),
        ({"feature": "  "}, (), "n", "n"),
        ({"Feature": "M"}, (), "n", "n"),
        ({}, ("prod", "feature:first", "feature:second"), "n", "first"),
        ({}, ("feature=t", "features:t", "feature"), "n", "n"),
        ({}, ("feature:a:b",), "n", "a:b"),
    ],
)
def test_the_first_source_that_yields_a_value_wins(
    metadata: dict[str, object], tags: tuple[str, ...], trace_name: str, feature: str
) -> None:
    o = observation(metadata=metadata, tags=tags, trace_name=trace_name)
    assert DEFAULT.dimensions(o).feature == feature


@pytest.mark.parametrize(
    "metadata",
    [
        {"team": "alpha"},
        {"langfuse.trace.metadata.team": "alpha"},
        {"langfuse.observation.metadata.team": "alpha"},
        {"langfuse.metadata.team": "alpha"},
        {"ai.telemetry.metadata.team": "alpha"},
        {"attributes.team": "alpha"},
        {"attributes.langfuse.trace.metadata.team": "alpha"},
        {"attributes.ai.telemetry.metadata.team": "alpha"},
        {"attributes": {"team": "alpha"}},
        {"attributes": {"langfuse.trace.metadata.team": "alpha"}},
        {"attributes": {"langfuse": {"trace": {"metadata": {"team": "alpha"}}}}},
        {"langfuse": {"metadata": {"team": "alpha"}}},
        {"resourceAttributes.team": "alpha"},
        {"resourceAttributes": {"team": "alpha"}},
    ],
    ids=json.dumps,
)
def test_a_key_is_found_flat_and_nested_and_in_the_homes_of_its_producers(metadata: dict[str, object]) -> None:
    assert DEFAULT.dimensions(observation(metadata=metadata)).team == "alpha"


@pytest.mark.parametrize(
    ("metadata", "value"),
    [
        ({"service.name": "api"}, "api"),
        ({"resourceAttributes": {"service.name": "api"}}, "api"),
        ({"resourceAttributes.service.name": "api"}, "api"),
        ({"service": {"name": "api"}}, "api"),
        ({"service": {"name": {"deeper": 1}}}, UNKNOWN),
        ({"service": "text"}, UNKNOWN),
        ({"service": {"name": ""}, "resourceAttributes": {"service.name": "api"}}, "api"),
        ({"service.name": "", "service": {"name": "nested"}}, "nested"),
    ],
)
def test_dots_in_a_path_are_part_of_a_key_or_steps_into_objects(metadata: dict[str, object], value: str) -> None:
    own = resolver(app=["metadata.service.name"])
    assert own.dimensions(observation(metadata=metadata)).extra == (("app", value),)


def test_a_key_of_the_generation_itself_wins_over_one_of_the_whole_process() -> None:
    o = observation(metadata={"resourceAttributes.team": "platform", "team": "alpha"})
    assert DEFAULT.dimensions(o).team == "alpha"


def test_dimensions_of_ones_own_stand_in_extra_by_name() -> None:
    own = resolver(zone=["metadata.zone"], agent_type=["metadata.agent_type", "tag:agent"])
    o = observation(metadata={"zone": "eu"}, tags=("agent:planner",))
    assert own.dimensions(o).extra == (("agent_type", "planner"), ("zone", "eu"))
    assert own.dimensions(observation()).extra == (("agent_type", UNKNOWN), ("zone", UNKNOWN))


def test_a_declared_dimension_is_read_from_its_sources_alone() -> None:
    own = resolver(user=["metadata.tenant"], environment=["metadata.stage", "environment"], feature=["name"])
    o = observation(metadata={"tenant": 42})
    assert own.user(o) == "42"
    assert own.user(observation()) == UNKNOWN
    assert own.dimensions(observation(metadata={"stage": "qa"})).environment == "qa"
    assert own.dimensions(observation()).environment == "production"
    assert own.dimensions(o).feature == "answer"
    assert own.dimensions(observation(metadata={"team": "alpha"})).team == UNKNOWN


def test_the_provider_may_be_declared_like_any_other() -> None:
    assert (
        resolver(provider=["metadata.vendor"]).dimensions(observation(metadata={"vendor": "Acme"})).provider == "Acme"
    )
    assert resolver(provider=["metadata.vendor"]).dimensions(observation()).provider == UNKNOWN


@pytest.mark.parametrize(
    ("metadata", "model", "provider"),
    [
        ({"attributes.gen_ai.system": "az.ai.openai"}, "gpt-4o", "azure"),
        ({"attributes": {"gen_ai.provider.name": "aws.bedrock"}}, "claude-3", "bedrock"),
        ({"attributes.gen_ai.provider.name": "openai", "attributes.gen_ai.system": "other"}, "x", "openai"),
        ({"ls_provider": "google_vertexai"}, "my-model", "google"),
        ({"gen_ai.system": ""}, "mistral-large", "mistral"),
        ({}, "anthropic/claude-3-5-sonnet", "anthropic"),
        ({}, "my-own", UNKNOWN),
    ],
)
def test_the_provider_is_what_tracing_named_else_what_the_model_gives_away(
    metadata: dict[str, object], model: str, provider: str
) -> None:
    assert DEFAULT.dimensions(observation(metadata=metadata, model=model)).provider == provider


def test_equal_dimensions_are_one_object() -> None:
    one = DEFAULT.dimensions(observation(id="a", metadata={"team": "alpha", "request": 1}))
    assert DEFAULT.dimensions(observation(id="b", metadata={"request": 2, "team": "alpha"})) is one


@pytest.mark.parametrize(
    "source", [AttributionSource("field", "input"), AttributionSource("header", "x"), AttributionSource("metadata", "")]
)
def test_a_source_that_does_not_exist_is_refused(source: AttributionSource) -> None:
    with pytest.raises(ValueError, match="no such source"):
        Resolver((("feature", (source,)),))


def test_the_project_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="project"):
        resolver(project=["metadata.project"])


@given(
    metadata=st.dictionaries(st.sampled_from(["feature", "team", "attributes", "attributes.team", "x"]), VALUES),
    tags=st.lists(st.text(max_size=20), max_size=3),
)
def test_no_metadata_makes_an_empty_an_untrimmed_or_a_long_value(metadata: dict[str, object], tags: list[str]) -> None:
    found = DEFAULT.dimensions(observation(metadata=metadata, tags=tuple(tags)))
    for value in found[:-1]:
        assert value
        assert value == value.strip()
        assert len(value) <= 200
        value.encode()


@given(
    metadata=st.dictionaries(st.sampled_from(["feature", "team", "a", "attributes.team", "resourceAttributes"]), VALUES)
)
def test_the_order_of_the_keys_does_not_matter(metadata: dict[str, object]) -> None:
    turned = dict(reversed(metadata.items()))
    fresh = Resolver(tuple((name, (AttributionSource("metadata", name),)) for name in ("feature", "team")))
    assert fresh.resolve(observation(metadata=metadata)) == fresh.resolve(observation(metadata=turned))
