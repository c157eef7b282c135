"""Rating without Kafka: the real rooms on a real database, joined to a publisher that only takes notes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.clock import ManualClock
from chassis.eventlog.follower import Follower
from chassis.eventlog.handle import Streams
from chassis.eventlog.mongo import MongoLog
from chassis.messaging.publisher import Outgoing, Publisher, Written
from chassis.mongo import connect
from chassis.sealing import KeyRing
from contracts.dialogs import ClosedBy, CountedBy, DialogClosed, DialogReopened
from contracts.ratings import RATING_EVENTS, AnyRating
from rating.erasure import Erasure
from rating.following import following
from rating.messaging.inbound import Inbound
from rating.read_models.erased import Erased
from rating.read_models.forms import Forms
from rating.timers import Timers
from tests.rating.story import CLOSED_AT, RULES

KEYS = "candor.ratings.keys"


class Notes(Publisher):
    """Takes down what would go to Kafka, in order."""

    def __init__(self) -> None:
        super().__init__("nowhere:1", "notes")
        self.records: list[Outgoing] = []

    async def publish(self, records: Sequence[Outgoing]) -> list[Written]:
        self.records.extend(records)
        return [Written(0, len(self.records))] * len(records)

    @property
    def ratings(self) -> list[AnyRating]:
        """The public events, read as a stranger would."""
        return [
            RATING_EVENTS.validate_json(record.value or b"")
            for record in self.records
            if record.topic != KEYS
        ]


@dataclass
class House:
    """The rooms, and a clock that stands still until it is moved on."""

    database: AsyncIOMotorDatabase[dict[str, Any]]
    clock: ManualClock = field(default_factory=lambda: ManualClock(CLOSED_AT))
    notes: Notes = field(default_factory=Notes)

    def __post_init__(self) -> None:
        self.log = MongoLog(self.database)
        self.streams = Streams(self.log, self.clock, wake=self._wake, service="rating")
        self.forms = Forms(self.database)
        self.keys = KeyRing(
            self.database,
            service="rating",
            master_key=b"m" * 32,
            readers_key=b"r" * 32,
            topic=KEYS,
            publisher=self.notes,
        )
        erased = Erased(self.database)
        self.erasure = Erasure(self.streams, self.clock, self.forms, erased, self.keys)
        self.inbound = Inbound(self.streams, self.clock, lambda _: RULES, self.erasure)
        self.timers = Timers(self.forms, self.streams, self.clock)
        self.follower = Follower(
            "rating", self.log, self.notes, [following(self.forms, self.erasure, self.keys)]
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
async def open_house(mongo: str, database: str, *, following: bool = True) -> AsyncIterator[House]:
    """A house, with its follower at work unless told otherwise."""
    client = connect(mongo)
    house = House(client[database])
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
        "counted_by": CountedBy.LAST_REPLY,
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
