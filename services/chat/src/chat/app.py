"""Joins the parts of chat."""

from collections.abc import Collection

from fastapi import FastAPI
from starlette.middleware import Middleware

from chassis.audit import Audit
from chassis.background import BackgroundTask, Supervisor
from chassis.clock import Clock, DatabaseClock
from chassis.crypto_shredding import KeyRing
from chassis.crypto_shredding.temporary import TemporarySeal
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.http.app import create
from chassis.http.auth import verifier
from chassis.http.health import broker_answers, database_answers
from chassis.http.live import LiveUpdates
from chassis.kafka.publisher import Publisher
from chassis.mongo import connect
from chassis.outbox.relay import OutboxRelay
from chat.api import channels, clients, dialogs, pages, problems, reading, visitors
from chat.api.origins import CrossOrigin
from chat.api.tokens import VisitorTokens
from chat.messaging.commit_handlers import commit_handlers
from chat.messaging.outbound import KEYS
from chat.messaging.wakeups import Wakeups
from chat.processes.silent_reopenings import silent_reopenings
from chat.read_models.channels import Channels
from chat.read_models.clients import Clients
from chat.read_models.dialogs import Dialogs
from chat.read_models.pending_visitors import PendingVisitors
from chat.settings import ChatSettings
from contracts.access import AUDIENCE_CHAT


def build(
    settings: ChatSettings,
    *,
    clock: Clock | None = None,
    publisher: Publisher | None = None,
    only: Collection[str] | None = None,
) -> FastAPI:
    """The service, ready to be served; nothing is connected before it runs.

    What is given takes the place of the database's clock and of Kafka. Of the background tasks those named
    in `only` run, else all.
    """
    name, client = settings.service, connect(settings.mongo)
    database, database_clock = client[settings.database], DatabaseClock(client)
    store, publisher = MongoEventStore(database), publisher or Publisher(settings.kafka, name)
    channel_list, dialog_list = Channels(database), Dialogs(database, settings.silent_for)
    client_list, live = Clients(database), LiveUpdates()
    wakeups = Wakeups(live, dialog_list, settings.kafka, name)
    audit = Audit(database, "dialog", "client")
    pending = PendingVisitors(database, TemporarySeal.of(settings))
    keys = KeyRing.of(settings, database, topic=KEYS.topic, publisher=publisher)
    handlers = commit_handlers(channel_list, dialog_list, client_list, wakeups, keys, pending)
    relay = OutboxRelay(name, store, publisher, handlers)
    repository = Repository(store, clock or database_clock, wake=relay.wake, service=name)
    tokens = VisitorTokens.of(settings)
    tasks: list[BackgroundTask] = [database_clock, keys, relay, wakeups]
    if settings.silent_for:
        tasks.append(silent_reopenings(dialog_list, repository, settings.silent_for))

    async def prepare() -> None:
        for each in (store, dialog_list, audit, keys, pending):
            await each.prepare()
        await database_clock.sync()

    async def release() -> None:
        client.close()
        await publisher.stop()

    return create(
        settings,
        title="Candor chat",
        description="Channels, visitors and their dialogs. Requests can be repeated.",
        pages=[pages.person, pages.page_router(settings)],
        routers=[
            dialogs.router, channels.router, clients.router, visitors.router, reading.router, reading.changes,
        ],
        problems=problems.CATALOGUE,
        state={
            "repository": repository, "key_ring": keys, "audit": audit, "visitor_tokens": tokens,
            "channels": channel_list, "dialogs": dialog_list, "pending_visitors": pending,
            "clients": client_list, "live": live, "own_origins": settings.own_origins,
            "public_urls": settings.public_urls,
            "verifier": verifier(settings, visitors=AUDIENCE_CHAT, keys=tokens.keys),
        },
        parts=Supervisor([task for task in tasks if only is None or task.name in only], prepare, release),
        middleware=[Middleware(CrossOrigin, channel_list, settings.own_origins)],
        checks={"database": database_answers(client), "broker": broker_answers(settings.kafka)},
    )  # fmt: skip
