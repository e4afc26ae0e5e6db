"""Whatever is told in whatever order, and whatever Slack does: no news are lost, and every message shows the last."""

import asyncio
import atexit
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from shutil import copyfile, rmtree
from tempfile import TemporaryDirectory, mkdtemp
from typing import NamedTuple, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.app.deliver import Outcome, deliver_one
from fusewatch.domain.money import PICO_PER_USD
from fusewatch.domain.notices import MessageKind, Notice, Reason
from fusewatch.domain.routing import message_of
from fusewatch.domain.rules import Severity
from fusewatch.notify.kinds import SlackBotKind
from fusewatch.notify.slack_bot import SlackBot
from fusewatch.ports import ThreadUnit
from fusewatch.store import SqlStore, open_store
from tests.app.inbox import Killed
from tests.app.stage import MortalRunner
from tests.app.when import HOUR_MS, MINUTE_MS, StageClock
from tests.notify.samples import NOW, feature
from tests.notify.workspace import CHANNEL, HISTORY, TOKEN, Trouble, Workspace

T = TypeVar("T")

NAMES = ("alpha", "bravo")
METHODS = ("chat.postMessage", "chat.update", "conversations.history", "conversations.replies")


class News(NamedTuple):
    """Some keys have news at once: for each its place in NAMES and what happened."""

    told: tuple[tuple[int, Reason], ...]


class Befalls(NamedTuple):
    """Trouble with a method."""

    method: str
    trouble: Trouble


class Deleted(NamedTuple):
    """Somebody deletes the root with this number, if there is one."""

    number: int


class Later(NamedTuple):
    """Minutes pass."""

    minutes: int


class Dies(NamedTuple):
    """The process ends in so many transactions."""

    transactions: int
    after_commit: bool


troubles = st.sampled_from(
    [
        Trouble("drop"),
        Trouble("lose"),
        Trouble("status", "429"),
        Trouble("status", "503"),
        Trouble("refuse", "internal_error"),
    ]
)
news = st.lists(
    st.tuples(st.integers(0, len(NAMES) - 1), st.sampled_from(list(Reason))),
    min_size=1,
    max_size=2,
    unique_by=lambda told: told[0],
).map(lambda told: News(tuple(told)))
happenings = st.one_of(
    news,
    news,
    news,
    st.builds(Befalls, st.sampled_from(METHODS[:2]), troubles),
    st.builds(Befalls, st.sampled_from(METHODS), troubles),
    st.builds(Deleted, st.integers(0, 1)),
    st.builds(Later, st.integers(1, 30)),
    st.builds(Dies, st.integers(1, 9), st.booleans()),
)


