"""Joins the parts of rating."""

from fastapi import FastAPI

from chassis.clock import DatabaseClock
from chassis.eventlog.follower import Follower
from chassis.eventlog.handle import Streams
from chassis.eventlog.mongo import MongoLog
from chassis.messaging.publisher import Publisher
from chassis.mongo import connect
from chassis.parts import Parts
from chassis.sealing import KeyRing
from chassis.settings import key_bytes
from chassis.web.app import create
from chassis.web.auth import verifier
from chassis.web.health import broker_answers, database_answers
from contracts import access, topics
from rating.api import forms as answers
from rating.api import mine
from rating.api.tokens import FormTokens
from rating.erasure import Erasure
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
    clock, log, forms = DatabaseClock(client), MongoLog(database), Forms(database)
    publisher, trusted = Publisher(settings.kafka, name), verifier(settings, visitors=access.AUDIENCE_RATING)
    keys = KeyRing(database, service=name, topic=topics.RATING_KEYS.name, publisher=publisher,
                   bootstrap=settings.kafka, master_key=key_bytes(settings.master_key),
                   readers_key=key_bytes(settings.readers_key))  # fmt: skip

    def wake() -> None:
        follower.wake()

    # The follower itself gives commands, about those who are erased: so it comes after what wakes it.
    streams = Streams(log, clock, wake=wake, service=name)
    erasure = Erasure(streams, clock, forms, Erased(database), keys)
    follower = Follower(name, log, publisher, [following(forms, erasure, keys)])
    inbound = Inbound(streams, clock, settings.rules_of, erasure)

    async def prepare() -> None:
        for step in (log.prepare, forms.prepare, keys.prepare, clock.sync):
            await step()

    async def release() -> None:
        client.close()
        await publisher.stop()

    timers, hearing = (
        Timers(forms, streams, clock),
        ears(inbound, settings.kafka, publisher, settings.database),
    )
    tokens = FormTokens(key_bytes(settings.form_secret))
    answering = answers.routes(streams, clock, keys, tokens, trusted)
    return create(
        settings,
        title="Candor rating",
        routers=[mine.routes(forms, clock, keys, tokens, trusted), answering],
        parts=Parts([clock, keys, follower, timers, *hearing], prepare, release),
        checks={"database": database_answers(client), "broker": broker_answers(settings.kafka)},
    )
