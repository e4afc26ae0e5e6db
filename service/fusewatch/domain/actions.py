"""What people can do about incidents from within a message: the choices, and values that nobody else can make."""

import hmac
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from fusewatch.domain.periods import Calendar, Every, period_at

_HOUR_MS = 3_600_000
_TAG_LENGTH = 32


class Wish(StrEnum):
    """One choice. All but the first are silences, by how long they last."""

    ACKNOWLEDGE = "ack"
    ONE_HOUR = "1h"
    FOUR_HOURS = "4h"
    TOMORROW = "tomorrow"

    @property
    def words(self) -> str:
        return {
            Wish.ACKNOWLEDGE: "Acknowledge",
            Wish.ONE_HOUR: "1 h",
            Wish.FOUR_HOURS: "4 h",
            Wish.TOMORROW: "until tomorrow",
        }[self]


EACH = 8
"""Up to so many incidents of one message are silenced each for itself; of more, their rules are."""

SILENCES = (Wish.ONE_HOUR, Wish.FOUR_HOURS, Wish.TOMORROW)


@dataclass(frozen=True, slots=True)
class Action:
    """A wish about the incidents of one message, by the id of its delivery."""

    wish: Wish
    delivery: str


def silent_until_ms(wish: Wish, calendar: Calendar, now_ms: int) -> int:
    """When a silence ends: after so many hours, or with the local day."""
    hours = {Wish.ONE_HOUR: 1, Wish.FOUR_HOURS: 4}.get(wish)
    return period_at(calendar, Every.DAY, now_ms).end_ms if hours is None else now_ms + hours * _HOUR_MS


def sealed(action: Action, secret: str) -> str:
    """The action as a value that goes out and comes back; below 75 characters."""
    return f"{action.wish.value}.{action.delivery}.{_tag(action, secret)}"


def opened(value: str, secret: str) -> Action | None:
    """The action of a value that we sealed with this secret; None for any other value."""
    word, _, rest = value.partition(".")
    delivery, _, tag = rest.rpartition(".")
    if word not in list(Wish) or not tag.isascii():
        return None
    action = Action(Wish(word), delivery)
    return action if hmac.compare_digest(tag, _tag(action, secret)) else None


def _tag(action: Action, secret: str) -> str:
    text = f"fusewatch action\x1f{action.wish.value}\x1f{action.delivery}"
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()[:_TAG_LENGTH]
