"""Analytics on a real database, hearing what it is told and asked over HTTP by people with real tokens."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern
from pymongo.read_concern import ReadConcern

from analytics.api import live_chat
from analytics.api.queries import LiveChatQueries
from analytics.domain.close import CloseEvent
from analytics.messaging.inbound import LiveChatProjection
from analytics.read_models.decryption import Decryptor, SealedText
from analytics.read_models.documents import LiveChatDocuments
from analytics.settings import AnalyticsSettings
from chassis.audit import Audit
from chassis.clock import ManualClock
from chassis.http.app import create
from chassis.http.auth import verifier
from chassis.kafka.records import ReceivedEvent
from chassis.mongo import connect
from chassis.service import Supervisor
from contracts.access import Claims, Role
from tests.analytics.builders import NOON, ExpectedClose, heard
from tests.tokens import STAFF_ISSUER, STAFF_KEY, bearer, jwks, signed

MINIMUM = 3
"""Another one than what holds if nobody says anything."""
EVERYWHERE = Claims(sub="sue", roles=frozenset({Role.SUPERVISOR}), channels=frozenset({"*"}))


class Keys:
    """Opens what it knows, as what it was sealed."""

    def __init__(self) -> None:
        self.known: dict[SealedText, str] = {}
        self.read = True

    async def open(self, sealed: str, *, subject: str, scope: str, purpose: str) -> str | None:
        return self.known.get(SealedText(sealed, subject, scope, purpose))

    async def read_to_end(self) -> bool:
        return self.read


@dataclass
class Harness:
    """The rooms of analytics; `ask` is a supervisor's question."""

    client: AsyncIOMotorClient[dict[str, Any]]
    database: str
    http: httpx.AsyncClient
    keys: Keys
    documents: LiveChatDocuments
    heard: list[CloseEvent] = field(default_factory=list)

    @property
    def rooms(self) -> Any:
        return self.client[self.database]

    async def hear(self, *told: ExpectedClose) -> None:
        await self.hear_events([event for close in told for event in close.events()])

    async def hear_events(self, events: Iterable[CloseEvent]) -> None:
        """One batch, as the projection gets it."""
        await self.apply([heard(event, offset) for offset, event in enumerate(events)])

    async def apply(self, records: Sequence[ReceivedEvent[Any]]) -> None:
        async with (
            await self.client.start_session() as session,
            session.start_transaction(
                read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
            ),
        ):
            await LiveChatProjection(self.rooms).apply(session, records)

    async def get(self, path: str, claims: Claims | None = EVERYWHERE, **asked: Any) -> httpx.Response:
        headers = {} if claims is None else bearer(signed(claims))
        params = {name.rstrip("_"): value for name, value in asked.items()}
        return await self.http.get(f"/v1/live-chat/{path}", params=params, headers=headers)

    async def ask(self, path: str, claims: Claims = EVERYWHERE, **asked: Any) -> Any:
        answer = await self.get(path, claims, **asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def kept(self, collection: str) -> list[dict[str, Any]]:
        return sorted(
            [each async for each in self.rooms[collection].find()], key=lambda each: str(each["_id"])
        )


def settings(mongo: str, database: str) -> AnalyticsSettings:
    return AnalyticsSettings(
        env="development",
        kafka="127.0.0.1:1",
        mongo=mongo,
        database=database,
        staff_issuer=STAFF_ISSUER,
        staff_jwks=jwks(STAFF_KEY),
        readers_key="A" * 43,
    )


@asynccontextmanager
async def open_harness(mongo: str, database: str) -> AsyncIterator[Harness]:
    """Everything but Kafka."""
    client, told = connect(mongo), settings(mongo, database)
    rooms = client[database]
    documents, audit, keys = LiveChatDocuments.of(rooms), Audit(rooms, "closes"), Keys()
    answers = LiveChatQueries(
        client=client,
        documents=documents,
        audit=audit,
        opener=Decryptor(keys, keys.read_to_end),
        clock=ManualClock(NOON),
        lag=lambda: 7,
        minimum=MINIMUM,
    )
    router = live_chat.routes(answers, verifier(told))

    async def prepare() -> None:
        await documents.prepare()
        await audit.prepare()

    parts = Supervisor([], prepare)
    app = create(told, title="Candor analytics", routers=[router], parts=parts, checks={})
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://analytics.test") as http,
    ):
        await parts.wait_prepared()
        yield Harness(client, database, http, keys, documents)
    client.close()