@dataclass(slots=True)
class Office:
    """A channel, the outbox before it, and what was told of each key, in its order."""

    folder: Path
    workspace: Workspace
    clock: StageClock = field(default_factory=lambda: StageClock(NOW))
    store: SqlStore = field(init=False)
    runner: MortalRunner = field(init=False)
    bot: SlackBot = field(init=False)
    told: dict[str, list[Notice]] = field(default_factory=dict)
    accidents: int = 0
    """How often an answer may have been lost on its way."""
    found: set[str] = field(default_factory=set)
    wiped: set[str] = field(default_factory=set)
    """Keys that a deleted message showed and of which nothing new was told since."""

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.runner = MortalRunner()
        self.store = open_store(f"sqlite:///{self.folder}/fusewatch.db", holder="the office", exclusive=True)
        self.store.free_claims()
        transport = self.workspace.transport
        kind = SlackBotKind(TOKEN, CHANNEL)
        self.bot = SlackBot(kind, self.clock, timezone="UTC", transport=transport, threads=self.threads)

    def threads(self, work: Callable[[ThreadUnit], T], /) -> Awaitable[T]:
        return self.runner(lambda: self.store.threads(work))

    def restart(self) -> None:
        self.store.close()
        self.start()

    def happens(self, one: object) -> None:
        match one:
            case News(told):
                self.tell(told)
            case Befalls(method, trouble):
                self.accidents += trouble.kind == "lose"
                self.workspace.befalls(method, trouble)
            case Deleted(number) if number < len(self.workspace.roots):
                root = self.workspace.roots[number]
                self.wiped |= {name for name in NAMES if name in root.text}
                self.workspace.delete(root)
            case Later(minutes):
                self.clock.go_on(minutes * MINUTE_MS)
            case Dies(transactions, after_commit):
                self.accidents += 1
                self.runner.fatal, self.runner.after_commit = self.runner.done + transactions, after_commit

    def tell(self, told: Sequence[tuple[int, Reason]]) -> None:
        self.clock.go_on(1000)
        notices = [self.notice(NAMES[place], reason) for place, reason in told]
        updates = [n for n in notices if n.reason in (Reason.ROLLED_OVER, Reason.WITHDRAWN)]
        others = [n for n in notices if n not in updates]
        for kind, part in ((MessageKind.NOTICES, others), (MessageKind.UPDATE, updates)):
            if part:
                message = message_of(kind, "slack", part, now_ms=self.clock.now_ms(), link="")
                self.store.assess(lambda unit: unit.enqueue(message))  # noqa: B023 - it runs here

    def notice(self, name: str, reason: Reason) -> Notice:
        """Every notice has an amount of its own, by which it is found again."""
        before = self.told.setdefault(name, [])
        number = sum(map(len, self.told.values())) + 1
        amount = 100 + number + Fraction(NAMES.index(name), 10)
        notice = feature(NAMES.index(name), "100", name=name)
        incident = replace(notice.incident, measured=int(amount * PICO_PER_USD), repeats=number)
        now = replace(
            notice,
            incident=incident,
            reason=reason,
            severity=Severity.CRITICAL if number % 2 else Severity.WARNING,
            threshold=Fraction(number),
            at_ms=self.clock.now_ms(),
            as_of_ms=self.clock.now_ms(),
        )
        before.append(now)
        if reason not in (Reason.ROLLED_OVER, Reason.WITHDRAWN):
            self.wiped.discard(name)
        return now

    def deliver(self) -> None:
        try:
            asyncio.run(self._deliver())
        except Killed:
            self.restart()

    async def _deliver(self) -> None:
        while True:
            attempt = await deliver_one("slack", self.bot, self.store, self.runner, self.clock, holder="the office")
            if attempt is None:
                return
            assert attempt.outcome is not Outcome.DEAD, attempt
            if attempt.outcome is Outcome.PART:
                self.clock.go_on(2000)

    def settle(self) -> None:
        """Slack is well again, and whatever waits is due."""
        self.workspace.troubles.clear()
        self.runner.fatal = None
        for _ in range(30):
            self.deliver()
            self.clock.go_on(HOUR_MS)
        assert self.store.deliver(lambda unit: unit.next_due(["slack"])) is None

    def look(self) -> None:
        """Which messages are remembered."""
        with closing(sqlite3.connect(self.folder / "fusewatch.db")) as raw:
            self.found = {ts for (ts,) in raw.execute("SELECT reference FROM thread")}


@cache
def empty_database() -> Path:
    folder = Path(mkdtemp())
    atexit.register(rmtree, folder)
    open_store(f"sqlite:///{folder}/fusewatch.db", holder="the template", exclusive=True).close()
    return folder / "fusewatch.db"


def amount_of(notice: Notice) -> str:
    return f"${notice.incident.measured / PICO_PER_USD:,.2f} of"


@settings(max_examples=60, deadline=None)
@given(story=st.lists(happenings, min_size=5, max_size=20), scopes=st.sampled_from([(), HISTORY]))
def test_no_news_are_lost_and_every_message_shows_the_last_of_each_incident(
    story: list[object], scopes: tuple[str, ...]
) -> None:
    with TemporaryDirectory() as folder:
        copyfile(empty_database(), Path(folder) / "fusewatch.db")
        office = Office(Path(folder), Workspace(scopes=scopes))
        for one in story:
            office.happens(one)
            office.deliver()
        office.settle()
        office.look()
        office.store.close()
    assert sum(1 for root in office.workspace.roots if root.ts not in office.found) <= office.accidents
    said = "\n".join(office.workspace.posted)
    for name, notices in office.told.items():
        for notice in notices:
            if notice.reason not in (Reason.ROLLED_OVER, Reason.WITHDRAWN):
                assert amount_of(notice) in said, f"{name} was never told as {notice.reason}"
        shown = [root for root in office.workspace.roots if name in root.text]
        for root in shown:
            if root.ts not in office.found:
                continue  # its answer was lost, and the bot could not look for it
            assert amount_of(notices[-1]) in root.text, f"{name} is not shown as it stands now"
        only_updates = all(n.reason in (Reason.ROLLED_OVER, Reason.WITHDRAWN) for n in notices)
        assert shown or only_updates or name in office.wiped, f"{name} is shown nowhere"
