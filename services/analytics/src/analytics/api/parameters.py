"""The parameters of queries: plain texts of a known shape, so that nothing else ever reaches the database."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from analytics.api.permissions import permitted_channels, permitted_teams
from analytics.api.problems import SCALE_SENTENCE
from analytics.domain.counting import OutcomeFilter, ScaleKey
from analytics.domain.periods import (
    LONGEST,
    InvalidPeriod,
    Period,
    bound,
    cuts,
    lasts,
    offsets,
    period,
    previous,
)
from analytics.domain.review import ReviewStatus
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import Axis
from analytics.read_models.reviews import ReviewPosition
from chassis.validation.messages import FIELD_SENTENCES, Shaped, wrong
from chassis.validation.text import Locale, is_blank
from contracts.access import Claims, SubjectId
from contracts.envelope import Id, Name
from contracts.ratings import WIDEST, CloseState
from contracts.zones import TimeZone

MOST_VALUES = 30
"""Of a parameter that may be given more than once."""

LONGEST_SEARCH = 200
LONGEST_OF_PATTERNS = timedelta(days=93)


def known_cursor(cursor: str) -> str:
    """`cursor`, if it is empty or a cursor of reviews. Raises InvalidCursor."""
    if cursor:
        ReviewPosition.from_cursor(cursor)
    return cursor


def known_bound(text: str) -> str:
    """`text`, if it can begin or end a range. Raises InvalidPeriod."""
    bound(text, ZoneInfo("UTC"))
    return text


def seen(text: str) -> str:
    """`text`, if there is something to be seen in it."""
    if is_blank(text):
        raise wrong(FIELD_SENTENCES["blank"], "blank")
    return text


SearchText = Annotated[str, StringConstraints(max_length=LONGEST_SEARCH), AfterValidator(seen)]
Bound = Annotated[str, AfterValidator(known_bound)]
ScoreText = Annotated[int, Field(ge=-WIDEST, le=WIDEST)]
ScaleText = Annotated[
    str,
    Shaped(
        r".{1,64}:-?\d{1,7}:-?\d{1,7}",
        SCALE_SENTENCE,
        code="not-a-scale",
    ),
]


class BucketSize(StrEnum):
    """How a range is cut."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Versus(StrEnum):
    """What a period is compared with."""

    PREVIOUS = "previous"


