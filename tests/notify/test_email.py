"""Mail over a real SMTP server: private, once for each recipient, and failures in the server's own words."""

import asyncio
import re
import socket
import ssl
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import quote

import pytest

from fusewatch.domain.notices import Message
from fusewatch.errors import Permanent, Retryable
from fusewatch.notify import email as email_module
from fusewatch.notify.email import Email
from fusewatch.notify.kinds import EmailKind
from fusewatch.notify.smtp import Tls, server_of
from tests.notify.mailservice import HOST, PASSWORD, USER, Authority, MailService
from tests.notify.samples import BERLIN, MESSAGES
from tests.notify.support import run

TO = ("ana@example.com", "ben@example.com")
REACHED = MESSAGES["budget_reached"]
LOGIN = f"{quote(USER)}:{quote(PASSWORD, safe='')}@"

Failure: TypeAlias = Permanent | Retryable


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """As an operator makes a company's own authority known: by OpenSSL's variable."""
    monkeypatch.setenv("SSL_CERT_FILE", authority.file)
    return authority


def talk(
    service: MailService,
    work: Callable[[Email], Awaitable[None]],
    *,
    url: str = "smtp://{login}127.0.0.1:{port}",
    to: tuple[str, ...] = TO,
    sender: str = "",
) -> None:
    async def with_notifier(port: int) -> None:
        address = url.format(port=port, login=LOGIN if service.login else "")
        notifier = Email(EmailKind(to, address, sender), timezone=BERLIN)
        await work(notifier)
        await notifier.close()

    run(service.during(with_notifier))


def tell(service: MailService, *messages: Message, **settings: str) -> None:
    async def work(notifier: Email) -> None:
        for message in messages:
            await notifier.send(message)

    talk(service, work, url=settings.get("url", "smtp://{login}127.0.0.1:{port}"), sender=settings.get("sender", ""))


def failures(service: MailService, *messages: Message, url: str = "smtp://{login}127.0.0.1:{port}") -> list[Failure]:
    caught: list[Failure] = []

    async def work(notifier: Email) -> None:
        for message in messages:
            with pytest.raises((Permanent, Retryable)) as error:
                await notifier.send(message)
            assert isinstance(error.value, Permanent | Retryable)
            caught.append(error.value)

    talk(service, work, url=url)
    return caught


# ---------------------------------------------------------------- what arrives


def test_a_mail_says_the_same_as_text_and_as_html_and_goes_to_all_at_once() -> None:
    service = MailService()
    tell(service, REACHED)
    (handed,) = service.mails
    assert handed.recipients == list(TO)
    assert handed.mail["To"] == "ana@example.com, ben@example.com"
    assert handed.mail["Subject"] == "● content-team reached 100 % of its daily budget: $50.31 of $50.00"
    assert handed.mail["Auto-Submitted"] == "auto-generated"
    assert "resets in 7 h 18 min" in handed.text("plain")
    assert "resets in 7 h 18 min" in handed.text("html")
    assert handed.mail["Date"].datetime.isoformat() == "2026-11-24T15:42:00+00:00"


def test_every_kind_of_message_can_be_mailed() -> None:
    service = MailService()
    tell(service, *(replace(message, id=f"{name}") for name, message in MESSAGES.items()))
    assert len(service.mails) == len(MESSAGES)
    assert len({handed.mail["Message-ID"] for handed in service.mails}) == len(MESSAGES)


@pytest.mark.parametrize(
    ("sender", "login", "expected"),
    [
        ("alerts@example.org", True, "alerts@example.org"),
        ("", True, USER),
        ("", False, "fusewatch@example.com"),
    ],
)
def test_a_mail_comes_from_the_sender_else_the_servers_user_else_the_first_recipients_domain(
    sender: str, login: bool, expected: str, trusted: Authority
) -> None:
    service = MailService(login=login, tls=trusted.server())
    tell(service, REACHED, sender=sender)
    assert service.mails[0].sender == expected
    assert service.mails[0].mail["From"] == f"Fusewatch <{expected}>"


def test_names_and_domains_beyond_ascii_arrive() -> None:
    service = MailService()
    talk(service, lambda n: _send(n, REACHED), to=("jörg@bücher.example", "ana@bücher.example"))
    (handed,) = service.mails
    assert handed.recipients == ["jörg@xn--bcher-kva.example", "ana@xn--bcher-kva.example"]
    talk(service, lambda n: _send(n, REACHED), to=("ana@bücher.example",))
    assert service.mails[1].recipients == ["ana@xn--bcher-kva.example"]
    assert service.mails[1].raw.isascii()


async def _send(notifier: Email, message: Message) -> None:
    await notifier.send(message)


# ---------------------------------------------------------------- TLS and login


