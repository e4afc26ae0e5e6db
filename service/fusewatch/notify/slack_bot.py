"""A Slack bot: posts messages, keeps them up to date in place, and tells their history in their threads.

At least once, and where Slack lets us, not twice: changing a message can be repeated, and before anything is posted its
step is noted. Where the answer to it was lost, the channel's latest messages are looked through for its id, if the bot
may read them (`channels:history`, `groups:history` for a private channel); if not, it is posted again.
"""

import re
from dataclasses import replace
from typing import assert_never

import httpx

from fusewatch.domain.notices import Message, MessageKind, Notice
from fusewatch.domain.threads import Known, ends_gap, incidents_of
from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.notify.chart import chart_png
from fusewatch.notify.kinds import SlackBotKind
from fusewatch.notify.present import present_sheet
from fusewatch.notify.slack import MIN_INTERVAL_S, UNKNOWN_REFUSAL, ApiAnswer
from fusewatch.notify.slack_api import SlackApi
from fusewatch.notify.slack_payload import bot_body, controls_of, edit_body, reply_body
from fusewatch.notify.slack_plan import POST, WHOLE, Chart, Edit, Post, Reply, Step, joins, steps_left
from fusewatch.notify.text import clean
from fusewatch.notify.words import sheet
from fusewatch.ports import Clock, Receipt, ThreadMemory, ThreadUnit

_UNCHANGEABLE = frozenset(
    {
        "action_prohibited",
        "block_mismatch",
        "cannot_reply_to_message",
        "cant_broadcast_message",
        "cant_update_message",
        "edit_window_closed",
        "invalid_blocks",
        "invalid_thread_ts",
        "message_not_found",
        "missing_scope",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_permission",
        "restricted_action_thread_only_channel",
        "thread_not_found",
    }
)
"""Refusals that are about one older message: what was to be told of it is posted anew. Others concern the channel or
the token, and would meet a new message as well."""

_NOT_SENT = frozenset({"rate_limited", "unreachable"})
"""Failures after which the request has certainly had no effect."""

_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]{7,}")


