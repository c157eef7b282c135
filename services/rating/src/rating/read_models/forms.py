"""Which forms wait for this client, and which are due: a document for each form, written by the relay."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, UpdateOne

from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.upsert import upsert_if_newer
from chassis.timers import DATE, DueDocuments
from contracts.access import EVERY_CHANNEL, Claims
from contracts.ratings import CloseState, FormState
from rating.domain.dry_run import PastClose
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.state import Rating, ReopenedFirst, Unregistered
from rating.read_models.form_documents import FormDocument, due_at, form_document, past_close

MANY = 100
BATCH = 500
EARLIER = 1_000
MOST_COUNTED = 10_000

OPEN = (CloseState.SCHEDULED, CloseState.PENDING, CloseState.GIVEN, CloseState.DECLINED)
"""States in which something is still asked of the client, or taken from them."""

Document = dict[str, Any]

SHOWN: Document = {"in_widget": {"$ne": False}}
"""Older releases wrote nothing of it: theirs are all shown."""


class Forms:
    """The collection `forms`. A document is replaced only by what is later in its stream (`position`)."""

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self._forms = database["forms"]
        self.due = DueDocuments(self._forms, "dialog", "close_seq", "state")

    async def prepare(self) -> None:
        """Makes the indexes; can be repeated."""
        await self.due.prepare()
        await self._forms.create_index([("client", ASCENDING), ("state", ASCENDING)])
        await self._forms.create_index([("channel", ASCENDING), ("closed_at", DESCENDING)])
        unchecked = {"unchecked": True}
        await self._forms.create_index([("unchecked", 1), ("_id", 1)], partialFilterExpression=unchecked)

    async def project(self, batch: Sequence[RecordedEvent[Rating, RatingEvent]]) -> frozenset[str]:
        """Writes the forms that the events touched, and returns whose they are; can be repeated."""
        documents: dict[str, Document] = {}
        for recorded in batch:
            close = recorded.state.close(recorded.event.close_seq)
            if isinstance(close, Unregistered | ReopenedFirst):
                continue
            form = form_document(close, recorded.position)
            document = form.model_dump(exclude={"form"}) | {"_id": form.form, "due_at": due_at(close)}
            documents[form.form] = document | {"unchecked": True} if form.state in OPEN else document
        if documents:
            writes = [upsert_if_newer(form, each["position"], each) for form, each in documents.items()]
            await self._forms.bulk_write(writes, ordered=False)
        return frozenset(document["client"] for document in documents.values())

    async def positions(self, client: str, channel: str) -> dict[str, int]:
        """The client's newest forms that were offered, by their ids, each with its `position`."""
        query: Document = {"client": client, "channel": channel, "state": {"$in": list(FormState)}} | SHOWN
        found = self._forms.find(query, {"position": 1}).sort("closed_at", -1).limit(MANY)
        return {document["_id"]: document["position"] async for document in found}

    async def mine(self, client: str, channel: str, now: datetime) -> list[FormDocument]:
        """What a client can answer now, or change, newest first."""
        answerable = [
            {"state": {"$in": [CloseState.PENDING, CloseState.DECLINED]}, "expires_at": {"$gt": now}},
            {"state": CloseState.GIVEN, "editable_until": {"$gt": now}},
        ]
        query: Document = {"client": client, "channel": channel, "$or": answerable} | SHOWN
        found = await self._forms.find(query).sort("closed_at", -1).limit(MANY).to_list(MANY)
        return [FormDocument.model_validate(document) for document in found]

    async def is_seen_by(self, claims: Claims, close: str) -> bool:
        """Whether there is a close of this id that counts for the channels and teams of a token.

        One of another channel or team is not read, so how long this takes doesn't tell that there is one.
        """
        query: Document = {"_id": close}
        if EVERY_CHANNEL not in claims.channels:
            query["channel"] = {"$in": sorted(claims.channels)}
        if claims.teams is not None:
            query["team"] = {"$in": sorted(claims.teams)}
        return await self._forms.find_one(query, {"_id": 1}) is not None

    async def last_closes(self, channel: str, limit: int) -> list[PastClose]:
        """The channel's last closes, newest first."""
        return await self._closes({"channel": channel}, limit)

    async def count_closes(self, channel: str, since: datetime) -> int:
        """How many closes the channel has had since then, up to 10,000: what the index holds is not read."""
        query: Document = {"channel": channel, "closed_at": {"$gte": since}}
        return await self._forms.count_documents(query, limit=MOST_COUNTED)

    async def earlier_closes(self, channel: str, closes: Sequence[PastClose]) -> list[PastClose]:
        """What came before `closes` (newest first) of their clients in the channel: the last 1,000 of it."""
        if not closes:
            return []
        clients = list({close.snapshot.client for close in closes})
        earlier = {"$lt": closes[-1].snapshot.closed_at}
        query: Document = {"channel": channel, "client": {"$in": clients}, "closed_at": earlier}
        return await self._closes(query, EARLIER)

    async def _closes(self, query: Document, limit: int) -> list[PastClose]:
        # Of those that an older release wrote it isn't known what was said.
        found = self._forms.find(query | {"registered_at": DATE}).sort("closed_at", DESCENDING).limit(limit)
        return [past_close(FormDocument.model_validate(document)) async for document in found]

    async def open_dialogs(self, client: str) -> list[str]:
        """The dialogs of a client in which a form is open."""
        return list(await self._forms.distinct("dialog", {"client": client, "state": {"$in": OPEN}}))

    async def unchecked(self) -> AsyncIterator[list[FormDocument]]:
        """The open forms that were written since it was checked whether their client is erased, by 500."""
        query: Document = {"unchecked": True}
        while found := await self._forms.find(query).sort("_id", ASCENDING).limit(BATCH).to_list(BATCH):
            query["_id"] = {"$gt": found[-1]["_id"]}
            yield [FormDocument.model_validate(document) for document in found]

    async def mark_checked(self, forms: Sequence[FormDocument]) -> None:
        """These were checked, unless they were written again since they were read."""
        writes = [
            UpdateOne({"_id": form.form, "position": form.position}, {"$unset": {"unchecked": ""}})
            for form in forms
        ]
        if writes:
            await self._forms.bulk_write(writes, ordered=False)