class CloseParameters(BaseModel):
    """Which closes a query is about."""

    model_config = ConfigDict(frozen=True, validate_by_name=True)

    channel: list[Id] = Field(
        [], max_length=MOST_VALUES, description="Closes of these channels only.", examples=[["course-a"]]
    )
    operator: list[SubjectId] = Field(
        [], max_length=MOST_VALUES, description="Closes that count for these operators.", examples=[["ann"]]
    )
    nobody: bool = Field(
        default=False, description="Closes that count for nobody: these only, or those of `operator` besides."
    )
    team: list[Name] = Field(
        [],
        max_length=MOST_VALUES,
        description="Closes that count for an operator who was in one of these teams then.",
        examples=[["first-line"]],
    )
    axis: Axis = Field(
        Axis.CLOSED_AT,
        description="What `from`, `to`, buckets and hours are about: when closes were closed, or when"
        " they were first rated; then they are rated closes alone.",
    )
    from_: Bound | None = Field(
        None,
        alias="from",
        description="At or after, by `axis`: a date in `tz`, or an RFC 3339 instant on a quarter hour of UTC,"
        " in which the + of an offset is written %2B.",
        examples=["2026-03-01"],
    )
    to: Bound | None = Field(None, description="Before; written like `from`.", examples=["2026-04-01"])
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

    @property
    def whole_period(self) -> tuple[datetime, datetime]:
        """The range, both ends of which must be given. Raises InvalidPeriod."""
        since, until = self.period
        if since is None or until is None:
            raise InvalidPeriod("period-required")
        return since, until

    def is_running(self, now: datetime) -> bool:
        """Whether the period isn't over."""
        until = self.period[1]
        return until is None or now < until

    def local(self, moment: datetime | None) -> datetime | None:
        """The same moment on the clocks of the zone asked for."""
        return moment and moment.astimezone(self.zone)

    def close_filter(self, claims: Claims) -> CloseFilter:
        """The closes that were asked for and that the caller may see. Raises `Forbidden`."""
        operators = frozenset([*self.operator, *([None] if self.nobody else [])]) or None
        channels, teams = permitted_channels(claims, self.channel), permitted_teams(claims, self.team)
        since, until = self.period
        return CloseFilter(channels, operators, since=since, until=until, teams=teams, axis=self.axis)

    def for_audit(self) -> dict[str, Any]:
        """The parameters that were given, by their names in the URL."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class CountParameters(CloseParameters):
    """Which closes are counted or shown: also by what became of them, and by what the client said."""

    state: list[CloseState] = Field(
        [], max_length=len(CloseState), description="Only closes in these states; `given` has the ratings."
    )
    score: list[ScoreText] = Field(
        [], max_length=MOST_VALUES, description="Only answers with these scores.", examples=[[1, 2]]
    )
    scale: ScaleText | None = Field(
        None, description="Only answers on this scale: name, lowest, highest.", examples=["stars:1:5"]
    )
    satisfied: bool | None = Field(None, description="Only satisfied answers, or only those that are not.")
    with_comment: bool | None = Field(None, description="Only answers with a comment, or only those without.")
    tag: list[Name] = Field(
        [],
        max_length=MOST_VALUES,
        description="Only answers with one of these tags; of a changed answer those that it has now.",
        examples=[["fast"]],
    )
    locale: list[Locale] = Field(
        [],
        max_length=MOST_VALUES,
        description="Closes in one of these languages, BCP 47 tags; `fr` stands for `fr-CA` too.",
        examples=[["fr"]],
    )

    def close_filter(self, claims: Claims) -> CloseFilter:
        """The closes that were asked for and that the caller may see. Raises `Forbidden`."""
        return replace(
            super().close_filter(claims),
            outcomes=self._outcomes,
            tags=frozenset(self.tag) or None,
            locales=frozenset(self.locale) or None,
        )

    @property
    def _outcomes(self) -> OutcomeFilter:
        name, lowest, highest = self.scale.rsplit(":", 2) if self.scale else ("", "", "")
        return OutcomeFilter(
            frozenset(self.state) or None,
            frozenset(self.score) or None,
            ScaleKey(name, int(lowest), int(highest)) if self.scale else None,
            self.satisfied,
            self.with_comment,
        )


class SummaryParameters(CountParameters):
    """A summary, as a whole or cut, and beside that of another period."""

    by: BucketSize | None = Field(
        None, description="Adds a bucket per hour, day, week or month of `tz`; needs `from` and `to`."
    )
    vs: Versus | None = Field(
        None,
        description="Compares with the period before, as long in days of `tz`, or in time if it isn't whole"
        " days; of a running one with as much as has run. Needs `from` and `to`.",
    )
    vs_from: Bound | None = Field(
        None, description="Compares with a period of your own, written like `from`."
    )
    vs_to: Bound | None = Field(None, description="Its end, which is no longer part of it.")

    @model_validator(mode="after")
    def _can_be_cut_and_compared(self) -> Self:
        own = [self.vs_from, self.vs_to]
        if (None in own and any(own)) or (self.vs and any(own)):
            raise InvalidPeriod("comparison-incomplete")
        if self.by or self.vs:
            _ = self.whole_period
        if any(own):
            self.starts(period(self.vs_from, self.vs_to, self.zone))
        self.starts(self.period)
        return self

    def starts(self, within: Period) -> list[datetime]:
        """Where the buckets begin, in UTC. Raises InvalidPeriod."""
        since, until = within
        if self.by is None or since is None or until is None:
            return []
        return cuts(self.by.value, since, until, self.zone)

    def compared(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The period to compare with; None if that wasn't asked for."""
        if self.vs:
            return previous(*self.whole_period, now, self.zone)
        since, until = period(self.vs_from, self.vs_to, self.zone)
        return (since, until) if since and until else None


