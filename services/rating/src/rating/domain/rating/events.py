"""What rating remembers of a close. Storage format: only add, and only optional fields."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from chassis.eventstore.decider import StoredValue
from rating.domain.rating.eligibility import CloseFacts
from rating.domain.rating.form_version import (
    CancelledReason,
    FormVersion,
    NotOfferedReason,
    Snapshot,
)
from rating.domain.rating.ways import DeliveryFailureReason, Way


class CloseEvent(StoredValue):
    """What every event holds: the close of the dialog that it belongs to."""

    close_seq: int


class CloseRegistered(CloseEvent):
    """A close was consumed: whom it belongs to, the rules of its form, and what they are held against.

    `replied` and `by_people` say what older releases knew of the facts: whether an operator wrote, and
    whether people ended the dialog. `email` is the client's address, as chat has sealed it.
    """

    type: Literal["close-registered"] = "close-registered"
    snapshot: Snapshot
    rules: FormVersion
    registered_at: AwareDatetime
    replied: bool = False
    by_people: bool = True
    facts: CloseFacts | None = None
    email: str | None = Field(default=None, repr=False)


class ReopeningRegistered(CloseEvent):
    """A close was reopened before it was registered."""

    type: Literal["reopening-registered"] = "reopening-registered"
    registered_at: AwareDatetime


class FormNotOffered(CloseEvent):
    """The close gets no form."""

    type: Literal["not-offered"] = "not-offered"
    reason: NotOfferedReason
    decided_at: AwareDatetime


class FormScheduled(CloseEvent):
    """The form will be offered at `due_at`."""

    type: Literal["scheduled"] = "scheduled"
    due_at: AwareDatetime


class FormOffered(CloseEvent):
    """The form waits for its client until just before `expires_at`."""

    type: Literal["offered"] = "offered"
    offered_at: AwareDatetime
    expires_at: AwareDatetime


class FollowUpRecorded(StoredValue):
    """The answer to a follow-up question: the id of an option, or sealed words and their fingerprint."""

    option: str | None = None
    text: str | None = None
    fingerprint: str | None = None


class AnswerRecorded(CloseEvent):
    """The whole answer that counts from now on, also if only a part of it was changed.

    The comment is sealed, its fingerprint is the same for the same words.
    """

    score: int
    comment: str | None = None
    fingerprint: str | None = None
    tags: tuple[str, ...] = ()
    follow_ups: Mapping[str, FollowUpRecorded] = {}


class RatingGiven(AnswerRecorded):
    """The first answer; it can be changed until just before `editable_until`."""

    type: Literal["given"] = "given"
    given_at: AwareDatetime
    editable_until: AwareDatetime


class RatingChanged(AnswerRecorded):
    """A later answer; `change` counts from 1."""

    type: Literal["changed"] = "changed"
    change: int
    changed_at: AwareDatetime


class FormDeclined(CloseEvent):
    """The client said "No, thanks"."""

    type: Literal["declined"] = "declined"
    declined_at: AwareDatetime


class FormExpired(CloseEvent):
    """The client never answered."""

    type: Literal["expired"] = "expired"
    expired_at: AwareDatetime


class FormCancelled(CloseEvent):
    """The form was withdrawn before an answer."""

    type: Literal["cancelled"] = "cancelled"
    reason: CancelledReason
    cancelled_at: AwareDatetime


class ClientForgotten(CloseEvent):
    """The client was erased after they answered or declined: the answer counts, and stays as it is."""

    type: Literal["forgotten"] = "forgotten"
    forgotten_at: AwareDatetime


class FormSent(CloseEvent):
    """The form was sent by this way."""

    type: Literal["sent"] = "sent"
    way: Way
    sent_at: AwareDatetime


class ReminderSent(CloseEvent):
    """The client was reminded."""

    type: Literal["reminded"] = "reminded"
    sent_at: AwareDatetime


class DeliveryFailed(CloseEvent):
    """The form can't be sent by this way."""

    type: Literal["delivery-failed"] = "delivery-failed"
    way: Way
    reason: DeliveryFailureReason
    failed_at: AwareDatetime


class FormUndeliverable(CloseEvent):
    """None of the ways is left that the form had."""

    type: Literal["undeliverable"] = "undeliverable"
    ways: tuple[Way, ...]
    reason: DeliveryFailureReason
    given_up_at: AwareDatetime


RatingEvent = (
    CloseRegistered | ReopeningRegistered | FormNotOffered | FormScheduled | FormOffered
    | RatingGiven | RatingChanged | FormDeclined | FormExpired | FormCancelled | ClientForgotten
    | FormSent | ReminderSent | DeliveryFailed | FormUndeliverable
)  # fmt: skip

EVENTS: TypeAdapter[RatingEvent] = TypeAdapter(Annotated[RatingEvent, Field(discriminator="type")])
