"""Joins the parts of chat."""

from fastapi import FastAPI

from chassis.audit import Audit
from chassis.background import Supervisor
from chassis.clock import DatabaseClock
from chassis.crypto_shredding import KeyRing
from chassis.crypto_shredding.temporary import TemporarySeal
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.http.app import create
from chassis.http.auth import verifier
from chassis.http.health import broker_answers, database_answers
from chassis.kafka.publisher import Publisher
from chassis.mongo import connect
from chassis.outbox.relay import OutboxRelay
from chassis.settings import key_bytes
from chat.api import channels, clients, dialogs, reading
from chat.api.tokens import VisitorTokens
from chat.messaging.commit_handlers import commit_handlers
from chat.processes.silent_reopenings import silent_reopenings
from chat.read_models.channels import Channels
from chat.read_models.dialogs import Dialogs
from chat.read_models.pending_visitors import PendingVisitors
from chat.settings import ChatSettings
from contracts.access import AUDIENCE_CHAT
from contracts.topics import DIALOG_KEYS


def build(settings: ChatSettings) -> FastAPI:
    """The service, ready to be served; nothing is connected before it runs."""
    name, client = settings.service, connect(settings.mongo)
    database = client[settings.database]
    clock, store, publisher = (
        DatabaseClock(client),
        MongoEventStore(database),
        Publisher(settings.kafka, name),
    )
    listed, listing, audit = (
        Channels(database),
        Dialogs(database, settings.silent_for),
        Audit(database, "dialog", "client"),
    )
    keys = KeyRing(
        database, service=name, topic=DIALOG_KEYS.name, publisher=publisher, bootstrap=settings.kafka,
        master_key=key_bytes(settings.master_key), readers_key=key_bytes(settings.readers_key),
    )  # fmt: skip
    visitors = PendingVisitors(database, TemporarySeal(key_bytes(settings.master_key)))
    relay = OutboxRelay(name, store, publisher, commit_handlers(listed, listing, keys, visitors))
    streams = Repository(store, clock, wake=relay.wake, service=name)
    tokens, desk = VisitorTokens.of(settings), dialogs.DialogCommands(streams, keys, visitors)
    trusted = verifier(settings, visitors=AUDIENCE_CHAT, keys=tokens.keys)

    silent = [silent_reopenings(listing, streams, clock, settings.silent_for)] if settings.silent_for else []

    async def prepare() -> None:
        for step in (
            store.prepare,
            listing.prepare,
            audit.prepare,
            keys.prepare,
            visitors.prepare,
            clock.sync,
        ):
            await step()

    async def release() -> None:
        client.close()
        await publisher.stop()

    return create(
        settings,
        title="Candor chat",
        description="Channels, visitors and their dialogs. Requests can be repeated.",
        routers=[
            channels.routes(streams, trusted, visitors, tokens, listed), dialogs.routes(desk, trusted),
            clients.routes(streams, trusted, tokens.keys, audit, visitors),
            reading.routes(desk, trusted, listing, audit),
        ],
        parts=Supervisor([clock, keys, relay, *silent], prepare, release),
        checks={"database": database_answers(client), "broker": broker_answers(settings.kafka)},
    )  # fmt: skip
