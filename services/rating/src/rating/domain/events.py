"""What rating remembers of a close. Storage format: only add, and only optional fields."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from rating.domain.rules import CancelledBecause, NotOfferedBecause, Rules, Snapshot, Stored


class OfClose(Stored):
    """What every event says: the close of the dialog that it belongs to."""

    close_seq: int


class CloseHeard(OfClose):
    """A close came to rating's ears: whom it belongs to, the rules of its form.

    `replied` says whether an operator wrote before it, or before a close that was undone for it.
    """

    type: Literal["close-heard"] = "close-heard"
    snapshot: Snapshot
    rules: Rules
    heard_at: AwareDatetime
    replied: bool = False


class ReopenHeard(OfClose):
    """A close was undone before it was heard."""

    type: Literal["reopen-heard"] = "reopen-heard"
    heard_at: AwareDatetime


class FormNotOffered(OfClose):
    """The close gets no form."""

    type: Literal["not-offered"] = "not-offered"
    reason: NotOfferedBecause
    decided_at: AwareDatetime


class FormScheduled(OfClose):
    """The form will be offered at `due_at`."""

    type: Literal["scheduled"] = "scheduled"
    due_at: AwareDatetime


class FormOffered(OfClose):
    """The form waits for its client until just before `expires_at`."""

    type: Literal["offered"] = "offered"
    offered_at: AwareDatetime
    expires_at: AwareDatetime


class Answered(OfClose):
    """The whole answer that counts from now on, also if only a part of it was changed.

    The comment is sealed, its fingerprint tells whether two are the same.
    """

    score: int
    comment: str | None = None
    fingerprint: str | None = None


class RatingGiven(Answered):
    """The first answer; it can be changed until just before `editable_until`."""

    type: Literal["given"] = "given"
    given_at: AwareDatetime
    editable_until: AwareDatetime


class RatingChanged(Answered):
    """A later answer; `change` counts from 1."""

    type: Literal["changed"] = "changed"
    change: int
    changed_at: AwareDatetime


class FormDeclined(OfClose):
    """The client said "No, thanks"."""

    type: Literal["declined"] = "declined"
    declined_at: AwareDatetime


class FormExpired(OfClose):
    """The client never answered."""

    type: Literal["expired"] = "expired"
    expired_at: AwareDatetime


class FormCancelled(OfClose):
    """The form was withdrawn before an answer."""

    type: Literal["cancelled"] = "cancelled"
    reason: CancelledBecause
    cancelled_at: AwareDatetime


class ClientForgotten(OfClose):
    """The client was erased after they answered or declined: what they said counts, and stays as it is."""

    type: Literal["forgotten"] = "forgotten"
    forgotten_at: AwareDatetime


AnyEvent = (
    CloseHeard | ReopenHeard | FormNotOffered | FormScheduled | FormOffered
    | RatingGiven | RatingChanged | FormDeclined | FormExpired | FormCancelled | ClientForgotten
)  # fmt: skip

EVENTS: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")])
