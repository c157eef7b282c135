"""A client who was erased never comes back under the same id."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, assert_never

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider
from chat.domain.rejections import Rejection


class ClientRegistered(BaseModel):
    """Somebody came to a channel. E-mail and name are sealed. Storage format: only add."""

    model_config = ConfigDict(frozen=True)

    type: Literal["registered"] = "registered"
    client: str
    channel: str
    registered_at: AwareDatetime
    locale: str | None = None
    email: str | None = None
    name: str | None = None


class ClientErased(BaseModel):
    """Everything this client wrote or is called must be forgotten. Storage format: only add."""

    model_config = ConfigDict(frozen=True)

    type: Literal["erased"] = "erased"
    client: str
    erased_at: AwareDatetime


ClientEvent = ClientRegistered | ClientErased


@dataclass(frozen=True)
class UnknownClient:
    """Never registered here: another system's client, or nobody."""


@dataclass(frozen=True)
class RegisteredClient:
    """May open dialogs and write; `email` and `name` are sealed."""

    channel: str
    locale: str | None
    email: str | None
    name: str | None


@dataclass(frozen=True)
class ErasedClient:
    """Forgotten for good; `channel` is where they had registered, if they had."""

    erased_at: datetime
    channel: str | None = None


Client = UnknownClient | RegisteredClient | ErasedClient


def evolve(client: Client, event: ClientEvent) -> Client:
    """The client after the event."""
    match event:
        case ClientRegistered():
            return RegisteredClient(event.channel, event.locale, event.email, event.name)
        case ClientErased():
            return ErasedClient(event.erased_at, channel_of(client))
        case _:
            assert_never(event)


def channel_of(client: Client) -> str | None:
    """The channel that the client came to, None for one who never registered here."""
    return None if isinstance(client, UnknownClient) else client.channel


@dataclass(frozen=True)
class RegisterClient:
    """Let somebody into a channel; e-mail and name come sealed."""

    client: str
    channel: str
    now: datetime
    locale: str | None = None
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class EraseClient:
    """Forget everything a client wrote or is called."""

    client: str
    now: datetime


ClientCommand = RegisterClient | EraseClient


def decide(state: Client, command: ClientCommand) -> Sequence[ClientEvent]:
    """What comes of the command. Raises `CommandRejected`."""
    match command:
        case RegisterClient():
            return register(state, command)
        case EraseClient():
            return erase(state, command)
        case _:
            assert_never(command)


def register(state: Client, command: RegisterClient) -> Sequence[ClientRegistered]:
    """Once; the same registration again is nothing new."""
    match state:
        case UnknownClient():
            return [
                ClientRegistered(
                    client=command.client,
                    channel=command.channel,
                    registered_at=command.now,
                    locale=command.locale,
                    email=command.email,
                    name=command.name,
                )
            ]
        case RegisteredClient() if state == _wanted(command):
            return []
        case RegisteredClient():
            raise CommandRejected(Rejection.CLIENT_REGISTERED)
        case ErasedClient():
            raise CommandRejected(Rejection.CLIENT_ERASED)
        case _:
            assert_never(state)


def _wanted(command: RegisterClient) -> RegisteredClient:
    return RegisteredClient(command.channel, command.locale, command.email, command.name)


def erase(state: Client, command: EraseClient) -> Sequence[ClientErased]:
    """Also a client who never registered here: other services may know more of them."""
    match state:
        case ErasedClient():
            return []
        case UnknownClient() | RegisteredClient():
            return [ClientErased(client=command.client, erased_at=command.now)]
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
