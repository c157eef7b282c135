"""A real SMTP server on loopback, aiosmtpd, that refuses, delays and breaks off as a test says."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTPUTF8
from typing import AnyStr, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from rating.adapters.mail import SmtpServer

HOST = "127.0.0.1"
USER, PASSWORD = "candor", "canary-password"

Step = Literal["greeting", "mail", "rcpt", "data", "quit"]


class Mailbox:
    """What an SMTP server has taken, and how it answers: by step one after the other of `replies`, while any
    are left. At the step `silent_at` it says nothing more; at each it takes `slow_by_seconds`.
    """

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.encrypted: list[bool] = []
        self.logins: list[str] = []
        self.connections = 0
        self.replies: dict[Step, list[str]] = {}
        self.silent_at: Step | None = None
        self.slow_by_seconds = 0.0
        self.breaks_off_after_data = False

    def only_mail(self) -> EmailMessage:
        """The one that it has. No property: aiosmtpd looks at all of them."""
        (mail,) = self.taken
        return mail

    async def reply(self, step: Step, usual: str) -> str:
        if self.silent_at == step:
            await asyncio.Event().wait()
        await asyncio.sleep(self.slow_by_seconds)
        replies = self.replies.get(step)
        return replies.pop(0) if replies else usual

    async def handle_MAIL(  # noqa: N802 - as aiosmtpd calls it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self.reply("mail", "250 OK")

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self.reply("rcpt", "250 OK")

    async def handle_DATA(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        reply = await self.reply("data", "250 OK")
        assert isinstance(server.transport, asyncio.Transport)
        if reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.taken.append(BytesParser(EmailMessage, policy=SMTPUTF8).parsebytes(envelope.content))
            self.envelopes.append(envelope)
            self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        if self.breaks_off_after_data:
            server.transport.abort()
        return reply

    async def handle_QUIT(  # noqa: N802 - as aiosmtpd calls it
        self, _server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        return await self.reply("quit", "221 Bye")

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)


class MailServer(Controller):
    """A server in a thread of its own, for services that are other processes."""

    @property
    def mailbox(self) -> Mailbox:
        """What it has taken."""
        assert isinstance(self.handler, Mailbox)
        return self.handler


class _Server(SMTP):
    async def push(self, status: AnyStr) -> None:
        if isinstance(status, str) and status == f"220 {self.hostname} {self.__ident__}":
            mailbox: Mailbox = self.event_handler
            mailbox.connections += 1
            await super().push(await mailbox.reply("greeting", status))
        else:
            await super().push(status)


@asynccontextmanager
async def smtp_server(
    mailbox: Mailbox,
    *,
    tls: ssl.SSLContext | None = None,
    implicit: bool = False,
    login: bool = False,
    utf8: bool = True,
) -> AsyncIterator[SmtpServer]:
    """A server, and the settings that lead there. With a certificate it has TLS, by STARTTLS or at once."""
    loop, starttls = asyncio.get_running_loop(), tls is not None and not implicit

    connections: list[SMTP] = []

    def connection() -> SMTP:
        connections.append(
            _Server(
                mailbox,
                hostname="mail.test",
                enable_SMTPUTF8=utf8,
                tls_context=None if implicit else tls,
                require_starttls=starttls,
                auth_require_tls=starttls or not login,
                authenticator=mailbox.authenticate,
                loop=loop,
            )
        )
        return connections[-1]

    server = await loop.create_server(connection, HOST, 0, ssl=tls if implicit else None)
    try:
        yield SmtpServer(
            host=HOST,
            port=server.sockets[0].getsockname()[1],
            tls="none" if tls is None else "implicit" if implicit else "starttls",
            username=USER if login else None,
            password=SecretStr(PASSWORD),
        )
    finally:
        server.close()
        for each in connections:
            if isinstance(each.transport, asyncio.Transport):
                each.transport.abort()
