"""What a bot still has to do to tell a message: which older messages it changes, where it replies, what it posts.

Steps are named by the place in Slack that they are about: the number of a thread that is gone may be another's again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fusewatch.domain.notices import Message, MessageKind, Notice, Reason
from fusewatch.domain.rules import Severity
from fusewatch.domain.threads import Known, Thread, ends_gap, joined
from fusewatch.notify.chart import charted

MOST_REPLIES = 5
"""News about incidents of more threads than this are one message of their own."""

POST, WHOLE = "post", "whole"


@dataclass(frozen=True, slots=True)
class Post:
    """A new message with these notices, or with all that the message says."""

    notices: tuple[Notice, ...]
    whole: bool
    name: str = POST


@dataclass(frozen=True, slots=True)
class Edit:
    """The thread's message shows how things stand now."""

    thread: Thread

    @property
    def name(self) -> str:
        return f"edit:{self.thread.reference}"


@dataclass(frozen=True, slots=True)
class Reply:
    """News in a thread; `broadcast`: the channel is shown it, too."""

    thread: Thread
    notices: tuple[Notice, ...]
    whole: bool
    broadcast: bool

    @property
    def name(self) -> str:
        return f"reply:{self.thread.reference}"


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of the notice goes into the thread of the message, if that can be done; nobody waits for it."""

    thread: Thread
    notice: Notice
    name: str = "chart"


Step: TypeAlias = Post | Edit | Reply | Chart


def joins(message: Message, known: Known) -> dict[int, list[str]]:
    """By thread the incidents that open in this message and join it, because it is about the same rows."""
    found: dict[int, list[str]] = {}
    if message.kind is not MessageKind.NOTICES or known.is_done(POST) or known.is_unsure(POST):
        return found
    others = [thread for thread in known.recent if thread.delivery != message.id]
    for notice in message.notices:
        if _home(notice.incident.id, known.threads, message) is None:
            thread = joined(notice, others)
            if thread is not None:
                found.setdefault(thread.number, []).append(notice.incident.id)
    return found


def steps_left(message: Message, known: Known, *, charts: bool = False) -> list[Step]:
    """What is still to be done, in its order. A thread is changed before it is replied to: that shows whether it is
    still there."""
    older = [thread for thread in known.threads if thread.delivery != message.id or _is_overtaken(thread)]
    left = [edit for edit in map(Edit, older) if not known.is_done(edit.name)]
    if message.kind is MessageKind.UPDATE:
        return list(left)
    replies, post = _news(message, known, older)
    first: list[Step] = []
    for reply in replies:
        first += [edit for edit in left if edit.thread.number == reply.thread.number]
        if not known.is_done(reply.name):
            first.append(reply)
    if post is not None and not known.is_done(POST):
        first.append(post)
    replied = {reply.thread.number for reply in replies}
    return [
        *first,
        *(edit for edit in left if edit.thread.number not in replied),
        *(_chart(message, known) if charts else ()),
    ]


def _chart(message: Message, known: Known) -> list[Chart]:
    """At most one attempt: a picture that may have arrived is not sent again."""
    own = next((thread for thread in known.threads if thread.delivery == message.id), None)
    notice = charted(message)
    if own is None or notice is None or "chart" in known.steps or notice not in own.posted.notices:
        return []
    return [Chart(own, notice)]


def _is_overtaken(thread: Thread) -> bool:
    """Whether something newer than what it says was told before it came to be posted."""
    return thread.posted.kind is not MessageKind.READABLE and thread.notices != thread.posted.notices


def _news(message: Message, known: Known, older: Sequence[Thread]) -> tuple[list[Reply], Post | None]:
    ended = [thread for thread in older if message.kind is MessageKind.READABLE and ends_gap(message, thread)]
    home = ended[-1] if ended else None
    if home is not None:
        urgent = any(_is_urgent(notice, home) for notice in message.notices)
        return [Reply(home, message.notices, whole=True, broadcast=urgent)], None
    everything = Post(message.notices, whole=True)
    if message.kind is not MessageKind.NOTICES or known.is_done(WHOLE):
        return [], everything
    by_thread: dict[int, list[Notice]] = {}
    homes: dict[int, Thread] = {}
    fresh: list[Notice] = []
    for notice in message.notices:
        thread = _home(notice.incident.id, older, message)
        if thread is None:
            fresh.append(notice)
        else:
            homes[thread.number] = thread
            by_thread.setdefault(thread.number, []).append(notice)
    if len(homes) > MOST_REPLIES:
        return [], everything
    replies = [
        Reply(homes[number], tuple(told), whole=False, broadcast=any(_is_urgent(n, homes[number]) for n in told))
        for number, told in by_thread.items()
    ]
    return replies, Post(tuple(fresh), whole=False) if fresh else None


def _home(incident: str, threads: Sequence[Thread], message: Message) -> Thread | None:
    """The newest thread that carries the incident, other than this message's own."""
    for thread in reversed(threads):
        gap = thread.posted.gap
        carries = any(notice.incident.id == incident for notice in thread.notices)
        if thread.delivery != message.id and (carries or (gap is not None and gap.incident == incident)):
            return thread
    return None


def _is_urgent(notice: Notice, thread: Thread) -> bool:
    """Whether the channel is to see it, not only who follows the thread: what opens, gets worse or is told again, and
    the end of what was critical. News that a later one has overtaken are for the thread alone."""
    if notice not in thread.notices:
        return False
    if notice.reason is Reason.RESOLVED:
        return notice.severity is Severity.CRITICAL
    return notice.reason in (Reason.OPENED, Reason.ESCALATED, Reason.REPEATED)
