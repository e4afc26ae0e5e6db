"""Standard Webhooks: signed JSON to any address (standardwebhooks.com, specification 1.0)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import httpx
from standardwebhooks.webhooks import Webhook as Signer

from fusewatch.domain.notices import Message
from fusewatch.notify.http import Poster, problem_of
from fusewatch.notify.kinds import WebhookKind, signing_key
from fusewatch.notify.webhook_payload import webhook_json
from fusewatch.ports import Clock, Receipt

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Webhook:
    """Any receiver that speaks Standard Webhooks."""

    min_interval_s = 0.0

    def __init__(
        self, kind: WebhookKind, clock: Clock, *, timezone: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._signers = [Signer(signing_key(secret)) for secret in kind.secrets]
        self._clock = clock
        self._timezone = timezone
        self._poster = Poster(kind.url, clock, headers={}, transport=transport)

    async def send(self, message: Message) -> Receipt:
        """Post and read the status: any 2xx is accepted, a redirect or another 4xx is not tried again."""
        body = webhook_json(message, self._timezone)
        headers = signed_headers(self._signers, message.id, body, now_ms=self._clock.now_ms())
        answer = await self._poster.post(body, headers)
        problem = problem_of(answer, self._poster.host)
        if problem is not None:
            raise problem
        return Receipt(said=f"HTTP {answer.status}")

    async def close(self) -> None:
        await self._poster.close()


def signed_headers(signers: Sequence[Signer], message_id: str, body: bytes, *, now_ms: int) -> dict[str, str]:
    """`webhook-id`, which stays over retries, `webhook-timestamp` of this attempt, and a signature for each secret."""
    moment = _EPOCH + timedelta(seconds=now_ms // 1000)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(now_ms // 1000)}
    if signers:
        headers["webhook-signature"] = " ".join(
            signer.sign(msg_id=message_id, timestamp=moment, data=body.decode()) for signer in signers
        )
    return headers
