"""How each webhook's endpoint takes what it is sent: a document for each, written with every attempt."""

from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pydantic import BaseModel, ConfigDict

from rating.domain.webhook import Webhook

Document = dict[str, Any]


class Health(BaseModel):
    """When a message was taken last; since when, and at which `version` of the webhook, none is taken."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    delivered_at: datetime | None = None
    failing_since: datetime | None = None
    version: int | None = None

    def failing(self, webhook: Webhook) -> datetime | None:
        """Since when every attempt fails; None if the last one didn't, and after the webhook was changed.

        What was changed may be what was wrong: the next attempt tells.
        """
        return self.failing_since if self.version == webhook.version else None


class WebhookHealth:
    """The collection `webhook_health`."""

    def __init__(self, database: "AsyncIOMotorDatabase[Document]") -> None:
        self._health = database["webhook_health"]

    async def delivered(self, name: str, now: datetime) -> None:
        """The endpoint has taken a message."""
        changes = {"$set": {"delivered_at": now}, "$unset": {"failing_since": "", "version": ""}}
        await self._health.update_one({"_id": name}, changes, upsert=True)

    async def failed(self, name: str, webhook: Webhook, now: datetime) -> None:
        """The endpoint of the webhook, as it is now, has not taken a message."""
        version = webhook.version
        since = {"$cond": [{"$eq": ["$version", version]}, {"$ifNull": ["$failing_since", now]}, now]}
        changes = {"$set": {"failing_since": since, "version": version}}
        await self._health.update_one({"_id": name}, [changes], upsert=True)

    async def of(self, name: str) -> Health:
        """That of a webhook."""
        return Health.model_validate(await self._health.find_one({"_id": name}) or {})

    async def all(self) -> dict[str, Health]:
        """That of every webhook of which anything was sent, by its id."""
        found = await self._health.find().to_list(None)
        return {each["_id"]: Health.model_validate(each) for each in found}
