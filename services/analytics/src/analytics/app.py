"""Joins the parts of analytics."""

from fastapi import FastAPI

from analytics.adapters.key_topics import KeyTopics
from analytics.api import live_chat
from analytics.messaging import inbound, keys
from analytics.read_models.audit import Audit
from analytics.read_models.documents import LiveChatDocuments
from analytics.read_models.words import Opener
from analytics.settings import AnalyticsSettings
from chassis.clock import DatabaseClock
from chassis.messaging.hearing import Hearing
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
    documents, audit = LiveChatDocuments.of(database), Audit(database)
    reader = KeyReader(database, readers_key=key_bytes(settings.readers_key))
    learner = keys.Keys(reader)
    hearing = Hearing(
        service=name, bootstrap=kafka, group=keys.GROUP, topics=keys.HEARD, publisher=publisher,
        handler=learner.heard, tombstone=learner.gone,
    )  # fmt: skip
    projecting = Projecting(
        service=name, bootstrap=kafka, group=inbound.GROUP, topics=inbound.HEARD, publisher=publisher,
        projection=inbound.LiveChat(database), client=client, database=settings.database,
    )  # fmt: skip

    async def prepare() -> None:
        for step in (documents.prepare, audit.prepare, clock.sync):
            await step()

    router = live_chat.routes(
        client=client, documents=documents, audit=audit, verifier=verifier(settings), clock=clock,
        opener=Opener(reader, KeyTopics(kafka, keys.GROUP, keys.TOPICS).read_to_end), lag=projecting.lag,
        minimum=settings.minimum_n,
    )  # fmt: skip
    return create(
        settings,
        title="Candor analytics",
        routers=[router],
        parts=Parts([clock, hearing, projecting], prepare, publisher.stop),
        checks={"database": database_answers(client), "broker": broker_answers(kafka)},
    )
