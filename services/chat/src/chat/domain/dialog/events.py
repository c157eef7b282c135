"""What is stored of a dialog. Storage format: only add, and only optional fields."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime

from chassis.eventstore.decider import StoredValue


class AuthorKind(StrEnum):
    """Who wrote a message."""

    CLIENT = "client"
    OPERATOR = "operator"


class ParticipantKind(StrEnum):
    """What wrote on the side of the operators."""

    PERSON = "person"
    BOT = "bot"
    SYSTEM = "system"


class ClosedBy(StrEnum):
    """Who closed a dialog: one of the two, or nobody did and it closed by itself."""

    OPERATOR = "operator"
    CLIENT = "client"
    IDLE = "idle"
    SYSTEM = "system"


class AttributedBy(StrEnum):
    """The rule that chose the operator who counts for a close."""

    LAST_REPLY = "last_reply"
    ASSIGNED = "assigned"
    NOBODY = "nobody"


class DialogOpened(StoredValue):
    """A client has opened the dialog; `origin` is the widget or an external system's name."""

    type: Literal["opened"] = "opened"
    dialog: str
    client: str
    channel: str
    locale: str | None = None
    origin: str = "widget"
    opened_at: AwareDatetime


class MessagePosted(StoredValue):
    """Somebody wrote. `text` is sealed, `chars` its length in characters; a client has no operator fields."""

    type: Literal["message-posted"] = "message-posted"
    message: str
    author: AuthorKind
    operator: str | None = None
    name: str | None = None
    team: str | None = None
    text: str
    chars: int
    fingerprint: str
    posted_at: AwareDatetime
    kind: ParticipantKind = ParticipantKind.PERSON


class OperatorAssigned(StoredValue):
    """The dialog is this operator's now."""

    type: Literal["operator-assigned"] = "operator-assigned"
    operator: str
    name: str
    team: str | None = None
    assigned_at: AwareDatetime


class Participant(StoredValue):
    """An operator, a bot or a system that wrote, with the name and team of the last message."""

    id: str
    name: str
    team: str | None = None
    messages: int
    kind: ParticipantKind = ParticipantKind.PERSON

    @property
    def is_person(self) -> bool:
        """Whether it is an operator."""
        return self.kind is ParticipantKind.PERSON


class DialogClosed(StoredValue):
    """A close, with everything that may be asked about it later. E-mail and name are sealed.

    `operator` is who counts, by the rule `attributed_by`; `operator_name` what they are called at the close.
    `resumes` is the close whose reopening nobody used: all but number, time and `closed_by` is that close's.
    """

    type: Literal["closed"] = "closed"
    close_seq: int
    closed_at: AwareDatetime
    opened_at: AwareDatetime
    first_reply_at: AwareDatetime | None = None
    closed_by: ClosedBy
    operator: str | None = None
    operator_name: str | None = None
    team: str | None = None
    attributed_by: AttributedBy
    participants: tuple[Participant, ...] = ()
    client_messages: int
    operator_messages: int
    longest_client_text: int
    email: str | None = None
    name: str | None = None
    resumes: int | None = None


class DialogReopened(StoredValue):
    """The close numbered `close_seq` is undone."""

    type: Literal["reopened"] = "reopened"
    close_seq: int
    reopened_at: AwareDatetime


DialogEvent = DialogOpened | MessagePosted | OperatorAssigned | DialogClosed | DialogReopened
