"""The schemas of responses, as OpenAPI shows them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from analytics.domain.close import Close
from analytics.domain.numbers import Numbers
from analytics.read_models.decryption import DecryptedText, DecryptionState, SealedText
from analytics.read_models.reconcile import SHOWN, Comparison, Difference
from contracts.dialogs import ClosedBy
from contracts.envelope import Instant
from contracts.keys import Purpose
from contracts.ratings import CancelledReason, CloseState, NotOfferedReason, Scale


class Bucket(Numbers):
    """The numbers of one day or hour, [from, to)."""

    model_config = ConfigDict(validate_by_name=True, frozen=True)

    from_: AwareDatetime = Field(
        alias="from", description="Where it begins, in `tz`.", examples=["2026-03-29T00:00:00+01:00"]
    )
    to: AwareDatetime = Field(
        description="Where it ends, which is no longer part of it.", examples=["2026-03-30T00:00:00+02:00"]
    )


class Summary(Numbers):
    """The numbers of every close that was asked for; the buckets, if asked for, add up to them."""

    model_config = ConfigDict(validate_by_name=True, frozen=True)

    from_: AwareDatetime | None = Field(
        alias="from", description="As asked for, in `tz`.", examples=["2026-03-01T00:00:00+01:00"]
    )
    to: AwareDatetime | None = Field(
        description="As asked for, in `tz`.", examples=["2026-04-01T00:00:00+02:00"]
    )
    tz: str = Field(description="The time zone asked for.", examples=["Europe/Paris"])
    channels: Sequence[str] | None = Field(
        description="The channels that were counted; null for every one.", examples=[["course-a", "course-b"]]
    )
    buckets: Sequence[Bucket] | None = Field(description="In order, without gaps; null unless `by` is given.")


class ReviewText(BaseModel):
    """What a client wrote: open, erased, waiting for its key, or damaged."""

    state: DecryptionState = Field(description="`waiting`: its key is still to be received.")
    text: str | None = Field(description="The text, if it is open.", examples=["Quick and kind."])

    @classmethod
    def of(cls, sealed: SealedText | None, opened: Mapping[SealedText, DecryptedText]) -> "ReviewText | None":
        """What `sealed` reads now; None where nobody wrote anything."""
        return None if sealed is None else cls(state=opened[sealed].state, text=opened[sealed].text)


class Review(BaseModel):
    """One close, and what became of its rating; attribution is as it was when the dialog closed."""

    dialog: str = Field(description="The dialog's id.", examples=["d-7f3a"])
    close_seq: int = Field(description="1 for the dialog's first close, 2 for the next.", examples=[2])
    channel: str = Field(description="Where the dialog took place.", examples=["course-a"])
    operator: str | None = Field(description="Whom it counts for; null if nobody.", examples=["ann"])
    operator_name: str | None = Field(description="The operator's name then.", examples=["Ann Lee"])
    team: str | None = Field(description="The operator's team then.", examples=["first-line"])
    client: str = Field(description="An opaque id.", examples=["c-91be"])
    client_name: ReviewText | None = Field(description="What the client is called; null if they didn't say.")
    closed_at: Instant = Field(description="When it was closed.")
    closed_by: ClosedBy = Field(description="Who closed it.")
    reopened_at: Instant | None = Field(description="When this close was undone; null if it wasn't.")
    state: CloseState = Field(description="Where its rating stands.")
    reason: NotOfferedReason | CancelledReason | None = Field(
        description="Why there is no form, or why it was withdrawn; of not_offered and cancelled only."
    )
    given_at: Instant | None = Field(description="The first answer.")
    changes: int = Field(description="How often the answer was changed.", examples=[0])
    scale: Scale | None = Field(description="The scores to choose from, and from which on one is satisfied.")
    score: int | None = Field(description="The last answer, on the scale.", examples=[5])
    satisfied: bool | None = Field(description="Whether the score is at or above the threshold of its form.")
    comment: ReviewText | None = Field(description="What the client wrote; null for nothing.")
    tags: tuple[str, ...] = Field(description="The tags that the client chose.")

    @classmethod
    def of(cls, close: Close, opened: Mapping[SealedText, DecryptedText]) -> "Review":
        """A close that counts, with what its client wrote."""
        closed, answer = close.closed, close.answer
        if closed is None:
            raise ValueError("only a close that counts can be reviewed")
        return cls(
            **{name: getattr(closed, name) for name in OF_CLOSED},
            client_name=ReviewText.of(client_name(close), opened),
            reopened_at=close.reopened_at,
            state=close.state,
            reason=close.reason,
            given_at=close.given_at,
            changes=getattr(answer, "change", 0),
            scale=answer and answer.scale,
            score=answer and answer.score,
            satisfied=answer and answer.satisfied,
            comment=ReviewText.of(comment(close), opened),
            tags=answer.tags if answer else (),
        )


OF_CLOSED: Final = (
    "dialog", "close_seq", "channel", "operator", "operator_name", "team", "client", "closed_at", "closed_by"
)  # fmt: skip


class ReviewPage(BaseModel):
    """Closes, the newest first. A page is never moved by what is closed meanwhile."""

    reviews: Sequence[Review] = Field(description="As many as `limit` at most.")
    next_cursor: str | None = Field(
        description="For the next page; null at the end.", examples=["WzE3NzQ3NDk1OTk5OTksICJkLTdmM2EuMiJd"]
    )


class Disagreement(BaseModel):
    """A count that differs between the closes and the counters."""

    channel: str = Field(description="The channel of the closes.", examples=["course-a"])
    operator: str | None = Field(description="Whom they count for; null for nobody.", examples=["ann"])
    team: str | None = Field(description="The operator's team then.", examples=["first-line"])
    quarter: datetime = Field(description="The quarter hour (UTC) in which they were closed.")
    name: str = Field(description="What is counted.", examples=["not_offered:spam"])
    closes: int = Field(description="The count by the closes.")
    counters: int = Field(description="The count by the counters, which the summary adds up.")

    @classmethod
    def of(cls, difference: Difference) -> "Disagreement":
        """As it is shown."""
        return cls(
            **vars(difference.cell),
            name=difference.name,
            closes=difference.closes,
            counters=difference.counters,
        )


class Reconciliation(BaseModel):
    """Whether a recount of the closes gives the counters; both read at one moment."""

    equal: bool = Field(description="Whether nothing differs.")
    closes: int = Field(description="How many closes were recounted.", examples=[64])
    disagreements: int = Field(
        description="How many sums of a day differ; in months without one, how many of an operator.",
        examples=[0],
    )
    days: Sequence[date] = Field(description="The first hundred days (UTC) whose sums differ.", examples=[[]])
    first: Sequence[Disagreement] = Field(
        description="The first hundred counts that differ, oldest first.", examples=[[]]
    )
    lag: int = Field(description="Events that this replica has yet to receive, as of a few seconds ago.")

    @classmethod
    def of(cls, comparison: Comparison, lag: int) -> "Reconciliation":
        """As it is shown."""
        return cls(
            equal=not comparison.differing,
            closes=comparison.closes,
            disagreements=comparison.differing,
            days=[day.date() for day in comparison.days[:SHOWN]],
            first=[Disagreement.of(each) for each in comparison.first[:SHOWN]],
            lag=lag,
        )


def client_name(close: Close) -> SealedText | None:
    """The sealed name of the client."""
    contact = close.closed.contact if close.closed else None
    return _of(close, contact.name if contact else None, Purpose.NAME)


def comment(close: Close) -> SealedText | None:
    """The sealed comment that counts."""
    return _of(close, close.answer.comment if close.answer else None, Purpose.COMMENT)


def _of(close: Close, sealed: str | None, purpose: Purpose) -> SealedText | None:
    if sealed is None or close.closed is None:
        return None
    return SealedText(sealed, close.closed.client, close.closed.dialog, purpose)


def sealed_texts(closes: Sequence[Close]) -> set[SealedText]:
    """Every sealed text of the closes."""
    return {sealed for close in closes for sealed in (client_name(close), comment(close)) if sealed}