class SlackBot:
    """Implements `ports.Notifier`. Without a memory of threads every message is a new one; the receipt's reference is
    its `ts`. With one, each `send` makes one call, and says whether more are needed."""

    min_interval_s = MIN_INTERVAL_S

    def __init__(
        self,
        kind: SlackBotKind,
        clock: Clock,
        *,
        timezone: str,
        transport: httpx.AsyncBaseTransport | None = None,
        threads: ThreadMemory | None = None,
    ) -> None:
        self._api = SlackApi(kind, clock, transport=transport)
        self._channel = kind.channel.strip()
        self._timezone = timezone
        self._charts = True
        self._secret = kind.signing_secret
        self._threads = threads

    async def send(self, message: Message) -> Receipt:
        """Send and read the answer; only `ok: true` counts as accepted."""
        if self._threads is None and message.kind is MessageKind.UPDATE:
            return Receipt()
        if self._threads is None:
            answer = await self._api.call("chat.postMessage", bot_body(message, self._timezone, self._channel))
            return Receipt(answer.ts)
        return await self._tell(message, self._threads)

    async def close(self) -> None:
        await self._api.close()

    async def _tell(self, message: Message, threads: ThreadMemory) -> Receipt:
        known = await threads(lambda unit: _prepared(unit, message, self._channel))
        left = steps_left(message, known, charts=self._charts)
        if left:
            await self._take(message, known, left[0], threads)
            known = await threads(lambda unit: unit.known(message, self._channel))
        return Receipt(known.reference_of(POST), more=bool(steps_left(message, known, charts=self._charts)))

    async def _take(self, message: Message, known: Known, step: Step, threads: ThreadMemory) -> None:
        try:
            match step:
                case Edit():
                    await self._edit(message, step, threads)
                case Reply():
                    await self._reply(message, known, step, threads)
                case Post():
                    await self._post(message, known, step, threads)
                case Chart():
                    await self._chart(message, step, threads)
                case _:
                    assert_never(step)
        except (Permanent, Retryable) as error:
            # News never wait for an older message that cannot be changed, even for a reason of tomorrow's.
            if isinstance(step, Post | Chart) or error.reason not in (*_UNCHANGEABLE, UNKNOWN_REFUSAL):
                raise
            gone = step.thread.number
            await threads(lambda unit: unit.drop(gone))

    async def _edit(self, message: Message, step: Edit, threads: ThreadMemory) -> None:
        thread = step.thread
        content = present_sheet(thread.posted, thread.notices)
        body = edit_body(
            content,
            self._timezone,
            channel=thread.channel,
            ts=thread.reference,
            id_=thread.delivery,
            controls=controls_of(thread.delivery, thread.notices, self._secret),
        )
        await self._api.call("chat.update", body)
        await threads(lambda unit: unit.end(message.id, step.name, thread.reference))

    async def _reply(self, message: Message, known: Known, step: Reply, threads: ThreadMemory) -> None:
        thread = step.thread
        told = message if step.whole else _part(message, step.notices)
        body = reply_body(
            sheet(told),
            self._timezone,
            channel=thread.channel,
            thread_ts=thread.reference,
            broadcast=step.broadcast,
            id_=message.id,
        )
        answer = await self._once(message, known, step, body, threads, channel=thread.channel, ts=thread.reference)
        await threads(lambda unit: unit.end(message.id, step.name, answer.ts))

    async def _post(self, message: Message, known: Known, step: Post, threads: ThreadMemory) -> None:
        told = message if step.whole else _part(message, step.notices)
        if step.whole and message.kind is MessageKind.NOTICES:
            await threads(lambda unit: unit.end(message.id, WHOLE, "yes"))
        channel = self._channel if _CHANNEL_ID.fullmatch(self._channel) else known.channel
        controls = controls_of(message.id, told.notices, self._secret)
        body = bot_body(told, self._timezone, self._channel, controls)
        answer = await self._once(message, known, step, body, threads, channel=channel)

        def posted(unit: ThreadUnit) -> None:
            unit.end(message.id, step.name, answer.ts)
            if incidents_of(told):
                unit.post(told, self._channel, answer.channel or channel or self._channel, answer.ts)

        await threads(posted)

    async def _chart(self, message: Message, step: Chart, threads: ThreadMemory) -> None:
        """The message was told; whatever becomes of its picture, that stays so."""
        await threads(lambda unit: unit.begin(message.id, step.name))
        thread = step.thread
        title = f"Last 24 h of {clean(step.notice.incident.rule)}"
        try:
            await self._api.upload(
                chart_png(step.notice, self._timezone),
                name="last-24-hours.png",
                title=title,
                channel=thread.channel,
                thread_ts=thread.reference,
            )
        except FusewatchError as error:
            # A bot that may not share files is not asked again before the daemon starts anew.
            self._charts = not isinstance(error, Permanent)
        await threads(lambda unit: unit.end(message.id, step.name, "tried"))

    async def _once(
        self,
        message: Message,
        known: Known,
        step: Post | Reply,
        body: bytes,
        threads: ThreadMemory,
        *,
        channel: str,
        ts: str = "",
    ) -> ApiAnswer:
        """Post, unless an earlier attempt whose answer was lost did. `ts` is that of the thread, if any."""
        if known.is_unsure(step.name) and channel:
            found = await self._api.find(message.id, channel=channel, since_ms=message.created_ms, thread_ts=ts)
            if found:
                return ApiAnswer(ok=True, ts=found, channel=channel)
        await threads(lambda unit: unit.begin(message.id, step.name))
        try:
            return await self._api.call("chat.postMessage", body)
        except (Permanent, Retryable) as error:
            if isinstance(error, Permanent) or error.reason in _NOT_SENT:
                await threads(lambda unit: unit.undo(message.id, step.name))
            raise


def _prepared(unit: ThreadUnit, message: Message, place: str) -> Known:
    """What is known of the message's surroundings, once they know of it."""
    unit.note(message)
    known = unit.known(message, place)
    for number, incidents in joins(message, known).items():
        unit.join(number, incidents)
    for thread in known.threads:
        if message.kind is MessageKind.READABLE and ends_gap(message, thread):
            unit.show(thread.number, message)
            unit.join(thread.number, incidents_of(message))
    return unit.known(message, place)


def _part(message: Message, notices: tuple[Notice, ...]) -> Message:
    if notices == message.notices:
        return message
    return replace(message, notices=notices, severity=max(notice.severity for notice in notices))
