"""The schemas of responses, as OpenAPI shows them."""

from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from analytics.domain.changes import Changes
from analytics.domain.distribution import ScaleDistribution, UnratedRow
from analytics.domain.funnel import FunnelPosition
from analytics.domain.numbers import Numbers, ScaleNumbers
from analytics.domain.patterns import PatternNumbers, PatternShares
from analytics.domain.rows import FUNNEL, RowNumbers
from analytics.read_models.channels import Channel
from analytics.read_models.progress import Progress
from analytics.read_models.reconcile import SHOWN, Comparison, Day, Difference
from analytics.read_models.summary import moment_of
from contracts.envelope import Instant


class Bucket(Numbers):
    """The numbers of one hour, day, week or month, [from, to)."""

    model_config = ConfigDict(validate_by_name=True, frozen=True)

    from_: AwareDatetime = Field(
        alias="from", description="Where it begins, in `tz`.", examples=["2026-03-29T00:00:00+01:00"]
    )
    to: AwareDatetime = Field(
        description="Where it ends, which is no longer part of it.", examples=["2026-03-30T00:00:00+02:00"]
    )
    funnel: FunnelPosition | None = Field(description=FUNNEL)


class ComparedPeriod(Numbers):
    """The numbers of the same filters in the period that is compared with."""

    model_config = ConfigDict(validate_by_name=True, frozen=True)

    from_: AwareDatetime = Field(
        alias="from", description="Where it begins, in `tz`.", examples=["2026-02-01T00:00:00+01:00"]
    )
    to: AwareDatetime = Field(
        description="Where it ends; of `vs=previous` beside a running period, as far as that has run.",
        examples=["2026-03-01T00:00:00+01:00"],
    )
    buckets: list[Bucket] | None = Field(description="As those of the summary; null unless `by` is given.")


class Freshness(BaseModel):
    """How new a response is."""

    position: str = Field(
        description="How far the events had been counted; opaque. It is another one, here and in `changes`,"
        " whenever more was counted.",
        examples=["5f0c2b7a91d4e6a803"],
    )
    as_of: Instant | None = Field(
        description="When the newest event was published that had been counted; null before the first."
    )
    behind_seconds: float | None = Field(
        description="How old the oldest event is that waits to be counted: 0 if none does, null if nobody"
        " knows. As of a few seconds ago, and of the events of the replica that responds.",
        examples=[0.0],
    )

    @classmethod
    def fields(cls, progress: Progress) -> dict[str, Any]:
        """The fields of a progress."""
        behind = None if progress.behind is None else round(progress.behind, 1)
        return {"position": progress.position, "as_of": progress.as_of, "behind_seconds": behind}


class Filtered(Freshness):
    """What a response is about: period and channels."""

    model_config = ConfigDict(validate_by_name=True, frozen=True)

    from_: AwareDatetime | None = Field(
        alias="from", description="As asked for, in `tz`.", examples=["2026-03-01T00:00:00+01:00"]
    )
    to: AwareDatetime | None = Field(
        description="As asked for, in `tz`.", examples=["2026-04-01T00:00:00+02:00"]
    )
    tz: str = Field(description="The time zone asked for.", examples=["Europe/Paris"])
    channels: list[str] | None = Field(
        description="The channels that were counted; null for every one.", examples=[["course-a", "course-b"]]
    )


class Summary(Filtered, Numbers):
    """The numbers of every close that was asked for; the buckets, if asked for, add up to them."""

    running: bool = Field(description="Whether the period isn't over.")
    buckets: list[Bucket] | None = Field(description="In order, without gaps; null unless `by` is given.")
    compared: ComparedPeriod | None = Field(
        description="The other period; null unless `vs` or `vs_from` and `vs_to` are given."
    )
    changes: Changes | None = Field(description="The differences to the other period; null without one.")


