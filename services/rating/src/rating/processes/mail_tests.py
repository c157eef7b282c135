"""Sends staff a test: the mail that would ask a client, marked as one, by the settings that are saved."""

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from rating.adapters.mail import Mail, Mailer, MailResult
from rating.adapters.mails import render
from rating.domain.quality_control.texts import shown
from rating.processes.form_mails import button_of
from rating.read_models.channels import Channels
from rating.read_models.quality_control import QualityControlVersions

WITHIN_SECONDS: Final = 15.0
"""For a whole test: somebody waits for what became of it, and their browser for 20 seconds."""


@dataclass(frozen=True)
class MailTester:
    """Sends tests with links to pages at `url`; `token_of` gives that of a channel, version and locale."""

    mailer: Mailer
    versions: QualityControlVersions
    channels: Channels
    url: str
    token_of: Callable[[str, int, str], str]

    async def send(self, channel: str, to: str, locale: str, now: datetime) -> MailResult:
        """What became of a test of the channel's saved settings, sent once, in the language of `locale`.

        Nobody can unsubscribe by it: that would store something.
        """
        current, name = await self.versions.current(channel), await self.channels.name(channel)
        default, settings = await self.channels.default_locale(channel), current.settings
        rendered = render(
            "test",
            locale=locale,
            channel=name,
            question=shown(settings.texts, [locale], default)["question"][1],
            link=f"{self.url}/form#{self.token_of(channel, current.version, locale)}",
            until=now + settings.expiry,
            time_zone=await self.channels.time_zone(channel),
            unsubscribe=None,
            button=button_of(settings.accent),
        )
        mail = Mail(
            to=to,
            from_name=name,
            **asdict(rendered),
            id=f"{secrets.token_hex(16)}.test",
            sent_at=now,
        )
        return await self.mailer.send(mail)
