"""Analytics on a real database: events are projected into it, queries come over HTTP with real tokens."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from analytics.app import build
from analytics.domain.close import CloseEvent
from analytics.read_models.decryption import Decryptor, SealedText
from analytics.read_models.documents import LiveChatDocuments
from analytics.read_models.projection import LiveChatProjection
from analytics.settings import AnalyticsSettings
from chassis.clock import ManualClock
from chassis.errors import DecryptionFailed
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.records import ReceivedEvent
from chassis.mongo import connect, transaction
from contracts.access import Claims, Role
from tests.analytics.builders import NOON, ExpectedClose, received
from tests.analytics.kafka_harness import running
from tests.declared import client_of
from tests.tokens import STAFF_ISSUER, STAFF_KEY, bearer, jwks, signed
from tests.waiting import until

MINIMUM = 3
"""Another one than the default."""
EVERYWHERE = Claims(sub="sue", roles=frozenset({Role.SUPERVISOR}), channels=frozenset({"*"}))


def supervisor_of(*channels: str) -> Claims:
    return EVERYWHERE.model_copy(update={"channels": frozenset(channels)})


def limited_to(*teams: str) -> Claims:
    return EVERYWHERE.model_copy(update={"teams": frozenset(teams)})


class Keys:
    """Opens the sealed texts that it knows, as what they were sealed."""

    def __init__(self) -> None:
        self.known: dict[SealedText, str] = {}
        self.read = True

    async def open_all(self, texts: Sequence[SealedText]) -> list[str | DecryptionFailed | None]:
        return [self.known.get(text) for text in texts]

    async def read_to_end(self) -> bool:
        return self.read


@dataclass
class Harness:
    """The service without Kafka; `ask` is a supervisor's query."""

    client: AsyncIOMotorClient[dict[str, Any]]
    database: AsyncIOMotorDatabase[dict[str, Any]]
    app: FastAPI
    http: httpx.AsyncClient
    keys: Keys

    @property
    def documents(self) -> LiveChatDocuments:
        return LiveChatDocuments.of(self.database)

    async def receive(self, *closes: ExpectedClose) -> None:
        await self.receive_events([event for close in closes for event in close.events()])

    async def receive_events(self, events: Iterable[CloseEvent]) -> None:
        """One batch, as the projection gets it."""
        await self.apply([received(event, offset) for offset, event in enumerate(events)])

    async def apply(self, records: Sequence[ReceivedEvent[Any]]) -> None:
        async with await self.client.start_session() as session, transaction(session):
            await LiveChatProjection(self.database).apply(session, records)

    async def send(self, method: str, path: str, claims: Claims | None, **how: Any) -> httpx.Response:
        headers = {**how.pop("headers", {}), **({} if claims is None else bearer(signed(claims)))}
        return await self.http.request(method, f"/v1/live-chat/{path}", headers=headers, **how)

    async def get(self, path: str, claims: Claims | None = EVERYWHERE, **asked: Any) -> httpx.Response:
        params = {name.rstrip("_"): value for name, value in asked.items()}
        return await self.send("GET", path, claims, params=params)

    async def ask(self, path: str, claims: Claims = EVERYWHERE, **asked: Any) -> Any:
        response = await self.get(path, claims, **asked)
        assert response.status_code == 200, response.text
        return response.json()

    async def relayed(self) -> None:
        """Lets the relay work until every commit is relayed."""
        async with running(self.app.state.relay):
            await until(
                lambda: self.database["commits"].count_documents({"relayed": False}), lambda left: not left
            )

    async def stored(self, collection: str) -> list[dict[str, Any]]:
        return sorted(
            [each async for each in self.database[collection].find()], key=lambda each: str(each["_id"])
        )


def settings(mongo: str, database: str) -> AnalyticsSettings:
    return AnalyticsSettings(
        env="development",
        kafka=KafkaConnection(servers="127.0.0.1:1"),
        mongo=mongo,
        database=database,
        staff_issuer=STAFF_ISSUER,
        staff_jwks=jwks(STAFF_KEY),
        master_key="A" * 43,
        readers_key="A" * 43,
        minimum_n=MINIMUM,
    )


@asynccontextmanager
async def open_harness(mongo: str, database: str) -> AsyncIterator[Harness]:
    """The service as `build` joins it, without Kafka, prepared."""
    client, keys = connect(mongo), Keys()
    app = build(
        settings(mongo, database),
        clock=ManualClock(NOON),
        decryptor=Decryptor(keys, keys.read_to_end),
        only=(),
    )
    async with app.router.lifespan_context(app), client_of(app, "http://analytics.test") as http:
        await app.state.parts.wait_prepared()
        yield Harness(client, client[database], app, http, keys)
    client.close()
