"""What rating reads from its environment: secrets, and how channels ask before they are set up."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from chassis.crypto_shredding.settings import SealingSettings
from chassis.settings import Duration, Key32, Keys32, VisitorSettings
from rating.domain.quality_control.settings import QualityControlSettings
from rating.domain.rating.form_version import CommentRule, Scale

SECOND = timedelta(seconds=1)
TEN_YEARS = timedelta(days=3650)
STARS = Scale(name="stars", lowest=1, highest=5, satisfied_from=4)


class RatingSettings(VisitorSettings, SealingSettings):
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
