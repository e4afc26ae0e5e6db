"""Every recorded answer with observations or traces is read whole, and to the same money as an exact reading of it."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from fusewatch.domain.attribution import Attributed, Resolver
from fusewatch.domain.inheritance import read
from fusewatch.domain.merge import generation_of
from fusewatch.domain.rules import DEFAULT_ATTRIBUTION
from fusewatch.domain.usage import UNKNOWN, Generation, Observation
from fusewatch.langfuse import v1, v2
from fusewatch.langfuse.progress import Progress
from fusewatch.langfuse.traces import NOTHING_KNOWN, TraceFacts, facts_of
from fusewatch.langfuse.wire import PageDecoder, PageOf, Trace, V1Row, V2Row, read_observations
from fusewatch.ports import Rejected, Span
from tests.langfuse.asking import RECORDED, ids, read_all, reading, recording, run

RESOLVER = Resolver(DEFAULT_ATTRIBUTION)
WHOLE_MONTH = Span(1_793_491_200_000, 1_796_083_200_000)  # November 2026

V1_PAGES = PageDecoder(PageOf[V1Row], V1Row)
V2_PAGES = PageDecoder(PageOf[V2Row], V2Row)
TRACES = PageDecoder(PageOf[Trace], Trace)

Row = dict[str, Any]


def exactly(path: Path) -> Any:
    """The recording with every number as it was written."""
    return json.loads(path.read_text(), parse_float=Decimal, parse_int=Decimal)


def row_lists(found: Any) -> Iterator[list[Row]]:
    """Every list of whole observation rows, wherever it stands in a recording."""
    if isinstance(found, list):
        if found and all(isinstance(row, dict) and {"id", "traceId", "startTime"} <= row.keys() for row in found):
            yield found
        for inner in found:
            yield from row_lists(inner)
    elif isinstance(found, dict):
        for inner in found.values():
            yield from row_lists(inner)


def is_v1(rows: list[Row]) -> bool:
    return "calculatedTotalCost" in rows[0]


def body_of(rows: list[Any]) -> bytes:
    return json.dumps({"data": rows, "meta": {}}, default=float).encode()


def as_json(rows: list[Row]) -> list[Row]:
    """The rows with JSON's numbers: whole ones as integers, others as doubles."""

    def number(value: Any) -> Any:
        if isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
        if isinstance(value, dict):
            return {key: number(inner) for key, inner in value.items()}
        return [number(inner) for inner in value] if isinstance(value, list) else value

    return [number(row) for row in rows]


def observed(rows: list[Row], trace: TraceFacts = NOTHING_KNOWN) -> tuple[list[Observation], list[Rejected]]:
    if is_v1(rows):
        return read_observations(V1_PAGES.decode(body_of(rows), where="v1"), lambda row: v1.observation_of(row, trace))
    return read_observations(V2_PAGES.decode(body_of(rows), where="v2"), v2.observation_of)


FILES = sorted(path for path in RECORDED.glob("*.json") if any(row_lists(json.loads(path.read_text()))))


def test_the_recordings_are_there() -> None:
    assert len(FILES) == 85


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_each_recorded_row_is_read_and_costs_what_langfuse_wrote(path: Path) -> None:
    for rows in row_lists(exactly(path)):
        observations, rejected = observed(as_json(rows))
        assert rejected == []
        assert [(o.trace_id, o.id) for o in observations] == [(row["traceId"] or "", row["id"]) for row in rows]
        cost = "calculatedTotalCost" if is_v1(rows) else "totalCost"
        written = [Decimal(row.get(cost) or 0) * 10**12 for row in rows]
        generations = [generation_of(o, RESOLVER) for o in observations]
        counted = [0 if g is None else g.cost_pico for g in generations]
        assert counted == written
        assert [g is None for g in generations] == [
            not row.get("usageDetails") and not row.get("costDetails") for row in rows
        ]


@pytest.mark.parametrize("name", ["v1_traces", "v1_traces_fields_core_metrics"])
def test_each_recorded_trace_is_read_without_its_prompts(name: str) -> None:
    recorded = json.loads((RECORDED / f"{name}.json").read_text())["body"]
    page = TRACES.decode(json.dumps(recorded).encode(), where="traces")
    assert page.rejected == []
    assert [trace.id for trace in page.rows] == [row["id"] for row in recorded["data"]]
    assert [facts_of(trace).user for trace in page.rows] == [row["userId"] or "" for row in recorded["data"]]
    assert not {"input", "output"} & set(Trace.__struct_fields__)


@pytest.mark.parametrize(
    ("name", "api"),
    [
        ("v2_observations_fields_for_cost_poller", "v2"),
        ("v2_observations_limit_1000", "v2"),
        ("cloudlike_v2_observations", "v2"),
        ("auth_bad_public_v2_observations", "v2"),
        ("v1_observations_limit_100", "v1"),
        ("cloudlike_v1_observations", "v1"),
        ("auth_bad_public_observations", "v1"),
    ],
)
def test_a_recorded_page_comes_through_the_whole_reader(name: str, api: str) -> None:
    """Deprecation stamps, headers and all. The secret key alone decides, so a wrong public key reads on."""

    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("observations"):
            return recording(name)
        return recording("v1_traces") if request.url.path.endswith("traces") else recording("v1_trace_by_id")

    page = run(reading(server, api=api).source.walk(WHOLE_MONTH).next_page())
    assert page is not None
    rows = recording(name).json()["data"]
    assert rows
    assert sorted(o.id for o in page.observations) == sorted(row["id"] for row in rows)
    assert list(page.rejected) == []


