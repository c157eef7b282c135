"""Joins the parts of rating."""

from fastapi import FastAPI

from chassis.clock import DatabaseClock
from chassis.eventlog.follower import Follower
from chassis.eventlog.handle import Streams
from chassis.eventlog.mongo import MongoLog
from chassis.messaging.publisher import Publisher
from chassis.mongo import connect
from chassis.sealing import KeyRing
from chassis.service import Parts
from chassis.settings import key_bytes
from chassis.web.app import create
from chassis.web.auth import verifier
from chassis.web.health import broker_answers, database_answers
from contracts import access, topics
from rating.api import forms, mine
from rating.api.tokens import FormTokens
from rating.following import following
from rating.messaging.inbound import Inbound, ears
from rating.read_models.erased import Erased
from rating.read_models.forms import Forms
from rating.settings import RatingSettings
from rating.timers import Timers


def build(settings: RatingSettings) -> FastAPI:
    """The service, ready to be served; nothing is connected before it runs."""
    name, client = settings.service, connect(settings.mongo)
    database = client[settings.database]
    clock, log, cards, erased = DatabaseClock(client), MongoLog(database), Forms(database), Erased(database)
    publisher, trusted = Publisher(settings.kafka, name), verifier(settings, visitors=access.AUDIENCE_RATING)
    keys = KeyRing(database, service=name, topic=topics.RATING_KEYS.name, publisher=publisher,
                   bootstrap=settings.kafka, master_key=key_bytes(settings.master_key),
                   readers_key=key_bytes(settings.readers_key))  # fmt: skip
    streams = Streams(log, clock, service=name)
    inbound = Inbound(streams, clock, settings.rules_of, cards, erased, keys)
    follower = Follower(name, log, publisher, [following(cards, inbound, keys)])
    streams.wake = follower.wake

    async def prepare() -> None:
        for step in (log.prepare, cards.prepare, keys.prepare, clock.sync):
            await step()

    async def release() -> None:
        await publisher.stop()
        client.close()

    timers, hearing = Timers(cards, streams, clock), ears(inbound, settings.kafka, publisher)
    tokens = FormTokens(key_bytes(settings.form_secret))
    answering = forms.routes(streams, clock, keys, tokens, trusted)
    return create(
        settings,
        title="Candor rating",
        routers=[mine.routes(cards, clock, tokens, trusted), answering],
        parts=Parts([clock, keys, follower, timers, *hearing], prepare, release),
        checks={"database": database_answers(client), "broker": broker_answers(settings.kafka)},
    )