def test_mail_is_encrypted_where_the_server_offers_it_and_the_login_goes_through_that(trusted: Authority) -> None:
    service = MailService(tls=trusted.server(), login=True)
    tell(service, REACHED)
    assert (service.mails[0].tls, service.mails[0].user) == (True, USER)


def test_smtps_is_encrypted_from_the_first_byte(trusted: Authority) -> None:
    service = MailService(tls=trusted.server(), implicit=True)
    tell(service, REACHED, url="smtps://127.0.0.1:{port}")
    assert service.mails[0].tls


@pytest.mark.parametrize(("scheme", "implicit"), [("smtp", False), ("smtps", True)])
def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(
    authority: Authority, scheme: str, implicit: bool
) -> None:
    service = MailService(tls=authority.server(), implicit=implicit, login=not implicit)
    (error,) = failures(service, REACHED, url=f"{scheme}://{{login}}127.0.0.1:{{port}}")
    assert isinstance(error, Retryable)
    assert error.reason == "certificate"
    assert service.mails == []


def test_a_certificate_for_another_name_is_refused(trusted: Authority) -> None:
    (error,) = failures(MailService(tls=trusted.server("mail.example.com")), REACHED)
    assert error.reason == "certificate"


def test_where_tls_is_required_nothing_goes_out_without_it() -> None:
    service = MailService()
    (error,) = failures(service, REACHED, url="smtp://127.0.0.1:{port}?tls=required")
    assert isinstance(error, Permanent)
    assert error.reason == "no_tls"
    assert "?tls=off" in str(error)
    assert service.mails == []


def test_tls_off_sends_in_the_clear_even_where_it_is_offered(authority: Authority) -> None:
    service = MailService(tls=authority.server())
    tell(service, REACHED, url="smtp://127.0.0.1:{port}/?tls=off")
    assert not service.mails[0].tls


def test_a_refused_login_is_dead_and_its_words_hold_no_password(trusted: Authority) -> None:
    service = MailService(tls=trusted.server(), login=True)
    wrong = "smtp://fuse%40example.com:not-the-password@127.0.0.1:{port}"
    (error,) = failures(service, REACHED, url=wrong)
    assert isinstance(error, Permanent)
    assert error.reason == "forbidden"
    assert "535" in str(error)
    ours = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert "not-the-password" not in "".join(ours.format()) + str(error)


def test_a_look_in_connects_and_logs_in_and_sends_nothing(trusted: Authority) -> None:
    service = MailService(tls=trusted.server(), login=True)

    async def work(notifier: Email) -> None:
        await notifier.check()

    talk(service, work)
    assert service.connections == 1
    assert service.mails == []


# ---------------------------------------------------------------- failures


def test_a_recipient_that_is_refused_for_good_is_named_and_the_others_have_their_mail() -> None:
    service = MailService(refuse={TO[1]: "550 5.1.1 no such user here"})
    first, second = failures(service, REACHED, REACHED)
    assert isinstance(first, Permanent)
    assert first.reason == "recipient_refused"
    assert "ben@example.com (550 5.1.1 no such user here)" in str(first)
    assert "took the mail for the 1 other" in str(first)
    assert [handed.recipients for handed in service.mails] == [[TO[0]]], "revived, it goes to the refused one alone"
    assert isinstance(second, Permanent)


def test_a_recipient_that_is_put_off_is_tried_again_and_nobody_gets_a_mail_twice() -> None:
    service = MailService(refuse={TO[1]: ["451 4.7.1 greylisted, come again"]})

    async def work(notifier: Email) -> None:
        with pytest.raises(Retryable) as caught:
            await notifier.send(REACHED)
        assert caught.value.reason == "recipient_deferred"
        assert "greylisted" in str(caught.value)
        await notifier.send(REACHED)

    talk(service, work)
    assert [handed.recipients for handed in service.mails] == [[TO[0]], [TO[1]]]
    assert len({handed.mail["Message-ID"] for handed in service.mails}) == 1
    assert service.mails[1].mail["To"] == "ana@example.com, ben@example.com"


def test_a_server_that_closes_while_it_is_asked_for_recipients_has_taken_the_mail_for_nobody() -> None:
    """smtplib names only those that it had asked for: the others must not count as served."""
    service = MailService(refuse={TO[0]: ["421 4.3.2 shutting down"]})

    async def work(notifier: Email) -> None:
        with pytest.raises(Retryable):
            await notifier.send(REACHED)
        await notifier.send(REACHED)

    talk(service, work)
    assert [handed.recipients for handed in service.mails] == [list(TO)]


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        ("452 4.2.2 mailbox full", Retryable, "server_error"),
        ("421 4.3.2 shutting down", Retryable, "server_error"),
        ("554 5.7.1 looks like spam", Permanent, "rejected"),
        ("552 5.3.4 too large", Permanent, "rejected"),
    ],
)
def test_what_the_server_says_to_the_mail_decides_and_is_told(answer: str, kind: type[Failure], reason: str) -> None:
    (error,) = failures(MailService(at_data=[answer]), REACHED)
    assert type(error) is kind
    assert error.reason == reason
    assert answer in str(error)


