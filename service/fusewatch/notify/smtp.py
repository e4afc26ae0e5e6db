"""The address of a mail server, and one conversation with it (RFC 5321), which blocks and can be broken off."""

import socket
import ssl
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from smtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from typing import NamedTuple, assert_never
from urllib.parse import parse_qsl, unquote, urlsplit

from fusewatch.errors import FusewatchError, Permanent, Retryable
from fusewatch.notify.nearby import is_nearby
from fusewatch.notify.text import clean

_FORM = "write smtp://user:password@mail.example.com:587, or smtps:// for TLS from the first byte"
_SECRET_PART = 4
"""Shorter parts of a secret are words that anything may contain."""


class Tls(StrEnum):
    """How the connection is kept private; certificates are verified wherever there is one."""

    IMPLICIT = "implicit"
    REQUIRED = "required"
    """STARTTLS before anything is said; without it nothing is sent."""
    OFFERED = "offered"
    """STARTTLS where the server offers it."""
    OFF = "off"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    host: str
    port: int
    tls: Tls
    user: str = ""
    password: str = field(default="", repr=False)


class Refusal(NamedTuple):
    """The server's answer about one recipient; below 500 it may change."""

    code: int
    text: str


def server_of(url: str) -> SmtpServer:
    """The server behind `smtp[s]://[user:password@]host[:port][?tls=off]`, user and password percent-decoded.

    Port 587, with smtps 465. STARTTLS is required, unless the host is nearby (then it is used where offered) or
    `tls=off` stands there. ValueError without the address, which holds a password.
    """
    try:
        parts = urlsplit(url)
        port, options = parts.port, parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        raise ValueError(f"this is no address of a mail server; {_FORM}") from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/") or port == 0:
        raise ValueError(f"this is no address of a mail server; {_FORM}")
    tls = Tls.OFFERED if is_nearby(parts.hostname) else Tls.REQUIRED
    for name, value in options:
        if name != "tls" or value not in ("required", "off") or parts.scheme == "smtps":
            raise ValueError(
                "after the address of a mail server only ?tls=off or ?tls=required may stand, with smtp://"
            )
        tls = Tls(value)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError(f"the address of a mail server has a user and a password, or neither; {_FORM}")
    if not ((user + password).isascii() and (user + password).isprintable()):
        raise ValueError("the user or the password of the mail server holds a sign that no mail login takes")
    implicit = parts.scheme == "smtps"
    return SmtpServer(
        parts.hostname, port or (465 if implicit else 587), Tls.IMPLICIT if implicit else tls, user, password
    )


