"""Which forms wait for this client, and which are due: a document for each form, written by the follower."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, UpdateOne

from chassis.eventlog.follower import Followed
from chassis.eventlog.stored import shard_of
from rating.domain.closes import Offered, Rating, Scheduled, Undone, Unheard
from rating.domain.events import AnyEvent
from rating.read_models.cards import Card, card_of

MANY = 100

Document = dict[str, Any]


class Forms:
    """The collection `forms`. A document is replaced only by what is later in its stream (`position`)."""

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self._forms = database["forms"]

    async def prepare(self) -> None:
        """Makes the indexes; can be repeated."""
        due = {"due_at": {"$type": "date"}}
        await self._forms.create_index([("due_at", ASCENDING)], partialFilterExpression=due)
        await self._forms.create_index([("client", ASCENDING), ("state", ASCENDING)])

    async def project(self, batch: Sequence[Followed[Rating, AnyEvent]]) -> list[Card]:
        """Writes the forms that the events touched; can be repeated. Returns those with a time to come."""
        documents = {document["_id"]: document for one in batch for document in _documents(one)}
        if documents:
            await self._forms.bulk_write([_newer(document) for document in documents.values()], ordered=False)
        return [Card.model_validate(document) for document in documents.values() if document["due_at"]]

    async def mine(self, client: str, channel: str, now: datetime) -> list[Card]:
        """What a client can answer now, or change, newest first."""
        query: Document = {"client": client, "channel": channel, "$or": _open(now)}
        found = await self._forms.find(query).sort("closed_at", -1).limit(MANY).to_list(MANY)
        return [Card.model_validate(document) for document in found]

    async def waiting_dialogs(self, client: str) -> list[str]:
        """The dialogs of a client in which a form is scheduled or waits."""
        query = {"client": client, "state": {"$in": ["scheduled", "pending"]}}
        return list(await self._forms.distinct("dialog", query))

    async def claim(self, now: datetime, lease: timedelta, at_most: int) -> list[Card]:
        """Forms that are due, for this caller alone until the lease is over; then they are due again."""
        due = {"due_at": {"$lte": now}}
        found = await self._forms.find(due, {"_id": 1}).sort("due_at", 1).limit(at_most).to_list(at_most)
        if not found:
            return []
        theirs, token = {"_id": {"$in": [form["_id"] for form in found]}}, secrets.token_hex(16)
        await self._forms.update_many(theirs | due, {"$set": {"due_at": now + lease, "claim": token}})
        claimed = await self._forms.find(theirs | {"claim": token}).to_list(at_most)
        return [Card.model_validate(document) for document in claimed]

    async def settle(self, cards: Sequence[Card]) -> None:
        """Nothing more is due for these, unless their stream has moved on since they were read."""
        nothing = {"$set": {"due_at": None}, "$unset": {"claim": ""}}
        writes = [UpdateOne({"_id": card.form, "position": card.position}, nothing) for card in cards]
        if writes:
            await self._forms.bulk_write(writes, ordered=False)

    async def next_due(self) -> datetime | None:
        """When the next form is due."""
        found = await self._forms.find_one({"due_at": {"$type": "date"}}, {"due_at": 1}, sort=[("due_at", 1)])
        due_at: datetime | None = found["due_at"] if found else None
        return due_at


def _open(now: datetime) -> list[Document]:
    return [
        {"state": {"$in": ["pending", "declined"]}, "expires_at": {"$gt": now}},
        {"state": "given", "editable_until": {"$gt": now}},
    ]


def _documents(followed: Followed[Rating, AnyEvent]) -> list[Document]:
    close = followed.state.close(followed.event.close_seq)
    if isinstance(close, Unheard | Undone):
        return []
    card = card_of(close, followed.position)
    due_at = close.due_at if isinstance(close, Scheduled) else None
    due_at = close.expires_at if isinstance(close, Offered) else due_at
    return [
        card.model_dump(exclude={"form"})
        | {"_id": card.form, "due_at": due_at, "shard": shard_of(followed.stream)}
    ]


def _newer(document: Document) -> UpdateOne:
    older = {"$lt": [{"$ifNull": ["$position", 0]}, document["position"]]}
    replaced = {"$replaceWith": {"$cond": [older, {"$literal": document}, "$$ROOT"]}}
    return UpdateOne({"_id": document["_id"]}, [replaced], upsert=True)
