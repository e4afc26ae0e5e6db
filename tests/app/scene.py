"""What lies outside Fusewatch: a Langfuse that answers in-process and goes wrong on demand, and the story's clock."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import httpx

from fusewatch.demo.standin import DEMO_PROJECT, Key, Project, Span, Standin, Store
from fusewatch.demo.standin.troubles import REQUEST_TIMED_OUT, SERVICE_UNAVAILABLE, Ask, Trouble
from tests.app.inbox import Killed
from tests.app.when import MINUTE_MS, STORY_DAY, StageClock, instant_ms

SECOND_PROJECT = Project(id="proj-labs", name="Labs")
PROJECTS = """
projects:
  - {name: shop, base_url: "http://langfuse.test", public_key: pk-shop, secret_key: sk-shop}
  - {name: labs, base_url: "http://langfuse.test", public_key: pk-labs, secret_key: sk-labs}
"""
"""Two projects of one Langfuse; spend goes to `labs` by ``project="labs"``."""

_PROJECT_IDS = {"": DEMO_PROJECT, "shop": DEMO_PROJECT, "labs": SECOND_PROJECT.id}
_KEYS = (Key(), Key("pk-shop", "sk-shop"), Key("pk-labs", "sk-labs", SECOND_PROJECT.id))
ENVIRON = {
    "LANGFUSE_PUBLIC_KEY": Key().public,
    "LANGFUSE_SECRET_KEY": Key().secret,
    "LANGFUSE_BASE_URL": "http://langfuse.test",
}


class Wire(httpx.AsyncBaseTransport):
    """The way to the stand-in, without sockets. The process ends at the request numbered `fatal`."""

    def __init__(self, standin: Standin) -> None:
        self._app = httpx.ASGITransport(app=standin)
        self.done = 0
        self.fatal: int | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.done += 1
        if self.done == self.fatal:
            raise Killed
        try:
            return await self._app.handle_async_request(request)
        except ConnectionAbortedError as error:
            raise httpx.ReadError(str(error), request=request) from error


def _asks_too_much(ask: Ask) -> bool:
    return "observations" in ask.path and int(ask.param("limit") or 50) > 20


def _sent_with(secret: str) -> Callable[[Ask], bool]:
    def where(ask: Ask) -> bool:
        sent = ask.headers.get("authorization", "").removeprefix("Basic ")
        return base64.b64decode(sent).decode().endswith(secret)

    return where


def _feature_in_metadata(span: Span) -> str:
    return span.all_metadata().get("feature", "")


def _no_estimate(_: Span) -> int:
    return 0


@dataclass(slots=True, kw_only=True)
class Scene:
    """The world of one story. Spend is ordered ahead of time or as it goes; it can be read when it has arrived.

    Times are those of `when.instant_ms`, on `day` unless they say another. `feature_of` tells which feature a call
    truly has, `estimate_of` what we must hold it to cost beside Langfuse's cost (picodollars), for the check after the
    story.
    """

    day: str = STORY_DAY
    begins: str = "06:00"
    clock: StageClock = field(init=False)
    warehouse: Store = field(init=False)
    standin: Standin = field(init=False)
    wire: Wire = field(init=False)
    feature_of: Callable[[Span], str] = _feature_in_metadata
    estimate_of: Callable[[Span], int] = _no_estimate
    _made: int = 0

    def __post_init__(self) -> None:
        self.clock = StageClock(self.ms(self.begins))
        self.warehouse = Store(merge_every_ms=MINUTE_MS)
        self.standin = Standin(
            self.warehouse, now_ms=self.clock.now_ms, projects=(Project(), SECOND_PROJECT), keys=_KEYS
        )
        self.wire = Wire(self.standin)

    def ms(self, text: str) -> int:
        return instant_ms(text, self.day)

    def spend(
        self,
        usd: str | None,
        *,
        at: str,
        feature: str = "",
        team: str = "",
        user: str = "",
        arrives: str | None = None,
        tokens: int = 1000,
        environment: str = "production",
        type: str = "GENERATION",  # noqa: A002 - Langfuse's own word
        model: str = "gpt-4o",
        project: str = "",
        release: str = "",
        usage: Mapping[str, int] | None = None,
        trace: str = "",
        trace_name: str | None = None,
    ) -> Span:
        """One call that starts `at` and can be read from `arrives` on, a second later unless said. `usd` None: it has
        usage and no price. `usage` by key stands in place of `tokens`, which are input. Without `trace` it is alone in
        its own."""
        self._made += 1
        start_ms = self.ms(at)
        arrives_ms = start_ms + 1000 if arrives is None else self.ms(arrives)
        said = {"feature": feature, "team": team}
        span = Span(
            id=f"{self._made:016x}",
            trace_id=trace or f"{self._made:032x}",
            trace_name=trace_name,
            start_ms=start_ms,
            end_ms=max(start_ms, arrives_ms - 1000),
            type=type,
            name="call",
            environment=environment,
            model=model,
            user_id=user,
            release=release,
            metadata={name: value for name, value in said.items() if value},
            usage=usage if usage is not None else {"input": tokens} if tokens else {},
            cost={} if usd is None else {"input": Decimal(usd)},
            arrives_ms=arrives_ms,
            project_id=_PROJECT_IDS[project],
        )
        self.warehouse.add([span])
        return span

    def root(self, trace: str, *, at: str, arrives: str, feature: str = "", team: str = "", user: str = "") -> Span:
        """A span without usage that starts `at` and ends, so that it can be read, when it `arrives`."""
        return self.spend(
            None, at=at, arrives=arrives, feature=feature, team=team, user=user, tokens=0, type="SPAN", trace=trace
        )

    def update(self, span: Span, *, at: str, usd: str | None = None, start: str | None = None, **said: str) -> Span:
        """A newer version of a call, readable from `at` on: another cost, start, or feature and team."""
        arrives_ms = self.ms(at)
        changed = replace(
            span,
            cost=span.cost if usd is None else {"input": Decimal(usd)},
            start_ms=span.start_ms if start is None else self.ms(start),
            metadata={**span.metadata, **said},
            updated_ms=max(arrives_ms, span.updated_ms + 1),
            arrives_ms=arrives_ms,
        )
        self.warehouse.add([changed])
        return changed

    def langfuse_down(self, only: str = "") -> None:
        """Every request is answered with 503; with `only`, just those with this secret key."""
        self.standin.troubles.add(Trouble(_sent_with(only), times=None, instead=SERVICE_UNAVAILABLE))

    def langfuse_up(self) -> None:
        self.standin.troubles.clear()

    def small_pages(self) -> None:
        """Langfuse gives up on more than 20 rows at once, so that pages are 15 rows long."""
        self.standin.troubles.add(Trouble(_asks_too_much, times=None, instead=REQUEST_TIMED_OUT))
