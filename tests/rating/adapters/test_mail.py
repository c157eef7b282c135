"""Mails on a real SMTP server, which refuses, delays, defers and breaks off."""

import logging
import socket
import ssl
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Any

import pytest
import trustme

from rating.adapters.mail import WRONG_SETUP, Mail, Mailer, MailReason, SmtpServer
from rating.adapters.results import Delivered, Never, TryAgain
from tests.rating.adapters.conftest import identity
from tests.rating.adapters.smtp_server import HOST, PASSWORD, USER, Mailbox, Step, smtp_server

SENDER = "no-reply@candor.test"
LONG_LINK = f"https://candor.test/v1/mails/stop?token={'t0k3n-_.' * 30}"
SECRETS = ("zoe", "canary", "t0k3n")
"""What no result and no log may hold."""


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def mail(**changed: Any) -> Mail:
    values = {
        "to": "zoe@school.test",
        "from_name": "Курс А",  # noqa: RUF001 - Russian
        "subject": "Как прошёл ваш чат? " * 8,
        "text": "canary in the text\n.\nafter a dot\n",
        "html": "<p>canary — in HTML</p>",
        "locale": "ru",
        "id": "d-1.1.invitation",
        "sent_at": datetime(2026, 11, 27, 9, 30, tzinfo=UTC),
        "unsubscribe": LONG_LINK,
    }
    return Mail(**{**values, **changed})


async def test_a_mail_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox) as server:
        assert await Mailer(server, SENDER).send(mail()) == Delivered()
    arrived = mailbox.only_mail()
    assert (
        dict(arrived.items()) | {"Content-Type": ""}
        == {
            "From": "Курс А <no-reply@candor.test>",  # noqa: RUF001 - Russian
            "To": "zoe@school.test",
            "Subject": ("Как прошёл ваш чат? " * 8)[:200].rstrip(),
            "Message-ID": "<d-1.1.invitation@candor.test>",
            "Date": "Fri, 27 Nov 2026 09:30:00 +0000",
            "Auto-Submitted": "auto-generated",
            "Content-Language": "ru",
            "List-Unsubscribe": f"<{LONG_LINK}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "MIME-Version": "1.0",
            "Content-Type": "",
        }
    )
    text, html = arrived.iter_parts()
    assert text.get_content() == "canary in the text\r\n.\r\nafter a dot\r\n"
    assert html.get_content() == "<p>canary — in HTML</p>\r\n"
    (envelope,) = mailbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, ["zoe@school.test"])


async def test_what_is_sent_is_ascii_with_the_unsubscribe_link_whole(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox) as server:
        await Mailer(server, SENDER).send(mail())
    content = mailbox.envelopes[0].content
    assert isinstance(content, bytes)
    assert content.isascii()
    # Encoded words, which `email` makes of what is long, are no link to a mail program.
    assert f"\r\nList-Unsubscribe: <{LONG_LINK}>\r\n".encode() in content
    assert max(map(len, content.split(b"\r\n"))) <= 998


async def test_a_mail_without_a_way_to_unsubscribe_says_nothing_of_one(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox) as server:
        await Mailer(server, SENDER).send(mail(unsubscribe=None))
    assert not {"List-Unsubscribe", "List-Unsubscribe-Post"} & set(mailbox.only_mail().keys())


async def test_nobody_writes_headers_by_a_name(mailbox: Mailbox) -> None:
    evil = 'A"\r\nBcc: all@school.test\r\n\r\nbody\0\u2028x <b@school.test>,'
    async with smtp_server(mailbox) as server:
        assert await Mailer(server, SENDER).send(mail(from_name=evil, subject=evil)) == Delivered()
    arrived = mailbox.only_mail()
    assert "Bcc" not in arrived
    assert arrived["Subject"] == 'A" Bcc: all@school.test body x <b@school.test>,'
    (sender,) = arrived["From"].addresses
    assert (sender.addr_spec, sender.display_name) == (SENDER, arrived["Subject"])
    assert mailbox.envelopes[0].rcpt_tos == ["zoe@school.test"]


