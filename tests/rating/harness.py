"""Rating without Kafka: the real rooms on a real database, joined to a publisher that only takes notes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.clock import ManualClock
from chassis.crypto_shredding import KeyRing
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.kafka.publisher import ProducerRecord, Publisher, RecordMetadata
from chassis.mongo import connect
from chassis.outbox.relay import OutboxRelay
from contracts.dialogs import AttributedBy, ClosedBy, DialogClosed, DialogReopened
from contracts.ratings import RATING_EVENTS, AnyRatingEvent
from rating.messaging.commit_handlers import commit_handlers
from rating.messaging.inbound import Inbound
from rating.processes.erasure import ClientErasure
from rating.processes.timers import form_timers
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.forms import Forms
from tests.rating.builders import CLOSED_AT, RULES
from tests.waiting import until

KEYS = "candor.ratings.keys"


class Notes(Publisher):
    """Takes down what would go to Kafka, in order."""

    def __init__(self) -> None:
        super().__init__("nowhere:1", "notes")
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
        self.forms = Forms(self.database)
        self.keys = KeyRing(
            self.database,
            service="rating",
            master_key=b"m" * 32,
            readers_key=b"r" * 32,
            topic=KEYS,
            publisher=self.notes,
        )
        self.relay = OutboxRelay("rating", self.log, self.notes, commit_handlers(self.forms, self.keys))
        self.streams = Repository(self.log, self.clock, wake=self.relay.wake, service="rating")
        self.erased = ErasedClients(self.database)
        self.erasure = ClientErasure(self.streams, self.clock, self.forms, self.erased, self.keys)
        self.inbound = Inbound(self.streams, self.clock, lambda _: RULES, self.erasure)
        self.timers = form_timers(self.forms, self.streams, self.clock)

    async def prepare(self) -> None:
        for step in (self.log.prepare, self.forms.prepare, self.erased.prepare, self.keys.prepare):
            await step()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """The relay runs, and the erasure of clients."""
        tasks = [asyncio.create_task(part.run()) for part in (self.relay, self.erasure)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def relayed(self) -> None:
        """Waits until every commit is relayed."""
        await until(self._all_relayed)

    async def erasures_done(self) -> None:
        """Waits until nothing is left to erase, and all that came of it is relayed."""
        await self.relayed()
        await until(self._all_erased)
        await self.relayed()

    async def _all_erased(self) -> bool:
        pending = await self.database["erased"].count_documents({"pending": True})
        unchecked = await self.database["forms"].count_documents({"unchecked": True})
        return not pending and not unchecked

    async def _all_relayed(self) -> bool:
        return await self.database["commits"].count_documents({"relayed": False}) == 0


@asynccontextmanager
async def open_harness(mongo: str, database: str, *, relaying: bool = True) -> AsyncIterator[Harness]:
    """A house, with its relay and erasure at work unless told otherwise."""
    client = connect(mongo)
    house = Harness(client[database])
    await house.prepare()
    try:
        async with house.at_work() if relaying else nullcontext():
            yield house
    finally:
        client.close()


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
        "attributed_by": AttributedBy.LAST_REPLY,
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
