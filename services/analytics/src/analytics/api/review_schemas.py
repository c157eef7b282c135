"""The schemas of reviews and of a close, as OpenAPI shows them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, Field

from analytics.api.answer_schemas import AnswerGiven
from analytics.api.client_texts import ReviewText, client_name, comment
from analytics.api.close_review_schemas import CloseReview, ReviewStanding
from analytics.api.schemas import Freshness
from analytics.domain.close import Close, CloseEvent, happened_at
from analytics.domain.counting import Counts
from analytics.read_models.decryption import DecryptedText, SealedText
from analytics.read_models.reviewed import UNREVIEWED, Standing
from contracts.dialogs import (
    AttributedBy,
    ClosedBy,
    DialogClosed,
    DialogReopened,
    Participant,
    ParticipantKind,
)
from contracts.envelope import Instant
from contracts.ratings import (
    CancelledReason,
    CloseState,
    NotOfferedReason,
    RatingCancelled,
    RatingChanged,
    RatingDeclined,
    RatingExpired,
    RatingGiven,
    RatingNotOffered,
    RatingOffered,
    RatingScheduled,
    RatingUndeliverable,
    Scale,
    Way,
)


class Review(BaseModel):
    """One close, and what became of its rating; attribution is as it was when the dialog closed."""

    dialog: str = Field(description="The dialog's id.", examples=["d-7f3a"])
    close_seq: int = Field(description="1 for the dialog's first close, 2 for the next.", examples=[2])
    channel: str = Field(description="Where the dialog took place.", examples=["course-a"])
    operator: str | None = Field(description="Whom it counts for; null if nobody.", examples=["ann"])
    operator_name: str | None = Field(description="The operator's name then.", examples=["Ann Lee"])
    team: str | None = Field(description="The operator's team then.", examples=["first-line"])
    locale: str | None = Field(description="The client's language, a BCP 47 tag.", examples=["fr-CA"])
    client: str = Field(description="An opaque id.", examples=["c-91be"])
    client_name: ReviewText | None = Field(description="What the client is called; null if they didn't say.")
    closed_at: Instant = Field(description="When it was closed.")
    closed_by: ClosedBy = Field(description="Who closed it.")
    reopened_at: Instant | None = Field(description="When this close was undone; null if it wasn't.")
    state: CloseState = Field(description="Where its rating stands.")
    reason: NotOfferedReason | CancelledReason | None = Field(
        description="Why there is no form, or why it was withdrawn; of not_offered and cancelled only."
    )
    state_since: Instant = Field(
        description="When it came to this state; of scheduled and undecided, when it was closed."
    )
    due_at: Instant | None = Field(description="When the form was or will be offered, if that was scheduled.")
    expires_at: Instant | None = Field(description="Until when a first answer is taken, if it was offered.")
    editable_until: Instant | None = Field(description="Until when the answer can be changed.")
    given_at: Instant | None = Field(description="The first answer.")
    changes: int = Field(description="How often the answer was changed.", examples=[0])
    first_score: int | None = Field(description="The first answer, if it was received.", examples=[1])
    scale: Scale | None = Field(description="The scores to choose from, and from which on one is satisfied.")
    score: int | None = Field(description="The last answer, on the scale.", examples=[5])
    satisfied: bool | None = Field(description="Whether the score is at or above the threshold of its form.")
    comment: ReviewText | None = Field(description="What the client wrote; null for nothing.")
    tags: tuple[str, ...] = Field(description="The tags that the client chose.")
    review: ReviewStanding = Field(description="How far supervisors are with it; moments behind.")

    @classmethod
    def of(
        cls, close: Close, opened: Mapping[SealedText, DecryptedText], standing: Standing = UNREVIEWED
    ) -> "Review":
        """A close that counts, with what its client wrote and how far supervisors are with it."""
        return cls(**review_fields(close, opened), review=ReviewStanding.of(standing))


OF_CLOSED: Final = (
    "dialog", "close_seq", "channel", "operator", "operator_name", "team", "locale", "client", "closed_at",
    "closed_by",
)  # fmt: skip


def review_fields(close: Close, opened: Mapping[SealedText, DecryptedText]) -> dict[str, Any]:
    """The fields of a review of a close that counts."""
    closed, answer, scheduled = close.closed, close.answer, close.scheduled
    if closed is None:
        raise ValueError("only a close that counts can be reviewed")
    return {
        **{name: getattr(closed, name) for name in OF_CLOSED},
        "client_name": ReviewText.of(client_name(close), opened),
        "reopened_at": close.reopened_at,
        "state": close.state,
        "reason": close.reason,
        "state_since": close.state_since,
        "due_at": scheduled and scheduled.due_at,
        "expires_at": close.offered and close.offered.expires_at,
        "editable_until": answer and answer.editable_until,
        "given_at": close.given_at,
        "changes": getattr(answer, "change", 0),
        "first_score": close.first_answer and close.first_answer.score,
        "scale": answer and answer.scale,
        "score": answer and answer.score,
        "satisfied": answer and answer.satisfied,
        "comment": ReviewText.of(comment(close, close.answer), opened),
        "tags": answer.tags if answer else (),
    }


class ReviewCounts(BaseModel):
    """How many closes there are of the channels, operators and period, whatever else is asked for."""

    all: int = Field(description="Every close.", examples=[64])
    rated: int = Field(description="In the state given.", examples=[24])
    not_rated: int = Field(description="In any other state.", examples=[40])
    low: int = Field(description="Rated, and not satisfied.", examples=[3])
    with_comment: int = Field(description="Rated with a comment, erased or not.", examples=[9])

    @classmethod
    def of(cls, counts: Counts) -> "ReviewCounts":
        """What the counters say."""
        closed, given = counts["closed"], counts[CloseState.GIVEN]
        return cls(
            all=closed, rated=given, not_rated=closed - given, low=given - counts["satisfied"],
            with_comment=counts["commented"],
        )  # fmt: skip


class ReviewPage(Freshness):
    """Closes, the newest first. A page is never moved by what is closed meanwhile."""

    reviews: list[Review] = Field(description="As many as `limit` at most.")
    counts: ReviewCounts | None = Field(
        description="How many there are, if `counts` is asked for, on the first page; else null."
    )
    next_cursor: str | None = Field(
        description="For the next page; null at the end.", examples=["WzE3NzQ3NDk1OTk5OTksICJkLTdmM2EuMiJd"]
    )
    searched: int | None = Field(
        description="Of `text`: how many comments were looked at for this page, those that can't be read too."
    )
    complete: bool | None = Field(
        description="Of `text`: whether no comment is left; else `next_cursor` goes on with the others."
    )


class TimelineKind(StrEnum):
    """What happened."""

    OPENED = "opened"
    FIRST_REPLY = "first_reply"
    CLOSED = "closed"
    NOT_OFFERED = "not_offered"
    SCHEDULED = "scheduled"
    OFFERED = "offered"
    GIVEN = "given"
    CHANGED = "changed"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNDELIVERABLE = "undeliverable"
    REOPENED = "reopened"


class TimelineEntry(BaseModel):
    """Something that happened to a close or its form; null is whatever that kind of thing doesn't have."""

    kind: TimelineKind = Field(description="The kind of thing that happened.")
    at: Instant = Field(description="When it happened; of scheduled, when the dialog was closed.")
    closed_by: ClosedBy | None = Field(None, description="Of closed: who closed it.")
    reason: NotOfferedReason | CancelledReason | None = Field(
        None, description="Of not_offered and cancelled."
    )
    settings_version: int | None = Field(None, description="Of not_offered: by which settings.", examples=[3])
    form_version: int | None = Field(
        None, description="Of scheduled, offered, given, changed.", examples=[12]
    )
    due_at: Instant | None = Field(None, description="Of scheduled: when the form is offered.")
    expires_at: Instant | None = Field(None, description="Of offered: until when a first answer is taken.")
    way: Way | None = Field(None, description="Of offered: how the form reached the client.")
    ways: tuple[Way, ...] | None = Field(None, description="Of undeliverable: what was tried.")
    detail: str | None = Field(None, description="Of undeliverable: why, as rating says it.")
    score: int | None = Field(None, description="Of given, changed.", examples=[2])
    satisfied: bool | None = Field(None, description="Of given, changed.")
    with_comment: bool | None = Field(None, description="Of given, changed: whether it has a comment.")
    change: int | None = Field(None, description="Of changed: 1 for the first change.", examples=[1])
    editable_until: Instant | None = Field(
        None, description="Of given, changed: until when the answer can be changed."
    )

    @classmethod
    def of(cls, event: CloseEvent, closed: DialogClosed) -> "TimelineEntry":
        """An event of a close; what fields it has in common with an entry."""
        shared = {name: value for name, value in vars(event).items() if name in cls.model_fields}
        match event:
            case RatingUndeliverable():
                shared = {"ways": event.ways, "detail": event.reason}
            case RatingGiven() | RatingChanged():
                shared["with_comment"] = event.comment is not None
            case RatingScheduled():
                shared["at"] = closed.closed_at
        return cls(**{"kind": KINDS[type(event)], "at": happened_at(event), **shared})


