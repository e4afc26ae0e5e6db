"""The real clients of openai and anthropic: what the provider reported is what Langfuse stores, token for token."""

import asyncio
import json
from typing import Any

import pytest
from anthropic import Anthropic, APIStatusError, AsyncAnthropic
from openai import AsyncOpenAI, InternalServerError, OpenAI, RateLimitError

from fusewatch.tagging import (
    attribute,
    chat_anthropic,
    chat_openai,
    embed_openai,
    record_usage,
    respond_openai,
)
from tests.tagging.conftest import Application
from tests.tagging.providers import Json

HI: list[Any] = [{"role": "user", "content": "a secret question"}]
CHAT = {
    "input": 300,
    "input_cached_tokens": 600,
    "input_cache_creation": 100,
    "output": 180,
    "output_reasoning_tokens": 120,
}
RESPONSE = {"input": 600, "input_cached_tokens": 200, "output": 150, "output_reasoning_tokens": 250}
MESSAGE = {
    "input": 50,
    "output": 70,
    "cache_read_input_tokens": 900,
    "cache_creation_input_tokens": 100,
    "input_cache_creation_1h": 200,
}
CLAUDE = "claude-of-some-year"


def test_a_chat_completion_is_returned_as_it_is_and_recorded_once(application: Application, openai: OpenAI) -> None:
    with attribute(feature="search"):
        answer = chat_openai(openai, model="gpt-latest", messages=HI)
    assert answer.choices[0].message.content == "hello"
    found = application.call()
    assert found.usage == CHAT
    assert (found.span.model, found.span.name, found.span.level) == ("gpt-4o-2024-08-06", "chat-openai", "DEFAULT")
    assert found.dimensions == {"feature": "search"}


def test_what_was_asked_and_answered_stays_in_the_application(application: Application, openai: OpenAI) -> None:
    chat_openai(openai, model="gpt-4o-mini", messages=HI)
    with pytest.raises(RateLimitError):
        chat_openai(openai, model="error-429", messages=HI)
    assert "secret" not in repr(application.all())
    assert "sk-123" not in repr(application.all())
    assert {(one.span.input, one.span.output) for one in application.all()} == {(None, None)}


def test_a_stream_asks_for_its_usage_and_keeps_the_chunk_back_that_nobody_asked_for(
    application: Application, openai: OpenAI, asked: list[Json]
) -> None:
    with attribute(feature="search"):
        chunks = list(chat_openai(openai, model="gpt-4o-mini", messages=HI, stream=True))
    assert asked[0]["stream_options"] == {"include_usage": True}
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "hello"
    found = application.call()
    assert (found.usage, found.dimensions) == (CHAT, {"feature": "search"})
    assert found.span.completion_start_ms is not None
    assert found.span.start_ms <= found.span.completion_start_ms <= found.span.end_ms


def test_who_asks_for_the_usage_chunk_gets_it(application: Application, openai: OpenAI) -> None:
    options: Any = {"include_usage": True}
    chunks = list(chat_openai(openai, model="gpt-4o-mini", messages=HI, stream=True, stream_options=options))
    assert chunks[-1].usage.total_tokens == 1300
    assert application.call().usage == CHAT


