"""A Langfuse with the Hobby plan's limits, projects of one organisation that share a budget, and what was sent when."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

import httpx

from fusewatch.app.rategate import RateGates
from fusewatch.demo.standin import DEMO_PROJECT, Key, Mode, Project, Standin, Store
from fusewatch.demo.standin import Span as Stored
from fusewatch.errors import Retryable, StoreBusy
from fusewatch.langfuse.source import LangfuseSource, open_source
from fusewatch.ports import Page, Walk
from fusewatch.runtime import InlineRunner
from tests.langfuse.asking import NOW_MS
from tests.langfuse.virtual import VirtualClock

CLOUD = "https://cloud.langfuse.com"
ELSEWHERE = "https://langfuse.example"
PROJECTS = {
    "demo": Project(),
    "labs": Project(id="proj-labs", name="Labs"),
    "other": Project(id="proj-other", name="Other", organization_id="org-other"),
}
KEYS = {name: Key(f"pk-lf-{name}", f"sk-lf-secret-{name}", project.id) for name, project in PROJECTS.items()}


def call(number: int, start_ms: int, project_id: str = DEMO_PROJECT) -> Stored:
    return Stored(
        id=f"{number:016x}",
        trace_id=f"{number:032x}",
        start_ms=start_ms,
        usage={"input": 10},
        cost={"input": Decimal("0.001")},
        arrives_ms=start_ms,
        project_id=project_id,
    )


@dataclass
class Notebook:
    """Implements `ports.RateMemory`; it remembers what it was told, and when it was closed."""

    texts: dict[str, str] = field(default_factory=dict)
    saves: int = 0
    busy: bool = False

    def load_rate(self, organisation: str) -> str | None:
        self._refuse_if_busy()
        return self.texts.get(organisation)

    def save_rate(self, organisation: str, text: str) -> None:
        self._refuse_if_busy()
        self.texts[organisation] = text
        self.saves += 1

    def _refuse_if_busy(self) -> None:
        if self.busy:
            raise StoreBusy("another writer holds it")


@dataclass
class Cloud:
    """One Langfuse, and one process that reads it. Made inside `in_virtual_time`."""

    spans: Iterable[Stored] = ()
    base_url: str = CLOUD
    memory: Notebook = field(default_factory=Notebook)
    epoch_ms: int = NOW_MS
    clock: VirtualClock = field(init=False)
    standin: Standin = field(init=False)
    gates: RateGates = field(init=False)

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self.epoch_ms)
        self.standin = Standin(
            Store(self.spans),
            now_ms=self.clock.now_ms,
            mode=Mode.CLOUD,
            projects=tuple(PROJECTS.values()),
            keys=tuple(KEYS.values()),
        )
        self.restart()

    def restart(self) -> None:
        """Another process, with what the last one remembered."""
        self.gates = RateGates(self.memory, InlineRunner(), self.clock)

    def source(
        self,
        project: str = "demo",
        *,
        api: str = "v2",
        known: bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> LangfuseSource:
        """`known`: an earlier run learned whose organisation it is."""
        organisation = PROJECTS[project].organization_id if known else ""
        return open_source(
            self.base_url,
            KEYS[project].public,
            KEYS[project].secret,
            clock=self.clock,
            remembered_api=api,
            transport=transport or httpx.ASGITransport(self.standin),
            gate=self.gates.source(self.base_url, organisation),
        )

    def statuses(self) -> list[int]:
        return [seen.status for seen in self.standin.log]

    def most_in(self, window_ms: int, path: str) -> int:
        """The most requests to paths that contain `path` in any window of that length."""
        times = [seen.at_ms for seen in self.standin.requests(path)]
        return max((sum(0 <= at - first < window_ms for at in times) for first in times), default=0)

    async def read(self, walk: Walk) -> list[Page]:
        """The whole walk by a caller that waits as it is told."""
        pages: list[Page] = []
        while True:
            try:
                page = await walk.next_page()
            except Retryable as error:
                if error.retry_after_s is None:
                    raise
                await self.clock.sleep(error.retry_after_s)
                continue
            if page is None:
                return pages
            pages.append(page)
