"""A Prometheus Alertmanager: alerts over its API v2, which answers no more than that it took them."""

from collections.abc import Sequence
from dataclasses import replace

import httpx

from fusewatch.domain.notices import Message, MessageKind
from fusewatch.domain.relaying import Alert, alert_of_notice
from fusewatch.notify.alertmanager_payload import body, posted
from fusewatch.notify.http import Poster, problem_of
from fusewatch.notify.kinds import AlertmanagerKind
from fusewatch.ports import Clock, Receipt

LASTS_MS = 5 * 60_000
"""How long an alert fires that is not told of again; five times the interval at which it is."""

SAMPLE_LABEL = ("sample", "true")
SAMPLE_LASTS_MS = 2 * 60_000
"""Longer than the usual `group_wait` (30 s), so that a sample reaches a receiver, and not much longer."""

AT_ONCE = 1_000
"""Alerts in one request, about a megabyte."""

_PATH = "/api/v2/alerts"


class Alertmanager:
    """Implements `ports.Relay`. Alertmanager tells repeats by their labels, so a request may always be sent again."""

    min_interval_s = 0.0

    def __init__(
        self,
        kind: AlertmanagerKind,
        clock: Clock,
        *,
        timezone: str,
        transport: httpx.AsyncBaseTransport | None = None,
        lasts_ms: int = LASTS_MS,
    ) -> None:
        headers = {"Authorization": f"Bearer {kind.token}"} if kind.token else {}
        url = kind.url.rstrip("/")
        self._poster = Poster(
            url if url.endswith(_PATH) else f"{url}{_PATH}", clock, headers=headers, transport=transport
        )
        self._clock = clock
        self._timezone = timezone
        self._lasts_ms = lasts_ms

    async def send(self, message: Message) -> Receipt:
        """Post what the notices of a message say, as they say it. A sample says so in a label, by which a route can
        know it, and ends by itself in two minutes."""
        alerts = [alert_of_notice(notice) for notice in message.notices]
        if message.kind is not MessageKind.SAMPLE:
            await self._post(alerts, message.link, self._lasts_ms)
            return Receipt()
        samples = [replace(alert, labels=(*alert.labels, SAMPLE_LABEL)) for alert in alerts]
        await self._post(samples, message.link, SAMPLE_LASTS_MS)
        return Receipt()

    async def show(self, alerts: Sequence[Alert], link: str) -> None:
        """Post them, a thousand in a request; any 2xx is accepted."""
        await self._post(alerts, link, self._lasts_ms)

    async def close(self) -> None:
        await self._poster.close()

    async def _post(self, alerts: Sequence[Alert], link: str, lasts_ms: int) -> None:
        told = posted(alerts, now_ms=self._clock.now_ms(), lasts_ms=lasts_ms, zone=self._timezone, link=link)
        for first in range(0, len(told), AT_ONCE):
            answer = await self._poster.post(body(told[first : first + AT_ONCE]))
            problem = problem_of(answer, self._poster.host)
            if problem is not None:
                raise problem
