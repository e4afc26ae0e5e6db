"""When to try a failed delivery again, and when to give it up."""

from hashlib import blake2b
from math import ceil

FIRST_PAUSE_MS = 5_000
LONGEST_PAUSE_MS = 15 * 60_000
GIVE_UP_AFTER_MS = 48 * 3_600_000


def next_attempt_ms(delivery: str, attempts: int, now_ms: int, retry_after_s: float | None) -> int:
    """The time of the next attempt after `attempts` failed ones: doubling pauses with jitter, never before the
    receiver's own wish (though no wish puts it off for longer than a delivery lives).

    The jitter (up to a quarter) comes from the delivery's id, so that the decision is a pure one.
    """
    pause = min(FIRST_PAUSE_MS << min(max(attempts, 1) - 1, 20), LONGEST_PAUSE_MS)
    noise = int.from_bytes(blake2b(f"{delivery}:{attempts}".encode(), digest_size=2).digest()) / 65_535
    wish = ceil(min(GIVE_UP_AFTER_MS / 1000, retry_after_s or 0) * 1000)
    return now_ms + max(wish, int(pause * (1 + noise / 4)))


def should_give_up(created_ms: int, now_ms: int) -> bool:
    """A delivery that failed for two days is dead: shown, counted, and revived by hand."""
    return now_ms - created_ms >= GIVE_UP_AFTER_MS
