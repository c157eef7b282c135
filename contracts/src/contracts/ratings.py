"""Rating's events about the form of a close, on `candor.ratings`. Chat must never consume them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from contracts.dialogs import Attribution
from contracts.envelope import (
    HIGHEST,
    MOST_NAMES,
    CloseSeq,
    ContractModel,
    Id,
    Instant,
    Names,
    Ordinal,
    Sealed,
    Text,
)

WIDEST = 1_000_000
LONGEST_SCALE_NAME = 64

Score = Annotated[int, Field(strict=True, ge=-WIDEST, le=WIDEST)]
Answer = Sealed | Annotated[int, Field(ge=-HIGHEST, le=HIGHEST)] | bool | Names
"""To a follow-up question: the option that was chosen, or sealed words."""


class NotOfferedReason(StrEnum):
    """Why no form was made for a close."""

    DISABLED = "disabled"
    NO_REPLY = "no_reply"
    TOO_SHORT = "too_short"
    SPAM = "spam"
    KIND_OF_CLOSE = "kind_of_close"
    SAMPLED_OUT = "sampled_out"
    COOL_DOWN = "cool_down"
    ONCE_PER_DIALOG = "once_per_dialog"
    UNREACHABLE = "unreachable"
    TOO_LATE = "too_late"
    OPTED_OUT = "opted_out"
    REOPENED = "reopened"
    ERASED = "erased"


class CancelledReason(StrEnum):
    """Why a form was withdrawn."""

    REOPENED = "reopened"
    ERASED = "erased"


class CloseState(StrEnum):
    """Where the rating of a close stands."""

    UNDECIDED = "undecided"
    NOT_OFFERED = "not_offered"
    SCHEDULED = "scheduled"
    PENDING = "pending"
    GIVEN = "given"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNDELIVERABLE = "undeliverable"


class FormState(StrEnum):
    """A form as its client sees it: the states of a close whose form was offered."""

    PENDING = "pending"
    GIVEN = "given"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Way(StrEnum):
    """How a form reaches its client."""

    WIDGET = "widget"
    EMAIL = "email"
    WEBHOOK = "webhook"


class Scale(ContractModel):
    """Scores from `lowest` to `highest`, both included; from `satisfied_from` on a client is satisfied."""

    name: str = Field(min_length=1, max_length=LONGEST_SCALE_NAME)
    lowest: Score
    highest: Score
    satisfied_from: Annotated[int, Field(ge=-HIGHEST, le=HIGHEST)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.lowest < self.highest:
            raise ValueError("a scale runs upwards")
        return self


class RatingEventBase(Attribution):
    """A rating event: the close it belongs to."""

    close_seq: CloseSeq


class RatingNotOffered(RatingEventBase):
    """No form is made for the close."""

    type: Literal["candor.rating.not-offered.v1"] = "candor.rating.not-offered.v1"
    reason: NotOfferedReason
    settings_version: Ordinal
    decided_at: Instant


class RatingScheduled(RatingEventBase):
    """The form will be offered at `due_at`."""

    type: Literal["candor.rating.scheduled.v1"] = "candor.rating.scheduled.v1"
    due_at: Instant
    form_version: Ordinal


class RatingOffered(RatingEventBase):
    """The form waits for its client until `expires_at`."""

    type: Literal["candor.rating.offered.v1"] = "candor.rating.offered.v1"
    offered_at: Instant
    expires_at: Instant
    way: Way
    form_version: Ordinal


class RatingAnswer(RatingEventBase):
    """What a client answered."""

    scale: Scale
    score: Score
    satisfied: bool
    comment: Sealed | None = None
    tags: Names = ()
    answers: Annotated[Mapping[Id, Answer], Field(max_length=MOST_NAMES)] = Field(default_factory=dict)
    form_version: Ordinal
    given_at: Instant
    editable_until: Instant

    @property
    def has_words(self) -> bool:
        """Whether the client wrote something, which is sealed."""
        return self.comment is not None or any(isinstance(each, str) for each in self.answers.values())

    @model_validator(mode="after")
    def _on_its_scale(self) -> Self:
        if not self.scale.lowest <= self.score <= self.scale.highest:
            raise ValueError("the score is not on its scale")
        if self.satisfied != (self.score >= self.scale.satisfied_from):
            raise ValueError("satisfied is not what the scale says of the score")
        return self


class RatingGiven(RatingAnswer):
    """The client's first answer; the close is rated from `given_at` on."""

    type: Literal["candor.rating.given.v1"] = "candor.rating.given.v1"


class RatingChanged(RatingAnswer):
    """Another answer inside the edit window. `given_at` stays the first answer's."""

    type: Literal["candor.rating.changed.v1"] = "candor.rating.changed.v1"
    change: Ordinal
    changed_at: Instant


class RatingDeclined(RatingEventBase):
    """The client said "No, thanks"."""

    type: Literal["candor.rating.declined.v1"] = "candor.rating.declined.v1"
    declined_at: Instant


class RatingExpired(RatingEventBase):
    """The client never answered."""

    type: Literal["candor.rating.expired.v1"] = "candor.rating.expired.v1"
    expired_at: Instant


class RatingCancelled(RatingEventBase):
    """The form was withdrawn before an answer. After `RatingExpired` it takes that back."""

    type: Literal["candor.rating.cancelled.v1"] = "candor.rating.cancelled.v1"
    reason: CancelledReason
    cancelled_at: Instant


class RatingUndeliverable(RatingEventBase):
    """No way to the client is left."""

    type: Literal["candor.rating.undeliverable.v1"] = "candor.rating.undeliverable.v1"
    ways: Annotated[tuple[Way, ...], Field(max_length=len(Way))]
    reason: Text
    given_up_at: Instant


RatingEvent = (
    RatingNotOffered | RatingScheduled | RatingOffered | RatingGiven | RatingChanged
    | RatingDeclined | RatingExpired | RatingCancelled | RatingUndeliverable
)  # fmt: skip
RATING_EVENTS: TypeAdapter[RatingEvent] = TypeAdapter(Annotated[RatingEvent, Field(discriminator="type")])