KINDS: Final[Mapping[type[CloseEvent], TimelineKind]] = {
    DialogClosed: TimelineKind.CLOSED,
    RatingNotOffered: TimelineKind.NOT_OFFERED,
    RatingScheduled: TimelineKind.SCHEDULED,
    RatingOffered: TimelineKind.OFFERED,
    RatingGiven: TimelineKind.GIVEN,
    RatingChanged: TimelineKind.CHANGED,
    RatingDeclined: TimelineKind.DECLINED,
    RatingExpired: TimelineKind.EXPIRED,
    RatingCancelled: TimelineKind.CANCELLED,
    RatingUndeliverable: TimelineKind.UNDELIVERABLE,
    DialogReopened: TimelineKind.REOPENED,
}
"""Of every event; of two at the same moment the first of these comes first."""


class ParticipantNumbers(BaseModel):
    """Who took part on the operators' side."""

    operator: str = Field(description="Their id.", examples=["ann"])
    kind: ParticipantKind = Field(description="Closes count for persons only.")
    name: str = Field(description="As of the close.", examples=["Ann Lee"])
    team: str | None = Field(description="As of the close.", examples=["first-line"])
    messages: int = Field(description="How many messages they wrote.", examples=[9])
    share: float | None = Field(
        description="Of all participants' messages, in per cent; null if there are none.", examples=[64.3]
    )

    @classmethod
    def of(cls, participant: Participant, all_messages: int) -> "ParticipantNumbers":
        """As it is shown."""
        return cls(
            operator=participant.id, kind=participant.kind, name=participant.name, team=participant.team,
            messages=participant.messages,
            share=100 * participant.messages / all_messages if all_messages else None,
        )  # fmt: skip


