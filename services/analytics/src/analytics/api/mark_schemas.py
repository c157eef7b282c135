"""The schemas of marks on the time axis, as OpenAPI shows them."""

from typing import Annotated, Any, ClassVar, Final, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from analytics.api.parameters import MOST_VALUES, Bound
from analytics.domain.mark import Channels, is_covered
from analytics.domain.periods import Period, period
from analytics.read_models.marks import PlacedMark
from chassis.http.bodies import KIB, RequestBody
from chassis.validation.messages import FIELD_SENTENCES, wrong
from chassis.validation.text import CODE_POINTS, clean_name
from contracts.envelope import Id, Instant
from contracts.zones import TimeZone

LONGEST_TEXT: Final = 80


def one_line(text: str) -> str:
    """`text` as one line, if there is something to be seen in it."""
    if (cleaned := clean_name(text)) is None:
        raise wrong(FIELD_SENTENCES["blank"], "blank")
    return cleaned


MarkText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT), AfterValidator(one_line)]


class MarkBody(RequestBody):
    """What happened, when and where."""

    largest: ClassVar[int] = 4 * KIB

    at: Instant = Field(description="When it happened.", examples=["2026-03-12T09:00:00Z"])
    text: MarkText = Field(
        description=f"What happened, {CODE_POINTS}. Stored in clear: nothing about a client.",
        examples=["New bot"],
    )
    channels: Annotated[list[Id], Field(min_length=1, max_length=MOST_VALUES)] | None = Field(
        None, description="In which channels; null for every one.", examples=[["course-a"]]
    )

    @property
    def asked_channels(self) -> Channels:
        """The channels; None for every one."""
        return None if self.channels is None else frozenset(self.channels)


class MarkParameters(BaseModel):
    """Which marks are asked for."""

    model_config = ConfigDict(frozen=True, validate_by_name=True)

    channel: list[Id] = Field(
        [],
        max_length=MOST_VALUES,
        description="Marks of these channels, and of all.",
        examples=[["course-a"]],
    )
    from_: Bound | None = Field(
        None, alias="from", description="At or after; written as in `summary`.", examples=["2026-03-01"]
    )
    to: Bound | None = Field(None, description="Before; written like `from`.", examples=["2026-04-01"])
    tz: TimeZone = Field("UTC", description="IANA time zone of the dates.", examples=["Europe/Paris"])

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        _ = self.period
        return self

    @property
    def period(self) -> Period:
        """The range [since, until) in UTC; None where it is open."""
        return period(self.from_, self.to, ZoneInfo(self.tz))


class PlacedBy(BaseModel):
    """Who placed a mark, as their token named them at that moment."""

    id: str = Field(description="The `sub` of their token.", examples=["sue"])
    name: str = Field(description="What they were called.", examples=["Sue Hart"])


class TimeMark(BaseModel):
    """A mark on the time axis."""

    id: str = Field(description="Chosen by whoever placed it first.", examples=["new-bot"])
    at: Instant = Field(description="When it happened.")
    text: str = Field(description="What happened.", examples=["New bot"])
    channels: list[str] | None = Field(
        description="In which channels, as far as the caller may see them; null for every one.",
        examples=[["course-a"]],
    )
    by: PlacedBy = Field(description="Who placed it, or placed it anew.")
    placed_at: Instant = Field(description="When they did.")
    may_change: bool = Field(description="Whether the caller may place it anew and remove it.")

    @classmethod
    def of(cls, mark: PlacedMark, covered: Channels) -> "TimeMark":
        """A mark, as whoever may see the `covered` channels sees it."""
        fields: dict[str, Any] = vars(mark)
        seen = mark.channels and [each for each in mark.channels if covered is None or each in covered]
        return cls.model_validate(
            {**fields, "channels": seen, "may_change": is_covered(mark.channels, covered)}
        )


class TimeMarks(BaseModel):
    """The marks of a period."""

    marks: list[TimeMark] = Field(description="The newest 200 at most, in the order of time.")
    complete: bool = Field(description="Whether these are all.")
