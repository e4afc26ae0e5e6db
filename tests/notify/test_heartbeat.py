"""The heartbeat: one GET, bounded, and no word of its address."""

import logging

import pytest

from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.notify.heartbeat import Heartbeat
from tests.notify.samples import NOW
from tests.notify.support import FrozenClock, Receiver, run

URL = "https://hc.example.com/ping/canary-address?token=canary-token"


def ping(receiver: Receiver) -> None:
    async def work() -> None:
        heartbeat = Heartbeat(URL, FrozenClock(NOW), transport=receiver.transport)
        try:
            await heartbeat.ping()
        finally:
            await heartbeat.close()

    run(work())


def test_it_is_a_get_without_a_body() -> None:
    receiver = Receiver(200, "OK")
    ping(receiver)
    (request,) = receiver.requests
    assert (request.method, str(request.url), request.content) == ("GET", URL, b"")
    assert "content-type" not in request.headers


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [(500, Retryable, "server_error"), (404, Permanent, "not_found"), (302, Permanent, "redirect")],
)
def test_another_answer_is_a_failure_that_does_not_name_the_address(
    status: int, error: type[FusewatchError], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(error) as raised:
        ping(Receiver(status, "canary-body"))
    assert getattr(raised.value, "reason", "") == reason
    assert "canary" not in f"{raised.value}{raised.value!r}{caplog.text}"


@pytest.mark.parametrize("url", ["ftp://hc.example.com/canary", "canary", "https:///canary"])
def test_an_address_that_is_none_is_refused_unsaid(url: str) -> None:
    with pytest.raises(ValueError, match="https://") as raised:
        Heartbeat(url, FrozenClock(NOW))
    assert "canary" not in str(raised.value)
