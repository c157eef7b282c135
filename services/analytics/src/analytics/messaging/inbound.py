"""Consumes dialogs and ratings, for the projection of closes and counters."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from motor.motor_asyncio import AsyncIOMotorDatabase
from pydantic import Field, TypeAdapter

from analytics import SERVICE
from analytics.read_models.documents import VERSION, Document
from analytics.read_models.projection import LiveChatProjection
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.projection_runner import ProjectionRunner
from chassis.kafka.publisher import Publisher
from contracts.dialogs import DIALOG_EVENTS, DialogEvent
from contracts.ratings import RATING_EVENTS, RatingEvent
from contracts.topics import DIALOGS, RATINGS, replay

CONSUMED_TOPICS: Final[Mapping[str, TypeAdapter[Any]]] = {
    DIALOGS.name: DIALOG_EVENTS,
    RATINGS.name: RATING_EVENTS,
    replay(SERVICE).name: TypeAdapter(Annotated[DialogEvent | RatingEvent, Field(discriminator="type")]),
}


def projection_runner(
    database: AsyncIOMotorDatabase[Document], connection: KafkaConnection, publisher: Publisher
) -> ProjectionRunner:
    """Feeds the projection of `database`.

    The consumer group is named after the database: one that is built beside another consumes everything too.
    """
    return ProjectionRunner(
        service=SERVICE, connection=connection, group=f"{database.name}.live-chat.v{VERSION}",
        topics=CONSUMED_TOPICS, projection=LiveChatProjection(database), client=database.client,
        database=database.name, publisher=publisher,
    )  # fmt: skip
