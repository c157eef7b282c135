"""Folds each batch of events into closes, and moves the counters by what that changed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo import InsertOne, ReplaceOne, UpdateOne

from analytics.domain.close import Close, CloseEvent, fold_all
from analytics.domain.counting import CounterDelta, CounterKey, cell_of, difference
from analytics.read_models.documents import (
    VERSION,
    Document,
    LiveChatDocuments,
    close_id,
    counter_id,
    from_document,
    to_document,
)
from analytics.read_models.progress import NAME
from chassis.kafka.records import ReceivedEvent
from contracts.dialogs import DialogOpened


class Named(NamedTuple):
    """What an operator was called at a close; MongoDB compares such documents by their moment first."""

    at: datetime
    name: str


class LiveChatProjection:
    """The projection of closes and their counters; all it does is done in the transaction it is given."""

    name = NAME
    version = VERSION

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self._documents = LiveChatDocuments.of(database)

    async def apply(self, session: AsyncIOMotorClientSession, records: Sequence[ReceivedEvent[Any]]) -> None:
        """Brings the records' closes up to date, and the counters with them, by two bulk writes."""
        received = by_close(records)
        known = await self._known(session, list(received))
        closes: list[InsertOne[Document] | ReplaceOne[Document]] = []
        moved: defaultdict[int, CounterDelta] = defaultdict(Counter)
        names: dict[tuple[int, CounterKey], Named] = {}
        for name, batch in received.items():
            first = batch[0].event
            before, partition = known.get(name) or (Close(first.dialog, first.close_seq), batch[0].partition)
            after = fold_all(before, (record.event for record in batch))
            if after is not before:
                document = to_document(after, partition)
                # An insert costs a quarter of an upsert.
                closes.append(ReplaceOne({"_id": name}, document) if name in known else InsertOne(document))
                moved[partition].update(difference(before, after))
                if before.closed is None and after.closed is not None and after.closed.operator_name:
                    cell, named = (
                        cell_of(after.closed),
                        Named(after.closed.closed_at, after.closed.operator_name),
                    )
                    names[partition, cell] = max(named, names.get((partition, cell), named))
        if closes:
            await self._documents.closes.bulk_write(closes, ordered=False, session=session)
        if counters := counter_updates(moved, names):
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


def counter_updates(
    moved: Mapping[int, CounterDelta], names: Mapping[tuple[int, CounterKey], Named]
) -> list[UpdateOne]:
    """One increment per counter that moves; `moved` is by partition. It keeps the newest of `names`."""
    increments: defaultdict[tuple[int, CounterKey], dict[str, int]] = defaultdict(dict)
    for partition, delta in moved.items():
        for (cell, name), n in delta.items():
            if n:
                increments[partition, cell][f"n.{name}"] = n
    return [
        UpdateOne(
            {"_id": counter_id(*counter)},
            {"$inc": counts, "$max": {"named": names[counter]._asdict()}}
            if counter in names
            else {"$inc": counts},
            upsert=True,
        )
        for counter, counts in increments.items()
    ]
