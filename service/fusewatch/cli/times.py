"""Instants as people type them on the command line."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from fusewatch.config.settings import parse_duration
from fusewatch.config.words import Wrong, shown
from fusewatch.domain.periods import Calendar, day_span
from fusewatch.errors import ConfigError, Problem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RIGHT = (
    "write a date such as 2026-11-01, an instant such as 2026-11-01T08:30, or a duration back from now such as -30d"
)


def instant_ms(text: str, option: str, *, zone: str, now_ms: int, whole_day: bool = False) -> int:
    """Epoch milliseconds of ``2026-11-01``, of an ISO instant, both in `zone` unless they name one, or of ``-30d``.

    A date is its first instant, with `whole_day` the instant after its last. ConfigError, naming the option, for
    anything else.
    """
    try:
        return _instant_ms(text.strip(), zone, now_ms, whole_day=whole_day)
    except Wrong as wrong:
        what = wrong.what.replace("{}", shown(text))
        raise ConfigError([Problem("command line", 0, option, what, wrong.right)]) from wrong


def _instant_ms(text: str, zone: str, now_ms: int, *, whole_day: bool) -> int:
    if text == "now":
        return now_ms
    if text[:1] == "-":
        try:
            return now_ms - parse_duration(text[1:])
        except Wrong as wrong:
            raise Wrong(wrong.what, _RIGHT) from wrong
    try:
        if len(text) == len("2026-11-01"):
            day = date.fromisoformat(text).toordinal()
            return day_span(Calendar(zone), day)[whole_day]
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
        return (at - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError) as error:
        raise Wrong("{} is neither a date nor an instant", _RIGHT) from error
