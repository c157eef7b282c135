"""Answers: who a client is, as far as they said, and since when they are one."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.upsert import upsert_if_newer
from chat.domain.client import Client, ClientErased, ClientEvent, ClientRegistered

Document = dict[str, Any]


class Clients:
    """The collection ``clients``: {_id: channel, locale, email, name, since}; e-mail and name are sealed.

    Of an erased client only that is left.
    """

    def __init__(self, database: "AsyncIOMotorDatabase[Document]") -> None:
        self._clients = database["clients"]

    async def project(self, batch: Sequence[RecordedEvent[Client, ClientEvent]]) -> None:
        """Takes in events; any part of a batch may come again."""
        writes = []
        for recorded in batch:
            event = recorded.event
            if isinstance(event, ClientRegistered):
                known = event.model_dump(include={"channel", "locale", "email", "name"})
                document = {**known, "since": event.registered_at}
            elif isinstance(event, ClientErased):
                document = {"erased_at": event.erased_at}
            else:
                continue
            writes.append(upsert_if_newer(event.client, recorded.position, document))
        if writes:
            await self._clients.bulk_write(writes)

    async def of(self, clients: Collection[str]) -> Mapping[str, Document]:
        """What is known of these clients, by their ids."""
        found = self._clients.find({"_id": {"$in": list(clients)}})
        return {document["_id"]: document async for document in found}
