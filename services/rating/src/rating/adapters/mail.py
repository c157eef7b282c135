"""Hands one mail over to the SMTP server of the settings, and says what became of it."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP as RFC_5322
from email.policy import Policy
from email.utils import formataddr
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from pydantic import BaseModel, ConfigDict, SecretStr

from chassis.validation.addresses import is_loopback
from chassis.validation.text import clean_name
from rating.adapters.results import Delivered, Never, TryAgain

WITHIN_SECONDS: Final = 60.0
"""For a whole mail, from the connection to the server's last word."""
QUIT_WITHIN_SECONDS: Final = 2.0

_USUAL_PORTS: Final = {"smtp": 587, "smtps": 465}
_NO_COMMON_LOGIN: Final = 504
_REFUSED_FOR_GOOD: Final = 500
# RFC 3463: the sender's address, and policy. Others are the recipient's: Exchange says 5.4.1, and Outlook.com
# 5.5.0, of mailboxes that aren't there.
_ABOUT_US: Final = re.compile(r"5\.(1\.[78]|7\.\d{1,3})\b")


class MailReason(StrEnum):
    """Why a mail was not taken."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    DEFERRED = "deferred"
    TLS = "tls"
    SERVER_REFUSED = "server_refused"
    LOGIN_REFUSED = "login_refused"
    SENDER_REFUSED = "sender_refused"
    NOT_ALLOWED = "not_allowed"

    NOT_AN_ADDRESS = "not_an_address"
    NEEDS_SMTPUTF8 = "needs_smtputf8"
    RECIPIENT_REFUSED = "recipient_refused"
    MESSAGE_REFUSED = "message_refused"


WRONG_SETUP: Final = frozenset(
    {
        MailReason.TLS,
        MailReason.SERVER_REFUSED,
        MailReason.LOGIN_REFUSED,
        MailReason.SENDER_REFUSED,
        MailReason.NOT_ALLOWED,
    }
)
"""Reasons to try again that don't pass by themselves: somebody has to set something right."""

_REFUSALS: Final[Mapping[type[Exception], MailReason]] = {
    aiosmtplib.SMTPAuthenticationError: MailReason.LOGIN_REFUSED,
    aiosmtplib.SMTPSenderRefused: MailReason.SENDER_REFUSED,
    aiosmtplib.SMTPRecipientRefused: MailReason.NOT_ALLOWED,
}

MailResult = Delivered | TryAgain[MailReason] | Never[MailReason]


