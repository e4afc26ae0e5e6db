"""Saying once what went wrong with the reporting, so that the application it runs in is neither stopped nor flooded."""

import logging
from types import TracebackType

logger = logging.getLogger("fusewatch.tagging")
_MOST_REMEMBERED = 1_000
_said: set[str] = set()


def complain_once(topic: str, text: str, *, error: BaseException | None = None) -> None:
    """Logs `text` as a warning, the first time that `topic` comes up in this process.

    A log and not `warnings.warn`: an application may run with warnings as errors.
    """
    if topic in _said or len(_said) >= _MOST_REMEMBERED:
        return
    _said.add(topic)
    logger.warning("%s", text, exc_info=error)


def forget_complaints() -> None:
    """What was said may be said again."""
    _said.clear()


class harmless:  # noqa: N801 - reads as the word that it is: `with harmless("Sending"):`
    """What fails inside is only said, once for each `doing`: no failure to report is worth a failed call."""

    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        doing = self._doing
        complain_once(f"harmless {doing}", f"{doing} failed; the application goes on without it: {error}", error=error)
        return True
