"""A Langfuse that is down, slow, closed or not there: the application's calls neither fail nor wait."""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from langfuse._client.resource_manager import LangfuseResourceManager
from openai import OpenAI
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from fusewatch.demo.standin import StandinServer, Store
from fusewatch.demo.standin.answers import message
from fusewatch.demo.standin.troubles import Trouble, on_path, slow
from fusewatch.tagging import attribute, chat_openai, complaints, flush, record_usage
from tests.tagging.conftest import Application, langfuse_client, now_ms
from tests.tagging.providers import CHAT_USAGE, chat

HI: list[Any] = [{"role": "user", "content": "hi"}]
CALLS = 20
NOTICEABLE_S = 2.0
"""For all of the calls together; the server on loopback needs a part of it."""


def calls_take_s(openai: OpenAI) -> float:
    begun = time.monotonic()
    for _ in range(CALLS):
        with attribute(feature="search", user_id="u1"):
            assert chat_openai(openai, model="gpt-4o-mini", messages=HI).choices[0].message.content == "hello"
    return time.monotonic() - begun


@pytest.fixture
def fast(openai: OpenAI, application: Application) -> float:
    """How long the calls take with a Langfuse that works."""
    calls_take_s(openai)
    return calls_take_s(openai)


@pytest.mark.parametrize("trouble", ["down", "slow", "refusing", "wrong key"])
def test_calls_go_on_at_their_pace_when_langfuse_does_not_work(
    openai: OpenAI, fast: float, application: Application, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="opentelemetry")
    LangfuseResourceManager.reset()
    server = application.server
    if trouble == "slow":
        server.troubles.add(slow(3.0, times=None))
    elif trouble == "refusing":
        server.troubles.add(Trouble(on_path("otel"), times=None, instead=message(500, "no")))
    url = "http://127.0.0.1:9" if trouble == "down" else server.url
    client = langfuse_client(url, timeout=1, secret_key="sk-wrong" if trouble == "wrong key" else "sk-lf-demo")
    assert client is not None
    assert calls_take_s(openai) < fast + NOTICEABLE_S
    begun = time.monotonic()
    flush(0.2)
    assert time.monotonic() - begun < 0.2 + NOTICEABLE_S
    server.troubles.clear()


class Bomb(SpanProcessor):
    """Somebody else's part of the tracing, which fails whenever a span begins or ends."""

    def on_start(self, span: object, parent_context: object = None) -> None:
        raise RuntimeError("no more spans")

    def on_end(self, span: object) -> None:
        raise RuntimeError("no end either")


def test_a_tracing_that_fails_in_itself_is_told_once_and_harms_nothing(
    openai: OpenAI, application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    LangfuseResourceManager.reset()
    provider = TracerProvider()
    provider.add_span_processor(Bomb())
    langfuse_client(application.server.url, tracer_provider=provider)
    calls_take_s(openai)
    assert list(chat_openai(openai, model="gpt-4o-mini", messages=HI, stream=True))
    assert record_usage(chat("gpt-4o-mini", CHAT_USAGE))
    told = [record.getMessage() for record in caplog.records if record.name == "fusewatch.tagging"]
    assert told == ["Starting a generation failed; the application goes on without it: no more spans"]


def test_without_credentials_it_is_said_once_and_nothing_else_happens(
    openai: OpenAI, application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    LangfuseResourceManager.reset()
    complaints.forget_complaints()
    calls_take_s(openai)
    assert list(chat_openai(openai, model="gpt-4o-mini", messages=HI, stream=True))
    assert record_usage(chat("gpt-4o-mini", CHAT_USAGE))
    assert flush()
    ours = [record for record in caplog.records if record.name == "fusewatch.tagging"]
    assert [record.getMessage() for record in ours] == [
        "Langfuse has no credentials or is switched off; calls are not reported"
    ]
    theirs = [record for record in caplog.records if record.name == "langfuse"]
    assert len(theirs) <= 1
    client = langfuse_client(application.server.url)
    chat_openai(openai, model="gpt-4o-mini", messages=HI)
    client.flush()
    application.server.store.advance(now_ms() + 60_000)
    assert len(application.server.store) == 1, "a client that the application makes later is found"


PROGRAM = """
import sys
from fusewatch.tagging import attribute, record_usage
with attribute(feature="exit"):
    record_usage({"model": "gpt-4o-mini", "usage": {"prompt_tokens": 7, "completion_tokens": 2}})
print("done")
"""


def end_of_process(folder: Path, url: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    keys = {"LANGFUSE_PUBLIC_KEY": "pk-lf-demo", "LANGFUSE_SECRET_KEY": "sk-lf-demo", "LANGFUSE_BASE_URL": url}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=folder,
        env={**kept, **keys, "LANGFUSE_TIMEOUT": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_was_recorded_last_is_sent_when_the_process_ends(tmp_path: Path) -> None:
    with StandinServer(Store(), now_ms=now_ms) as server:
        ended = end_of_process(tmp_path, server.url)
        server.store.advance(now_ms() + 60_000)
        assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr
        assert [span.usage for span in server.store] == [{"input": 7, "output": 2}]


def test_a_process_ends_soon_though_langfuse_is_down(tmp_path: Path) -> None:
    begun = time.monotonic()
    ended = end_of_process(tmp_path, "http://127.0.0.1:9")
    assert (ended.returncode, ended.stdout) == (0, "done\n")
    assert time.monotonic() - begun < 20
