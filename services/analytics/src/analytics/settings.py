"""The settings of analytics, from environment variables."""

from typing import ClassVar

from pydantic import Field

from analytics import SERVICE
from analytics.domain.numbers import MINIMUM_N
from chassis.crypto_shredding.settings import OpeningSettings


class AnalyticsSettings(OpeningSettings):
    """The settings of every service, and those of analytics."""

    service: ClassVar[str] = SERVICE
    offset: ClassVar[int] = 2

    minimum_n: int = Field(
        default=MINIMUM_N, ge=1, le=100_000, description="below this many, a percentage is marked as too few"
    )
