"""Whatever Langfuse, or something in its place, answers: rows, or an error that says what to do."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from unicodedata import category

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusewatch.errors import Permanent, Retryable
from fusewatch.langfuse.source import LangfuseSource
from fusewatch.ports import Span
from tests.fuzz.effort import looked_at
from tests.langfuse.asking import NOW_MS, reading
from tests.langfuse.servers import generation

ANSWERS = "answers of Langfuse"
HOUR_MS = 3_600_000
SPAN = Span((NOW_MS // HOUR_MS - 2) * HOUR_MS, NOW_MS // HOUR_MS * HOUR_MS)
RECORDED = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "recorded").glob("*.json"))][::5]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=20),
    st.sampled_from(["2026-11-22T14:00:00.000Z", "9999-12-31T23:59:59Z", "-0001-01-01", "\ud800", "1e999", "../.."]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
)
ROW_FIELDS = sorted(generation(1, NOW_MS))


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A row with some of its values replaced by anything."""
    row: dict[str, Any] = dict(generation(draw(st.integers(0, 5)), NOW_MS - draw(st.integers(0, 3_600_000))))
    for field in draw(st.lists(st.sampled_from(ROW_FIELDS), max_size=4)):
        row[field] = draw(ANYTHING)
    return row


@st.composite
def pages(draw: st.DrawFn) -> bytes:
    page = {"data": draw(st.one_of(st.lists(rows(), max_size=4), ANYTHING)), "meta": draw(ANYTHING)}
    return json.dumps(draw(st.one_of(st.just(page), ANYTHING))).encode("utf-8", "surrogatepass")


@st.composite
def cut_and_changed(draw: st.DrawFn) -> bytes:
    """A recorded answer, damaged on the way."""
    body = bytearray(draw(st.sampled_from(RECORDED))[:4000])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(body) - 1, 0)))
        body[at : at + draw(st.integers(0, 30))] = draw(st.binary(max_size=12))
    return bytes(body)


BODIES = st.one_of(pages(), cut_and_changed(), st.binary(max_size=200))
STATUSES = st.sampled_from([200, 200, 200, 200, 201, 204, 301, 400, 401, 404, 429, 500, 503])


async def ask_everything(source: LangfuseSource) -> None:
    for asked in (source.identify, lambda: source.sums(SPAN), source.models, lambda: walk(source)):
        said = ""
        try:
            await asked()
        except (Retryable, Permanent) as error:
            said = str(error)
        assert len(said) < 3000
        assert not any(category(sign) in ("Cc", "Cf", "Zl", "Zp") for sign in said), repr(said)


async def walk(source: LangfuseSource) -> int:
    """How many observations come before the end, or before five pages are read."""
    steps, count = source.walk(SPAN), 0
    for _ in range(5):
        page = await steps.next_page()
        if page is None:
            break
        count += len(page.observations)
    return count


@pytest.mark.parametrize("api", ["v1", "v2"])
@looked_at(120, ANSWERS)
@given(
    body=BODIES, status=STATUSES, kind=st.sampled_from(["application/json", "text/html", "application/octet-stream"])
)
def test_no_answer_raises_anything_but_the_errors_that_say_what_to_do(
    api: str, body: bytes, status: int, kind: str
) -> None:
    began = time.process_time()
    told = reading(
        lambda _: httpx.Response(status, content=body, headers={"Content-Type": kind}), api=api, project_id="p1"
    )
    asyncio.run(ask_everything(told.source))
    assert time.process_time() - began < 5


@looked_at(60, ANSWERS)
@given(body=BODIES)
def test_a_second_page_that_cannot_be_read_is_an_error_and_never_the_end(body: bytes) -> None:
    first = {"data": [generation(1, SPAN.to_ms - 1000)], "meta": {"cursor": "next"}}
    told = reading(
        lambda r: httpx.Response(200, content=body) if "cursor" in str(r.url) else httpx.Response(200, json=first)
    )
    try:
        page = json.loads(body)
        well_formed = isinstance(page, dict) and isinstance(page.get("data"), list)
    except (ValueError, RecursionError):
        well_formed = False
    refused = False
    try:
        asyncio.run(walk(told.source))
    except (Retryable, Permanent):
        refused = True
    assert refused or well_formed
