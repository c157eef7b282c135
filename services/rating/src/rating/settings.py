"""What rating reads from its environment: beyond every service's settings, how its forms behave."""

from datetime import timedelta
from fnmatch import fnmatchcase
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from chassis.crypto_shredding.settings import SealingSettings
from chassis.settings import Duration, Key32, Keys32, VisitorSettings
from rating.domain.rating.form_version import FormVersion, Scale

SECOND = timedelta(seconds=1)
TEN_YEARS = timedelta(days=3650)
STARS = Scale(name="stars", lowest=1, highest=5, satisfied_from=4)


class ChannelTimes(BaseModel):
    """What some channels have otherwise; an absent time is the service's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delay: Duration | None = Field(default=None, ge=timedelta(0), le=TEN_YEARS)
    expiry: Duration | None = Field(default=None, ge=SECOND, le=TEN_YEARS)
    edit_window: Duration | None = Field(default=None, ge=SECOND, le=TEN_YEARS)
    offer_window: Duration | None = Field(default=None, ge=SECOND, le=TEN_YEARS)
    cool_down: Duration | None = Field(default=None, ge=timedelta(0), le=TEN_YEARS)


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

    rating_channels: dict[str, ChannelTimes] = Field(
        default_factory=dict,
        description='other times for some channels, as JSON: {"demo-*": {"expiry": 10}}, first match holds',
    )

    def form_version_of(self, channel: str) -> FormVersion:
        """The one version of a channel's settings, as long as Quality control can't set them."""
        own = (times for pattern, times in self.rating_channels.items() if fnmatchcase(channel, pattern))
        times = next(own, ChannelTimes())
        return FormVersion(
            version=1,
            question="How was your conversation with us?",
            scale=STARS,
            comment_limit=2000,
            delay=self.rating_delay if times.delay is None else times.delay,
            expiry=times.expiry or self.rating_expiry,
            edit_window=times.edit_window or self.rating_edit_window,
            offer_window=times.offer_window or self.rating_offer_window,
            cool_down=self.rating_cool_down if times.cool_down is None else times.cool_down,
        )
