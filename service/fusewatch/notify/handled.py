"""What people did about an incident, as its card says it: who looks after it, until when nobody hears of it."""

from fusewatch.domain.notices import Notice, Reason
from fusewatch.notify.sheet import Line, Moment
from fusewatch.notify.text import clean

_STANDING = (Reason.OPENED, Reason.ESCALATED, Reason.REPEATED)
_NAME_LENGTH = 60


def handled(notice: Notice) -> Line:
    """`acknowledged by ana at 16:50 · silenced by ben until 18:00`; empty where nobody did anything, or it is over."""
    if notice.reason not in _STANDING:
        return ()
    incident = notice.incident
    line: Line = ()
    if incident.acked_ms is not None:
        line = (f"acknowledged by {clean(incident.acked_by, _NAME_LENGTH)} at ", Moment(incident.acked_ms))
    if notice.silent_ms is not None:
        who = f" by {clean(notice.silent_by, _NAME_LENGTH)}" if notice.silent_by else ""
        line = (*line, *((" · ",) if line else ()), f"silenced{who} until ", Moment(notice.silent_ms))
    return line
