"""Joins the parts of analytics."""

from fastapi import FastAPI

from analytics.adapters.key_positions import KeyPositions
from analytics.adapters.key_topics import KeyTopics
from analytics.api import live_chat
from analytics.api.answers import Answers
from analytics.messaging import inbound
from analytics.read_models.documents import LiveChatDocuments
from analytics.read_models.words import Opener
from analytics.settings import AnalyticsSettings
from chassis.audit import Audit
from chassis.clock import DatabaseClock
from chassis.messaging.deadletters import Graveyard
from chassis.messaging.projecting import Projecting
from chassis.messaging.publisher import Publisher
from chassis.mongo import connect
from chassis.sealing import KeyReader
from chassis.service import Parts
from chassis.settings import key_bytes
from chassis.web.app import create
from chassis.web.auth import verifier
from chassis.web.health import broker_answers, database_answers


def build(settings: AnalyticsSettings) -> FastAPI:
    """The service, ready to be served; nothing is connected before it runs."""
    name, kafka, client = settings.service, settings.kafka, connect(settings.mongo)
    database, clock, publisher = client[settings.database], DatabaseClock(client), Publisher(kafka, name)
    documents, audit = LiveChatDocuments.of(database), Audit(database, "closes")
    reader = KeyReader(database, readers_key=key_bytes(settings.readers_key))
    key_topics = KeyTopics(
        service=name, bootstrap=kafka, positions=KeyPositions(database, reader), clock=clock,
        graveyard=Graveyard(name, publisher),
    )  # fmt: skip
    projecting = Projecting(
        service=name, bootstrap=kafka, group=inbound.group(settings.database), topics=inbound.HEARD,
        projection=inbound.LiveChat(database), client=client, database=settings.database,
        publisher=publisher,
    )  # fmt: skip

    async def prepare() -> None:
        for step in (documents.prepare, audit.prepare, clock.sync):
            await step()

    async def release() -> None:
        client.close()
        await publisher.stop()

    answers = Answers(
        client=client, documents=documents, audit=audit, clock=clock, lag=projecting.lag,
        opener=Opener(reader, key_topics.read_to_end), minimum=settings.minimum_n,
    )  # fmt: skip
    return create(
        settings,
        title="Candor analytics",
        routers=[live_chat.routes(answers, verifier(settings))],
        parts=Parts([clock, key_topics, projecting], prepare, release),
        checks={"database": database_answers(client), "broker": broker_answers(kafka)},
    )
