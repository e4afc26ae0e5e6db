"""A destination that words its messages itself: any notifier, given the templates with each message."""

from dataclasses import replace

from fusewatch.domain.notices import Message, Wording
from fusewatch.ports import Notifier, Receipt


class InOwnWords:
    """Hands each message on with the destination's own words; whoever makes a sheet of it sees them."""

    def __init__(self, notifier: Notifier, wording: Wording) -> None:
        self._notifier = notifier
        self._wording = wording
        self.min_interval_s = notifier.min_interval_s

    async def send(self, message: Message) -> Receipt:
        return await self._notifier.send(replace(message, wording=self._wording))

    async def close(self) -> None:
        await self._notifier.close()