def test_a_stream_without_usage_is_told_and_recorded_as_of_unknown_size(
    application: Application, openai: OpenAI, asked: list[Json], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        list(chat_openai(openai, model="gpt-4o-mini", messages=HI, stream=True, include_usage=False))
    assert "stream_options" not in asked[0]
    assert [(one.usage, one.span.level, one.span.model) for one in application.calls()] == [
        ({}, "WARNING", "gpt-4o-mini")
    ] * 2
    assert application.calls()[0].span.status_message == "The stream reported no usage"
    assert len([record for record in caplog.records if "include_usage" in record.getMessage()]) == 1


def test_a_broken_stream_raises_its_error_and_is_recorded_as_one(application: Application, openai: OpenAI) -> None:
    with pytest.raises(Exception, match=r"incomplete|peer closed|Connection"):
        list(chat_openai(openai, model="gpt-4o-broken", messages=HI, stream=True))
    found = application.call()
    assert (found.span.level, found.usage, found.span.model) == ("ERROR", {}, "gpt-4o-broken")


def test_a_broken_stream_of_anthropic_keeps_what_it_had_reported(
    application: Application, anthropic: Anthropic
) -> None:
    with pytest.raises(Exception, match=r"incomplete|peer closed|Connection"):
        list(chat_anthropic(anthropic, model="claude-broken", max_tokens=9, messages=HI, stream=True))
    found = application.call()
    assert (found.span.level, found.usage) == ("ERROR", {**MESSAGE, "output": 1})


def test_a_stream_that_is_left_early_keeps_what_it_had_reported(application: Application, anthropic: Anthropic) -> None:
    with chat_anthropic(anthropic, model=CLAUDE, max_tokens=9, messages=HI, stream=True) as stream:
        for event in stream:
            assert event.type == "message_start"
            break
    dropped = chat_anthropic(anthropic, model=CLAUDE, max_tokens=9, messages=HI, stream=True)
    next(dropped)
    dropped.close()
    assert dropped.response.status_code == 200
    for found in application.calls():
        assert (found.span.level, found.usage) == ("WARNING", {**MESSAGE, "output": 1})
        assert found.span.status_message == "The stream was closed before its end"


@pytest.mark.parametrize("stream", [False, True])
def test_the_responses_api_is_recorded(application: Application, openai: OpenAI, stream: bool) -> None:
    answer = respond_openai(openai, model="gpt-5", input="hi", stream=stream)
    if stream:
        assert [event.type for event in answer][-1] == "response.completed"
    else:
        assert answer.usage.total_tokens == 1200
    found = application.call()
    assert (found.usage, found.span.model) == (RESPONSE, "gpt-5")


@pytest.mark.parametrize("stream", [False, True])
def test_a_message_of_anthropic_is_recorded(application: Application, anthropic: Anthropic, stream: bool) -> None:
    answer = chat_anthropic(anthropic, model=CLAUDE, max_tokens=9, messages=HI, stream=stream)
    if stream:
        assert [event.type for event in answer][-1] == "message_stop"
    else:
        assert answer.content[0].text == "hello"
    found = application.call()
    assert (found.usage, found.span.model) == (MESSAGE, CLAUDE)
    assert found.dimensions == {"reasoning_tokens": "30"}, "billed as output, so told beside the usage"


def test_an_embedding_is_recorded_and_priced_as_one(application: Application, openai: OpenAI) -> None:
    embed_openai(openai, model="text-embedding-3-small", input="hi", encoding_format="float")
    found = application.call()
    assert (found.span.type, found.usage) == ("EMBEDDING", {"input": 8})
    assert found.span.total_pico() == 8 * 20_000


def test_audio_tokens_have_keys_of_their_own_and_so_has_the_text_beside_them(
    application: Application, openai: OpenAI
) -> None:
    chat_openai(openai, model="gpt-4o-audio-preview", messages=HI)
    assert application.call().usage == {
        "input_text_tokens": 150,
        "input_audio_tokens": 350,
        "output_text_tokens": 40,
        "output_audio_tokens": 160,
    }


def test_a_call_at_another_price_tells_its_tier(application: Application, openai: OpenAI) -> None:
    chat_openai(openai, model="gpt-4o", messages=HI)
    assert application.call().span.model_parameters == {"service_tier": "priority"}


@pytest.mark.parametrize(("model", "kind"), [("error-429", RateLimitError), ("error-500", InternalServerError)])
def test_an_error_of_the_provider_is_raised_and_recorded(
    application: Application, openai: OpenAI, model: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        chat_openai(openai, model=model, messages=HI)
    found = application.call()
    assert (found.span.level, found.span.model, found.usage) == ("ERROR", model, {})
    assert found.span.status_message == f"{kind.__name__} {model[-3:]}"


def test_asynchronous_clients_are_recorded_alike(
    application: Application, async_openai: AsyncOpenAI, async_anthropic: AsyncAnthropic
) -> None:
    async def main() -> None:
        async with async_openai as openai, async_anthropic as anthropic:
            with attribute(feature="search"):
                await chat_openai(openai, name="chat", model="gpt-4o-mini", messages=HI)
                await chat_anthropic(anthropic, name="message", model=CLAUDE, max_tokens=9, messages=HI)
                async for _ in await chat_openai(openai, name="chat-s", model="gpt-4o-mini", messages=HI, stream=True):
                    pass
                given = {"model": CLAUDE, "max_tokens": 9, "messages": HI, "stream": True}
                async with await chat_anthropic(anthropic, name="message-s", **given) as events:
                    async for _ in events:
                        pass
                async for _ in await respond_openai(openai, name="respond-s", model="gpt-5", input="hi", stream=True):
                    pass
                early = await chat_anthropic(anthropic, name="early", **given)
                await anext(early)
                await early.close()
                with pytest.raises(APIStatusError):
                    await chat_anthropic(anthropic, name="error", **{**given, "model": "error-500"})

    asyncio.run(main())
    found = {one.span.name: one for one in application.calls()}
    assert {name: one.usage for name, one in found.items()} == {
        "chat": CHAT,
        "chat-s": CHAT,
        "message": MESSAGE,
        "message-s": MESSAGE,
        "respond-s": RESPONSE,
        "early": {**MESSAGE, "output": 1},
        "error": {},
    }
    assert {one.dimensions["feature"] for one in found.values()} == {"search"}


def test_record_usage_writes_into_the_generation_that_is_open(application: Application, openai: OpenAI) -> None:
    with application.client.start_as_current_observation(name="mine", as_type="generation") as generation:
        generation.update(model_parameters={"temperature": 0.5})
        answer = openai.chat.completions.create(model="gpt-4o", messages=HI)
        assert record_usage(answer) is answer
    found = application.call()
    assert (found.span.name, found.usage, found.span.model) == ("mine", CHAT, "gpt-4o")
    assert found.span.model_parameters == {"temperature": 0.5, "service_tier": "priority"}


def test_record_usage_makes_a_generation_where_none_is_open(application: Application, anthropic: Anthropic) -> None:
    with application.client.start_as_current_observation(name="step"):
        record_usage(anthropic.messages.create(model=CLAUDE, max_tokens=9, messages=HI), name="answer")
    found = application.call()
    assert (found.span.name, found.usage) == ("answer", MESSAGE)
    assert found.span.parent_id == application.named("step").span.id


def test_record_usage_watches_a_stream(application: Application, openai: OpenAI, anthropic: Anthropic) -> None:
    options: Any = {"include_usage": True}
    asked = openai.chat.completions.create(model="gpt-4o-mini", messages=HI, stream=True, stream_options=options)
    assert [chunk.id for chunk in record_usage(asked)] == ["chatcmpl-1"] * 4
    for _ in record_usage(anthropic.messages.create(model=CLAUDE, max_tokens=9, messages=HI, stream=True)):
        pass
    with anthropic.messages.stream(model=CLAUDE, max_tokens=9, messages=HI) as stream:
        record_usage(stream.get_final_message(), name="final")
    found = {one.span.name: one.usage for one in application.calls()}
    assert found == {"openai": CHAT, "anthropic": MESSAGE, "final": MESSAGE}


def test_record_usage_takes_the_json_of_an_answer_and_a_time_in_the_past(application: Application) -> None:
    body = json.loads('{"model": "gpt-4o-mini", "usage": {"prompt_tokens": 7, "completion_tokens": 2}}')
    record_usage(body, name="old", start_ns=1_700_000_000_000_000_000, end_ns=1_700_000_002_000_000_000)
    span = application.call().span
    assert (span.start_ms, span.end_ms, span.usage) == (
        1_700_000_000_000,
        1_700_000_002_000,
        {"input": 7, "output": 2},
    )


@pytest.mark.parametrize("answer", [None, 5, {"usage": None}, {"usage": {"tokens": 3}}, {"usage": "many"}, object()])
def test_record_usage_gives_back_what_it_cannot_read_and_tells_once(
    application: Application, caplog: pytest.LogCaptureFixture, answer: object
) -> None:
    assert record_usage(answer) is answer
    assert record_usage(answer) is answer
    assert application.calls() == []
    assert len([record for record in caplog.records if "found no usage" in record.getMessage()]) == 1


def test_usage_that_comes_after_the_generation_ended_is_told(
    application: Application, openai: OpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    with application.client.start_as_current_observation(name="mine", as_type="generation"):
        stream = record_usage(openai.chat.completions.create(model="gpt-4o-mini", messages=HI, stream=True))
    list(stream)
    assert application.call().usage == {}
    assert "a generation had ended" in caplog.text