@pytest.mark.parametrize(
    "name",
    [
        "a =?utf-8?q?=0D=0ABcc:_all=40school.test=0D=0A=0D=0Abody?= b",
        "=?utf-8?b?DQpCY2M6IGFAYi50ZXN0?=",
        "Кот =?utf-8?q?=0ABcc:_all=40school.test?=",
        f'Support, "sales" <b@school.test>, {"and billing " * 8}(all of it), c@school.test',
        f"Été, <b@school.test>, {'hiver ' * 20}",
        "🙂" * 200,
    ],
)
@pytest.mark.parametrize("to", ["zoe@school.test", "зоя@школа.test"])
async def test_nor_by_one_that_email_would_open_or_fold(mailbox: Mailbox, name: str, to: str) -> None:
    async with smtp_server(mailbox) as server:
        sent = await Mailer(server, SENDER).send(mail(to=to, from_name=name, subject=name))
    assert sent == Delivered()
    arrived, plain = mailbox.only_mail(), await _sent_plain()
    assert arrived.keys() == plain.keys()
    # With the older parser: the newer one leaves blanks between encoded words (RFC 2047, 6.2).
    ((words, address),) = getaddresses([message_from_bytes(_content(mailbox))["From"]])
    assert (str(make_header(decode_header(words))), address) == (name.strip(), SENDER)
    assert arrived["Subject"] == name.strip()
    assert max(map(len, _content(mailbox).split(b"\r\n"))) <= 998


async def test_nor_by_an_address(mailbox: Mailbox) -> None:
    evil = "=?utf-8?q?=0D=0ABcc=3A_all=40school.test?=@school.test"
    async with smtp_server(mailbox) as server:
        assert await Mailer(server, SENDER).send(mail(to=evil)) == Delivered()
    assert f"\r\nTo: {evil}\r\n".encode() in _content(mailbox)
    assert b"\r\nBcc" not in _content(mailbox)


def _content(mailbox: Mailbox) -> bytes:
    content = mailbox.envelopes[0].content
    assert isinstance(content, bytes)
    return content


async def _sent_plain() -> EmailMessage:
    mailbox = Mailbox()
    async with smtp_server(mailbox) as server:
        await Mailer(server, SENDER).send(mail())
    return mailbox.only_mail()


@pytest.mark.parametrize(
    "address",
    ["", "zoe", "zoe@", "@school.test", "a b@school.test",
     "zoe@school.test\r\nRCPT TO:<b@c.test>", "a@b.test,c@d.test",
     "<zoe@school.test>", "zoe@school.test>", "Zoe <zoe@school.test>", "zoe@[127.0.0.1]"],
)  # fmt: skip
async def test_what_is_no_address_is_never_tried(mailbox: Mailbox, address: str) -> None:
    async with smtp_server(mailbox) as server:
        result = await Mailer(server, SENDER).send(mail(to=address))
    assert result == Never(MailReason.NOT_AN_ADDRESS)
    assert mailbox.connections == 0


async def test_a_domain_in_other_letters_needs_nothing_of_the_server(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox, utf8=False) as server:
        assert await Mailer(server, SENDER).send(mail(to="zoe@школа.test")) == Delivered()
    assert mailbox.envelopes[0].rcpt_tos == ["zoe@xn--80atdl2c.test"]


async def test_a_name_in_other_letters_goes_to_a_server_that_takes_it(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox) as server:
        assert await Mailer(server, SENDER).send(mail(to="зоя@школа.test")) == Delivered()
    assert mailbox.envelopes[0].rcpt_tos == ["зоя@школа.test"]
    assert "SMTPUTF8" in mailbox.envelopes[0].mail_options
    assert mailbox.only_mail()["To"] == "зоя@школа.test"


async def test_and_never_to_one_that_does_not(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox, utf8=False) as server:
        result = await Mailer(server, SENDER).send(mail(to="зоя@школа.test"))
    assert result == Never(MailReason.NEEDS_SMTPUTF8)
    assert not mailbox.taken


@pytest.mark.parametrize("implicit", [True, False])
async def test_over_tls_with_a_login(
    mailbox: Mailbox, server_tls: ssl.SSLContext, ca_file: Path, *, implicit: bool
) -> None:
    async with smtp_server(mailbox, tls=server_tls, implicit=implicit, login=True) as server:
        assert await Mailer(server, SENDER, ca_file=ca_file).send(mail()) == Delivered()
    assert mailbox.encrypted == [True]
    assert mailbox.logins == [USER]


@pytest.mark.parametrize("implicit", [True, False])
async def test_a_certificate_of_nobody_known_is_refused(
    mailbox: Mailbox, server_tls: ssl.SSLContext, *, implicit: bool
) -> None:
    async with smtp_server(mailbox, tls=server_tls, implicit=implicit, login=True) as server:
        assert await Mailer(server, SENDER).send(mail()) == TryAgain(MailReason.TLS)
    assert not mailbox.taken
    assert not mailbox.logins
    assert MailReason.TLS in WRONG_SETUP