def test_a_refused_sender_is_told_in_the_servers_words() -> None:
    (error,) = failures(MailService(at_mail="550 5.7.60 not allowed to send as this sender"), REACHED)
    assert isinstance(error, Permanent)
    assert "not allowed to send as this sender" in str(error)


@pytest.mark.parametrize("code", ["220", "250", "354"])
def test_a_connection_that_closes_in_mid_conversation_is_tried_again(code: str) -> None:
    (error,) = failures(MailService(drop_at=code), REACHED)
    assert isinstance(error, Retryable)
    assert error.reason == "connection"


def test_a_farewell_without_an_answer_does_not_undo_what_was_accepted() -> None:
    for service in (MailService(drop_at="221"), MailService(silent_at="221")):
        tell(service, REACHED)
        assert len(service.mails) == 1


@pytest.mark.parametrize("code", ["250", "354"])
def test_a_server_that_falls_silent_is_given_up_in_time_and_left_and_the_loop_goes_on_meanwhile(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(email_module, "TIMEOUT_S", 0.3)
    service = MailService(silent_at=code)
    turns = 0

    async def work(notifier: Email) -> None:
        nonlocal turns

        async def turn() -> None:
            nonlocal turns
            while not service.closed.is_set():
                await asyncio.sleep(0)
                turns += 1

        async with asyncio.TaskGroup() as group:
            group.create_task(turn())
            with pytest.raises(Retryable) as caught:
                await notifier.send(REACHED)
            assert caught.value.reason == "timeout"
            await service.closed.wait()  # the thread was broken off, its connection is gone

    talk(service, work)
    assert turns > 10


def test_a_port_where_nobody_listens_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        notifier = Email(EmailKind(TO, f"smtp://{HOST}:{taken.getsockname()[1]}"), timezone=BERLIN)
        with pytest.raises(Retryable) as caught:
            run(notifier.send(REACHED))
    assert caught.value.reason == "unreachable"


# ---------------------------------------------------------------- the server's address


@pytest.mark.parametrize(
    ("url", "port", "tls"),
    [
        ("smtp://mail.example.com", 587, Tls.REQUIRED),
        ("smtp://u:p@mail.example.com:25", 25, Tls.REQUIRED),
        ("smtps://mail.example.com", 465, Tls.IMPLICIT),
        ("smtp://mail.example.com?tls=off", 587, Tls.OFF),
        ("smtp://mailpit:1025", 1025, Tls.OFFERED),
        ("smtp://localhost:25", 25, Tls.OFFERED),
        ("smtp://10.0.0.7", 587, Tls.OFFERED),
        ("smtp://[::1]:25", 25, Tls.OFFERED),
        ("smtp://8.8.8.8", 587, Tls.REQUIRED),
        ("smtp://10.0.0.7?tls=required", 587, Tls.REQUIRED),
    ],
)
def test_mail_beyond_our_own_network_is_encrypted_unless_the_address_says_otherwise(
    url: str, port: int, tls: Tls
) -> None:
    server = server_of(url)
    assert (server.port, server.tls) == (port, tls)


def test_user_and_password_are_percent_decoded_and_shown_nowhere() -> None:
    server = server_of("smtp://fuse%40example.com:p%40ss%2Fw@mail.example.com")
    assert (server.user, server.password) == ("fuse@example.com", "p@ss/w")
    kind = EmailKind(TO, "smtp://fuse%40example.com:p%40ss%2Fw@mail.example.com")
    assert not re.search("p@ss|p%40ss", f"{server!r}{kind!r}{Email(kind, timezone=BERLIN)!r}")


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com:25",
        "http://canary@mail.example.com",
        "smtp://canary@mail.example.com",
        "smtp://:canary@mail.example.com",
        "smtp://u:canary@mail.example.com:0",
        "smtp://u:canary@mail.example.com:99999",
        "smtp://u:canary@",
        "smtp://u:canary@mail.example.com/box",
        "smtp://u:canary@mail.example.com?tls=maybe",
        "smtps://u:canary@mail.example.com?tls=off",
        "smtp://u:canary@mail.example.com?timeout=5",
        "smtp://u:canary%0d%0a@mail.example.com",
        "smtp://[canary",
    ],
)
def test_an_impossible_address_of_a_server_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="mail") as caught:
        EmailKind(TO, url)
    assert "canary" not in str(caught.value)


def test_a_domain_that_cannot_be_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="there cannot be a mail address at"):
        EmailKind((f"ana@{'ü' * 80}.example",), "smtp://mail.example.com")


def test_certificates_are_verified_by_default() -> None:
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED
