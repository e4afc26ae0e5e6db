"""An application with its Langfuse: the real SDK, sending to the stand-in over loopback."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic
from langfuse import Langfuse
from langfuse._client.resource_manager import LangfuseResourceManager
from openai import AsyncOpenAI, OpenAI
from opentelemetry.sdk.trace import TracerProvider

from fusewatch.demo.standin import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, Span, StandinServer, Store
from fusewatch.runtime import SystemClock
from fusewatch.tagging import complaints
from tests.tagging.providers import Json, providers


def now_ms() -> int:
    return SystemClock().now_ms()


@dataclass(frozen=True, slots=True)
class Reported:
    """What Langfuse knows of one observation."""

    span: Span

    @property
    def usage(self) -> dict[str, int]:
        return dict(self.span.usage)

    @property
    def dimensions(self) -> dict[str, str]:
        """The metadata that is no origin, without the quotes that SDK 5 sends."""
        held = self.span.all_metadata()
        return {
            key: value[1:-1].replace('\\"', '"') if value[:1] == '"' else value
            for key, value in held.items()
            if not key.startswith(("scope.", "resourceAttributes.", "attributes."))
        }


@dataclass(slots=True)
class Application:
    """The application's Langfuse client and what arrived at its server."""

    server: StandinServer
    client: Langfuse

    def all(self) -> list[Reported]:
        """Every observation that was sent, oldest first."""
        self.client.flush()
        self.server.store.advance(now_ms() + 60_000)
        return [Reported(span) for span in sorted(self.server.store, key=lambda span: (span.start_ms, span.id))]

    def calls(self) -> list[Reported]:
        return [one for one in self.all() if one.span.type in {"GENERATION", "EMBEDDING"}]

    def call(self) -> Reported:
        """The one call that was reported."""
        found = self.calls()
        assert len(found) == 1, found
        return found[0]

    def named(self, name: str) -> Reported:
        return next(one for one in self.all() if one.span.name == name)


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    for name in ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY", "LANGFUSE_BASE_URL", "LANGFUSE_HOST"):
        monkeypatch.delenv(name, raising=False)
    complaints.forget_complaints()
    with StandinServer(Store(), now_ms=now_ms) as server:
        client = langfuse_client(server.url)
        yield Application(server, client)
        LangfuseResourceManager.reset()


def langfuse_client(url: str, **more: Any) -> Langfuse:
    """The SDK as an application sets it up, with a tracer of its own so that tests do not share one."""
    given: dict[str, Any] = {"secret_key": DEMO_SECRET_KEY, "tracer_provider": TracerProvider(), **more}
    return Langfuse(public_key=DEMO_PUBLIC_KEY, base_url=url, **given)


@pytest.fixture(scope="session")
def _providers() -> Iterator[tuple[str, list[Json]]]:
    with providers() as running:
        yield running


@pytest.fixture
def asked(_providers: tuple[str, list[Json]]) -> list[Json]:
    """The requests that the providers were sent in this test."""
    _providers[1].clear()
    return _providers[1]


@pytest.fixture
def openai(_providers: tuple[str, list[Json]]) -> Iterator[OpenAI]:
    with OpenAI(api_key="k", base_url=f"{_providers[0]}/v1", max_retries=0) as client:
        yield client


@pytest.fixture
def anthropic(_providers: tuple[str, list[Json]]) -> Iterator[Anthropic]:
    with Anthropic(api_key="k", base_url=_providers[0], max_retries=0) as client:
        yield client


@pytest.fixture
def async_openai(_providers: tuple[str, list[Json]]) -> AsyncOpenAI:
    return AsyncOpenAI(api_key="k", base_url=f"{_providers[0]}/v1", max_retries=0)


@pytest.fixture
def async_anthropic(_providers: tuple[str, list[Json]]) -> AsyncAnthropic:
    return AsyncAnthropic(api_key="k", base_url=_providers[0], max_retries=0)
