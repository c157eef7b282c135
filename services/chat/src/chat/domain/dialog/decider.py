"""A dialog is open or closed, its closes are numbered 1, 2, 3…, and every message is in it once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, assert_never

from pydantic import Field, TypeAdapter

from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider
from chat.domain.dialog.actor import Actor, author_of, writer_of
from chat.domain.dialog.events import (
    AttributedBy,
    AuthorKind,
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
from chat.domain.dialog.state import (
    Closed,
    Dialog,
    DialogDetails,
    Episode,
    Open,
    Operator,
    Unopened,
    details_of,
    evolve,
)
from chat.domain.rejections import Rejection

MOST_MESSAGES = 5_000
"""Of one dialog: what it remembers of every message is kept in memory while it is worked with."""

MIB = 2**20
MOST_BYTES = 8 * MIB
"""Of the sealed texts of one dialog: they are kept for good, and 10,000 emoji are 53 KB."""

MOST_CLOSES = 50
"""Of one dialog: each is published to every service, and may ask the client a question."""

NOT_SEALED = ""
"""Stands for a text that isn't sealed yet, and for its fingerprint."""


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
    """Write. The text comes sealed, its length in characters beside it.

    Whether it may be written is decided before that: then text, and fingerprint unless it is known already,
    are `NOT_SEALED`. Services write for what is no person.
    """

    actor: Actor
    message: str
    chars: int
    now: datetime
    text: str = NOT_SEALED
    fingerprint: str = NOT_SEALED
    kind: ParticipantKind = ParticipantKind.PERSON


@dataclass(frozen=True)
class AssignOperator:
    """Give the dialog to `whom`, or take it; nobody takes it out of another's hands."""

    actor: Actor
    now: datetime
    whom: Operator | None = None


@dataclass(frozen=True)
class CloseDialog:
    """Close for the `close_seq`-th time, or simply close. E-mail and name come sealed, or not at all."""

    actor: Actor
    now: datetime
    close_seq: int | None = None
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class ReopenDialog:
    """Undo the close numbered `close_seq`, or simply the last one."""

    actor: Actor
    now: datetime
    close_seq: int | None = None


@dataclass(frozen=True)
class CloseSilentReopening:
    """Close again, if the dialog was reopened and nobody wrote for `silent_for` since."""

    silent_for: timedelta
    now: datetime


DialogCommand = OpenDialog | PostMessage | AssignOperator | CloseDialog | ReopenDialog | CloseSilentReopening


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
            raise CommandRejected(Rejection.CHANNEL_CLOSED)
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
        case Open(details) | Closed(details):
            _refuse_another_opening(details, command)
            return []
        case _:
            assert_never(state)


def _refuse_another_opening(details: DialogDetails, command: OpenDialog) -> None:
    if details.client != command.client:
        raise CommandRejected(Rejection.NO_SUCH_DIALOG)
    for what in ("channel", "locale", "origin"):
        if getattr(details, what) != getattr(command, what):
            raise CommandRejected(Rejection.OPENED_OTHERWISE, differs=what)


