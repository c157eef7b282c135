"""Which webhooks there are, and what was or will be sent to each: a document for every message of each."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from cachetools import TTLCache
from motor.motor_asyncio import AsyncIOMotorDatabase
from pydantic import BaseModel, ConfigDict, Field
from pymongo import ASCENDING, DESCENDING, UpdateOne

from chassis.clock import Clock
from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.upsert import upsert_if_newer
from chassis.timers import DueDocuments
from rating.domain.webhook import StoredWebhookEvent, Webhook, WebhookState
from rating.read_models.webhook_health import WebhookHealth

REMEMBERED: Final = timedelta(seconds=1)
KEPT: Final = timedelta(days=30)
"""How long the log of deliveries reaches back."""
LEASE: Final = timedelta(seconds=60)
"""Longer than an attempt takes."""

Document = dict[str, Any]


class DeliveryState(StrEnum):
    """How far a message is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Webhooks:
    """The collection `webhooks`: those that there are, as a relayed change left them."""

    def __init__(self, database: "AsyncIOMotorDatabase[Document]", clock: Clock) -> None:
        self._webhooks = database["webhooks"]
        self._remembered: TTLCache[str, dict[str, Webhook]] = TTLCache(
            1, REMEMBERED.total_seconds(), timer=lambda: clock.now().timestamp()
        )

    async def project(self, batch: Sequence[RecordedEvent[WebhookState, StoredWebhookEvent]]) -> None:
        """Takes in events; any part of a batch may come again."""
        writes = [
            upsert_if_newer(recorded.stream.partition(":")[2], recorded.position, _fields(recorded.state))
            for recorded in batch
        ]
        if writes:
            await self._webhooks.bulk_write(writes)

    async def all(self) -> dict[str, Webhook]:
        """Every webhook by its id."""
        found = await self._webhooks.find({"webhook": {"$ne": None}}).sort("_id", ASCENDING).to_list(None)
        return {each["_id"]: _Stored.model_validate(each).webhook for each in found}

    async def recent(self) -> dict[str, Webhook]:
        """Those of within the last second."""
        if (found := self._remembered.get("all")) is None:
            found = self._remembered["all"] = await self.all()
        return found


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore")

    webhook: Webhook


def _fields(state: WebhookState) -> Document:
    if not isinstance(state, Webhook):
        return {"webhook": None}
    return {"webhook": {**vars(state), "settings": state.settings.model_dump()}}


class Delivery(BaseModel):
    """One message for one webhook. `attempts` were made; `reason` and `status` are those of the last failure.

    `body` is what is sent: it holds no word of a client.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    delivery: str = Field(validation_alias="_id")
    webhook: str
    message: str
    type: str
    channel: str
    dialog: str
    close_seq: int
    created_at: datetime
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    due_at: datetime | None = None
    delivered_at: datetime | None = None
    reason: str | None = None
    status: int | None = None
    body: str = Field(repr=False)
    claim: str | None = None


def delivery_id(webhook: str, message: str) -> str:
    """The same however often an event is relayed."""
    return f"{webhook}/{message}"


class WebhookDeliveries:
    """The collection `webhook_deliveries`; MongoDB removes what is older than 30 days."""

    def __init__(self, database: "AsyncIOMotorDatabase[Document]") -> None:
        self._deliveries = database["webhook_deliveries"]
        self.due = DueDocuments(self._deliveries)
        self.health = WebhookHealth(database)

    async def prepare(self) -> None:
        """Makes the indexes; can be repeated."""
        await self.due.prepare()
        newest = [("created_at", DESCENDING), ("_id", DESCENDING)]
        await self._deliveries.create_index([("webhook", ASCENDING), *newest])
        await self._deliveries.create_index([("webhook", ASCENDING), ("state", ASCENDING), *newest])
        kept = int(KEPT.total_seconds())
        await self._deliveries.create_index([("kept_from", ASCENDING)], expireAfterSeconds=kept)

    async def add(self, deliveries: Iterable[Document]) -> None:
        """Adds those that aren't there; can be repeated."""
        # Kept from when MongoDB's own clock says, as that one sweeps.
        kept = {"$currentDate": {"kept_from": True}}
        writes = [
            UpdateOne({"_id": each["_id"]}, {"$setOnInsert": each, **kept}, upsert=True)
            for each in deliveries
        ]
        if writes:
            await self._deliveries.bulk_write(writes, ordered=False)

    async def claim(self, now: datetime, at_most: int) -> list[Delivery]:
        """Those that are due first, for this caller alone for a minute."""
        claimed = await self.due.claim(now, LEASE, at_most)
        return [Delivery.model_validate(each) for each in claimed]

    async def settle(self, delivery: Delivery, due_at: datetime | None, **changes: Any) -> None:
        """What became of a claimed one, unless it was claimed again since; when it is due next, if ever."""
        found = {"_id": delivery.delivery, "claim": delivery.claim}
        changed = {"$set": {**changes, "due_at": due_at}, "$unset": {"claim": "", "claimed_until": ""}}
        await self._deliveries.update_one(found, changed)

    async def page(
        self, webhook: str, state: DeliveryState | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[Delivery]:
        """The newest of a webhook, in that state, of before that moment and id: many are of one moment."""
        query: Document = {"webhook": webhook}
        query |= {"state": state} if state else {}
        if before:
            at, delivery = before
            query["created_at"] = {"$lte": at}  # bounds the index; `$or` alone doesn't
            query["$or"] = [{"created_at": {"$lt": at}}, {"_id": {"$lt": delivery}}]
        order = [("created_at", DESCENDING), ("_id", DESCENDING)]
        found = self._deliveries.find(query).sort(order).limit(limit)
        return [Delivery.model_validate(document) async for document in found]

    async def again(self, webhook: str, delivery: str, now: datetime) -> Delivery | None:
        """Sends it again, now, whatever became of it; None if there is none."""
        found = await self._deliveries.find_one_and_update(
            {"_id": delivery, "webhook": webhook}, _due_again(now), return_document=True
        )
        return Delivery.model_validate(found) if found else None

    async def failed_again(self, webhook: str, now: datetime) -> int:
        """Sends again, now, all that was given up; returns how much that is."""
        failed = {"webhook": webhook, "state": DeliveryState.FAILED}
        return (await self._deliveries.update_many(failed, _due_again(now))).modified_count


def _due_again(now: datetime) -> Document:
    changes = {"due_at": now, "state": DeliveryState.WAITING, "attempts": 0}
    return {"$set": changes, "$unset": {"claim": "", "claimed_until": ""}}
