"""A dialog is open or closed, its closes are numbered 1, 2, 3…, and every message is in it once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, assert_never

from pydantic import Field, TypeAdapter

from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider
from chat.domain.dialog.events import (
    AttributedBy,
    ClosedBy,
    DialogClosed,
    DialogEvent,
    DialogOpened,
    DialogReopened,
    MessagePosted,
    OperatorAssigned,
    Participant,
)
from chat.domain.dialog.state import (
    Closed,
    Dialog,
    DialogDetails,
    Episode,
    Open,
    Operator,
    PostedMessage,
    Unopened,
    evolve,
)

MOST_MESSAGES = 5_000
"""Of one dialog: what it remembers of every message is kept in memory while it is worked with."""

MOST_CLOSES = 50
"""Of one dialog: each is told to every service, and may ask the client a question."""


@dataclass(frozen=True)
class OpenDialog:
    """Open a dialog, if its channel still takes new ones."""

    dialog: str
    client: str
    channel: str
    channel_closed: bool
    now: datetime
    locale: str | None = None
    origin: str = "widget"


@dataclass(frozen=True)
class PostMessage:
    """Write; without an operator it is the client who writes. The text comes sealed.

    Whether it may be written is decided before that: then text, and fingerprint unless it is known already,
    are `NOT_SEALED`.
    """

    message: str
    operator: Operator | None
    text: str
    chars: int
    fingerprint: str
    now: datetime


@dataclass(frozen=True)
class AssignOperator:
    """Give the dialog to an operator. One who `takes` it may not take it out of another's hands."""

    operator: Operator
    takes: bool
    now: datetime


@dataclass(frozen=True)
class CloseDialog:
    """Close for the `close_seq`-th time, or simply close. E-mail and name come sealed, or not at all.

    `operator` is who closes, None for anybody else.
    """

    closed_by: ClosedBy
    now: datetime
    close_seq: int | None = None
    email: str | None = None
    name: str | None = None
    operator: str | None = None


@dataclass(frozen=True)
class ReopenDialog:
    """Undo the close numbered `close_seq`, or simply the last one; `operator` as in `CloseDialog`."""

    now: datetime
    close_seq: int | None = None
    operator: str | None = None


@dataclass(frozen=True)
class CloseSilentReopening:
    """Close again, if the dialog was reopened and nobody wrote for `silent_for` since."""

    silent_for: timedelta
    now: datetime


DialogCommand = OpenDialog | PostMessage | AssignOperator | CloseDialog | ReopenDialog | CloseSilentReopening

NOT_SEALED = ""
"""Stands for a text that isn't sealed yet, and for its fingerprint."""

NO_SUCH_DIALOG = "There is no such dialog."
REOPEN_FIRST = "This dialog is closed: reopen it first."
NOT_YOURS = "Only the operator who has this dialog may do that."
NOTHING_NEW = "Nothing was written since this dialog was reopened: write first, then close it."


def decide(state: Dialog, command: DialogCommand) -> Sequence[DialogEvent]:
    """What comes of the command. Raises `CommandRejected`."""
    match command:
        case OpenDialog():
            return open_dialog(state, command)
        case PostMessage():
            return post(state, command)
        case AssignOperator():
            return assign(state, command)
        case CloseDialog():
            return close(state, command)
        case ReopenDialog():
            return reopen(state, command)
        case CloseSilentReopening():
            return close_silent(state, command)
        case _:
            assert_never(command)


def open_dialog(state: Dialog, command: OpenDialog) -> Sequence[DialogOpened]:
    """Once; asking again for the same is nothing new, even when the channel has closed since."""
    match state:
        case Unopened() if command.channel_closed:
            raise CommandRejected("This channel is closed: no new dialog can be opened.")
        case Unopened():
            return [
                DialogOpened(
                    dialog=command.dialog,
                    client=command.client,
                    channel=command.channel,
                    locale=command.locale,
                    origin=command.origin,
                    opened_at=command.now,
                )
            ]
        case Open(talk) | Closed(talk):
            _refuse_another_opening(talk, command)
            return []
        case _:
            assert_never(state)


def _refuse_another_opening(talk: DialogDetails, command: OpenDialog) -> None:
    differing = {
        "for another client": talk.client != command.client,
        "in another channel": talk.channel != command.channel,
        "with another locale": talk.locale != command.locale,
        "from elsewhere": talk.origin != command.origin,
    }
    for how, differs in differing.items():
        if differs:
            raise CommandRejected(f"This dialog is open already, {how}.")


def post(state: Dialog, command: PostMessage) -> Sequence[MessagePosted]:
    """Once for each id; the same message again is nothing new, also after a close."""
    match state:
        case Unopened():
            raise CommandRejected(NO_SUCH_DIALOG)
        case Open(talk) | Closed(talk) if command.message in talk.messages:
            return _posted_before(talk.messages[command.message], command)
        case Closed():
            raise CommandRejected(REOPEN_FIRST)
        case Open(talk) if len(talk.messages) >= MOST_MESSAGES:
            raise CommandRejected(
                f"This dialog is full: it holds {MOST_MESSAGES} messages. Open another one."
            )
        case Open(talk):
            _refuse_others(talk, command.operator.id if command.operator else None)
            return [_posting(command)]
        case _:
            assert_never(state)


def _refuse_others(talk: DialogDetails, operator: str | None) -> None:
    # Decided here, and not where tokens are read: the dialog may change hands in between.
    if operator is not None and not talk.is_assigned_to(operator):
        raise CommandRejected(NOT_YOURS)