class SmtpServer(BaseModel):
    """Where mails are handed over, how the way there is encrypted, and the login."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    username: str | None = None
    password: SecretStr = SecretStr("")

    @classmethod
    def parse(cls, address: str) -> Self:
        """The server at ``smtp://user:password@host:587`` (STARTTLS) or ``smtps://…:465`` (TLS at once).

        On this machine ``smtp://`` is plain text. User and password are percent-encoded. ValueError if the
        address is none.
        """
        url = urlsplit(address)
        try:
            usual = _USUAL_PORTS[url.scheme]
            port = usual if url.port is None else url.port
        except (ValueError, KeyError):
            port = 0
        if not port or not url.hostname or url.path.strip("/") or url.query or url.fragment:
            raise ValueError(
                "must be such as smtp://user:password@host:587 or smtps://user:password@host:465"
            )
        if bool(url.username) != bool(url.password):
            raise ValueError("must have both a user and a password, or neither")
        return cls(
            host=url.hostname,
            port=port,
            tls="implicit" if url.scheme == "smtps" else "none" if is_loopback(url.hostname) else "starttls",
            username=unquote(url.username) if url.username else None,
            password=SecretStr(unquote(url.password or "")),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Mail:
    """A mail to one person.

    `id` is the left side of its Message-ID, and the same whenever this mail is sent again: by it mailboxes
    know what they have already. `unsubscribe` is an https URL that takes a POST (RFC 8058), so what it says
    can't stand in a fragment.
    """

    to: str
    from_name: str
    subject: str
    text: str
    html: str
    locale: str
    id: str
    sent_at: datetime
    unsubscribe: str | None = None


class _AsGiven(UniqueUnstructuredHeader, BaseHeader):
    """A header that is written as it is given, on one line but between encoded words.

    `email` hides a long URL in encoded words, drops the quotes of a long name, so that it becomes addresses,
    and opens what looks like an encoded word: with the line ends in it, a name or an address is headers then.
    """

    max_count: ClassVar[Literal[1]] = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        """Looks for nothing in the value."""
        kwds.update(parse_tree=None, decoded=value)

    def fold(self, *, policy: Policy) -> str:
        words = self.replace("?= =?", f"?={policy.linesep} =?")
        return f"{self.name}: {words}{policy.linesep}"


_HEADERS: Final = HeaderRegistry()
for _name in ("from", "to", "subject", "list-unsubscribe"):
    _HEADERS.map_to_type(_name, _AsGiven)
# Quoted-printable or base64: a relay that can't take 8 bits would have to rewrite what was signed before it.
_WRITTEN: Final = RFC_5322.clone(header_factory=_HEADERS, cte_type="7bit")


class Mailer:
    """Sends mails from one address through one server, with a connection for each.

    Certificates are always checked, against the authorities of `ca_file` or else of the system. Nothing is
    logged: a mail is somebody's address and a link that only they may have.
    """

    def __init__(
        self,
        server: SmtpServer,
        sender: str,
        *,
        ca_file: Path | None = None,
        within: float = WITHIN_SECONDS,
    ) -> None:
        self._server = server
        checked = _checked(sender)
        self._sender, self._domain = _ascii_or_own(checked), checked.ascii_domain
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._within = within

    async def send(self, mail: Mail) -> MailResult:
        """What the server made of it.

        A connection that was lost after the whole mail is `TryAgain`: it may have come, and the same again
        has the same id. `Never` is for what is wrong with this mail: its address, its recipient (5xx), its
        contents (5xx). A refusal of the server, the login, the sender or ours as such is `TryAgain`.
        """
        try:
            to = _checked(mail.to)
        except EmailNotValidError:
            return Never(MailReason.NOT_AN_ADDRESS)
        client = self._client()
        try:
            async with asyncio.timeout(self._within):
                await self._log_in(client)
                result = await self._hand_over(client, mail, to)
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error)
        except (aiosmtplib.SMTPException, OSError) as error:
            return _failed(error)
        else:
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=QUIT_WITHIN_SECONDS)
            return result
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            # Else the machine's name is looked up, for as long as that takes.
            local_hostname=self._domain,
            timeout=self._within,
            use_tls=self._server.tls == "implicit",
            start_tls=False,
            tls_context=self._tls,
        )

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        await client.connect()
        await client.ehlo()
        if self._server.tls == "starttls":
            if not client.supports_extension("starttls"):
                raise ssl.SSLError("the server has no STARTTLS")
            await client.starttls()
            await client.ehlo()
        if self._server.username is not None:
            if not client.supported_auth_methods:
                raise aiosmtplib.SMTPAuthenticationError(_NO_COMMON_LOGIN, "no login that both know")
            await client.login(self._server.username, self._server.password.get_secret_value())

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: Mail, to: ValidatedEmail) -> MailResult:
        recipient, utf8 = _ascii_or_own(to), to.ascii_email is None
        if utf8 and not client.supports_extension("smtputf8"):
            return Never(MailReason.NEEDS_SMTPUTF8)
        encoding, options = ("utf-8", ["SMTPUTF8"]) if utf8 else ("ascii", [])
        written = self._written(mail, recipient).as_bytes(policy=_WRITTEN.clone(utf8=utf8))
        await client.mail(self._sender, options=options, encoding=encoding)
        await client.rcpt(recipient, encoding=encoding)
        await client.data(written)
        return Delivered()

    def _written(self, mail: Mail, recipient: str) -> EmailMessage:
        """Headers and both parts.

        There is no Reply-To: whoever answers the mail itself reaches its From, which nobody reads, and never
        the support address, where each answer would open a conversation that is asked about in turn.
        Auto-Submitted keeps other machines from answering (RFC 3834); Precedence is no standard.
        """
        message = EmailMessage(_WRITTEN)
        message["From"] = _from(clean_name(mail.from_name) or "", self._sender)
        message["To"] = recipient
        message["Subject"] = _words(clean_name(mail.subject) or "")
        message["Message-ID"] = f"<{mail.id}@{self._domain}>"
        message["Date"] = mail.sent_at
        message["Auto-Submitted"] = "auto-generated"
        if mail.unsubscribe:
            message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        message["Content-Language"] = mail.locale  # last: contents take all Content- headers away
        return message


def _from(name: str, address: str) -> str:
    """The mailbox, its name in quotes if it needs them (RFC 5322, 3.4)."""
    words = _words(name)
    return formataddr((name, address)) if words == name else f"{words} <{address}>"


def _words(text: str) -> str:
    """The text, in encoded words (RFC 2047) unless it is ASCII and looks like none."""
    if text.isascii() and "=?" not in text:
        return text
    return Header(text, "utf-8", maxlinelen=60).encode(linesep="")


def _checked(address: str) -> ValidatedEmail:
    return validate_email(address, check_deliverability=False, test_environment=True)


def _ascii_or_own(address: ValidatedEmail) -> str:
    """The address with its domain as DNS has it, unless letters before the @ need SMTPUTF8 anyway."""
    return address.ascii_email or address.normalized


def _refused(error: aiosmtplib.SMTPResponseException) -> MailResult:
    """What the server's refusal means, by its step and its status (RFC 5321, 4.2; RFC 3463)."""
    match error:
        case _ if error.code < _REFUSED_FOR_GOOD:
            return TryAgain(MailReason.DEFERRED, error.code)
        case aiosmtplib.SMTPRecipientRefused() if not _ABOUT_US.match(error.message):
            return Never(MailReason.RECIPIENT_REFUSED, error.code)
        case aiosmtplib.SMTPDataError():
            return Never(MailReason.MESSAGE_REFUSED, error.code)
        case _:
            return TryAgain(_REFUSALS.get(type(error), MailReason.SERVER_REFUSED), error.code)


def _failed(error: Exception) -> TryAgain[MailReason]:
    match error:
        case ssl.SSLError() | aiosmtplib.SMTPConnectError(__cause__=ssl.SSLError()):
            return TryAgain(MailReason.TLS)
        case TimeoutError():
            return TryAgain(MailReason.TIMEOUT)
        case aiosmtplib.SMTPConnectError():
            return TryAgain(MailReason.UNREACHABLE)
        case _:
            return TryAgain(MailReason.CONNECTION_LOST)
