"""Folds each batch of events into closes, and moves the counters by what that changed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo import InsertOne, ReplaceOne, UpdateOne

from analytics.domain.close import Close, CloseEvent, fold_all
from analytics.domain.counting import CounterDelta, CounterKey, difference
from analytics.read_models.documents import (
    VERSION,
    Document,
    LiveChatDocuments,
    close_id,
    counter_id,
    from_document,
    to_document,
)
from chassis.kafka.records import ReceivedEvent
from contracts.dialogs import DialogOpened


class LiveChatProjection:
    """The projection of closes and their counters; all it does is done in the transaction it is given."""

    name = "live_chat"
    version = VERSION

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self._documents = LiveChatDocuments.of(database)

    async def apply(self, session: AsyncIOMotorClientSession, records: Sequence[ReceivedEvent[Any]]) -> None:
        """Brings the records' closes up to date, and the counters with them, by two bulk writes."""
        received = by_close(records)
        known = await self._known(session, list(received))
        closes: list[InsertOne[Document] | ReplaceOne[Document]] = []
        moved: defaultdict[int, CounterDelta] = defaultdict(Counter)
        for name, batch in received.items():
            first = batch[0].event
            before, partition = known.get(name) or (Close(first.dialog, first.close_seq), batch[0].partition)
            after = fold_all(before, (record.event for record in batch))
            if after is not before:
                document = to_document(after, partition)
                # An insert costs a quarter of an upsert.
                closes.append(ReplaceOne({"_id": name}, document) if name in known else InsertOne(document))
                moved[partition].update(difference(before, after))
        if closes:
            await self._documents.closes.bulk_write(closes, ordered=False, session=session)
        if counters := counter_updates(moved):
            await self._documents.counters.bulk_write(counters, ordered=False, session=session)

    async def _known(
        self, session: AsyncIOMotorClientSession, names: Sequence[str]
    ) -> dict[str, tuple[Close, int]]:
        """The closes that are stored, by id, each with its partition."""
        found = self._documents.closes.find({"_id": {"$in": names}}, session=session)
        return {document["_id"]: (from_document(document), document["partition"]) async for document in found}


def by_close(records: Iterable[ReceivedEvent[Any]]) -> dict[str, list[ReceivedEvent[CloseEvent]]]:
    """The records of each close, by its id, in the order of their arrival; an opening belongs to no close."""
    closes: dict[str, list[ReceivedEvent[CloseEvent]]] = {}
    for record in records:
        if not isinstance(record.event, DialogOpened):
            closes.setdefault(close_id(record.event.dialog, record.event.close_seq), []).append(record)
    return closes


def counter_updates(moved: Mapping[int, CounterDelta]) -> list[UpdateOne]:
    """One increment per counter that moves; `moved` is by partition."""
    increments: defaultdict[tuple[int, CounterKey], dict[str, int]] = defaultdict(dict)
    for partition, delta in moved.items():
        for (cell, name), n in delta.items():
            if n:
                increments[partition, cell][f"n.{name}"] = n
    return [
        UpdateOne({"_id": counter_id(partition, cell)}, {"$inc": names}, upsert=True)
        for (partition, cell), names in increments.items()
    ]
