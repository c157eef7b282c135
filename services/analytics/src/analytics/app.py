"""Joins the parts of analytics."""

from collections.abc import Collection

from fastapi import FastAPI

from analytics.api import (
    close_reviews,
    closes,
    distribution,
    export,
    form_versions,
    live_chat,
    marks,
    pages,
    patterns,
    reviews,
)
from analytics.api.problems import CATALOGUE
from analytics.messaging.commit_handlers import mark_handler, review_handler
from analytics.messaging.inbound import channels_runner, client_consumer, keys_reader, projection_runner
from analytics.processes.day_folding import DayFolding
from analytics.read_models.channels import Channels
from analytics.read_models.decryption import Decryptor
from analytics.read_models.documents import NAME, LiveChatDocuments
from analytics.read_models.generations import ServingDocuments
from analytics.read_models.marks import Marks
from analytics.read_models.progress import ProgressReader
from analytics.read_models.projection import LiveChatProjection
from analytics.read_models.reviewed import ReviewedCloses
from analytics.read_models.views import publish_views
from analytics.settings import AnalyticsSettings
from chassis.audit import Audit
from chassis.background import BackgroundTask, Supervisor
from chassis.clock import Clock, DatabaseClock
from chassis.crypto_shredding import KeyReader
from chassis.crypto_shredding.private_key_ring import private_key_ring
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.http.app import create
from chassis.http.auth import verifier
from chassis.http.health import broker_answers, database_answers
from chassis.http.live import LiveUpdates
from chassis.kafka.publisher import Publisher
from chassis.mongo import connect
from chassis.outbox.relay import OutboxRelay


def build(
    settings: AnalyticsSettings,
    *,
    clock: Clock | None = None,
    decryptor: Decryptor | None = None,
    only: Collection[str] | None = None,
) -> FastAPI:
    """The service, ready to be served; nothing is connected before it runs.

    `clock` takes the place of the database's, `decryptor` that of the keys that were received. Of the
    background tasks those named in `only` run, else all.
    """
    client, publisher = connect(settings.mongo), Publisher(settings.kafka, settings.service)
    database, database_clock = client[settings.database], DatabaseClock(client)
    serving, audit = ServingDocuments(database), Audit(database, "closes")
    reader = KeyReader.of(settings, database)
    keys = keys_reader(database, settings.kafka, publisher, reader, database_clock)
    live = LiveUpdates()

    def on_changed() -> None:
        live.wake([NAME])

    def on_switch(documents: LiveChatDocuments) -> None:
        projecting.switch(LiveChatProjection(database, documents.generation))
        on_changed()

    projecting = projection_runner(database, settings.kafka, publisher, on_changed, serving.look)
    serving.on_switch = on_switch
    progress = ProgressReader(database, lambda: serving.now, projecting.behind_seconds)
    naming = channels_runner(database, settings.kafka, publisher)
    folding = DayFolding(lambda: serving.now, database_clock, projecting.behind_seconds)
    store, ring = MongoEventStore(database), private_key_ring(settings, database)
    reviewed, time_marks = ReviewedCloses(database), Marks(database)
    relay = OutboxRelay(
        settings.service, store, publisher, [review_handler(reviewed), mark_handler(time_marks)]
    )
    repository = Repository(store, clock or database_clock, wake=relay.wake, service=settings.service)
    forgetting = client_consumer(ring, settings.kafka, publisher, database.name)
    tasks: list[BackgroundTask] = [
        database_clock, keys, serving, projecting, naming, folding, ring, relay, forgetting,
    ]  # fmt: skip

    async def prepare() -> None:
        await serving.look()
        await publish_views(serving.now)
        own = (store.prepare, ring.prepare, reviewed.prepare, time_marks.prepare, reader.prepare)
        for step in (serving.now.prepare, audit.prepare, *own, database_clock.sync):
            await step()

    async def release() -> None:
        client.close()
        await publisher.stop()

    return create(
        settings,
        title="Candor analytics",
        pages=[pages.person, pages.page_router(settings)],
        routers=[
            live_chat.router, distribution.router, patterns.router, form_versions.router, closes.router,
            reviews.router, close_reviews.router, export.router, marks.router,
        ],
        problems=CATALOGUE,
        state={
            "serving": serving, "audit": audit, "clock": clock or database_clock, "lag": projecting.lag,
            "progress": progress, "live": live, "channels": Channels(database),
            "decryptor": decryptor or Decryptor(reader, keys.read_to_end),
            "repository": repository, "key_ring": ring, "reviewed": reviewed, "marks": time_marks,
            "relay": relay,  # what tests drive by hand
            "minimum_n": settings.minimum_n, "verifier": verifier(settings),
        },
        parts=Supervisor([task for task in tasks if only is None or task.name in only], prepare, release),
        checks={"database": database_answers(client), "broker": broker_answers(settings.kafka)},
    )  # fmt: skip
