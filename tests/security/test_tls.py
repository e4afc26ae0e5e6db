"""A certificate that nobody vouches for is refused, before anything secret is sent."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import trustme

from fusewatch.errors import Permanent, Retryable
from fusewatch.langfuse.transport import Transport
from fusewatch.notify.http import Poster
from tests.langfuse.asking import StandingClock


class Seen:
    """A server with a certificate of its own; what reached it through TLS."""

    def __init__(self, authority: trustme.CA) -> None:
        seen: list[str] = []
        self.seen = seen

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(f"{self.path} {self.headers}")
                body = json.dumps({"status": "OK", "version": "3.0.0"}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - http.server looks for this name

            def log_message(self, *_: object) -> None:
                return

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        self.server = _Quiet(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the handshake is what is wanted here."""


@pytest.fixture
def server() -> Iterator[tuple[Seen, trustme.CA]]:
    authority = trustme.CA()
    seen = Seen(authority)
    yield seen, authority
    seen.server.shutdown()
    seen.thread.join(10)
    seen.server.server_close()


def ask_langfuse(url: str) -> object:
    return asyncio.run(Transport(url, "pk", "sk-lf-canary-1234", clock=StandingClock()).get("health", "health"))


def post(url: str) -> object:
    return asyncio.run(Poster(f"{url}/canary", StandingClock(), headers={}).post(b"{}"))


def test_langfuse_with_a_certificate_that_nobody_vouches_for_is_refused(server: tuple[Seen, trustme.CA]) -> None:
    seen, _ = server
    with pytest.raises((Retryable, Permanent), match="certificate"):
        ask_langfuse(seen.url)
    assert seen.seen == []


def test_a_receiver_with_a_certificate_that_nobody_vouches_for_is_refused(server: tuple[Seen, trustme.CA]) -> None:
    seen, _ = server
    with pytest.raises(Retryable, match=r"127\.0\.0\.1 cannot be reached") as caught:
        post(seen.url)
    assert "canary" not in str(caught.value)
    assert seen.seen == []


@pytest.mark.parametrize(
    "name", ["PYTHONHTTPSVERIFY", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_TLS_REJECT_UNAUTHORIZED"]
)
def test_no_variable_that_other_programs_know_turns_the_check_off(
    server: tuple[Seen, trustme.CA], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    seen, _ = server
    monkeypatch.setenv(name, "0" if name != "CURL_CA_BUNDLE" else "")
    with pytest.raises((Retryable, Permanent)):
        ask_langfuse(seen.url)
    assert seen.seen == []


def test_an_authority_of_ones_own_is_trusted_by_the_usual_variable(
    server: tuple[Seen, trustme.CA], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    seen, authority = server
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    ask_langfuse(seen.url)
    assert len(seen.seen) == 1


def test_a_certificate_of_another_name_is_refused(
    server: tuple[Seen, trustme.CA], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises((Retryable, Permanent), match="certificate"):
        ask_langfuse(server[0].url)
