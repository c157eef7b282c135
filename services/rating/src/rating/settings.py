"""What rating reads from its environment: secrets, and how channels ask before they are set up."""

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from chassis.crypto_shredding.settings import OpeningSettings, SealingSettings
from chassis.settings import Duration, Key32, Keys32, Networks, VisitorSettings
from chassis.validation.text import Email
from rating.adapters.mail import SmtpServer
from rating.domain.quality_control.settings import QualityControlSettings
from rating.domain.rating.form_version import CommentRule, Scale

SECOND = timedelta(seconds=1)
TEN_YEARS = timedelta(days=3650)
STARS = Scale(name="stars", lowest=1, highest=5, satisfied_from=4)


def _server(address: object) -> object:
    return SmtpServer.parse(address) if isinstance(address, str) else address


class RatingSettings(VisitorSettings, SealingSettings, OpeningSettings):
    """Settings of the rating service."""

    service: ClassVar[str] = "rating"
    offset: ClassVar[int] = 1

    form_secret: Key32 = Field(description="signs form tokens, base64url of 32 bytes")
    form_secrets_before: Keys32 = Field(
        default=(), description="secrets whose form tokens are good besides, with commas between them"
    )
    rating_delay: Duration = Field(
        default=timedelta(0), ge=timedelta(0), le=TEN_YEARS, description="from the close to the form"
    )
    rating_expiry: Duration = Field(
        default=timedelta(days=7), ge=SECOND, le=TEN_YEARS, description="how long a form waits"
    )
    rating_edit_window: Duration = Field(
        default=timedelta(minutes=15),
        ge=SECOND,
        le=TEN_YEARS,
        description="how long an answer can change",
    )
    rating_offer_window: Duration = Field(
        default=timedelta(hours=24),
        ge=SECOND,
        le=TEN_YEARS,
        description="the age of a close that gets no form",
    )
    rating_cool_down: Duration = Field(
        default=timedelta(0),
        ge=timedelta(0),
        le=TEN_YEARS,
        description="how long after an offer a client is asked nothing else in the channel; 0: no such rule",
    )
    smtp: Annotated[SmtpServer | None, NoDecode, BeforeValidator(_server)] = Field(
        default=None, repr=False, description="the server that mails go through; unset: no mails"
    )
    smtp_ca_file: Path | None = Field(
        default=None, description="the authorities that its certificate may be of, instead of the system's"
    )
    mail_from: Email | None = Field(default=None, description="the address that mails come from")
    webhook_private: Networks = Field(
        default=(), description="networks of one's own that webhooks may go to, with commas between them"
    )

    @field_validator("smtp_ca_file")
    @classmethod
    def _holds_authorities(cls, file: Path | None) -> Path | None:
        if file:
            try:
                ssl.create_default_context(cafile=file)
            except OSError:
                raise ValueError("must name a file with certificates in PEM") from None
        return file

    @field_validator("mail_from")
    @classmethod
    def _writes_as_somebody(cls, address: str | None, info: ValidationInfo) -> str | None:
        if address is None and info.data.get("smtp"):
            raise ValueError("must be set where CANDOR_SMTP is")
        if address and not address.partition("@")[0].isascii():
            raise ValueError("must have ASCII letters before the @, as not all servers take others")
        return address

    @property
    def quality_control(self) -> QualityControlSettings:
        """How a channel asks before anybody has saved how it shall."""
        return QualityControlSettings(
            enabled=True,
            scale=STARS,
            comment=CommentRule(),
            texts={},
            delay=self.rating_delay,
            expiry=self.rating_expiry,
            edit_window=self.rating_edit_window,
            offer_window=self.rating_offer_window,
            cool_down=self.rating_cool_down,
        )
