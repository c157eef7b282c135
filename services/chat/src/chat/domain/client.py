"""A client has few dialogs open at once, and one who was erased never comes back under the same id.

A dialog is open only while its client has a reservation for it, made here before the dialog is opened or
reopened, so that openings that race can't be more than `MOST_OPEN`. Reservations are released when another
one is wanted: whoever reserves names the dialogs that they saw not to be open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal, assert_never

from pydantic import AwareDatetime, Field, TypeAdapter

from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider, StoredValue
from chat.domain.rejections import Rejection

MOST_OPEN = 5
"""Dialogs of one client at once: each of them stands in operators' lists."""

LONGEST_OPENING = timedelta(minutes=1)
"""From reserving a dialog to opening it, by far: a command is given up after ten seconds."""


class ClientRegistered(StoredValue):
    """Somebody opens their first dialog. E-mail and name are sealed. Storage format: only add."""

    type: Literal["registered"] = "registered"
    client: str
    channel: str
    registered_at: AwareDatetime
    locale: str | None = None
    email: str | None = None
    name: str | None = None


class DialogReserved(StoredValue):
    """A dialog that was closed `closes` times may be opened; those of the dialogs in `released` end.

    Storage format: only add.
    """

    type: Literal["dialog-reserved"] = "dialog-reserved"
    dialog: str
    closes: int
    released: tuple[str, ...] = ()
    reserved_at: AwareDatetime


class ClientErased(StoredValue):
    """Everything this client wrote or is called must be forgotten. Storage format: only add."""

    type: Literal["erased"] = "erased"
    client: str
    channel: str | None = None
    erased_at: AwareDatetime


ClientEvent = ClientRegistered | DialogReserved | ClientErased


@dataclass(frozen=True)
class DialogReservation:
    """Of a dialog that is open, or about to be: it had been closed `closes` times then."""

    closes: int
    at: datetime

    def is_fresh(self, closes: int, now: datetime) -> bool:
        """Whether it serves an opening of the dialog now, after `closes` closes.

        An older one is renewed, so that nobody takes it for one whose opening has failed.
        """
        return self.closes > closes or (self.closes == closes and now < self.at + LONGEST_OPENING / 2)

    def is_over(self, closes: int, now: datetime) -> bool:
        """Whether it is of no use to a dialog that was seen not to be open, closed `closes` times so far.

        One that was not closed since is about to be opened, until that must have failed.
        """
        return closes > self.closes or (closes == self.closes and self.at + LONGEST_OPENING <= now)


@dataclass(frozen=True)
class UnknownClient:
    """Never opened a dialog here: a visitor who may still do so, another system's client, or nobody."""


@dataclass(frozen=True)
class RegisteredClient:
    """May open dialogs and write; `email` and `name` are sealed, `reserved` goes by dialog."""

    channel: str
    locale: str | None
    email: str | None
    name: str | None
    reserved: Mapping[str, DialogReservation] = field(default_factory=dict)

    def over(self, not_open: Mapping[str, int], now: datetime) -> set[str]:
        """The dialogs whose reservation is over, of those that were seen not to be open."""
        seen = self.reserved.keys() & not_open.keys()
        return {dialog for dialog in seen if self.reserved[dialog].is_over(not_open[dialog], now)}


@dataclass(frozen=True)
class ErasedClient:
    """Forgotten for good; `channel` is where they had come to, if that was known."""

    erased_at: datetime
    channel: str | None = None


Client = UnknownClient | RegisteredClient | ErasedClient


def evolve(client: Client, event: ClientEvent) -> Client:
    """The client after the event."""
    match event:
        case ClientRegistered():
            return RegisteredClient(event.channel, event.locale, event.email, event.name)
        case DialogReserved():
            if not isinstance(client, RegisteredClient):
                raise ValueError("only a registered client opens dialogs")  # noqa: TRY004 - an unreadable story
            kept = {dialog: each for dialog, each in client.reserved.items() if dialog not in event.released}
            new = {event.dialog: DialogReservation(event.closes, event.reserved_at)}
            return replace(client, reserved=kept | new)
        case ClientErased():
            return ErasedClient(event.erased_at, channel_of(client) or event.channel)
        case _:
            assert_never(event)


def channel_of(client: Client) -> str | None:
    """The channel that the client came to, None for one who never registered here."""
    return None if isinstance(client, UnknownClient) else client.channel


@dataclass(frozen=True)
class Registration:
    """Who a client is, as far as is known; e-mail and name come sealed."""

    channel: str
    locale: str | None = None
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class ReserveDialog:
    """Let a dialog be opened, or reopened after its close number `closes`.

    `registration` is for a client's first dialog, and of no account later. `not_open` are dialogs that were
    seen not to be open, with the number of their closes then.
    """

    client: str
    dialog: str
    now: datetime
    closes: int = 0
    registration: Registration | None = None
    not_open: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class EraseClient:
    """Forget everything a client wrote or is called; `channel` is where one came to who opened no dialog."""

    client: str
    now: datetime
    channel: str | None = None


ClientCommand = ReserveDialog | EraseClient


def decide(state: Client, command: ClientCommand) -> Sequence[ClientEvent]:
    """What comes of the command. Raises `CommandRejected`."""
    match command:
        case ReserveDialog():
            return reserve(state, command)
        case EraseClient():
            return erase(state, command)
        case _:
            assert_never(command)


def reserve(state: Client, command: ReserveDialog) -> Sequence[ClientEvent]:
    """A reservation for the dialog; nothing new if it has one that is fresh enough to be used."""
    match state:
        case UnknownClient() if command.registration:
            who = asdict(command.registration)
            registered = ClientRegistered(client=command.client, registered_at=command.now, **who)
            return [registered, _reservation(command)]
        case UnknownClient():
            raise CommandRejected(Rejection.VISITOR_EXPIRED)
        case RegisteredClient():
            own = state.reserved.get(command.dialog)
            if own and own.is_fresh(command.closes, command.now):
                return []
            over = state.over(command.not_open, command.now) - {command.dialog}
            if len(state.reserved.keys() - over - {command.dialog}) >= MOST_OPEN:
                raise CommandRejected(Rejection.TOO_MANY_OPEN_DIALOGS, most=MOST_OPEN)
            return [_reservation(command, *sorted(over))]
        case ErasedClient():
            raise CommandRejected(Rejection.CLIENT_ERASED)
        case _:
            assert_never(state)


def _reservation(command: ReserveDialog, *released: str) -> DialogReserved:
    return DialogReserved(
        dialog=command.dialog, closes=command.closes, released=released, reserved_at=command.now
    )


def erase(state: Client, command: EraseClient) -> Sequence[ClientErased]:
    """Also a client who never registered here: other services may know more of them."""
    match state:
        case ErasedClient():
            return []
        case UnknownClient() | RegisteredClient():
            channel = channel_of(state) or command.channel
            return [ClientErased(client=command.client, channel=channel, erased_at=command.now)]
        case _:
            assert_never(state)


def refuse_if_erased(state: Client) -> None:
    """Raises `CommandRejected` if nothing may be written by, or to, this client any more."""
    if isinstance(state, ErasedClient):
        raise CommandRejected(Rejection.CLIENT_ERASED)


CLIENT: Decider[Client, ClientCommand, ClientEvent] = Decider(
    category="client",
    initial=UnknownClient(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(Annotated[ClientEvent, Field(discriminator="type")]),
)