@pytest.mark.parametrize("implicit", [True, False])
async def test_a_certificate_of_another_name_is_refused(
    mailbox: Mailbox, authority: trustme.CA, ca_file: Path, *, implicit: bool
) -> None:
    tls = identity(authority, "mail.test")
    async with smtp_server(mailbox, tls=tls, implicit=implicit, login=True) as server:
        assert await Mailer(server, SENDER, ca_file=ca_file).send(mail()) == TryAgain(MailReason.TLS)
    assert not mailbox.logins


async def test_without_starttls_neither_password_nor_mail_is_given(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox, login=True) as server:
        encrypted = server.model_copy(update={"tls": "starttls"})
        assert await Mailer(encrypted, SENDER).send(mail()) == TryAgain(MailReason.TLS)
    assert (mailbox.logins, mailbox.taken) == ([], [])


async def test_a_wrong_password_is_nobody_elses_fault(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox, login=True) as server:
        wrong = SmtpServer.parse(f"smtp://{USER}:wrong@{HOST}:{server.port}")
        result = await Mailer(wrong, SENDER).send(mail())
    assert result == TryAgain(MailReason.LOGIN_REFUSED, 535)
    assert not mailbox.taken


async def test_a_server_that_knows_no_login_gets_no_password(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox) as server:
        known = server.model_copy(update={"username": USER})
        assert await Mailer(known, SENDER).send(mail()) == TryAgain(MailReason.LOGIN_REFUSED, 504)
    assert (mailbox.logins, mailbox.taken) == ([], [])


REFUSALS = [
    ("greeting", "421 too many connections", TryAgain(MailReason.DEFERRED, 421)),
    ("greeting", "554 no service for 127.0.0.1", TryAgain(MailReason.SERVER_REFUSED, 554)),
    ("mail", "451 later, zoe", TryAgain(MailReason.DEFERRED, 451)),
    ("mail", "553 not your address", TryAgain(MailReason.SENDER_REFUSED, 553)),
    ("rcpt", "450 4.2.0 greylisted, zoe", TryAgain(MailReason.DEFERRED, 450)),
    ("rcpt", "452 4.2.2 zoe's mailbox is full", TryAgain(MailReason.DEFERRED, 452)),
    ("rcpt", "421 4.3.2 shutting down", TryAgain(MailReason.DEFERRED, 421)),
    ("rcpt", "550 no zoe here", Never(MailReason.RECIPIENT_REFUSED, 550)),
    ("rcpt", "550 5.1.1 no zoe here", Never(MailReason.RECIPIENT_REFUSED, 550)),
    ("rcpt", "552 5.2.2 zoe's mailbox is full", Never(MailReason.RECIPIENT_REFUSED, 552)),
    ("rcpt", "550 5.4.1 Recipient address rejected: Access denied", Never(MailReason.RECIPIENT_REFUSED, 550)),
    ("rcpt", "550 5.5.0 mailbox unavailable", Never(MailReason.RECIPIENT_REFUSED, 550)),
    ("rcpt", "550 5.7.1 relaying denied", TryAgain(MailReason.NOT_ALLOWED, 550)),
    ("rcpt", "554 5.7.1 127.0.0.1 is on a list", TryAgain(MailReason.NOT_ALLOWED, 554)),
    ("rcpt", "550 5.1.8 the sender has no such domain", TryAgain(MailReason.NOT_ALLOWED, 550)),
    ("data", "451 4.7.1 later", TryAgain(MailReason.DEFERRED, 451)),
    ("data", "554 5.7.1 looks like an advertisement", Never(MailReason.MESSAGE_REFUSED, 554)),
]


@pytest.mark.parametrize(("step", "reply", "result"), REFUSALS)
async def test_a_refusal_is_read_by_its_step_and_status(
    mailbox: Mailbox, step: Step, reply: str, result: object
) -> None:
    mailbox.replies[step] = [reply]
    async with smtp_server(mailbox) as server:
        assert await Mailer(server, SENDER).send(mail()) == result
    assert not mailbox.taken


async def test_greylisting_is_over_at_the_next_try(mailbox: Mailbox) -> None:
    mailbox.replies["rcpt"] = ["451 4.7.1 greylisted", "450 4.7.1 still"]
    async with smtp_server(mailbox) as server:
        mailer = Mailer(server, SENDER)
        results = [await mailer.send(mail()) for _ in range(3)]
    assert results == [
        TryAgain(MailReason.DEFERRED, 451),
        TryAgain(MailReason.DEFERRED, 450),
        Delivered(),
    ]
    assert len(mailbox.taken) == 1


