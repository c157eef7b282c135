"""Hears dialogs and ratings: folds each batch into closes, and moves the counters by what that changed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pydantic import Field, TypeAdapter
from pymongo import InsertOne, ReplaceOne, UpdateOne

from analytics import SERVICE
from analytics.domain.close import Close, CloseEvent, fold
from analytics.domain.counting import CounterDelta, difference
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
from contracts.dialogs import DIALOG_EVENTS, DialogEvent, DialogOpened
from contracts.ratings import RATING_EVENTS, RatingEvent
from contracts.topics import DIALOGS, RATINGS, replay

CONSUMED_TOPICS: Final[Mapping[str, TypeAdapter[Any]]] = {
    DIALOGS.name: DIALOG_EVENTS,
    RATINGS.name: RATING_EVENTS,
    replay(SERVICE).name: TypeAdapter(Annotated[DialogEvent | RatingEvent, Field(discriminator="type")]),
}


def group(database: str) -> str:
    """The consumer group: named after the database, so that one that is built beside another hears all."""
    return f"{database}.live-chat.v{VERSION}"


class LiveChatProjection:
    """The projection of closes and their counters; all it does is done in the transaction it is given."""

    name = "live_chat"
    version = VERSION

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self._documents = LiveChatDocuments.of(database)

    async def apply(self, session: AsyncIOMotorClientSession, records: Sequence[ReceivedEvent[Any]]) -> None:
        """Brings the records' closes up to date, and the counters with them, by two bulk writes."""
        heard = by_close(records)
        known = await self._known(session, list(heard))
        closes: list[InsertOne[Document] | ReplaceOne[Document]] = []
        moved: defaultdict[int, CounterDelta] = defaultdict(Counter)
        for name, told in heard.items():
            before, partition = known.get(name) or (nothing_said(told[0].event), told[0].partition)
            after = fold_all(before, (record.event for record in told))
            if after is not before:
                document = to_document(after, partition)
                # An insert costs a quarter of an upsert.
                closes.append(ReplaceOne({"_id": name}, document) if name in known else InsertOne(document))
                moved[partition].update(difference(before, after))
        await self._write(session, closes, counter_moves(moved))

    async def _known(
        self, session: AsyncIOMotorClientSession, names: Sequence[str]
    ) -> dict[str, tuple[Close, int]]:
        found = self._documents.closes.find({"_id": {"$in": names}}, session=session)
        return {document["_id"]: (from_document(document), document["partition"]) async for document in found}

    async def _write(
        self,
        session: AsyncIOMotorClientSession,
        closes: Sequence[InsertOne[Document] | ReplaceOne[Document]],
        counters: Sequence[UpdateOne],
    ) -> None:
        if closes:
            await self._documents.closes.bulk_write(closes, ordered=False, session=session)
        if counters:
            await self._documents.counters.bulk_write(counters, ordered=False, session=session)


def by_close(records: Iterable[ReceivedEvent[Any]]) -> dict[str, list[ReceivedEvent[CloseEvent]]]:
    """The records of each close, in the order they were heard; an opening belongs to no close."""
    closes: dict[str, list[ReceivedEvent[CloseEvent]]] = {}
    for record in records:
        if not isinstance(record.event, DialogOpened):
            closes.setdefault(close_id(record.event.dialog, record.event.close_seq), []).append(record)
    return closes


def nothing_said(event: CloseEvent) -> Close:
    """The close that `event` is about, before anything was said about it."""
    return Close(event.dialog, event.close_seq)


def fold_all(close: Close, events: Iterable[CloseEvent]) -> Close:
    """The close after all of the events."""
    for event in events:
        close = fold(close, event)
    return close


def counter_moves(moved: Mapping[int, CounterDelta]) -> list[UpdateOne]:
    """One increment per counter that moves."""
    moves: defaultdict[tuple[int, Any], dict[str, int]] = defaultdict(dict)
    for partition, tally in moved.items():
        for (cell, name), n in tally.items():
            if n:
                moves[partition, cell][f"n.{name}"] = n
    return [
        UpdateOne({"_id": counter_id(partition, cell)}, {"$inc": names}, upsert=True)
        for (partition, cell), names in moves.items()
    ]
