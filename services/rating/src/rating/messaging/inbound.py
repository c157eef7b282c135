"""Consumes dialogs, clients and channels; most events become commands, and twice the same does no harm."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pydantic import Field, TypeAdapter

from chassis.clock import Clock
from chassis.crypto_shredding import KeyReader
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.event_consumer import EventConsumer
from chassis.kafka.publisher import Publisher
from chassis.kafka.records import ReceivedEvent
from chassis.kafka.table_reader import TableReader
from chassis.mongo import durable
from contracts.channels import CHANNEL_EVENTS, ChannelPublished
from contracts.clients import CLIENT_EVENTS, ClientErased
from contracts.dialogs import DIALOG_EVENTS, DialogClosed, DialogOpened, DialogReopened
from contracts.keys import KEY_EVENTS
from contracts.topics import CHANNELS, CLIENTS, DIALOG_KEYS, DIALOGS, replay
from rating.domain.quality_control.decider import (
    DEFAULT,
    DEFAULT_STREAM,
    QUALITY_CONTROL,
    BeginWithDefault,
)
from rating.domain.quality_control.state import Saved
from rating.domain.rating.decider import RATING, RegisterClose, RegisterReopening
from rating.domain.rating.eligibility import CloseFacts, KindOfClose, draw_of
from rating.domain.rating.form_version import FormVersion, Snapshot
from rating.messaging.contacts import Contacts, Reach
from rating.messaging.cool_down import with_cool_down
from rating.processes.erasure import ClientErasure
from rating.read_models.channels import Channels
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.form_documents import form_id

ConsumedEvent = DialogOpened | DialogClosed | DialogReopened | ClientErased | ChannelPublished
CONSUMED_EVENTS: TypeAdapter[ConsumedEvent] = TypeAdapter(
    Annotated[ConsumedEvent, Field(discriminator="type")]
)
"""Everything that rating consumes: what its replay topic may hold."""


@dataclass(frozen=True)
class Inbound:
    """What rating does with what it consumes."""

    repository: Repository
    form_version_of: Callable[[str], Awaitable[FormVersion]]
    channels: Channels
    erased: ErasedClients
    erasure: ClientErasure
    contacts: Contacts
    form_secret: bytes = field(repr=False)

    async def on_event(self, received: ReceivedEvent[Any]) -> None:
        """Passes an event on to its handler."""
        match received.event:
            case DialogClosed() as event:
                await self.on_dialog_closed(event)
            case DialogReopened() as event:
                await self.on_dialog_reopened(event)
            case ClientErased() as event:
                await self.on_client_erased(event)
            case ChannelPublished() as event:
                await self.on_channel_published(event, received.envelope.sequence)

    async def on_dialog_closed(self, event: DialogClosed) -> None:
        """Decides about the form of the close."""
        rules = await self.form_version_of(event.channel)
        reach = await self.contacts.reach(event, rules)
        command = RegisterClose(
            snapshot=Snapshot.model_validate(event.model_dump(include=set(Snapshot.model_fields))),
            rules=rules,
            facts=self.facts_of(event, reach),
            erased=bool(await self.erased.among([event.client])),
            now=self.repository.clock.now(),
            email=reach.email,
        )
        complete = partial(with_cool_down, self.repository, command)
        stream = RATING.stream(event.dialog)
        await handle(self.repository, RATING, stream, command, complete=complete, read_first=True)

    def facts_of(self, event: DialogClosed, reach: Reach) -> CloseFacts:
        """What Quality control's rules are held against."""
        return CloseFacts(
            closed_by=KindOfClose(event.closed_by),
            client_messages=event.client_messages,
            operator_messages=event.operator_messages,
            longest_text=event.longest_client_text,
            labels=event.labels,
            spam=event.spam,
            resumes=event.resumes,
            ways=reach.ways,
            opted_out=reach.opted_out,
            draw=draw_of(form_id(event.dialog, event.close_seq), self.form_secret),
        )

    async def on_dialog_reopened(self, event: DialogReopened) -> None:
        """Withdraws the form of the close that was undone."""
        command = RegisterReopening(event.close_seq, event.reopened_at, self.repository.clock.now())
        await handle(self.repository, RATING, RATING.stream(event.dialog), command)

    async def on_channel_published(self, event: ChannelPublished, position: int) -> None:
        """Keeps the channel, `position` being its `ce_sequence`; one that is new begins with the default."""
        if not await self.channels.is_known(event.channel):
            # Before it is known: whoever is interrupted here begins anew.
            await self._begin_with_default(event.channel)
        await self.channels.publish(event, position)

    async def _begin_with_default(self, channel: str) -> None:
        default = (await self.repository.load(DEFAULT, DEFAULT_STREAM)).state
        if isinstance(default, Saved):
            command = BeginWithDefault(default.last, self.repository.clock.now())
            await handle(self.repository, QUALITY_CONTROL, QUALITY_CONTROL.stream(channel), command)

    async def on_client_erased(self, event: ClientErased) -> None:
        """Forgets what the client wrote, and asks nothing more."""
        await self.erasure.erase(event.client, event.erased_at)


def consumers(
    inbound: Inbound, connection: KafkaConnection, publisher: Publisher, database: str
) -> list[EventConsumer]:
    """What rating consumes: dialogs, with what is replayed, in one group, clients and channels in their own.

    Groups are named after the database: two installations on one Kafka consume everything each.
    """
    service = "rating"
    dialogs: dict[str, TypeAdapter[Any]] = {
        DIALOGS.name: DIALOG_EVENTS,
        replay(service).name: CONSUMED_EVENTS,
    }
    clients: dict[str, TypeAdapter[Any]] = {CLIENTS.name: CLIENT_EVENTS}
    channels: dict[str, TypeAdapter[Any]] = {CHANNELS.name: CHANNEL_EVENTS}
    return [
        EventConsumer(
            service=service,
            connection=connection,
            group=f"{database}.{name}",
            topics=topics,
            handler=inbound.on_event,
            publisher=publisher,
        )
        for name, topics in (("dialogs", dialogs), ("clients", clients), ("channels", channels))
    ]


def keys_reader(
    database: AsyncIOMotorDatabase[dict[str, Any]],
    connection: KafkaConnection,
    publisher: Publisher,
    reader: KeyReader,
    clock: Clock,
    topic: str = DIALOG_KEYS.name,
) -> TableReader:
    """Feeds the keys of `reader`, which are in `database`: those that chat's addresses are opened with."""
    return TableReader(
        "dialog keys", service="rating", connection=connection, topics={topic: KEY_EVENTS},
        table=reader, positions=durable(database, "key_positions"), publisher=publisher, clock=clock,
    )  # fmt: skip