class OperatorRow(RowNumbers):
    """The numbers of one operator."""

    operator: str | None = Field(
        description="Whom the closes count for, or who took part; null for nobody.", examples=["ann"]
    )
    name: str | None = Field(
        description="As of the newest of these closes; null for nobody.", examples=["Ann Lee"]
    )


class Operators(Filtered):
    """An entry per operator whom closes count for, and one for nobody; they add up to the whole.

    With `view=took_part` an entry per person who took part; closes with several are in several entries.

    First those with a place, by place; then those with enough answers; then those with too few, among whom
    nobody is.
    """

    rows: list[OperatorRow] = Field(description="The entries, in their order.")


class FormVersion(RowNumbers):
    """What the closes count that a form of one version was made for."""

    version: int = Field(description="As in Quality control.", examples=[4])
    first: Instant = Field(description="The first moment of such a close, by `axis`.")
    last: Instant = Field(description="The last one.")
    scales: tuple[ScaleNumbers, ...] = Field(description="An entry per scale that was answered on.")


class ComparedVersions(BaseModel):
    """One version beside another. They follow one another: what else changed meanwhile is in it too."""

    version: int = Field(description="The one that is compared.", examples=[4])
    vs_version: int = Field(description="With which.", examples=[3])
    comparable: bool = Field(
        description="Whether answers mean the same: the same scale, and no score that satisfies in one alone,"
        " as far as there are answers. Else there is no change of csat and of the normalised average."
    )
    changes: Changes = Field(description="The one less the other.")


class FormVersions(Filtered):
    """The versions of a channel's form that closes have; closes without a form are in none."""

    versions: list[FormVersion] = Field(description="The newest first.")
    compared: ComparedVersions | None = Field(description="Null unless both are there, and not the same.")


class PatternRow(PatternNumbers):
    """How the ratings of one operator came about."""

    operator: str = Field(description="Whom the closes count for.", examples=["ann"])
    name: str | None = Field(description="As of the newest of these closes.", examples=["Ann Lee"])


class Patterns(Filtered):
    """What is odd about how ratings came about, of each operator beside all of them."""

    whole: PatternShares = Field(description="Of all operators under the same filters but `operator`.")
    rows: list[PatternRow] = Field(description="An entry per operator, by id; none for nobody.")


class ChannelRow(RowNumbers):
    """The numbers of one channel."""

    channel: str = Field(description="The channel's id.", examples=["course-a"])
    name: str | None = Field(
        description="What it is called now; null if it was never published.", examples=["Course A"]
    )
    time_zone: str | None = Field(description="Its own time zone.", examples=["Europe/Paris"])
    is_closed: bool | None = Field(description="Whether it takes no new dialogs.", examples=[False])

    @classmethod
    def of(cls, channel: str, known: Channel | None, numbers: RowNumbers) -> "ChannelRow":
        """The numbers of a channel, as it is known."""
        return cls(
            channel=channel, name=known and known.name, time_zone=known and known.time_zone,
            is_closed=known and known.closed, **dict(numbers),
        )  # fmt: skip


class Channels(Filtered):
    """An entry per channel of the token, with closes or without; they add up to the whole.

    In the order of operators.
    """

    rows: list[ChannelRow] = Field(description="The entries, in their order.")


class HourCounts(BaseModel):
    """What was closed in one hour of the week."""

    weekday: int = Field(ge=1, le=7, description="1 for Monday to 7 for Sunday, in `tz`.", examples=[1])
    hour: int = Field(
        ge=0, le=23, description="From this hour to the next, by the clocks of `tz`.", examples=[9]
    )
    closed: int = Field(description="Every close.", examples=[12])
    given: int = Field(description="Answered.", examples=[5])


class Hours(Filtered):
    """The closes by weekday and hour; they add up to the whole."""

    hours: list[HourCounts] = Field(description="All 168, Monday's first hour first.")


class Distribution(Filtered):
    """How the answers spread over the scores."""

    scales: tuple[ScaleDistribution, ...] = Field(description="An entry per scale that was answered on.")


