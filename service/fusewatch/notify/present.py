"""A message that was sent before, as it is to read now that its incidents went on."""

from collections.abc import Sequence
from dataclasses import replace

from fusewatch.domain.notices import Message, MessageKind, Notice, Reason
from fusewatch.domain.rules import Severity
from fusewatch.notify import cards
from fusewatch.notify.groups import SHOWN, is_opening, rest_of
from fusewatch.notify.sheet import Sheet, Tone, tone_of
from fusewatch.notify.words import sheet


def present_sheet(posted: Message, notices: Sequence[Notice]) -> Sheet:
    """The message with how each of its incidents stands now (`notices`, in the order in which they are shown).

    What tells of one moment (a start, a summary, a gap) keeps its headline; below it stands what became of each.
    """
    if not notices or tuple(notices) == posted.notices:
        return sheet(posted)
    severity = max((n.severity for n in notices if is_opening(n)), default=Severity.INFO)
    created_ms = max(posted.created_ms, *(n.at_ms for n in notices))
    if posted.kind is MessageKind.NOTICES:
        return sheet(replace(posted, notices=tuple(notices), severity=severity, created_ms=created_ms))
    resolved = all(n.reason is Reason.RESOLVED for n in notices)
    return replace(
        sheet(posted),
        tone=Tone.GOOD if resolved or posted.kind is MessageKind.READABLE else tone_of(severity),
        cards=tuple(cards.short(n) for n in notices[:SHOWN]),
        rest=rest_of(len(notices) - SHOWN),
    )
