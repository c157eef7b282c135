"""The schemas of what supervisors write about a close, as OpenAPI shows them."""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Self

from pydantic import BaseModel, Field, Strict, StringConstraints

from analytics.domain.review import (
    ExclusionReason,
    ExclusionSet,
    NoteWritten,
    OwnScoreSet,
    Review,
    ReviewEvent,
    ReviewStatus,
    StaffMember,
    StatusSet,
)
from analytics.read_models.reviewed import OwnScore, Standing
from chassis.crypto_shredding.opened_text import OpenedText
from chassis.http.bodies import KIB, RequestBody
from chassis.validation.numbers import WHOLE
from chassis.validation.text import CODE_POINTS
from contracts.envelope import Instant
from contracts.ratings import WIDEST

LONGEST_NOTE: Final = 4_000
ONE_SITTING: Final = timedelta(minutes=10)
"""Notes that one person writes closer together than this are shown in the history as the last of them."""


class NoteBody(RequestBody):
    """A note."""

    largest: ClassVar[int] = 64 * KIB

    note: Annotated[str, StringConstraints(max_length=LONGEST_NOTE)] = Field(
        description=f"The whole note, {CODE_POINTS}; an empty one removes it.", examples=["Talk with both."]
    )


class StatusBody(RequestBody):
    """A status."""

    status: ReviewStatus = Field(description="How far supervisors are with the close.")


class OwnScoreBody(RequestBody):
    """A score of the supervisors' own."""

    score: Annotated[int, Strict(), Field(ge=-WIDEST, le=WIDEST), WHOLE] | None = Field(
        description="On `scale` of the review; null removes it.", examples=[2]
    )


class ExclusionBody(RequestBody):
    """Whether a close counts."""

    reason: ExclusionReason | None = Field(
        description="Why it is left out of the numbers; null takes it in again. Words belong in the note."
    )


class ScoreRange(BaseModel):
    """The scores to choose from."""

    lowest: int = Field(description="The worst.", examples=[1])
    highest: int = Field(description="The best.", examples=[5])


class OwnScoreView(ScoreRange):
    """A score that supervisors gave, and the scale that it was given on."""

    score: int = Field(description="The score.", examples=[2])

    @classmethod
    def of(cls, own: OwnScore | None) -> "OwnScoreView | None":
        """As it is shown; None for none."""
        return None if own is None else cls(**vars(own))


class Author(BaseModel):
    """Who wrote something, as their token named them then."""

    id: str = Field(description="Their id.", examples=["clara"])
    name: str = Field(description="Their name.", examples=["Clara Moen"])

    @classmethod
    def of(cls, staff: StaffMember) -> "Author":
        """As it is shown."""
        return cls(**dict(staff))


class ReviewStanding(BaseModel):
    """How far supervisors are with a close, and whether they wrote about it."""

    status: ReviewStatus = Field(description="`new` until a supervisor says otherwise.")
    own_score: OwnScoreView | None = Field(description="The supervisors' own score; null for none.")
    has_note: bool = Field(description="Whether there is a note, erased or not.")
    excluded: ExclusionReason | None = Field(
        description="Why it is left out of the numbers; null if it counts."
    )

    @classmethod
    def fields(cls, standing: Standing) -> dict[str, object]:
        """The fields of a standing."""
        own_score = OwnScoreView.of(standing.own_score)
        return {
            "status": standing.status, "own_score": own_score, "has_note": standing.has_note,
            "excluded": standing.excluded,
        }  # fmt: skip

    @classmethod
    def of(cls, standing: Standing) -> "ReviewStanding":
        """As a list shows it."""
        return cls.model_validate(cls.fields(standing))


class WrittenBy(BaseModel):
    """Who wrote something, and when."""

    by: Author = Field(description="Who did.")
    at: Instant = Field(description="When they did.")

    @classmethod
    def of(cls, event: ReviewEvent | None) -> Self | None:
        """Of the event that wrote it; None if nobody did."""
        return None if event is None else cls(by=Author.of(event.by), at=event.at)


class CloseReview(ReviewStanding):
    """What supervisors wrote about a close. No operator ever reads it."""

    version: int = Field(
        description="Grows with each change, 1 before the first: send it as If-Match.", examples=[4]
    )
    note: OpenedText | None = Field(description="The note; null for none. Erased with the client's words.")
    note_written: WrittenBy | None = Field(description="Who wrote or removed the note last; null for nobody.")
    status_set: WrittenBy | None = Field(description="Who set the status last; null for nobody.")
    own_score_set: WrittenBy | None = Field(description="Who set or removed the own score last.")
    exclusion_set: WrittenBy | None = Field(description="Who excluded it last, or took it in again.")
    scale: ScoreRange = Field(description="What an own score is given on: the answer's scale, else 1 to 5.")

    @classmethod
    def shown(cls, review: Review, note: OpenedText | None, scale: ScoreRange) -> "CloseReview":
        """As it is shown, with its note opened."""
        return cls.model_validate({
            **cls.fields(Standing.of(review)), "version": review.version, "note": note,
            "note_written": WrittenBy.of(review.note), "status_set": WrittenBy.of(review.status_set),
            "own_score_set": WrittenBy.of(review.own_score),
            "exclusion_set": WrittenBy.of(review.exclusion), "scale": scale,
        })  # fmt: skip


class ChangeKind(StrEnum):
    """What was written."""

    NOTE = "note"
    STATUS = "status"
    OWN_SCORE = "own_score"
    EXCLUSION = "exclusion"


class ReviewChange(WrittenBy):
    """A change of what is written about a close; null is whatever that kind of change doesn't have."""

    kind: ChangeKind = Field(description="What was changed.")
    note: OpenedText | None = Field(None, description="Of note: what it was then; null if it was removed.")
    status: ReviewStatus | None = Field(None, description="Of status: to which.")
    own_score: OwnScoreView | None = Field(None, description="Of own_score: which; null if it was removed.")
    excluded: ExclusionReason | None = Field(
        None, description="Of exclusion: why; null if it was taken in again."
    )

    @classmethod
    def told(cls, event: ReviewEvent, note: OpenedText | None) -> "ReviewChange":
        """An event as it is shown, with its note opened."""
        who = {"by": Author.of(event.by), "at": event.at}
        match event:
            case NoteWritten():
                return cls(**who, kind=ChangeKind.NOTE, note=note)
            case StatusSet(status=status):
                return cls(**who, kind=ChangeKind.STATUS, status=status)
            case OwnScoreSet():
                own = OwnScoreView.of(Standing.of(Review(own_score=event)).own_score)
                return cls(**who, kind=ChangeKind.OWN_SCORE, own_score=own)
            case ExclusionSet(reason=reason):
                return cls(**who, kind=ChangeKind.EXCLUSION, excluded=reason)


class ReviewHistory(BaseModel):
    """Who changed what is written about a close."""

    changes: list[ReviewChange] = Field(
        description="The newest first, of the last hundred. Of notes that one person wrote within minutes,"
        " the last."
    )


def sittings(newest_first: Iterable[ReviewEvent]) -> list[ReviewEvent]:
    """The events without notes that their writer went on with at once."""
    kept: list[ReviewEvent] = []
    later: ReviewEvent | None = None
    for event in newest_first:
        goes_on = (
            isinstance(event, NoteWritten) and isinstance(later, NoteWritten)
            and event.by.id == later.by.id and later.at - event.at < ONE_SITTING
        )  # fmt: skip
        if not goes_on:
            kept.append(event)
        later = event
    return kept
