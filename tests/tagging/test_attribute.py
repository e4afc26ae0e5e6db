"""Whose a call is: blocks, functions, coroutines and generators carry their dimensions to every generation inside."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from enum import Enum
from typing import Any

import pytest

from fusewatch.tagging import attribute, record_usage
from tests.tagging.conftest import Application
from tests.tagging.providers import CHAT_USAGE, chat


def call(name: str = "call") -> None:
    record_usage(chat("gpt-4o-mini", CHAT_USAGE), name=name)


def test_every_generation_in_a_block_carries_its_dimensions_user_and_session(application: Application) -> None:
    with attribute(feature="search", team="alpha", user_id="u1", session_id="s1", agent_type="planner", tags=["x"]):
        call("one")
        with application.client.start_as_current_observation(name="step"):
            call("two")
    call("outside")
    for name in ("one", "two"):
        found = application.named(name)
        assert found.dimensions == {"feature": "search", "team": "alpha", "agent_type": "planner"}
        assert (found.span.user_id, found.span.session_id, found.span.tags) == ("u1", "s1", ("x",))
    outside = application.named("outside")
    assert (outside.dimensions, outside.span.user_id) == ({}, "")


def test_blocks_merge_and_the_inner_one_wins_until_it_ends(application: Application) -> None:
    with attribute(feature="outer", team="alpha", user_id="u1"):
        with attribute(feature="inner", user_id=None, step="2"):
            call("in")
        call("out")
    assert application.named("in").dimensions == {"feature": "inner", "team": "alpha", "step": "2"}
    assert application.named("in").span.user_id == "u1"
    assert application.named("out").dimensions == {"feature": "outer", "team": "alpha"}


def test_a_generation_that_is_open_already_gets_the_dimensions_of_a_block_inside_it(application: Application) -> None:
    with application.client.start_as_current_observation(name="mine", as_type="generation"), attribute(feature="late"):
        pass
    assert application.call().dimensions == {"feature": "late"}


def test_a_decorated_function_keeps_its_name_result_and_error(application: Application) -> None:
    @attribute(feature="search")
    def double(number: int) -> int:
        """Twice as much."""
        call()
        if number < 0:
            raise ValueError(number)
        return 2 * number

    assert (double.__name__, double.__doc__, double(2)) == ("double", "Twice as much.", 4)
    with pytest.raises(ValueError, match="-1"):
        double(-1)
    call("after")
    assert [one.dimensions for one in application.calls() if one.span.name == "call"] == [{"feature": "search"}] * 2
    assert application.named("after").dimensions == {}


def test_an_error_leaves_the_block_as_it_is_and_ends_its_dimensions(application: Application) -> None:
    error = KeyError("mine")
    with pytest.raises(KeyError) as caught, attribute(feature="search"):
        raise error
    assert caught.value is error
    call()
    assert application.call().dimensions == {}


def test_coroutines_at_the_same_time_keep_their_own_dimensions(application: Application) -> None:
    shared = attribute(team="alpha")

    async def work(number: int) -> None:
        async with shared, attribute(feature=f"f{number}"):
            await asyncio.sleep(0)
            call(f"call-{number}")
            await asyncio.sleep(0)

    @attribute(kind="batch")
    async def all_of_them() -> str:
        await asyncio.gather(*(work(number) for number in range(5)))
        call("parent")
        return "done"

    assert asyncio.run(all_of_them()) == "done"
    for number in range(5):
        assert application.named(f"call-{number}").dimensions == {
            "feature": f"f{number}",
            "team": "alpha",
            "kind": "batch",
        }
    assert application.named("parent").dimensions == {"kind": "batch"}


def test_threads_at_the_same_time_keep_their_own_dimensions(application: Application) -> None:
    @attribute(team="alpha")
    def work(number: int) -> None:
        with attribute(feature=f"f{number}"):
            ready.wait(10)
            call(f"call-{number}")

    ready = threading.Barrier(4)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {one.span.name: one.dimensions for one in application.calls()}
    assert found == {f"call-{number}": {"feature": f"f{number}", "team": "alpha"} for number in range(4)}


def test_a_generator_carries_its_dimensions_but_not_into_what_its_caller_does(application: Application) -> None:
    @attribute(feature="inner")
    def generate() -> Iterator[int]:
        for number in range(2):
            call(f"inside-{number}")
            yield number

    with attribute(team="alpha"):
        for number in generate():
            call(f"between-{number}")
    found = {one.span.name: one.dimensions for one in application.calls()}
    inside, between = {"feature": "inner", "team": "alpha"}, {"team": "alpha"}
    assert found == {"inside-0": inside, "between-0": between, "inside-1": inside, "between-1": between}


def test_a_span_that_a_generator_holds_open_stays_the_parent_of_its_calls(application: Application) -> None:
    @attribute(feature="inner")
    def generate() -> Iterator[int]:
        with application.client.start_as_current_observation(name="holding"):
            for number in range(2):
                yield number
                call(f"inside-{number}")

    assert list(generate()) == [0, 1]
    holding = application.named("holding").span.id
    assert [application.named(f"inside-{number}").span.parent_id for number in range(2)] == [holding, holding]


def test_what_is_sent_to_and_thrown_into_a_generator_arrives_and_its_end_is_seen(application: Application) -> None:
    seen: list[object] = []

    @attribute(feature="inner")
    def generate() -> Iterator[Any]:
        try:
            seen.append((yield 1))
            try:
                yield 2
            except KeyError as error:
                seen.append(error.args[0])
            yield 3
        finally:
            call("cleanup")
            seen.append("closed")

    running: Any = generate()
    assert next(running) == 1
    assert running.send("sent") == 2
    assert running.throw(KeyError("thrown")) == 3
    running.close()
    assert seen == ["sent", "thrown", "closed"]
    assert application.call().dimensions == {"feature": "inner"}


def test_an_asynchronous_generator_does_the_same(application: Application) -> None:
    seen: list[str] = []

    @attribute(feature="inner")
    async def generate() -> AsyncIterator[int]:
        try:
            for number in range(3):
                await asyncio.sleep(0)
                call(f"inside-{number}")
                yield number
        finally:
            await asyncio.sleep(0)
            seen.append("closed")

    async def main() -> None:
        with attribute(team="alpha"):
            running: Any = generate()
            async for number in running:
                call(f"between-{number}")
                if number == 1:
                    await running.aclose()

    asyncio.run(main())
    found = {one.span.name: one.dimensions for one in application.calls()}
    inside, between = {"feature": "inner", "team": "alpha"}, {"team": "alpha"}
    assert found == {"inside-0": inside, "between-0": between, "inside-1": inside, "between-1": between}
    assert seen == ["closed"]


def test_a_cancelled_asynchronous_generator_is_told_and_can_clean_up() -> None:
    seen: list[str] = []

    @attribute(feature="inner")
    async def generate() -> AsyncIterator[int]:
        try:
            await asyncio.Event().wait()
            yield 1
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main() -> None:
        async for _ in generate():
            raise AssertionError("nothing comes")

    async def cancelled() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(main())
            await asyncio.sleep(0.01)
            task.cancel()

    asyncio.run(cancelled())
    assert seen == ["cancelled"]


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("  search \n", "search"),
        (42, "42"),
        (True, "true"),
        (Colour.RED, "red"),
        ("x" * 300, "x" * 198),
        ("a" + '"' * 300, "a" + '"' * 98),
        ("ünï " * 80, ("ünï " * 80)[:198].rstrip()),
        ("bad \ud800 half", "bad ? half"),
    ],
)
def test_a_value_reaches_langfuse_as_a_short_text(application: Application, given: object, sent: str) -> None:
    with attribute(feature=given):
        call()
    assert application.call().dimensions == {"feature": sent}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"feature": {"a": 1}}, "'feature' is a dict"),
        ({"feature": " "}, "'feature' is empty"),
        ({"team": "x" * 300}, "'team' has more than 200 characters"),
        ({"a b.c": "x"}, "sent as 'a_b_c'"),
        ({"user_id": b"u1"}, "'user_id' is a bytes"),
        ({"user_id": "x" * 300}, "'user_id' has more than 200 characters"),
        ({"tags": 5}, "Reading the dimensions"),
    ],
)
def test_a_bad_value_is_told_once_and_never_raises(
    application: Application, caplog: pytest.LogCaptureFixture, names: dict[str, Any], told: str
) -> None:
    for _ in range(3):
        with attribute(**names):
            call()
    assert len(application.calls()) == 3
    records = [record for record in caplog.records if record.name == "fusewatch.tagging"]
    assert len(records) == 1
    assert told in records[0].getMessage()
    assert [record for record in caplog.records if record.name == "langfuse"] == []


@pytest.mark.parametrize("wrapped", [lambda: attribute(feature="a"), lambda: attribute(feature="b", user_id="u")])
def test_one_attribution_may_be_entered_again_inside_itself(
    application: Application, wrapped: Callable[[], Any]
) -> None:
    one = wrapped()
    with one, one:
        call("in")
    call("out")
    assert application.named("in").dimensions == dict(one.metadata)
    assert application.named("out").dimensions == {}