def post(state: Dialog, command: PostMessage) -> Sequence[MessagePosted]:
    """Once for each id; the same message again is nothing new, also after a close."""
    details, operator = writer_of(command.actor, state, command.kind)
    if posted := details.messages.get(command.message):
        if (posted.operator, posted.fingerprint) != (operator and operator.id, command.fingerprint):
            raise CommandRejected(Rejection.MESSAGE_ID_TAKEN)
        return []
    if not isinstance(state, Open):
        raise CommandRejected(Rejection.DIALOG_CLOSED)
    if len(details.messages) >= MOST_MESSAGES:
        raise CommandRejected(Rejection.DIALOG_FULL, most=MOST_MESSAGES)
    if details.sealed_bytes + len(command.text) > MOST_BYTES:
        raise CommandRejected(Rejection.DIALOG_TOO_LARGE, most_mib=MOST_BYTES // MIB)
    if command.actor.service is None:
        _refuse_others(details, operator)
    return [_posting(command, operator)]


def _refuse_others(details: DialogDetails, operator: Operator | None) -> None:
    if operator is not None and not details.is_assigned_to(operator.id):
        raise CommandRejected(Rejection.NOT_YOUR_DIALOG)


def _posting(command: PostMessage, operator: Operator | None) -> MessagePosted:
    return MessagePosted(
        message=command.message,
        author=AuthorKind.CLIENT if operator is None else AuthorKind.OPERATOR,
        operator=operator and operator.id,
        name=operator and operator.name,
        team=operator and operator.team,
        text=command.text,
        chars=command.chars,
        fingerprint=command.fingerprint,
        posted_at=command.now,
        kind=command.kind,
    )


def assign(state: Dialog, command: AssignOperator) -> Sequence[OperatorAssigned]:
    """Two operators may reach for a waiting dialog at once: one gets it."""
    if isinstance(state, Unopened) or not command.actor.covers(state.details.channel):
        raise CommandRejected(Rejection.NO_SUCH_DIALOG)
    who, takes = _assignee(command, leads=command.actor.leads(state.details))
    match state:
        case Open(details) | Closed(details) if details.assigned == who:
            return []
        case Closed():
            raise CommandRejected(Rejection.DIALOG_CLOSED)
        case Open(details) if takes and details.assigned and not details.is_assigned_to(who.id):
            raise CommandRejected(Rejection.TAKEN_BY_ANOTHER)
        case Open():
            return [OperatorAssigned(operator=who.id, name=who.name, team=who.team, assigned_at=command.now)]
        case _:
            assert_never(state)


def _assignee(command: AssignOperator, *, leads: bool) -> tuple[Operator, bool]:
    """Who gets the dialog, and whether they take it themselves: operators do, supervisors give it."""
    actor, whom = command.actor, command.whom
    if leads and whom is not None:
        return whom, False
    if actor.operator is None:
        raise CommandRejected(Rejection.OPERATOR_MISSING if leads else Rejection.NO_SUCH_DIALOG)
    if whom is not None and whom.id != actor.operator.id:
        raise CommandRejected(Rejection.ONLY_FOR_YOURSELF)
    return actor.operator, True


def close(state: Dialog, command: CloseDialog) -> Sequence[DialogClosed]:
    """A close that was made already is nothing new, even if it was undone since."""
    details, operator = author_of(command.actor, state)
    if command.close_seq is not None and command.close_seq <= details.closes:
        return []
    match state:
        case Open(_, episode):
            if command.close_seq not in {None, details.closes + 1}:
                raise CommandRejected(Rejection.NOT_THE_NEXT_CLOSE, next=details.closes + 1)
            if operator is None and details.closes and episode.is_silent:
                raise CommandRejected(Rejection.NOTHING_NEW)
            _refuse_others(details, operator)
            closed_by = ClosedBy.CLIENT if operator is None else ClosedBy.OPERATOR
            if details.last_close is not None and episode.is_silent:
                return [_repeated(details.last_close, command.now, closed_by)]
            return [_closing(details, episode, command, closed_by)]
        case Closed() if command.close_seq is None:
            return []
        case _:
            raise CommandRejected(Rejection.DIALOG_CLOSED)


def _closing(
    details: DialogDetails, episode: Episode, command: CloseDialog, closed_by: ClosedBy
) -> DialogClosed:
    operator, attributed_by = attribution(details, episode)
    participants = tuple(episode.participants.values())
    return DialogClosed(
        close_seq=details.closes + 1,
        closed_at=command.now,
        opened_at=episode.since,
        first_reply_at=episode.first_reply_at,
        closed_by=closed_by,
        operator=operator and operator.id,
        operator_name=operator and operator.name,
        team=operator and operator.team,
        attributed_by=attributed_by,
        participants=participants,
        client_messages=episode.client_messages,
        operator_messages=sum(each.messages for each in participants if each.is_person),
        longest_client_text=episode.longest_client_text,
        email=command.email,
        name=command.name,
    )


def attribution(
    details: DialogDetails, episode: Episode
) -> tuple[Operator | Participant | None, AttributedBy]:
    """The operator who counts for a close, as they are called now, and the rule that chose them.

    Never a bot or a system, also if somebody gave it the dialog.
    """
    if episode.last_reply_by is not None:
        return episode.participants[episode.last_reply_by], AttributedBy.LAST_REPLY
    assigned = details.assigned
    if assigned is not None and ((known := episode.participants.get(assigned.id)) is None or known.is_person):
        return assigned, AttributedBy.ASSIGNED
    return None, AttributedBy.NOBODY


def close_silent(state: Dialog, command: CloseSilentReopening) -> Sequence[DialogClosed]:
    """A reopening that nobody used ends as if it had not been: the close before is repeated."""
    due_at = silent_until(state, command.silent_for)
    if due_at is None or command.now < due_at or (last := details_of(state).last_close) is None:
        return []
    return [_repeated(last, command.now, ClosedBy.SYSTEM)]


def _repeated(last: DialogClosed, now: datetime, closed_by: ClosedBy) -> DialogClosed:
    """Who counts for the close before counts for this one, whoever makes it."""
    number = last.close_seq
    again = {"close_seq": number + 1, "closed_at": now, "closed_by": closed_by, "resumes": number}
    return last.model_copy(update=again)


def silent_until(state: Dialog, silent_for: timedelta | None) -> datetime | None:
    """When a reopened dialog in which nobody has written is to be closed again; None for any other.

    Never, if `silent_for` is None.
    """
    match state:
        case Open(details, episode) if silent_for and details.closes and episode.is_silent:
            return episode.since + silent_for
        case Unopened() | Open() | Closed():
            return None
        case _:
            assert_never(state)


def reopen(state: Dialog, command: ReopenDialog) -> Sequence[DialogReopened]:
    """A close that was undone already stays undone, however often it is asked."""
    details, operator = author_of(command.actor, state)
    if command.close_seq is not None and command.close_seq > details.closes:
        raise CommandRejected(Rejection.NO_SUCH_CLOSE, close_seq=command.close_seq)
    if isinstance(state, Open) or command.close_seq not in {None, details.closes}:
        return []
    _refuse_others(details, operator)
    if details.closes >= MOST_CLOSES:
        # Refused at the reopening, so that what is open can always be closed.
        raise CommandRejected(Rejection.CLOSED_TOO_OFTEN, most=MOST_CLOSES)
    return [DialogReopened(close_seq=details.closes, reopened_at=command.now)]


DIALOG: Decider[Dialog, DialogCommand, DialogEvent] = Decider(
    category="dialog",
    initial=Unopened(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(Annotated[DialogEvent, Field(discriminator="type")]),
)
