"""What a dialog remembers: enough to decide, never a text.

Whatever a close counts (messages, participants, first reply, who counts) it counts since the dialog was
opened or last reopened: a client who comes back to thank and is closed without a reply had no reply.
So `opened_at` of a close is the beginning of that episode. The assigned operator stays over a reopening.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, assert_never

from rpds import HashTrieMap

from chat.domain.dialog.events import (
    ClosedBy,
    DialogClosed,
    DialogEvent,
    DialogOpened,
    DialogReopened,
    MessagePosted,
    OperatorAssigned,
    Participant,
    ParticipantKind,
)


@dataclass(frozen=True)
class Operator:
    """An operator as they are called at this moment."""

    id: str
    name: str
    team: str | None = None


@dataclass(frozen=True)
class PostedMessage:
    """What is remembered of a message: enough to know it again. `operator` is None if the client wrote."""

    operator: str | None
    fingerprint: str
    at: datetime


@dataclass(frozen=True)
class Episode:
    """What the next close will count: everything since the opening or the last reopening.

    Only persons reply: bots and systems are among the `participants` and change nothing else.
    """

    since: datetime
    first_reply_at: datetime | None = None
    client_messages: int = 0
    longest_client_text: int = 0
    participants: Mapping[str, Participant] = field(default_factory=dict)
    last_reply_by: str | None = None

    @property
    def is_silent(self) -> bool:
        """Whether nobody has written in it."""
        return not self.client_messages and self.last_reply_by is None

    def with_message(self, event: MessagePosted) -> "Episode":
        """The episode with this message counted."""
        if event.operator is None:
            longest = max(self.longest_client_text, event.chars)
            return replace(self, client_messages=self.client_messages + 1, longest_client_text=longest)
        known = self.participants.get(event.operator)
        participant = Participant(
            id=event.operator,
            name=event.name or event.operator,
            team=event.team,
            messages=1 + (known.messages if known else 0),
            # Whoever wrote as a person once stays one: a close may count for them.
            kind=known.kind if known and known.is_person else event.kind,
        )
        heard = replace(self, participants={**self.participants, event.operator: participant})
        if not participant.is_person:
            return heard
        first_reply_at = self.first_reply_at or event.posted_at
        return replace(heard, first_reply_at=first_reply_at, last_reply_by=event.operator)


@dataclass(frozen=True)
class DialogDetails:
    """What open and closed dialogs have in common. `closed_at`, `closed_by` and `reopened_at` go by close.

    `messages` go by id, in a persistent map: a dialog of thousands is not copied for each of them.
    `sealed_bytes` is the size of their sealed texts together.
    `unanswered` counts the client's messages since an operator last wrote or the dialog was closed, the first
    of them written at `waiting_since`; `replies` counts all messages that the client gets.
    `last_close` is repeated when it is reopened and nobody writes; `closed_for` are the teams of all closes.
    """

    dialog: str
    client: str
    channel: str
    locale: str | None
    origin: str
    opened_at: datetime
    assigned: Operator | None = None
    writers: frozenset[str] = frozenset()
    messages: "HashTrieMap[str, PostedMessage]" = field(default_factory=HashTrieMap)
    sealed_bytes: int = 0
    replies: int = 0
    unanswered: int = 0
    waiting_since: datetime | None = None
    closed_at: tuple[datetime, ...] = ()
    closed_by: tuple[ClosedBy, ...] = ()
    reopened_at: tuple[datetime, ...] = ()
    last_close: DialogClosed | None = None
    closed_for: frozenset[str | None] = frozenset()

    @property
    def closes(self) -> int:
        """How often the dialog was closed so far."""
        return len(self.closed_at)

    def is_assigned_to(self, operator: str) -> bool:
        """Whether this operator has the dialog now."""
        return self.assigned is not None and self.assigned.id == operator

    def is_own(self, operator: str) -> bool:
        """Whether the dialog is this operator's to read: they have it, or wrote in it once."""
        return operator in self.writers or self.is_assigned_to(operator)

    def with_message(self, event: MessagePosted) -> "DialogDetails":
        """The dialog with this message remembered."""
        posted = PostedMessage(event.operator, event.fingerprint, event.posted_at)
        writer: dict[str, Any] = {
            "unanswered": self.unanswered + 1,
            "waiting_since": self.waiting_since or event.posted_at,
        }
        if event.operator is not None:
            writer = {"replies": self.replies + 1}
            if event.kind is ParticipantKind.PERSON:
                writers = self.writers | {event.operator}
                writer |= {"writers": writers, "unanswered": 0, "waiting_since": None}
        return replace(
            self,
            messages=self.messages.insert(event.message, posted),
            sealed_bytes=self.sealed_bytes + len(event.text),  # a JWE is ASCII: a character is a byte
            **writer,
        )


@dataclass(frozen=True)
class Unopened:
    """There is no such dialog."""


@dataclass(frozen=True)
class Open:
    """People may write; nobody assigned means that the client waits."""

    details: DialogDetails
    episode: Episode


@dataclass(frozen=True)
class Closed:
    """Nobody may write until it is reopened."""

    details: DialogDetails


Dialog = Unopened | Open | Closed


def evolve(state: Dialog, event: DialogEvent) -> Dialog:
    """The dialog after the event."""
    if isinstance(event, DialogOpened):
        details = DialogDetails(
            event.dialog, event.client, event.channel, event.locale, event.origin, event.opened_at
        )
        return Open(details, Episode(since=event.opened_at))
    details = details_of(state)
    match event:
        case MessagePosted():
            return Open(details.with_message(event), _episode(state).with_message(event))
        case OperatorAssigned():
            operator = Operator(event.operator, event.name, event.team)
            return Open(replace(details, assigned=operator), _episode(state))
        case DialogClosed():
            closed = replace(
                details,
                closed_at=(*details.closed_at, event.closed_at),
                closed_by=(*details.closed_by, event.closed_by),
                unanswered=0,
                waiting_since=None,
                last_close=event,
                closed_for=details.closed_for | {event.team},
            )
            return Closed(closed)
        case DialogReopened():
            reopened = replace(details, reopened_at=(*details.reopened_at, event.reopened_at))
            return Open(reopened, Episode(since=event.reopened_at))
        case _:
            assert_never(event)


def details_of(state: Dialog) -> DialogDetails:
    """What is known of an opened dialog. Raises ValueError for one that never was."""
    if isinstance(state, Unopened):
        raise ValueError("nothing happens in a dialog before it is opened")  # noqa: TRY004 - an unreadable story
    return state.details


def _episode(state: Dialog) -> Episode:
    if not isinstance(state, Open):
        raise ValueError("nobody writes in a dialog that is not open")  # noqa: TRY004 - an unreadable story
    return state.episode