class UnratedCloses(Filtered):
    """Why closes have no rating; the rows add up to closed - given."""

    closed: int = Field(description="Every close.", examples=[64])
    given: int = Field(description="Answered.", examples=[24])
    rows: tuple[UnratedRow, ...] = Field(
        description="One per state and reason that closes are in, the commonest first."
    )


class Changed(Freshness):
    """An event of `changes`: that something was counted, never what. The first tells how it is now."""


class Disagreement(BaseModel):
    """How many closes of a part of a day have an outcome, where closes and counters disagree."""

    channel: str = Field(description="The channel of the closes.", examples=["course-a"])
    day: date = Field(description="The day in `time_zone`.")
    time_zone: str = Field(description="The channel's, when they were first counted.", examples=["UTC"])
    level: Literal["day", "operator", "quarter"] = Field(description="What of the day is counted.")
    quarter: datetime | None = Field(description="Closes of this quarter hour (UTC) only.")
    operator: str | None = Field(
        description="Of `operator`: whom they count for; null for nobody.", examples=["ann"]
    )
    team: str | None = Field(description="Of `operator`: their team then.", examples=["first-line"])
    outcome: str = Field(
        description="How they stand: the state, with its reason or the answer.", examples=["not_offered:spam"]
    )
    closes: int = Field(description="The number by the closes.")
    counters: int = Field(description="The number by the counters, which the summary adds up.")

    @classmethod
    def of(cls, difference: Difference) -> "Disagreement":
        """As it is shown."""
        return cls(
            channel=difference.day.channel, day=date_of(difference.day), time_zone=difference.day.zone,
            level=difference.part.level, operator=difference.part.operator, team=difference.part.team,
            quarter=None if difference.part.quarter is None else moment_of(difference.part.quarter),
            outcome=difference.outcome, closes=difference.closes, counters=difference.counters,
        )  # fmt: skip


def date_of(day: Day) -> date:
    """The date of a day by the clocks of its zone."""
    return day.start.astimezone(ZoneInfo(day.zone)).date()


class Reconciliation(BaseModel):
    """Whether a recount of the closes gives the counters; both read at one moment."""

    equal: bool = Field(description="Whether nothing differs.")
    closes: int = Field(description="How many closes were recounted.", examples=[64])
    disagreements: int = Field(
        description="How many numbers differ: of days, of operators in them, of quarter hours.", examples=[0]
    )
    days: list[date] = Field(
        description="The first hundred days that differ, by the clocks of their channels.", examples=[[]]
    )
    first: list[Disagreement] = Field(
        description="The first hundred numbers that differ, oldest first.", examples=[[]]
    )
    lag: int = Field(description="Events that this replica has yet to receive, as of a few seconds ago.")

    @classmethod
    def of(cls, comparison: Comparison, lag: int) -> "Reconciliation":
        """As it is shown."""
        return cls(
            equal=not comparison.differing,
            closes=comparison.closes,
            disagreements=comparison.differing,
            days=list(dict.fromkeys(map(date_of, comparison.days)))[:SHOWN],
            first=[Disagreement.of(each) for each in comparison.first[:SHOWN]],
            lag=lag,
        )


class ReconciliationProgress(BaseModel):
    """How far a recount has come; of its last line the whole."""

    compared_until: Instant | None = Field(
        description="The days before this were compared; null when all were."
    )
    closes: int = Field(description="How many closes were recounted so far.", examples=[64])
    disagreements: int = Field(description="How many numbers differ so far.", examples=[0])
    result: Reconciliation | None = Field(description="The result, in the last line; null before.")

    @classmethod
    def of(cls, comparison: Comparison, lag: int) -> "ReconciliationProgress":
        """As it is shown."""
        return cls(
            compared_until=comparison.until,
            closes=comparison.closes,
            disagreements=comparison.differing,
            result=Reconciliation.of(comparison, lag) if comparison.until is None else None,
        )
