"""Consumes dialogs and ratings for closes and counters, channels, keys of texts, and clients to forget."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Annotated, Any, Final

from motor.motor_asyncio import AsyncIOMotorDatabase
from pydantic import Field, TypeAdapter

from analytics import SERVICE
from analytics.read_models.channels import Channels
from analytics.read_models.documents import VERSION, Document
from analytics.read_models.projection import LiveChatProjection
from chassis.clock import Clock
from chassis.crypto_shredding import KeyReader, PrivateKeyRing
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.event_consumer import EventConsumer
from chassis.kafka.projection_runner import ProjectionRunner
from chassis.kafka.publisher import Publisher
from chassis.kafka.records import ReceivedEvent
from chassis.kafka.subscription import nothing
from chassis.kafka.table_reader import TableReader
from chassis.mongo import durable
from contracts.channels import CHANNEL_EVENTS
from contracts.clients import CLIENT_EVENTS, ClientErased
from contracts.dialogs import DIALOG_EVENTS, DialogEvent
from contracts.keys import KEY_EVENTS
from contracts.ratings import RATING_EVENTS, RatingEvent
from contracts.topics import CHANNELS, CLIENTS, DIALOG_KEYS, DIALOGS, RATING_KEYS, RATINGS, replay

CONSUMED_TOPICS: Final[Mapping[str, TypeAdapter[Any]]] = {
    DIALOGS.name: DIALOG_EVENTS,
    RATINGS.name: RATING_EVENTS,
    replay(SERVICE).name: TypeAdapter(Annotated[DialogEvent | RatingEvent, Field(discriminator="type")]),
}


def projection_runner(
    database: AsyncIOMotorDatabase[Document],
    connection: KafkaConnection,
    publisher: Publisher,
    on_applied: Callable[[], None],
    on_conflict: Callable[[], Awaitable[object]] = nothing,
) -> ProjectionRunner:
    """Feeds the first generation of the projection of `database`, until another one is switched to.

    The consumer group is named after the database: one that is built beside another consumes everything too.
    """
    return ProjectionRunner(
        service=SERVICE, connection=connection, group=f"{database.name}.live-chat.v{VERSION}",
        topics=CONSUMED_TOPICS, projection=LiveChatProjection(database), client=database.client,
        database=database.name, publisher=publisher, on_applied=on_applied, on_conflict=on_conflict,
    )  # fmt: skip


def channels_runner(
    database: AsyncIOMotorDatabase[Document], connection: KafkaConnection, publisher: Publisher
) -> ProjectionRunner:
    """Feeds the channels of `database`. Its dead letters aren't replayed: chat publishes again."""
    channels = Channels(database)
    return ProjectionRunner(
        service=SERVICE, connection=connection, group=f"{database.name}.{channels.name}.v{channels.version}",
        topics={CHANNELS.name: CHANNEL_EVENTS}, projection=channels, client=database.client,
        database=database.name, publisher=publisher,
    )  # fmt: skip


def keys_reader(
    database: AsyncIOMotorDatabase[Document],
    connection: KafkaConnection,
    publisher: Publisher,
    reader: KeyReader,
    clock: Clock,
    *,
    service: str = SERVICE,
    topics: Collection[str] = (DIALOG_KEYS.name, RATING_KEYS.name),
) -> TableReader:
    """Feeds the keys of `reader`, which are in `database`."""
    return TableReader(
        "key topics", service=service, connection=connection, topics=dict.fromkeys(topics, KEY_EVENTS),
        table=reader, positions=durable(database, "key_positions"), publisher=publisher, clock=clock,
    )  # fmt: skip


def client_consumer(
    keys: PrivateKeyRing, connection: KafkaConnection, publisher: Publisher, database: str
) -> EventConsumer:
    """Deletes the keys of notes about clients who are erased; also what is replayed of that."""

    async def on_client_erased(received: ReceivedEvent[ClientErased]) -> None:
        await keys.erase(received.event.client)

    return EventConsumer(
        service=SERVICE, connection=connection, group=f"{database}.clients",
        topics={CLIENTS.name: CLIENT_EVENTS, replay(SERVICE).name: CLIENT_EVENTS},
        handler=on_client_erased, publisher=publisher,
    )  # fmt: skip