class CloseDetails(Review):
    """One close with all that is known about it; what was fixed at the close moves with nothing later."""

    opened_at: Instant = Field(description="When the dialog was opened.")
    first_reply_at: Instant | None = Field(description="When an operator first replied; null if nobody did.")
    attributed_by: AttributedBy = Field(description="The rule that chose the operator who counts.")
    participants: list[ParticipantNumbers] = Field(description="Who took part.")
    client_messages: int = Field(description="How many messages the client wrote.", examples=[11])
    operator_messages: int = Field(description="How many messages operators wrote.", examples=[14])
    longest_client_text: int = Field(description="In characters.", examples=[240])
    labels: list[str] = Field(description="Labels of the dialog.", examples=[["billing"]])
    spam: bool = Field(description="Whether it was marked as spam.")
    external_id: str | None = Field(description="The dialog's id in the system that it came from.")
    resumes: int | None = Field(description="The close whose reopening nobody used, if this repeats one.")
    answers: list[AnswerGiven] = Field(description="All answers that were received, the newest first.")
    timeline: list[TimelineEntry] = Field(description="What happened, the oldest first.")
    review: CloseReview = Field(description="What supervisors wrote about it.")

    @classmethod
    def told(
        cls, close: Close, opened: Mapping[SealedText, DecryptedText], review: CloseReview
    ) -> "CloseDetails":
        """A close that counts, with what its client and supervisors wrote."""
        closed = close.closed
        if closed is None:
            raise ValueError("only a close that counts can be shown")
        return cls(
            **review_fields(close, opened),
            **{name: getattr(closed, name) for name in DETAILS},
            participants=[
                ParticipantNumbers.of(each, sum(other.messages for other in closed.participants))
                for each in closed.participants
            ],
            review=review,
            answers=[AnswerGiven.of(close, answer, opened) for answer in reversed(close.answers)],
            timeline=timeline_of(close, closed),
        )


DETAILS: Final = (
    "opened_at", "first_reply_at", "attributed_by", "client_messages", "operator_messages",
    "longest_client_text", "labels", "spam", "external_id", "resumes",
)  # fmt: skip


def timeline_of(close: Close, closed: DialogClosed) -> list[TimelineEntry]:
    """All that happened, the oldest first."""
    order = list(KINDS)
    events = sorted((*close.events.values(), *close.replaced), key=lambda event: order.index(type(event)))
    entries = [TimelineEntry(kind=TimelineKind.OPENED, at=closed.opened_at)]
    if closed.first_reply_at:
        entries.append(TimelineEntry(kind=TimelineKind.FIRST_REPLY, at=closed.first_reply_at))
    entries += [TimelineEntry.of(event, closed) for event in events]
    return sorted(entries, key=lambda entry: entry.at)
