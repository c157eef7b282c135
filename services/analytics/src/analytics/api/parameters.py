"""The parameters of queries: plain texts of a known shape, so that nothing else ever reaches the database."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from analytics.api.permissions import permitted_channels
from analytics.domain.periods import InvalidPeriod, Period, bound, cuts, period
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.reviews import ReviewPosition
from contracts.access import Claims, SubjectId
from contracts.envelope import Id
from contracts.ratings import CloseState
from contracts.zones import TimeZone


def known_cursor(cursor: str) -> str:
    """`cursor`, if it is empty or a cursor of reviews. Raises InvalidCursor."""
    if cursor:
        ReviewPosition.from_cursor(cursor)
    return cursor


def known_bound(text: str) -> str:
    """`text`, if it can begin or end a range. Raises InvalidPeriod."""
    bound(text, ZoneInfo("UTC"))
    return text


Bound = Annotated[str, AfterValidator(known_bound)]


class BucketSize(StrEnum):
    """How a range is cut."""

    DAY = "day"
    HOUR = "hour"


class CloseParameters(BaseModel):
    """Which closes a query is about."""

    model_config = ConfigDict(frozen=True, validate_by_name=True)

    channel: Id | None = Field(None, description="Closes of this channel only.", examples=["course-a"])
    operator: SubjectId | None = Field(
        None, description="Closes that count for this operator.", examples=["ann"]
    )
    from_: Bound | None = Field(
        None,
        alias="from",
        description="Closed at or after: a date in `tz`, or an RFC 3339 instant on a quarter hour of UTC, in"
        " which the + of an offset is written %2B.",
        examples=["2026-03-01"],
    )
    to: Bound | None = Field(None, description="Closed before; written like `from`.", examples=["2026-04-01"])
    tz: TimeZone = Field("UTC", description="IANA time zone of the dates.", examples=["Europe/Paris"])

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        _ = self.period
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone asked for."""
        return ZoneInfo(self.tz)

    @property
    def period(self) -> Period:
        """The range [since, until) in UTC; None where it is open."""
        return period(self.from_, self.to, self.zone)

    def local(self, moment: datetime | None) -> datetime | None:
        """The same moment on the clocks of the zone asked for."""
        return moment and moment.astimezone(self.zone)

    def close_filter(self, claims: Claims) -> CloseFilter:
        """The closes that were asked for and that the caller may see. Raises `Forbidden`."""
        return CloseFilter(permitted_channels(claims, self.channel), self.operator, *self.period)

    def for_audit(self) -> dict[str, Any]:
        """The parameters that were given, by their names in the URL."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class SummaryParameters(CloseParameters):
    """A summary, as a whole or cut into days or hours of `tz`."""

    by: BucketSize | None = Field(None, description="Adds a bucket per day or hour; needs `from` and `to`.")

    @model_validator(mode="after")
    def _can_be_cut(self) -> Self:
        if self.by is not None and (self.from_ is None or self.to is None):
            raise InvalidPeriod("period-required")
        _ = self.starts
        return self

    @property
    def starts(self) -> list[datetime]:
        """Where the buckets begin, in UTC."""
        since, until = self.period
        if self.by is None or since is None or until is None:
            return []
        return cuts(self.by.value, since, until, self.zone)


class ReviewParameters(CloseParameters):
    """A page of reviews."""

    state: CloseState | None = Field(None, description="Only closes in this state; `given` has the ratings.")
    cursor: Annotated[str, AfterValidator(known_cursor)] | None = Field(
        None, max_length=300, description="`next_cursor` of the page before; empty for the first."
    )
    limit: int = Field(50, ge=1, le=200, description="Reviews per page.")

    @property
    def after(self) -> ReviewPosition | None:
        """The position where the page begins; None for the first page."""
        return ReviewPosition.from_cursor(self.cursor) if self.cursor else None
