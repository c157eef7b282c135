"""Rating without Kafka: the real rooms on a real database, joined to a publisher that only takes notes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.clock import ManualClock
from chassis.crypto_shredding import KeyRing
from chassis.eventstore.handle import Repository
from chassis.eventstore.mongo import MongoEventStore
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord, Publisher, RecordMetadata
from chassis.mongo import connect
from chassis.outbox.relay import OutboxRelay
from contracts.dialogs import AttributedBy, ClosedBy, DialogClosed, DialogReopened
from contracts.ratings import RATING_EVENTS, AnyRatingEvent
from rating.messaging.commit_handlers import commit_handlers
from rating.messaging.inbound import Inbound
from rating.processes.erasure import ClientErasure
from rating.processes.timers import Timers
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.forms import Forms
from tests.rating.builders import CLOSED_AT, RULES

KEYS = "candor.ratings.keys"


class Notes(Publisher):
    """Takes down what would go to Kafka, in order."""

    def __init__(self) -> None:
        super().__init__(KafkaConnection(servers="nowhere:1"), "notes")
        self.records: list[ProducerRecord] = []

    async def publish(self, records: Sequence[ProducerRecord]) -> list[RecordMetadata]:
        self.records.extend(records)
        return [RecordMetadata(0, len(self.records))] * len(records)

    @property
    def ratings(self) -> list[AnyRatingEvent]:
        """The public events, read as a stranger would."""
        return [
            RATING_EVENTS.validate_json(record.value or b"")
            for record in self.records
            if record.topic != KEYS
        ]


@dataclass
class Harness:
    """The rooms, and a clock that stands still until it is moved on."""

    database: AsyncIOMotorDatabase[dict[str, Any]]
    clock: ManualClock = field(default_factory=lambda: ManualClock(CLOSED_AT))
    notes: Notes = field(default_factory=Notes)

    def __post_init__(self) -> None:
        self.log = MongoEventStore(self.database)
        self.streams = Repository(self.log, self.clock, wake=self._wake, service="rating")
        self.forms = Forms(self.database)
        self.keys = KeyRing(
            self.database,
            service="rating",
            master_key=b"m" * 32,
            readers_key=b"r" * 32,
            topic=KEYS,
            publisher=self.notes,
        )
        erased = ErasedClients(self.database)
        self.erasure = ClientErasure(self.streams, self.clock, self.forms, erased, self.keys)
        self.inbound = Inbound(self.streams, self.clock, lambda _: RULES, self.erasure)
        self.timers = Timers(self.forms, self.streams, self.clock)
        self.follower = OutboxRelay(
            "rating", self.log, self.notes, [commit_handlers(self.forms, self.erasure, self.keys)]
        )

    def _wake(self) -> None:
        self.follower.wake()

    async def prepare(self) -> None:
        for step in (self.log.prepare, self.forms.prepare, self.keys.prepare):
            await step()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """The follower follows."""
        follower = asyncio.create_task(self.follower.run())
        try:
            yield
        finally:
            follower.cancel()
            await asyncio.wait([follower])

    async def followed(self) -> None:
        """Waits until every commit is followed."""
        await until(self._all_followed)

    async def _all_followed(self) -> bool:
        return await self.database["commits"].count_documents({"followed": False}) == 0


@asynccontextmanager
async def open_harness(mongo: str, database: str, *, following: bool = True) -> AsyncIterator[Harness]:
    """A house, with its follower at work unless told otherwise."""
    client = connect(mongo)
    house = Harness(client[database])
    await house.prepare()
    try:
        async with house.at_work() if following else nullcontext():
            yield house
    finally:
        client.close()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Waits for the condition."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - the database has no event to wait for
            await asyncio.sleep(0.005)


def closed(dialog: str = "d1", close_seq: int = 1, client: str = "c1", **more: Any) -> DialogClosed:
    """A close as chat says it."""
    fields: dict[str, Any] = {
        "dialog": dialog,
        "channel": "shop",
        "client": client,
        "operator": "o1",
        "team": "north",
        "locale": "en",
        "close_seq": close_seq,
        "closed_at": CLOSED_AT,
        "opened_at": CLOSED_AT,
        "closed_by": ClosedBy.OPERATOR,
        "counted_by": AttributedBy.LAST_REPLY,
        "client_messages": 2,
        "operator_messages": 2,
        "longest_client_text": 40,
    }
    return DialogClosed(**{**fields, **more})


def reopened(dialog: str = "d1", close_seq: int = 1, client: str = "c1") -> DialogReopened:
    """The close undone, as chat says it."""
    return DialogReopened(
        dialog=dialog, channel="shop", client=client, close_seq=close_seq, reopened_at=CLOSED_AT
    )
