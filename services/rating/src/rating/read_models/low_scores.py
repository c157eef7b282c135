"""Of which low scores supervisors are to be told, and when each address may be written to next."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, UpdateOne
from pymongo.errors import DuplicateKeyError

from chassis.outbox.commit_handler import RecordedEvent
from chassis.timers import DATE
from rating.domain.rating.events import RatingChanged, RatingEvent, RatingGiven
from rating.domain.rating.state import Given, Rating
from rating.read_models.form_documents import form_id
from rating.read_models.quality_control import QualityControlVersions

LOW_SCORE: Final = "low_score"
"""The kind of these mails, beside those of `DeliveryKind`."""

APART: Final = timedelta(minutes=15)
"""Between two mails to one address about one channel: a bad hour must not fill a mailbox."""

Document = dict[str, Any]


class LowScores:
    """Mails about low scores, in the collection `deliveries`: one for each answer and address.

    {_id: form, kind, change and recipient, dialog, close_seq, channel, client, `version` of the settings,
    `to`, `locale`, `recipient`, given_at, due_at}. A `recipient` stands for an address in a channel: ids are
    logged, addresses never. The collection `alert_turns` has for each recipient the mail that was written
    last (`holder`), and until when no other one is.
    """

    def __init__(self, database: "AsyncIOMotorDatabase[Document]", versions: QualityControlVersions) -> None:
        self._deliveries = database["deliveries"]
        self._turns = database["alert_turns"]
        self._versions = versions

    async def prepare(self) -> None:
        """Makes the index; can be repeated."""
        waiting = {"recipient": {"$type": "string"}, "due_at": DATE}
        await self._deliveries.create_index([("recipient", ASCENDING)], partialFilterExpression=waiting)

    async def project(self, batch: Sequence[RecordedEvent[Rating, RatingEvent]]) -> None:
        """Writes the mails that the answers ask for; can be repeated."""
        documents = [document for recorded in batch for document in await self._asked_for(recorded)]
        if documents:
            writes = [
                UpdateOne({"_id": each["_id"]}, {"$setOnInsert": each}, upsert=True) for each in documents
            ]
            await self._deliveries.bulk_write(writes, ordered=False)

    async def _asked_for(self, recorded: RecordedEvent[Rating, RatingEvent]) -> list[Document]:
        """A mail for each address that the settings name, if the score is low and the one before was not."""
        close = recorded.state.close(recorded.event.close_seq)
        if not isinstance(recorded.event, RatingGiven | RatingChanged) or not isinstance(close, Given):
            return []
        snapshot, scale = close.form.snapshot, close.form.rules.scale
        held = await self._versions.held_at(snapshot.channel, recorded.at)
        alert, alerts_of = held.settings.alert, held.settings.alerts_of
        was_low = close.score_before is not None and alerts_of(close.score_before, scale)
        if alert is None or was_low or not alerts_of(close.answer.score, scale):
            return []
        form = form_id(snapshot.dialog, snapshot.close_seq)
        return [
            {
                "_id": f"{form}:{LOW_SCORE}:{close.changes}:{recipient}", "kind": LOW_SCORE,
                "dialog": snapshot.dialog, "close_seq": snapshot.close_seq, "channel": snapshot.channel,
                "client": snapshot.client, "version": held.version, "to": address, "locale": alert.locale,
                "recipient": recipient, "given_at": recorded.at, "due_at": recorded.at,
            }
            for address in alert.to
            for recipient in [_recipient(snapshot.channel, address)]
        ]  # fmt: skip

    async def take_turn(self, document: Document, now: datetime) -> datetime | None:
        """Lets this mail be written now, and no other one to its recipient for 15 minutes.

        If another one was, this changes nothing, and gives the end of that time.
        """
        free = {"$or": [{"until": {"$lte": now}}, {"holder": document["_id"]}]}
        turn = {"$set": {"holder": document["_id"], "until": now + APART}}
        try:
            await self._turns.update_one({"_id": document["recipient"], **free}, turn, upsert=True)
        except DuplicateKeyError:
            taken = await self._turns.find_one({"_id": document["recipient"]})
            return taken["until"] if taken else now
        return None

    async def besides(self, document: Document) -> list[Document]:
        """The others that wait for the same recipient, the oldest first."""
        waiting = {"recipient": document["recipient"], "due_at": DATE, "_id": {"$ne": document["_id"]}}
        return await self._deliveries.find(waiting).sort("given_at", ASCENDING).to_list(None)

    async def settle(self, documents: Sequence[Document]) -> None:
        """These were told of, whoever has claimed them since."""
        done = {"$set": {"due_at": None}, "$unset": {"claim": "", "claimed_until": ""}}
        await self._deliveries.update_many({"_id": {"$in": [each["_id"] for each in documents]}}, done)


def _recipient(channel: str, address: str) -> str:
    """The same for an address in a channel, however it is written; no address."""
    return hashlib.sha256(f"{channel} {address.casefold()}".encode()).hexdigest()[:32]
