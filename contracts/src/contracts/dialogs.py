"""Chat's events about dialogs and their closes, on `candor.dialogs`."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from contracts.access import SubjectId
from contracts.envelope import (
    CloseSeq,
    ContractModel,
    Count,
    Event,
    Id,
    Instant,
    LanguageTag,
    Name,
    Names,
    Sealed,
)

MOST_PARTICIPANTS = 5_000


class ClosedBy(StrEnum):
    """Who ended the dialog."""

    OPERATOR = "operator"
    CLIENT = "client"
    IDLE = "idle"
    SYSTEM = "system"


class DialogState(StrEnum):
    """Whether anybody may write in a dialog."""

    OPEN = "open"
    CLOSED = "closed"


class Author(StrEnum):
    """Who wrote a message."""

    CLIENT = "client"
    OPERATOR = "operator"


class AttributedBy(StrEnum):
    """The rule that chose the operator who counts for a close."""

    LAST_REPLY = "last_reply"
    ASSIGNED = "assigned"
    NOBODY = "nobody"


class ParticipantKind(StrEnum):
    """Who or what wrote on the operators' side."""

    PERSON = "person"
    BOT = "bot"
    SYSTEM = "system"


class Attribution(Event):
    """Whom an event of a dialog belongs to, as it was when the event happened."""

    dialog: Id
    channel: Id
    client: Id
    operator: SubjectId | None = None
    team: Name | None = None
    locale: LanguageTag | None = None

    @property
    def about(self) -> str:
        """The dialog that the record is keyed by."""
        return self.dialog


class Participant(ContractModel):
    """Who took part on the operators' side, with the name and team of that moment."""

    id: SubjectId
    name: Name
    team: Name | None = None
    messages: Count
    kind: ParticipantKind = ParticipantKind.PERSON


class Contact(ContractModel):
    """How a client can be reached; both sealed."""

    email: Sealed | None = None
    name: Sealed | None = None


class DialogOpened(Attribution):
    """A client has opened a dialog; `origin` is the widget or an external system's name."""

    type: Literal["candor.dialog.opened.v1"] = "candor.dialog.opened.v1"
    opened_at: Instant
    origin: Name


class DialogClosed(Attribution):
    """One closing of a dialog. `operator` is the person who counts, by the rule `attributed_by`.

    `operator_messages` are those of persons, and `first_reply_at` is theirs.
    `operator_name` is what they were called at the close, also if they never wrote. `resumes` is the close
    whose reopening nobody used: this close repeats that one. `longest_client_text` is in
    characters.
    """

    type: Literal["candor.dialog.closed.v1"] = "candor.dialog.closed.v1"
    close_seq: CloseSeq
    closed_at: Instant
    opened_at: Instant
    first_reply_at: Instant | None = None
    closed_by: ClosedBy
    attributed_by: AttributedBy
    operator_name: Name | None = None
    resumes: CloseSeq | None = None
    participants: Annotated[tuple[Participant, ...], Field(max_length=MOST_PARTICIPANTS, fail_fast=True)] = ()
    client_messages: Count
    operator_messages: Count
    longest_client_text: Count
    labels: Names = ()
    spam: bool = False
    contact: Contact | None = None
    external_id: Name | None = None

    @model_validator(mode="after")
    def _counts_for_a_person(self) -> Self:
        if any(
            each.id == self.operator and each.kind is not ParticipantKind.PERSON for each in self.participants
        ):
            raise ValueError("a close counts for a person, or for nobody")
        return self


class DialogReopened(Attribution):
    """The close numbered `close_seq` is undone."""

    type: Literal["candor.dialog.reopened.v1"] = "candor.dialog.reopened.v1"
    close_seq: CloseSeq
    reopened_at: Instant


DialogEvent = DialogOpened | DialogClosed | DialogReopened
DIALOG_EVENTS: TypeAdapter[DialogEvent] = TypeAdapter(Annotated[DialogEvent, Field(discriminator="type")])