class Conversation(SMTP):
    """One connection, in which one mail is handed over. `deliver` blocks; `break_off` ends it from another thread.

    smtplib's own classes connect while they are made, and then nobody holds the connection that has to be broken off.
    """

    def __init__(self, server: SmtpServer, *, timeout_s: float) -> None:
        super().__init__(local_hostname=_own_name(), timeout=timeout_s)
        self._server = server
        self._host = server.host  # for the certificate's name, see SMTP.starttls
        self._broken_off = False

    def deliver(self, sender: str, recipients: Sequence[str], mail: bytes, *, utf8: bool) -> dict[str, Refusal]:
        """Hand the mail over; the recipients that the server refused, where it took the mail for others.

        Retryable or Permanent, with the server's words, where it took it for nobody.
        """
        try:
            self._open()
            options = ("SMTPUTF8", "BODY=8BITMIME") if utf8 else ()
            refused = self.sendmail(sender, list(recipients), mail, mail_options=options)
        except SMTPRecipientsRefused as error:
            # After a 421 it names only those that it asked for; nobody gets the mail.
            unasked = dict.fromkeys(recipients, Refusal(421, "not asked any more"))
            return {**unasked, **self._refusals(error.recipients)}
        except OSError as error:  # smtplib's errors are such, too
            raise self._problem(error) from None
        finally:
            self._leave()
        return self._refusals(refused)

    def look_in(self) -> None:
        """Connect and log in, and hand nothing over; raises as `deliver` does."""
        try:
            self._open()
        except OSError as error:
            raise self._problem(error) from None
        finally:
            self._leave()

    def break_off(self) -> None:
        self._broken_off = True
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """smtplib's own seam for the connection; its SMTP_SSL uses it the same way."""
        connected = socket.create_connection((host, port), timeout)
        if self._server.tls is Tls.IMPLICIT:
            context = ssl.create_default_context()
            connected = context.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
        self.sock = connected
        if self._broken_off:
            raise OSError("broken off")
        if isinstance(connected, ssl.SSLSocket):
            connected.do_handshake()
        return connected

    def _open(self) -> None:
        """Connect, make it private, log in."""
        server = self._server
        code, words = self.connect(server.host, server.port)
        if code != 220:
            raise SMTPResponseException(code, words)
        self.ehlo_or_helo_if_needed()
        offered = self.has_extn("starttls")
        if server.tls is Tls.REQUIRED and not offered:
            text = f"{server.host} offers no STARTTLS, and without it mail would be open to everybody on the way"
            raise Permanent("no_tls", f"{text}; ?tls=off after the address sends it all the same")
        if offered and server.tls in (Tls.REQUIRED, Tls.OFFERED):
            self.starttls(context=ssl.create_default_context())
            self.ehlo()
        if server.user:
            self.login(server.user, server.password)

    def _leave(self) -> None:
        """Say goodbye without waiting for the answer: what was accepted must not fail for a slow farewell."""
        if self.sock is not None:
            with suppress(OSError):
                self.putcmd("quit")
        with suppress(OSError):
            self.close()

    def _refusals(self, refused: dict[str, tuple[int, bytes]]) -> dict[str, Refusal]:
        return {address: Refusal(code, self._words(text)) for address, (code, text) in refused.items()}

    def _problem(self, error: OSError) -> FusewatchError:  # noqa: PLR0911 - a table
        host = self._server.host
        match error:
            case SMTPAuthenticationError():
                return self._answered("forbidden", f"{host} refused the login", error)
            case SMTPResponseException():
                return self._answered("rejected", f"{host} refused the mail", error)
            case SMTPNotSupportedError():
                words = (
                    "offers no login (AUTH)" if self._server.user and not self.has_extn("auth") else "cannot take it"
                )
                return Permanent("not_supported", f"{host} {words}: {clean(str(error), 200)}")
            case SMTPServerDisconnected():
                return Retryable("connection", f"the connection to {host} broke")
            case ssl.SSLCertVerificationError():
                return Retryable("certificate", f"the certificate of {host} is not trusted: {error.verify_message}")
            case ssl.SSLError():
                return Retryable("tls", f"no TLS with {host}: {clean(error.reason or str(error), 200)}")
            case TimeoutError():
                return Retryable("timeout", f"{host} did not answer in time")
            case SMTPException():
                text = f"{host} and Fusewatch did not understand each other ({type(error).__name__})"
                return Retryable("connection", text)
            case OSError():
                return Retryable("unreachable", f"{host} cannot be reached: {error.strerror or error}")
            case _:
                assert_never(error)

    def _answered(self, reason: str, what: str, error: SMTPResponseException) -> FusewatchError:
        """Codes from 500 on are the server's last word (RFC 5321, 4.2.1); 421, 450 and the like may pass."""
        code = error.smtp_code
        text = f"{what}: {code} {self._words(error.smtp_error)}"
        return Permanent(reason, text) if 500 <= code < 600 else Retryable("server_error", text)

    def _words(self, answer: bytes | str) -> str:
        """What the server said, without what it may repeat of the login."""
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        user, password = self._server.user, self._server.password
        for secret in (password, f"\0{user}\0{password}", user):
            for form in (secret, b64encode(secret.encode()).decode()):
                if len(form) >= _SECRET_PART:
                    text = text.replace(form, "…")
        return clean(text, 300)


def _own_name() -> str:
    """What EHLO says; smtplib would ask the resolver, which can take longer than we have."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
