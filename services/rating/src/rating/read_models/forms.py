"""Which forms wait for this client, and which are due: a document for each form, written by the relay."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, UpdateOne

from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.upsert import upsert_if_newer
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.state import Rating, ReopenedFirst, Unregistered
from rating.read_models.form_documents import FormDocument, due_at, form_document

MANY = 100
BATCH = 500
DATE = {"$type": "date"}
"""Part of every query for what is due: without it MongoDB doesn't take the index, which is a partial one."""

OPEN = ("scheduled", "pending", "given", "declined")
"""States in which something is still asked of the client, or taken from them."""

Document = dict[str, Any]


class Forms:
    """The collection `forms`. A document is replaced only by what is later in its stream (`position`)."""

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self._forms = database["forms"]

    async def prepare(self) -> None:
        """Makes the indexes; can be repeated."""
        await self._forms.create_index([("due_at", ASCENDING)], partialFilterExpression={"due_at": DATE})
        await self._forms.create_index([("client", ASCENDING), ("state", ASCENDING)])
        unchecked = {"unchecked": True}
        await self._forms.create_index([("unchecked", 1), ("_id", 1)], partialFilterExpression=unchecked)

    async def project(self, batch: Sequence[RecordedEvent[Rating, RatingEvent]]) -> None:
        """Writes the forms that the events touched; can be repeated."""
        documents = {document["_id"]: document for one in batch for document in _documents(one)}
        if documents:
            writes = [upsert_if_newer(form, each["position"], each) for form, each in documents.items()]
            await self._forms.bulk_write(writes, ordered=False)

    async def mine(self, client: str, channel: str, now: datetime) -> list[FormDocument]:
        """What a client can answer now, or change, newest first."""
        query: Document = {"client": client, "channel": channel, "$or": _answerable(now)}
        found = await self._forms.find(query).sort("closed_at", -1).limit(MANY).to_list(MANY)
        return [FormDocument.model_validate(document) for document in found]

    async def open_dialogs(self, client: str) -> list[str]:
        """The dialogs of a client in which a form is open."""
        return list(await self._forms.distinct("dialog", {"client": client, "state": {"$in": OPEN}}))

    async def unchecked(self) -> AsyncIterator[list[FormDocument]]:
        """The open forms that were written since it was checked whether their client is erased, by 500."""
        last = ""
        while found := await self._find_unchecked(last):
            last = found[-1].form
            yield found

    async def _find_unchecked(self, after: str) -> list[FormDocument]:
        query = {"unchecked": True, "_id": {"$gt": after}}
        found = await self._forms.find(query).sort("_id", ASCENDING).limit(BATCH).to_list(BATCH)
        return [FormDocument.model_validate(document) for document in found]

    async def mark_checked(self, forms: Sequence[FormDocument]) -> None:
        """These were checked, unless they were written again since they were read."""
        writes = [
            UpdateOne({"_id": form.form, "position": form.position}, {"$unset": {"unchecked": ""}})
            for form in forms
        ]
        if writes:
            await self._forms.bulk_write(writes, ordered=False)

    async def claim(self, now: datetime, lease: timedelta, at_most: int) -> list[FormDocument]:
        """Forms that are due, for this caller alone until the lease is over; then they are due again."""
        due = {"due_at": DATE | {"$lte": now}}
        found = await self._forms.find(due, {"_id": 1}).sort("due_at", 1).limit(at_most).to_list(at_most)
        if not found:
            return []
        theirs, token = {"_id": {"$in": [form["_id"] for form in found]}}, secrets.token_hex(16)
        await self._forms.update_many(theirs | due, {"$set": {"due_at": now + lease, "claim": token}})
        claimed = await self._forms.find(theirs | {"claim": token}).to_list(at_most)
        return [FormDocument.model_validate(document) for document in claimed]

    async def settle(self, next_due: Mapping[FormDocument, datetime | None]) -> None:
        """When each of these is due next, if ever, unless it was written since it was read."""
        writes = [
            UpdateOne(
                {"_id": card.form, "position": card.position},
                {"$set": {"due_at": moment}, "$unset": {"claim": ""}},
            )
            for card, moment in next_due.items()
        ]
        if writes:
            await self._forms.bulk_write(writes, ordered=False)

    async def next_due(self) -> datetime | None:
        """When the next form is due."""
        found = await self._forms.find_one({"due_at": DATE}, {"due_at": 1}, sort=[("due_at", 1)])
        due: datetime | None = found["due_at"] if found else None
        return due


def _answerable(now: datetime) -> list[Document]:
    return [
        {"state": {"$in": ["pending", "declined"]}, "expires_at": {"$gt": now}},
        {"state": "given", "editable_until": {"$gt": now}},
    ]


def _documents(recorded: RecordedEvent[Rating, RatingEvent]) -> list[Document]:
    close = recorded.state.close(recorded.event.close_seq)
    if isinstance(close, Unregistered | ReopenedFirst):
        return []
    card = form_document(close, recorded.position)
    document = card.model_dump(exclude={"form"}) | {"_id": card.form, "due_at": due_at(close)}
    return [document | {"unchecked": True} if card.state in OPEN else document]
