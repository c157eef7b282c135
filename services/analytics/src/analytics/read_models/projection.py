"""Folds each batch of events into closes, and moves the counters by what that changed."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo import InsertOne, ReplaceOne

from analytics.domain.close import Close, CloseEvent, fold_all
from analytics.domain.periods import day_of
from analytics.read_models.channels import UTC, Channels
from analytics.read_models.counters import CounterMoves
from analytics.read_models.documents import (
    FIRST_GENERATION,
    NAME,
    Axis,
    Document,
    LiveChatDocuments,
    close_id,
    close_of,
    events_of,
    to_document,
    version_of,
)
from chassis.kafka.records import ReceivedEvent
from contracts.dialogs import DialogOpened

WITHOUT_PAUSE: Final = 500
"""Closes that are folded in a go, some 20 ms."""

Received = ReceivedEvent[CloseEvent]


class LiveChatProjection:
    """The projection of closes and their counters; all it does is done in the transaction it is given."""

    name = NAME

    def __init__(self, database: AsyncIOMotorDatabase[Document], generation: int = FIRST_GENERATION) -> None:
        self.version = version_of(generation)
        self._documents = LiveChatDocuments.of(database, generation)
        self._channels = Channels(database)

    async def apply(self, session: AsyncIOMotorClientSession, records: Sequence[ReceivedEvent[Any]]) -> None:
        """Brings the records' closes up to date, and the counters with them, by two bulk writes."""
        received = by_close(records)
        stored = await self._stored(session, list(received))
        zones = await self._channels.zones({record.event.channel for record in records})
        closes: list[InsertOne[Document] | ReplaceOne[Document]] = []
        moves = CounterMoves()
        for number, (name, batch) in enumerate(received.items(), start=1):
            if number % WITHOUT_PAUSE == 0:
                await asyncio.sleep(0)  # requests are answered in between
            before = stored.get(name)
            after = updated(before, batch, lambda channel: zones.get(channel, UTC))
            if after is None:
                continue
            # An insert costs a quarter of an upsert.
            closes.append(InsertOne(after) if before is None else ReplaceOne({"_id": name}, after))
            if before is not None:
                moves.count(before, -1)
            moves.count(after, +1)
        if closes:
            await self._documents.closes.bulk_write(closes, ordered=False, session=session)
        if counters := moves.updates():
            await self._documents.counters.bulk_write(counters, ordered=False, session=session)

    async def _stored(self, session: AsyncIOMotorClientSession, names: Sequence[str]) -> dict[str, Document]:
        """The documents of the closes that are stored, by id."""
        found = self._documents.closes.find({"_id": {"$in": names}}, session=session)
        return {document["_id"]: document async for document in found}


def by_close(records: Iterable[ReceivedEvent[Any]]) -> dict[str, list[Received]]:
    """The records of each close, by its id, in the order of their arrival; an opening belongs to no close."""
    closes: dict[str, list[Received]] = {}
    for record in records:
        if type(record.event) is not DialogOpened:
            closes.setdefault(close_id(record.event.dialog, record.event.close_seq), []).append(record)
    return closes


def updated(
    before: Document | None, batch: Sequence[Received], zone_of: Callable[[str], ZoneInfo]
) -> Document | None:
    """The document of a close after a batch of its events; None if they change nothing."""
    # By identity: events are no keys.
    texts = {id(record.event): record.value.decode() for record in batch}
    first, partition = batch[0].event, batch[0].partition
    close = Close(first.dialog, first.close_seq)
    if before is not None:
        events, partition = events_of(before), before["partition"]
        texts |= zip(map(id, events), before["events"], strict=True)
        close = close_of(before, events)
    after = fold_all(close, (record.event for record in batch))
    if after is close:
        return None
    document = to_document(after, partition, lambda event: texts[id(event)])
    if after.closed is not None:
        # The zone that it was first counted in: only so the same counters are moved again.
        zone = ZoneInfo(before["zone"]) if before and "zone" in before else zone_of(after.closed.channel)
        document["zone"] = zone.key
        for axis in Axis:
            moment = document[axis]
            document[axis.day] = moment and day_of(moment, zone).start
    return document
