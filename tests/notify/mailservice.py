"""A real SMTP server on loopback (aiosmtpd) that keeps what it is handed, and answers otherwise where it is told to."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

HOST = "127.0.0.1"
USER, PASSWORD = "fuse@example.com", "p@ss/w%rd: 7"


@dataclass
class Handed:
    """One mail as it came: the envelope, and the mail itself."""

    sender: str
    recipients: list[str]
    raw: bytes
    tls: bool
    user: str

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=default)

    def text(self, kind: str) -> str:
        body = self.mail.get_body((kind,))
        assert body is not None
        return str(body.get_content())


@dataclass
class MailService:
    """`refuse` are answers to RCPT by address, each used once if it stands in a list; `at_data` one to DATA."""

    mails: list[Handed] = field(default_factory=list)
    refuse: dict[str, str | list[str]] = field(default_factory=dict)
    at_data: list[str] = field(default_factory=list)
    at_mail: str = ""
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    login: bool = False
    silent_at: str = ""
    """The answer (by its code) instead of which nothing comes any more."""
    drop_at: str = ""
    """The answer (by its code) instead of which the connection closes."""
    connections: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_mail:
            return self.at_mail
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.refuse.get(address, "")
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else ""
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name for it
        if self.at_data:
            return self.at_data.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        auth: Any = session.auth_data
        user = auth.login.decode() if session.authenticated else ""
        tls = session.ssl is not None or self.implicit
        self.mails.append(Handed(envelope.mail_from or "", list(envelope.rcpt_tos), content, tls, user))
        return "250 OK: queued"

    def _authenticated(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        right = data.login == USER.encode() and data.password == PASSWORD.encode()
        return AuthResult(success=right, handled=False, auth_data=data)

    def _protocol(self) -> SMTP:
        self.connections += 1
        service = self

        class Server(SMTP):
            async def push(self, status: Any) -> None:
                code = (status.decode() if isinstance(status, bytes) else str(status))[:3]
                if code == service.drop_at:
                    assert isinstance(self.transport, asyncio.Transport)
                    self.transport.abort()
                elif code == service.silent_at:
                    await service.closed.wait()
                else:
                    await super().push(status)

            def connection_lost(self, error: Exception | None) -> None:
                service.closed.set()
                super().connection_lost(error)

        return Server(
            self,
            hostname="mail.test",
            enable_SMTPUTF8=True,
            tls_context=None if self.implicit else self.tls,
            authenticator=self._authenticated if self.login else None,
            auth_required=self.login,
            auth_require_tls=self.tls is not None and not self.implicit,
        )

    async def during(self, work: Callable[[int], Awaitable[None]]) -> None:
        """Listen while `work` runs, which gets the port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._protocol, HOST, 0, ssl=self.tls if self.implicit else None)
        async with server:
            await work(server.sockets[0].getsockname()[1])


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Any) -> None:
        self._ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def server(self, name: str = HOST) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(name).configure_cert(context)
        return context
