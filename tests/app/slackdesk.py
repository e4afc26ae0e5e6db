"""A Slack destination on the stage: the real bot, over an imitation of Slack's Web API."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from fusewatch.domain.notices import Message
from fusewatch.notify.kinds import SlackBotKind
from fusewatch.notify.slack_bot import SlackBot
from fusewatch.ports import Receipt, ThreadUnit
from tests.app.inbox import Inbox
from tests.app.stage import Stage
from tests.notify.workspace import CHANNEL, TOKEN, Workspace

T = TypeVar("T")

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
HEADER = """
version: 1
history: 1d
destinations:
  slack: {type: slack, channel: "#llm-spend", token: "xoxb-canary-token"}
notify: [slack]
"""


@dataclass(slots=True)
class SlackDesk(Inbox):
    """What a Slack destination receives goes to the bot; what was told whole counts as accepted."""

    stage: Stage | None = None
    workspace: Workspace = field(default_factory=Workspace)
    bot: SlackBot | None = None

    async def send(self, message: Message) -> Receipt:
        assert self.bot is not None, "a desk has a bot"
        receipt = await self.bot.send(message)
        if not receipt.more:
            self.accepted.append(message)
        return receipt


def slack_desk(stage: Stage, workspace: Workspace | None = None, *, secret: str = SECRET) -> Workspace:
    """Put a desk in the place of the stage's inbox for `slack`; the workspace comes back."""

    def threads(work: Callable[[ThreadUnit], T], /) -> Awaitable[T]:
        return stage.runner(lambda: stage.store.threads(work))

    world = workspace or Workspace()
    kind = SlackBotKind(TOKEN, CHANNEL, signing_secret=secret)
    bot = SlackBot(kind, stage.clock, timezone="UTC", transport=world.transport, threads=threads)
    stage.inboxes["slack"] = SlackDesk(stage.clock, stage=stage, workspace=world, bot=bot)
    return world
