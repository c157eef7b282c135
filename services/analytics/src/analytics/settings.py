"""The settings of analytics, from environment variables."""

from typing import ClassVar

from pydantic import Field

from analytics import SERVICE
from analytics.domain.numbers import MINIMUM_N
from chassis.settings import Key32, ServiceSettings


class AnalyticsSettings(ServiceSettings):
    """The settings of every service, and those of analytics."""

    service: ClassVar[str] = SERVICE
    offset: ClassVar[int] = 2

    readers_key: Key32 = Field(description="32 bytes, base64url, that published keys are wrapped for")
    minimum_n: int = Field(
        default=MINIMUM_N, ge=1, le=100_000, description="below this many, a percentage is marked as too few"
    )
