"""The links into Langfuse: said so that its page understands them, and never to fewer rows than were meant."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.domain.rules import DEFAULT_ATTRIBUTION, AttributionSource
from fusewatch.langfuse.links import Links
from fusewatch.langfuse.uifilters import LONGEST_URL, Filter, filter_text, table_url
from fusewatch.ports import Condition, Counted, ProjectState, RowsLink, RowsMeant
from tests.langfuse.tablelinks import Asked, table_of
from tests.web.pictures import PROJECT

FROM_MS, TO_MS = 1_764_028_800_000, 1_764_115_200_000
SHOP = replace(PROJECT, host="https://langfuse.example.com/base")
V1_SHOP = replace(SHOP, api="v1")
ONE_SOURCE = (
    ("feature", (AttributionSource("metadata", "feature"),)),
    ("team", (AttributionSource("tag", "team"),)),
    ("agent_type", (AttributionSource("metadata", "agent;type"),)),
)
KNOWN = {
    "environment": ["ci-1", "ci-2", "production"],
    "feature": ["search", "search-assist", "summarization", "unknown"],
    "model": ["gpt-4o", "gpt-4o-mini", "o3"],
    "operation": ["chat"],
    "prompt": ["greet:3"],
    "team": ["content", "web"],
    "type": ["EMBEDDING", "GENERATION"],
    "trace_name": ["a", "b"],
}


def meant(
    *conditions: Condition,
    counted: Counted = Counted.ALL,
    attribution: tuple[tuple[str, tuple[AttributionSource, ...]], ...] = ONE_SOURCE,
) -> RowsMeant:
    def known(name: str) -> Sequence[str] | None:
        return None if name in ("user", "session") else KNOWN.get(name, ())

    return RowsMeant(conditions, counted, FROM_MS, TO_MS, attribution, known)


def link(*conditions: Condition, project: ProjectState = SHOP, counted: Counted = Counted.ALL) -> RowsLink:
    found = Links().rows(project, meant(*conditions, counted=counted))
    assert found is not None
    return found


def asked(*conditions: Condition, project: ProjectState = SHOP, counted: Counted = Counted.ALL) -> list[Asked]:
    return list(table_of(link(*conditions, project=project, counted=counted).url).filters)


def is_(name: str, *values: str) -> Condition:
    return Condition(name, values, literal=True)


# ---------------------------------------------------------------- the encoding

texts = st.text(max_size=40)
options = st.lists(texts, min_size=1, max_size=4).map(tuple)
keys = st.text("abcXYZ019._-", min_size=1, max_size=10)
filters = st.one_of(
    st.builds(lambda v: Filter("userId", "string", "=", v), texts),
    st.builds(lambda v: Filter("model", "stringOptions", "any of", v), options),
    st.builds(lambda v: Filter("environment", "stringOptions", "none of", v), options),
    st.builds(lambda v: Filter("traceTags", "arrayOptions", "any of", v), options),
    st.builds(lambda k, v: Filter("metadata", "stringObject", "contains", v, k), keys, texts),
    st.builds(lambda v: Filter("totalCost", "number", ">", v), st.integers(0, 10**6)),
)


@given(wanted=st.lists(filters, max_size=5), from_ms=st.integers(0, 10**13), length=st.integers(1, 10**10))
def test_an_independent_reader_of_the_address_finds_the_filters_that_were_put_in(
    wanted: list[Filter], from_ms: int, length: int
) -> None:
    table = table_of(table_url("https://lf.example/base", "p/1", wanted, from_ms, from_ms + length))
    assert (table.host, table.project_id) == ("https://lf.example/base", "p/1")
    assert (table.from_ms, table.to_ms) == (from_ms, from_ms + length - 1)
    told = [f.value if isinstance(f.value, tuple) else (str(f.value),) for f in wanted]
    assert [one.values for one in table.filters] == told
    assert [one[:4] for one in table.filters] == [(f.column, f.type, f.key, f.operator) for f in wanted]


def test_the_filters_are_written_as_langfuse_writes_them() -> None:
    """The example of its own encoding: a list of two, each with its separator escaped before the encoding."""
    told = [
        Filter("userId", "string", "=", "u1"),
        Filter("metadata", "stringObject", "=", "search", "feature"),
        Filter("traceTags", "arrayOptions", "any of", ("a", "b")),
        Filter("traceTags", "arrayOptions", "any of", ("a|b", "c\\d")),
    ]
    assert filter_text(told) == (
        "userId;string;;=;u1,metadata;stringObject;feature;=;search,traceTags;arrayOptions;;any of;a%7Cb,"
        "traceTags;arrayOptions;;any of;a%5C%7Cb%7Cc%5C%5Cd"
    )


def test_a_whole_address_reads_as_langfuse_itself_writes_it() -> None:
    conditions = (is_("team", "content"), is_("feature", "summarization"))
    assert link(*conditions, counted=Counted.COST) == RowsLink(
        "https://langfuse.example.com/base/project/p1/observations?filter="
        "traceTags%3BarrayOptions%3B%3Bany%20of%3Bteam%253Acontent%2C"
        "metadata%3BstringObject%3Bfeature%3Bcontains%3Bsummarization%2C"
        "totalCost%3Bnumber%3B%3B%3E%3B0&dateRange=1764028800000-1764115199999",
        "",
    )


# ---------------------------------------------------------------- what can be said exactly

EXACT = [
    ([is_("model", "gpt-4o")], [Asked("model", "stringOptions", "", "any of", ("gpt-4o",))]),
    ([Condition("model", ("gpt-*",))], [Asked("model", "stringOptions", "", "any of", ("gpt-4o", "gpt-4o-mini"))]),
    ([Condition("model", ("*",))], []),
    ([is_("user", "ana@example.com")], [Asked("userId", "string", "", "=", ("ana@example.com",))]),
    ([is_("user", "*")], [Asked("userId", "string", "", "=", ("*",))]),
    ([is_("prompt", "greet:3")],
     [Asked("promptName", "stringOptions", "", "any of", ("greet",)),
      Asked("promptVersion", "number", "", "=", ("3",))]),
    ([is_("release", "r1")], [Asked("release", "string", "", "=", ("r1",))]),
    ([Condition("environment", ("ci-*",), excluded=True)],
     [Asked("environment", "stringOptions", "", "none of", ("ci-1", "ci-2"))]),
    ([Condition("environment", ("langfuse-*", "sdk-experiment"), excluded=True)], []),
    ([is_("feature", "search-assist")], [Asked("metadata", "stringObject", "feature", "contains", ("search-assist",))]),
    ([is_("team", "content")], [Asked("traceTags", "arrayOptions", "", "any of", ("team:content",))]),
]  # fmt: skip


@pytest.mark.parametrize(("conditions", "expected"), EXACT)
def test_what_the_filters_can_say_is_not_labelled_wider(conditions: list[Condition], expected: list[Asked]) -> None:
    assert link(*conditions).wider == ""
    assert asked(*conditions) == expected


def test_money_is_shown_where_it_was_spent_and_tokens_where_they_were_used() -> None:
    assert asked(counted=Counted.COST) == [Asked("totalCost", "number", "", ">", ("0",))]
    assert asked(counted=Counted.TOKENS) == [Asked("totalTokens", "number", "", ">", ("0",))]


# ---------------------------------------------------------------- what they cannot say

WIDER = [
    ("a value that others contain", [is_("feature", "search")], SHOP,
     "all of feature search, and each feature that contains search"),
    ("several values in metadata", [is_("feature", "search", "summarization")], SHOP,
     "all of shop, whatever its feature"),
    ("a value that is missing", [is_("model", "unknown"), is_("team", "web")], SHOP,
     "all of team web, whatever its model"),
    ("a glob over users", [Condition("user", ("bot-*",))], SHOP, "all of shop, whatever its user"),
    ("what is left out by metadata", [Condition("feature", ("search",), excluded=True), is_("team", "web")], SHOP,
     "all of team web, feature search too"),
    ("a key that cannot stand in a filter", [is_("agent_type", "x")], SHOP, "all of shop, whatever its agent type"),
    ("a derived dimension", [is_("provider", "openai")], SHOP, "all of shop, whatever its provider"),
    ("metadata of a trace, before v2", [is_("feature", "summarization")], V1_SHOP,
     "all of shop, whatever its feature"),
    ("the name of a trace, on v2", [is_("trace_name", "a")], SHOP, "all of shop, whatever its trace name"),
    ("a release, before v2", [is_("release", "r")], V1_SHOP, "all of shop, whatever its release"),
]  # fmt: skip


@pytest.mark.parametrize(("conditions", "project", "wider"), [case[1:] for case in WIDER], ids=[c[0] for c in WIDER])
def test_what_the_filters_cannot_say_is_labelled_with_what_is_seen_instead(
    conditions: list[Condition], project: ProjectState, wider: str
) -> None:
    assert link(*conditions, project=project).wider == wider


def test_a_dimension_of_several_sources_is_not_filtered_unless_it_has_no_other_value() -> None:
    said = Links().rows(SHOP, meant(is_("team", "content"), is_("model", "o3"), attribution=DEFAULT_ATTRIBUTION))
    assert said is not None
    assert said.wider == "all of model o3, whatever its team"
    all_of_them = is_("team", "content", "web")
    only = Links().rows(SHOP, meant(all_of_them, attribution=DEFAULT_ATTRIBUTION))
    assert only is not None
    assert (only.wider, table_of(only.url).filters) == ("", ())


def test_calls_without_a_price_are_found_by_the_types_that_calls_have() -> None:
    said = link(is_("model", "o3"), counted=Counted.CALLS)
    assert said.wider == "all of model o3, also without usage"
    assert table_of(said.url).filters[-1].values == ("EMBEDDING", "GENERATION")


@pytest.mark.parametrize("value", ["über alles", 'say "hi"', "a\\b", "two words", "日本語 text"])
def test_metadata_is_asked_only_for_what_is_stored_the_same_with_and_without_quotes(value: str) -> None:
    """SDK 5 stores `json.dumps(value)`: no text may be asked for that this writes differently."""
    import json

    for one in asked(is_("feature", value)):
        assert one.values[0] in value
        assert one.values[0] in json.dumps(value)


@given(name=st.text(min_size=1, max_size=200), count=st.integers(1, 40))
def test_no_address_is_too_long_for_a_button_and_what_is_dropped_is_told(name: str, count: int) -> None:
    values = tuple(f"{name}{n}" for n in range(count))
    said = link(is_("model", *values), is_("user", name))
    assert len(said.url) <= LONGEST_URL
    found = {one.column for one in table_of(said.url).filters}
    assert found == {"model", "userId"} or said.wider


@pytest.mark.parametrize("host", ["javascript:alert(1)", "ftp://langfuse.example", "langfuse.example", "http://", ""])
def test_a_host_that_no_browser_opens_safely_gets_no_link(host: str) -> None:
    assert Links().rows(replace(SHOP, host=host), meant()) is None
    assert Links().trace(f"{host}|p1", "abc") == ""


def test_a_trace_has_an_address_of_its_own() -> None:
    assert Links().trace("https://lf.example/base|p 1", "a/b") == "https://lf.example/base/project/p%201/traces/a%2Fb"
    assert Links().trace("https://lf.example|p1", "") == ""
    assert Links().trace("no key", "abc") == ""