@pytest.mark.parametrize("step", ["greeting", "mail", "rcpt", "data"])
async def test_a_server_that_says_nothing_is_left(mailbox: Mailbox, step: Step) -> None:
    mailbox.silent_at = step
    async with smtp_server(mailbox) as server:
        result = await Mailer(server, SENDER, within=0.3).send(mail())
    assert result == TryAgain(MailReason.TIMEOUT)


async def test_so_is_one_that_is_slow_all_the_way(mailbox: Mailbox) -> None:
    mailbox.slow_by_seconds = 0.2
    async with smtp_server(mailbox) as server:
        assert await Mailer(server, SENDER, within=0.5).send(mail()) == TryAgain(MailReason.TIMEOUT)
    assert not mailbox.taken


async def test_what_was_taken_is_delivered_however_they_part(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rating.adapters.mail.QUIT_WITHIN_SECONDS", 0.6)
    mailbox.silent_at = "quit"
    async with smtp_server(mailbox) as server:
        assert await Mailer(server, SENDER, within=0.5).send(mail()) == Delivered()


async def test_what_may_have_come_is_sent_again_as_the_same_mail(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox) as server:
        mailer = Mailer(server, SENDER)
        mailbox.breaks_off_after_data = True
        assert await mailer.send(mail()) == TryAgain(MailReason.CONNECTION_LOST)
        mailbox.breaks_off_after_data = False
        assert await mailer.send(mail()) == Delivered()
    first, second = mailbox.taken
    assert first["Message-ID"] == second["Message-ID"] == "<d-1.1.invitation@candor.test>"


async def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))  # and doesn't listen
        server = SmtpServer(host=HOST, port=taken.getsockname()[1], tls="none")
        assert await Mailer(server, SENDER).send(mail()) == TryAgain(MailReason.UNREACHABLE)


async def test_no_such_host() -> None:
    server = SmtpServer(host="mail.invalid", port=25, tls="none")
    assert await Mailer(server, SENDER).send(mail()) == TryAgain(MailReason.UNREACHABLE)


@pytest.mark.parametrize(("step", "reply"), [(step, reply) for step, reply, _ in REFUSALS])
async def test_neither_results_nor_logs_hold_whose_mail_it_is(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture, step: Step, reply: str
) -> None:
    mailbox.replies[step] = [reply]
    caplog.set_level(logging.DEBUG)
    async with smtp_server(mailbox) as server:
        mailer = Mailer(server, SENDER)
        said = f"{await mailer.send(mail())} {mail()} {mailer} {server!r}"
    said += " ".join(each.getMessage() for each in caplog.records if each.name != "mail.log")  # aiosmtpd's
    assert not [secret for secret in (*SECRETS, PASSWORD) if secret in said]


@pytest.mark.parametrize(
    ("address", "host", "port", "tls"),
    [
        ("smtp://mail.test", "mail.test", 587, "starttls"),
        ("smtp://mail.test:25/", "mail.test", 25, "starttls"),
        ("smtps://mail.test", "mail.test", 465, "implicit"),
        ("smtps://[::1]:4650", "::1", 4650, "implicit"),
        ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, "none"),
        ("smtp://localhost:1025", "localhost", 1025, "none"),
    ],
)
def test_plain_text_is_for_this_machine_only(address: str, host: str, port: int, tls: str) -> None:
    server = SmtpServer.parse(address)
    assert (server.host, server.port, server.tls, server.username) == (host, port, tls, None)


def test_a_login_is_percent_encoded() -> None:
    server = SmtpServer.parse("smtp://zoe%40school.test:p%2Fw%3A%C3%A9@mail.test")
    assert (server.username, server.password.get_secret_value()) == ("zoe@school.test", "p/w:é")


@pytest.mark.parametrize(
    "address",
    ["", "mail.test", "mail.test:25", "http://mail.test", "smtp://", "smtp://:25", "smtp://mail.test:0",
     "smtp://mail.test:99999", "smtp://mail.test:x", "smtp://mail.test/inbox", "smtp://mail.test?tls=no",
     "smtp://canary@mail.test", "smtp://:canary@mail.test"],
)  # fmt: skip
def test_what_is_no_server(address: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as refused:
        SmtpServer.parse(address)
    assert "canary" not in str(refused.value)
