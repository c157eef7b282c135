"""Consumes dialogs and ratings, for the projection of closes and counters; and channels, for their names."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final

from motor.motor_asyncio import AsyncIOMotorDatabase
from pydantic import Field, TypeAdapter

from analytics import SERVICE
from analytics.read_models.channels import Channels
from analytics.read_models.documents import VERSION, Document
from analytics.read_models.projection import LiveChatProjection
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.projection_runner import ProjectionRunner, nothing
from chassis.kafka.publisher import Publisher
from contracts.channels import CHANNEL_EVENTS
from contracts.dialogs import DIALOG_EVENTS, DialogEvent
from contracts.ratings import RATING_EVENTS, RatingEvent
from contracts.topics import CHANNELS, DIALOGS, RATINGS, replay

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
