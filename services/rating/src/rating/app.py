"""Joins the parts of rating."""

from fastapi import FastAPI

from chassis.background import Supervisor
from chassis.clock import DatabaseClock
from chassis.crypto_shredding import KeyRing
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.http.app import create
from chassis.http.auth import verifier
from chassis.http.health import broker_answers, database_answers
from chassis.kafka.publisher import Publisher
from chassis.mongo import connect
from chassis.outbox.relay import OutboxRelay
from chassis.settings import key_bytes
from contracts import access, topics
from rating.api import forms as answers
from rating.api import mine
from rating.api.tokens import FormTokens
from rating.messaging.commit_handlers import commit_handlers
from rating.messaging.inbound import Inbound, consumers
from rating.processes.erasure import ClientErasure
from rating.processes.timers import form_timers
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.forms import Forms
from rating.settings import RatingSettings


def build(settings: RatingSettings) -> FastAPI:
    """The service, ready to be served; nothing is connected before it runs."""
    name, client = settings.service, connect(settings.mongo)
    database = client[settings.database]
    clock, store, forms = DatabaseClock(client), MongoEventStore(database), Forms(database)
    publisher, trusted = Publisher(settings.kafka, name), verifier(settings, visitors=access.AUDIENCE_RATING)
    keys = KeyRing(database, service=name, topic=topics.RATING_KEYS.name, publisher=publisher,
                   bootstrap=settings.kafka, master_key=key_bytes(settings.master_key),
                   readers_key=key_bytes(settings.readers_key))  # fmt: skip
    relay = OutboxRelay(name, store, publisher, commit_handlers(forms, keys))
    streams, erased = Repository(store, clock, wake=relay.wake, service=name), ErasedClients(database)
    erasure = ClientErasure(streams, clock, forms, erased, keys)
    inbound = Inbound(streams, clock, settings.rules_of, erasure)

    async def prepare() -> None:
        for step in (store.prepare, forms.prepare, erased.prepare, keys.prepare, clock.sync):
            await step()

    async def release() -> None:
        client.close()
        await publisher.stop()

    timers, hearing = (
        form_timers(forms, streams, clock),
        consumers(inbound, settings.kafka, publisher, settings.database),
    )
    tokens = FormTokens(key_bytes(settings.form_secret))
    answering = answers.routes(streams, clock, keys, tokens, trusted)
    return create(
        settings,
        title="Candor rating",
        routers=[mine.routes(forms, clock, keys, tokens, trusted), answering],
        parts=Supervisor([clock, keys, relay, erasure, timers, *hearing], prepare, release),
        checks={"database": database_answers(client), "broker": broker_answers(settings.kafka)},
    )
