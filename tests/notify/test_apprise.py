"""Apprise over a real connection: what arrives, what a failure says, and that nothing shows the address."""

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from fusewatch.errors import Permanent, Retryable
from fusewatch.notify.apprise import AppriseNotifier
from fusewatch.notify.kinds import AppriseKind
from tests.notify.samples import BERLIN, MESSAGES
from tests.notify.support import run

CANARY = "canary7f3a"
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")  # one of its plugins


class Hook(ThreadingHTTPServer):
    """Takes whatever is posted, and answers with `status`."""

    status = 200
    daemon_threads = True

    def __init__(self) -> None:
        self.bodies: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(msgspec.convert(msgspec.json.decode(body), dict[str, object]))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setenv("NO_PROXY", "*")
    with Hook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def notifier(hook: Hook) -> AppriseNotifier:
    url = f"json://user:{CANARY}@127.0.0.1:{hook.server_port}/{CANARY}"
    return AppriseNotifier(AppriseKind(url), timezone=BERLIN)


def test_the_headline_is_the_title_and_the_rest_the_body(hook: Hook) -> None:
    run(notifier(hook).send(MESSAGES["budget_reached"]))
    (body,) = hook.bodies
    assert body["title"] == "● content-team reached 100 % of its daily budget: $50.31 of $50.00"
    assert "resets in 7 h 18 min" in body["message"]
    assert body["type"] == "failure"


@pytest.mark.parametrize("status", [302, 403, 500])
def test_what_is_not_accepted_is_tried_again_and_nothing_shows_the_address(
    hook: Hook, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook.status = status
    with pytest.raises(Retryable, match=f"error={status}") as caught:
        run(notifier(hook).send(MESSAGES["spike"]))
    assert caught.value.reason == "not_accepted"
    assert CANARY not in str(caught.value) + caplog.text


def test_an_address_that_apprise_does_not_understand_is_dead_at_once() -> None:
    with pytest.raises(Permanent) as caught:
        run(AppriseNotifier(AppriseKind(f"nonsense://{CANARY}"), timezone=BERLIN).send(MESSAGES["spike"]))
    assert CANARY not in str(caught.value)
