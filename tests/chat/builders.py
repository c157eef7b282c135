"""The people, events and commands that tests of dialogs begin with."""

from datetime import UTC, datetime, timedelta

from chat.domain.dialog.actor import Actor
from chat.domain.dialog.decider import (
    AssignOperator,
    CloseDialog,
    CloseSilentReopening,
    OpenDialog,
    PostMessage,
    ReopenDialog,
)
from chat.domain.dialog.events import (
    AttributedBy,
    AuthorKind,
    ClosedBy,
    DialogClosed,
    DialogOpened,
    DialogReopened,
    MessagePosted,
    OperatorAssigned,
)
from chat.domain.dialog.state import Operator

START = datetime(2026, 3, 29, 0, 40, tzinfo=UTC)
ANN = Operator("ann", "Ann Lee", "first-line")
BO = Operator("bo", "Bo")
SUPERVISOR = Actor(supervises=True, channels=None)


def actor(who: Operator | None) -> Actor:
    """An operator of every channel, or the client of the dialog."""
    return Actor(operator=who, channels=None) if who else Actor(client="c1")


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def opened(minutes: float = 0) -> DialogOpened:
    return DialogOpened(dialog="d1", client="c1", channel="shop", locale="fr", opened_at=at(minutes))


def wrote(message: str, who: Operator | None = None, *, chars: int = 5, minutes: float = 1) -> MessagePosted:
    return MessagePosted(
        message=message,
        author=AuthorKind.OPERATOR if who else AuthorKind.CLIENT,
        operator=who and who.id,
        name=who and who.name,
        team=who and who.team,
        text=f"sealed-{message}",
        chars=chars,
        fingerprint=f"print-{message}",
        posted_at=at(minutes),
    )


def assigned(who: Operator = ANN, minutes: float = 1) -> OperatorAssigned:
    return OperatorAssigned(operator=who.id, name=who.name, team=who.team, assigned_at=at(minutes))


def closed(close_seq: int = 1, minutes: float = 5) -> DialogClosed:
    """A close of which only the number and the time matter."""
    return DialogClosed(
        close_seq=close_seq,
        closed_at=at(minutes),
        opened_at=at(0),
        closed_by=ClosedBy.OPERATOR,
        attributed_by=AttributedBy.NOBODY,
        client_messages=0,
        operator_messages=0,
        longest_client_text=0,
    )


def reopened(close_seq: int = 1, minutes: float = 6) -> DialogReopened:
    return DialogReopened(close_seq=close_seq, reopened_at=at(minutes))


def open_it(
    *, client: str = "c1", locale: str | None = "fr", channel: str = "shop", channel_closed: bool = False
) -> OpenDialog:
    return OpenDialog("d1", client, channel, channel_closed, at(0), locale)


def write(
    message: str, who: Operator | None = None, *, text: str | None = None, chars: int = 5, minutes: float = 1
) -> PostMessage:
    text = message if text is None else text
    return PostMessage(actor(who), message, chars, at(minutes), f"sealed-{text}", f"print-{text}")


def take(who: Operator = ANN, minutes: float = 1) -> AssignOperator:
    return AssignOperator(actor(who), at(minutes))


def give_to(who: Operator, minutes: float = 1) -> AssignOperator:
    return AssignOperator(SUPERVISOR, at(minutes), who)


def close_it(close_seq: int | None = None, minutes: float = 5, *, by: Operator | None = None) -> CloseDialog:
    """The client closes, or the operator that is named."""
    return CloseDialog(actor(by), at(minutes), close_seq)


def close_silent(minutes: float, *, silent_for: float = 10) -> CloseSilentReopening:
    return CloseSilentReopening(timedelta(minutes=silent_for), at(minutes))


def reopen_it(
    close_seq: int | None = None, minutes: float = 6, *, by: Operator | None = None
) -> ReopenDialog:
    return ReopenDialog(actor(by), at(minutes), close_seq)