def _posted_before(posted: PostedMessage, command: PostMessage) -> Sequence[MessagePosted]:
    operator = command.operator.id if command.operator else None
    if (posted.operator, posted.fingerprint) != (operator, command.fingerprint):
        raise CommandRejected("There is another message with this id.")
    return []


def _posting(command: PostMessage) -> MessagePosted:
    operator = command.operator
    return MessagePosted(
        message=command.message,
        author="client" if operator is None else "operator",
        operator=operator and operator.id,
        name=operator and operator.name,
        team=operator and operator.team,
        text=command.text,
        chars=command.chars,
        fingerprint=command.fingerprint,
        posted_at=command.now,
    )


def assign(state: Dialog, command: AssignOperator) -> Sequence[OperatorAssigned]:
    """Two operators may reach for a waiting dialog at once: one gets it."""
    match state:
        case Unopened():
            raise CommandRejected(NO_SUCH_DIALOG)
        case Open(talk) | Closed(talk) if talk.assigned == command.operator:
            return []
        case Closed():
            raise CommandRejected(REOPEN_FIRST)
        case Open(talk) if command.takes and talk.assigned and not talk.is_assigned_to(command.operator.id):
            raise CommandRejected("Another operator has taken this dialog.")
        case Open():
            who = command.operator
            return [OperatorAssigned(operator=who.id, name=who.name, team=who.team, assigned_at=command.now)]
        case _:
            assert_never(state)


def close(state: Dialog, command: CloseDialog) -> Sequence[DialogClosed]:
    """A close that was made already is nothing new, even if it was undone since."""
    match state:
        case Unopened():
            raise CommandRejected(NO_SUCH_DIALOG)
        case Open(talk) | Closed(talk) if command.close_seq is not None and command.close_seq <= talk.closes:
            return []
        case Closed() if command.close_seq is None:
            return []
        case Closed():
            raise CommandRejected(REOPEN_FIRST)
        case Open(talk) if command.close_seq not in {None, talk.closes + 1}:
            raise CommandRejected(f"The next close of this dialog is number {talk.closes + 1}.")
        case Open(talk, piece) if command.closed_by == "client" and talk.closes and piece.is_silent:
            raise CommandRejected(NOTHING_NEW)
        case Open(talk, piece):
            _refuse_others(talk, command.operator)
            return [_closing(talk, piece, command)]
        case _:
            assert_never(state)


def _closing(talk: DialogDetails, piece: Episode, command: CloseDialog) -> DialogClosed:
    operator, attributed_by = attribution(talk, piece)
    participants = tuple(piece.participants.values())
    return DialogClosed(
        close_seq=talk.closes + 1,
        closed_at=command.now,
        opened_at=piece.since,
        first_reply_at=piece.first_reply_at,
        closed_by=command.closed_by,
        operator=operator and operator.id,
        operator_name=operator and operator.name,
        team=operator and operator.team,
        attributed_by=attributed_by,
        participants=participants,
        client_messages=piece.client_messages,
        operator_messages=sum(participant.messages for participant in participants),
        longest_client_text=piece.longest_client_text,
        email=command.email,
        name=command.name,
    )


def attribution(talk: DialogDetails, piece: Episode) -> tuple[Operator | Participant | None, AttributedBy]:
    """The operator who counts for a close, as they are called now, and the rule that chose them."""
    if piece.last_reply_by is not None:
        return piece.participants[piece.last_reply_by], "last_reply"
    if talk.assigned is not None:
        return talk.assigned, "assigned"
    return None, "nobody"


def close_silent(state: Dialog, command: CloseSilentReopening) -> Sequence[DialogClosed]:
    """A reopening that nobody used ends as if it had not been: what the close before told is told again."""
    match state:
        case Open(talk, piece) if (
            talk.last_close and piece.is_silent and piece.since + command.silent_for <= command.now
        ):
            again = {
                "close_seq": talk.closes + 1,
                "closed_at": command.now,
                "closed_by": "system",
                "resumes": talk.closes,
            }
            return [talk.last_close.model_copy(update=again)]
        case Unopened() | Open() | Closed():
            return []
        case _:
            assert_never(state)


def reopen(state: Dialog, command: ReopenDialog) -> Sequence[DialogReopened]:
    """A close that was undone already stays undone, however often it is asked."""
    match state:
        case Unopened():
            raise CommandRejected(NO_SUCH_DIALOG)
        case Open(talk) | Closed(talk) if command.close_seq is not None and command.close_seq > talk.closes:
            raise CommandRejected(f"This dialog has no close number {command.close_seq}.")
        case Open():
            return []
        case Closed(talk) if command.close_seq in {None, talk.closes}:
            _refuse_others(talk, command.operator)
            _refuse_too_many(talk)
            return [DialogReopened(close_seq=talk.closes, reopened_at=command.now)]
        case Closed():
            return []
        case _:
            assert_never(state)


def _refuse_too_many(talk: DialogDetails) -> None:
    # Refused at the reopening, so that what is open can always be closed.
    if talk.closes >= MOST_CLOSES:
        raise CommandRejected(f"This dialog was closed {MOST_CLOSES} times: open another one.")


DIALOG: Decider[Dialog, DialogCommand, DialogEvent] = Decider(
    category="dialog",
    initial=Unopened(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(Annotated[DialogEvent, Field(discriminator="type")]),
)