class OperatorView(StrEnum):
    """What makes a close one of an operator's."""

    COUNTS_FOR = "counts_for"
    TOOK_PART = "took_part"


class OperatorParameters(CountParameters):
    """Operators, by the closes that count for them, or in which they took part."""

    view: OperatorView = Field(
        OperatorView.COUNTS_FOR,
        description="`took_part`: a close is in the entry of each person who wrote in it, so entries don't"
        " add up to the whole. `operator` and `team` still say whom closes count for.",
    )


class FormVersionParameters(CountParameters):
    """The versions of one channel's form, two of them beside one another."""

    channel: list[Id] = Field(
        min_length=1, max_length=1, description="Whose form it is.", examples=[["course-a"]]
    )
    version: int | None = Field(
        None, ge=1, description="The version that is compared; the newest unless said."
    )
    vs_version: int | None = Field(
        None,
        ge=1,
        description="What it is compared with; unless said the one before it, of the oldest the one after.",
    )


class HourParameters(CountParameters):
    """Hours of the week in `tz`; needs `from` and `to`."""

    @model_validator(mode="after")
    def _is_short_enough(self) -> Self:
        since, until = self.whole_period
        if lasts(since, until, self.zone) > LONGEST["day"]:
            raise InvalidPeriod("hours-too-long", days=LONGEST["day"].days)
        cuts("day", since, until, self.zone)
        return self

    @property
    def offsets(self) -> list[Any]:
        """How far the zone is ahead of UTC, and from when on."""
        return offsets(*self.whole_period, self.zone)


class PatternParameters(CountParameters):
    """Patterns of operators; needs `from` and `to`."""

    @model_validator(mode="after")
    def _is_short_enough(self) -> Self:
        since, until = self.whole_period
        if lasts(since, until, self.zone) > LONGEST_OF_PATTERNS:
            raise InvalidPeriod("patterns-too-long", days=LONGEST_OF_PATTERNS.days)
        return self


class ListParameters(CountParameters):
    """Which closes are shown one by one: also by how far supervisors are with them."""

    status: list[ReviewStatus] = Field(
        [], max_length=len(ReviewStatus), description="Only closes that supervisors gave one of these."
    )
    text: SearchText | None = Field(
        None,
        description="Only answers whose comment holds every one of these words, whatever their case.",
        examples=["refund"],
    )

    def for_audit(self) -> dict[str, Any]:
        """As everywhere, without the words: they may be a client's, and outlive its erasure."""
        asked = super().for_audit()
        return asked | {"text": True} if self.text else asked

    @property
    def statuses(self) -> frozenset[ReviewStatus] | None:
        """The statuses asked for; None for any."""
        return frozenset(self.status) or None


class PageParameters(CountParameters):
    """A page of closes one by one."""

    cursor: Annotated[str, AfterValidator(known_cursor)] | None = Field(
        None, max_length=300, description="`next_cursor` of the page before; empty for the first."
    )
    limit: int = Field(50, ge=1, le=200, description="Closes per page.")

    @property
    def after(self) -> ReviewPosition | None:
        """The position where the page begins; None for the first page."""
        return ReviewPosition.from_cursor(self.cursor) if self.cursor else None


class ReviewParameters(ListParameters, PageParameters):
    """A page of reviews."""

    counts: bool = Field(
        default=False, description="Also counts them, on the first page: as dear as a summary of the period."
    )


class ExportParameters(ListParameters):
    """All closes as a file."""

    bom: bool = Field(
        default=False,
        description="Begins with a byte order mark, by which Excel knows UTF-8 when it opens a file.",
    )
