"""Joins the parts of analytics."""

from fastapi import FastAPI

from analytics.api import live_chat
from analytics.api.queries import LiveChatQueries
from analytics.messaging import inbound
from analytics.messaging.key_positions import KeyPositions
from analytics.messaging.key_topics import KeyTopics
from analytics.read_models.decryption import Decryptor
from analytics.read_models.documents import LiveChatDocuments
from analytics.settings import AnalyticsSettings
from chassis.audit import Audit
from chassis.clock import DatabaseClock
from chassis.crypto_shredding import KeyReader
from chassis.http.app import create
from chassis.http.auth import verifier
from chassis.http.health import broker_answers, database_answers
from chassis.kafka.dead_letters import DeadLetterQueue
from chassis.kafka.projection_runner import ProjectionRunner
from chassis.kafka.publisher import Publisher
from chassis.mongo import connect
from chassis.service import Supervisor
from chassis.settings import key_bytes


def build(settings: AnalyticsSettings) -> FastAPI:
    """The service, ready to be served; nothing is connected before it runs."""
    name, kafka, client = settings.service, settings.kafka, connect(settings.mongo)
    database, clock, publisher = client[settings.database], DatabaseClock(client), Publisher(kafka, name)
    documents, audit = LiveChatDocuments.of(database), Audit(database, "closes")
    reader = KeyReader(database, readers_key=key_bytes(settings.readers_key))
    key_topics = KeyTopics(
        service=name, connection=kafka, positions=KeyPositions(database, reader), clock=clock,
        dead_letters=DeadLetterQueue(name, publisher),
    )  # fmt: skip
    projecting = ProjectionRunner(
        service=name, connection=kafka, group=inbound.group(settings.database),
        topics=inbound.CONSUMED_TOPICS, projection=inbound.LiveChatProjection(database), client=client,
        database=settings.database, publisher=publisher,
    )  # fmt: skip

    async def prepare() -> None:
        for step in (documents.prepare, audit.prepare, clock.sync):
            await step()

    async def release() -> None:
        client.close()
        await publisher.stop()

    answers = LiveChatQueries(
        client=client, documents=documents, audit=audit, clock=clock, lag=projecting.lag,
        opener=Decryptor(reader, key_topics.read_to_end), minimum=settings.minimum_n,
    )  # fmt: skip
    return create(
        settings,
        title="Candor analytics",
        routers=[live_chat.routes(answers, verifier(settings))],
        parts=Supervisor([clock, key_topics, projecting], prepare, release),
        checks={"database": database_answers(client), "broker": broker_answers(kafka)},
    )