def test_a_recorded_walk_by_cursor_goes_page_by_page() -> None:
    names = iter(
        ["v2_observations_cursor_l50_page1", "v2_observations_cursor_l50_page2", "v2_observations_cursor_l50_last"]
    )
    cursors: list[str | None] = []

    def server(request: httpx.Request) -> httpx.Response:
        cursors.append(request.url.params.get("cursor"))
        return recording(next(names))

    pages = read_all(reading(server).source, WHOLE_MONTH)
    assert [len(page.observations) for page in pages] == [50, 50, 31]
    assert len(set(ids(pages))) == 130  # one span was sent twice, and v2 keeps both versions
    assert cursors == [
        None,
        *(recording(f"v2_observations_cursor_l50_page{n}").json()["meta"]["cursor"] for n in (1, 2)),
    ]


SHAPES = {
    version: json.loads((RECORDED / f"exp_metadata_shapes_sdk_v{version}.json").read_text()) for version in ("4", "5")
}


def labels(rows: list[Row], trace: TraceFacts = NOTHING_KNOWN) -> dict[str, tuple[str, ...]]:
    """What each generation of a recorded trace counts under, by its name."""
    found: dict[str, tuple[str, ...]] = {}
    for o in observed(rows, trace)[0]:
        a = RESOLVER.resolve(o)
        d = a.dimensions
        found[o.name] = (d.feature, d.team, a.user, d.model, d.type, d.operation, d.provider)
    return found


@pytest.mark.parametrize("shape", sorted(SHAPES["4"]))
def test_sdk_4_and_sdk_5_come_to_the_same_dimensions(shape: str) -> None:
    old, new = (labels(SHAPES[version][shape]["v2"]) for version in ("4", "5"))
    if shape == "md-long":  # the quote that SDK 5 adds takes one of the 200 characters that the API leaves
        assert {name: feature[0] for name, feature in old.items()} == {shape: "L" * 200}
        assert {name: feature[0] for name, feature in new.items()} == {shape: "L" * 199}
        return
    assert old == new


@pytest.mark.parametrize(
    ("shape", "feature", "team"),
    [
        ("md-prop-only", "search", "alpha"),
        ("md-obs-only", "search", "alpha"),
        ("md-conflict", "from-prop", "alpha"),
        ("md-nonstr-prop", "5", UNKNOWN),
        ("md-unicode", 'поиск ✓ "q" \\ /', "日本"),
    ],
)
@pytest.mark.parametrize("version", ["4", "5"])
def test_what_was_tagged_is_what_is_counted(version: str, shape: str, feature: str, team: str) -> None:
    (found,) = labels(SHAPES[version][shape]["v2"]).values()
    assert found[:2] == (feature, team)


def comparable(g: Generation) -> Generation:
    """Without what v1 and v2 are known to tell differently: the write time."""
    return g._replace(updated_ms=0, digest=0)


def completed(observations: list[Observation]) -> dict[str, Generation]:
    """The calls of one trace with what they inherit."""
    rows, inheritance = read(observations, RESOLVER)
    whole = {}
    for g in rows:
        facts = inheritance.traces[g.trace_id].facts
        who, _ = inheritance.heirs.filled(Attributed(g.dimensions, g.user, g.session), facts)
        whole[g.id] = comparable(g._replace(**who._asdict()))
    return whole


@pytest.mark.parametrize("shape", sorted(set(SHAPES["4"]) - {"md-conflict", "md-long"}))
@pytest.mark.parametrize("version", ["4", "5"])
def test_v1_joined_with_its_trace_and_v2_come_to_the_same_generation(version: str, shape: str) -> None:
    recorded = SHAPES[version][shape]
    trace = facts_of(TRACES.decode(body_of([recorded["trace"]]), where="trace").rows[0])
    assert completed(observed(recorded["v1"], trace)[0]) == completed(observed(recorded["v2"])[0])


def test_where_v1_and_v2_differ_the_rows_own_key_wins_in_v1() -> None:
    recorded = SHAPES["5"]["md-conflict"]
    trace = facts_of(TRACES.decode(body_of([recorded["trace"]]), where="trace").rows[0])
    assert labels(recorded["v1"], trace)["md-conflict"][0] == "from-obs"


def test_pages_of_one_instant_are_told_complete_only_above_it() -> None:
    rows = json.loads((RECORDED / "exp5_ties_v2_before_optimize.json").read_text())["body"]["data"]
    observations, _ = observed(rows)
    progress = Progress(WHOLE_MONTH)
    kept = progress.take(observations, last=False)
    assert progress.complete_from_ms == kept[-1].start_ms + 1
