"""Slack's Web API as one bot may use it: a method, its arguments, and what the answer means."""

from urllib.parse import urlencode

import httpx
import msgspec

from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.notify.http import Answer, Poster, problem_of
from fusewatch.notify.kinds import SlackBotKind
from fusewatch.notify.slack import ApiAnswer, PastMessage, decoded, refusal, unexpected
from fusewatch.notify.slack_payload import METADATA
from fusewatch.notify.text import is_web_address
from fusewatch.ports import Clock

_MOST_BYTES = 1024 * 1024
"""A page of history may be large."""

_LOOKED_AT = 20
"""How many of the latest messages are looked through for one whose answer was lost."""

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_BEFORE_S = 120
"""Slack's clock and ours may differ by so much."""


class SlackApi:
    """Calls methods with the bot's token. Anything but ``ok: true`` raises what it means."""

    def __init__(self, kind: SlackBotKind, clock: Clock, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._kind = kind
        self._clock = clock
        self._transport = transport
        self._posters: dict[str, Poster] = {}

    async def call(self, method: str, body: bytes) -> ApiAnswer:
        """A method that takes JSON."""
        return await self._asked(method, body, {})

    async def ask(self, method: str, arguments: dict[str, str]) -> ApiAnswer:
        """A method that takes a form only."""
        return await self._asked(method, urlencode(arguments).encode(), _FORM)

    async def find(self, message_id: str, *, channel: str, since_ms: int, thread_ts: str = "") -> str:
        """The `ts` of the message of ours with this id: in the channel, or among the replies to `thread_ts`; "" when
        there is none, or when the bot may not look (it needs channels:history, or groups:history)."""
        arguments = {
            "channel": channel,
            "oldest": f"{since_ms // 1000 - _BEFORE_S}",
            "limit": f"{_LOOKED_AT}",
            "include_all_metadata": "true",
        }
        method = "conversations.history"
        if thread_ts:
            arguments["ts"], method = thread_ts, "conversations.replies"
        try:
            answer = await self.ask(method, arguments)
        except Permanent:
            return ""
        return next((m.ts for m in answer.messages if _is(m, message_id, thread_ts)), "")

    async def upload(self, content: bytes, *, name: str, title: str, channel: str, thread_ts: str) -> None:
        """Share a file in a thread (docs.slack.dev, "Working with files"); the bot needs files:write."""
        place = await self.ask("files.getUploadURLExternal", {"filename": name, "length": f"{len(content)}"})
        if not is_web_address(place.upload_url) or not place.file_id:
            raise Retryable("unexpected_answer", "Slack named no address for the file")
        poster = Poster(place.upload_url, self._clock, headers={}, transport=self._transport)
        try:
            problem = problem_of(await poster.post(content, {"Content-Type": "application/octet-stream"}), poster.host)
        finally:
            await poster.close()
        if problem is not None:
            raise problem
        shared = {"files": [{"id": place.file_id, "title": title}], "channel_id": channel, "thread_ts": thread_ts}
        await self.call("files.completeUploadExternal", msgspec.json.encode(shared))

    async def _asked(self, method: str, body: bytes, headers: dict[str, str]) -> ApiAnswer:
        poster = self._posters.get(method)
        if poster is None:
            poster = self._posters[method] = Poster(
                f"{self._kind.api_url.rstrip('/')}/{method}",
                self._clock,
                headers={"Authorization": f"Bearer {self._kind.token}"},
                transport=self._transport,
                most_bytes=_MOST_BYTES,
            )
        outcome = _outcome(await poster.post(body, headers), poster.host)
        if isinstance(outcome, FusewatchError):
            raise outcome
        return outcome

    async def close(self) -> None:
        for poster in self._posters.values():
            await poster.close()


def _is(message: PastMessage, message_id: str, thread_ts: str) -> bool:
    """A reply that the channel is shown too stands in the channel's history, but is no message of its own there."""
    mark = message.metadata
    ours = mark is not None and mark.event_type == METADATA and mark.event_payload is not None
    if not ours or mark is None or mark.event_payload is None or mark.event_payload.id != message_id:
        return False
    if thread_ts:
        return message.ts != thread_ts
    return message.thread_ts in ("", message.ts)


def _outcome(answer: Answer, host: str) -> ApiAnswer | FusewatchError:
    said = decoded(answer)
    if said is not None and said.ok is False and said.error:
        return refusal(said.error, answer, host)
    problem = problem_of(answer, host)
    if problem is not None:
        return problem
    return said if said is not None and said.ok is True else unexpected(answer, host)
