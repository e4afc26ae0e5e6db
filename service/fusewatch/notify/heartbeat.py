"""The heartbeat: a GET to an address of a watchdog (Healthchecks, an uptime monitor), which misses it when we are gone.

The address is a secret, as that of a webhook: whoever has it can pretend that all is well.
"""

import httpx

from fusewatch.notify.http import Poster, problem_of
from fusewatch.notify.text import is_web_address
from fusewatch.ports import Clock


class Heartbeat:
    """Implements `ports.Pinger`. ValueError for an address that is none."""

    def __init__(self, url: str, clock: Clock, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        check_address(url)
        self._poster = Poster(url, clock, headers={}, transport=transport)

    async def ping(self) -> None:
        problem = problem_of(await self._poster.get(), self._poster.host)
        if problem is not None:
            raise problem

    async def close(self) -> None:
        await self._poster.close()


def check_address(url: str) -> None:
    """ValueError, without the address, for one that is none."""
    if not is_web_address(url):
        raise ValueError("it starts with https:// (or http://) and has a host and no spaces")
