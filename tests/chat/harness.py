"""Chat as a whole on real servers, and the people who call it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from motor.motor_asyncio import AsyncIOMotorDatabase
from pydantic import SecretStr

from chassis.kafka.connection import KafkaConnection
from chassis.mongo import connect
from chat.app import build
from chat.settings import ChatSettings
from contracts.access import Claims, Role
from deploy import topics
from tests.declared import client_of
from tests.tokens import STAFF_ISSUER, STAFF_KEY, VISITOR_ISSUER, VISITOR_KEY, bearer, jwks, signed
from tests.waiting import until

T = TypeVar("T")

KEY = SecretStr("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE")


@dataclass(frozen=True)
class Person:
    """Somebody with a token; `id` is its subject."""

    http: httpx.AsyncClient
    id: str
    token: str | None

    async def do(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = bearer(self.token) if self.token else {}
        return await self.http.request(method, path, headers=headers, json=body)

    async def put(self, path: str, body: Any = None) -> httpx.Response:
        return await self.do("PUT", path, body)

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        return await self.do("POST", path, body)

    async def get(self, path: str) -> httpx.Response:
        return await self.do("GET", path)


@dataclass(frozen=True)
class Harness:
    """A running chat, and its database to look into."""

    http: httpx.AsyncClient
    settings: ChatSettings
    database: AsyncIOMotorDatabase[dict[str, Any]]

    async def unrelayed(self) -> int:
        return await self.database["commits"].count_documents({"relayed": False})

    def staff(
        self,
        role: Role,
        sub: str,
        *channels: str,
        team: str | None = None,
        name: str | None = None,
        nowhere: bool = False,
        teams: frozenset[str] | None = None,
        scope: str = "",
    ) -> Person:
        """Somebody of the staff: of these channels, of all if none is named, or of no channel at all."""
        claims = Claims(
            sub=sub,
            roles=frozenset({role}),
            channels=frozenset() if nowhere else frozenset(channels or {"*"}),
            name=name or sub.title(),
            team=team,
            teams=teams,
            scope=scope,
        )
        return Person(self.http, sub, signed(claims))

    @property
    def anybody(self) -> Person:
        return Person(self.http, "", None)

    @property
    def admin(self) -> Person:
        return self.staff(Role.ADMIN, "joe")

    def operator(self, sub: str = "ann", *channels: str, team: str | None = "first-line") -> Person:
        return self.staff(Role.OPERATOR, sub, *channels, team=team)

    async def channel(self, **how: Any) -> str:
        """A fresh channel."""
        channel = f"shop-{uuid4().hex[:8]}"
        done(await self.admin.put(f"/v1/channels/{channel}", {"name": "Shop", **how}))
        return channel

    async def visitor(self, channel: str, **who: str) -> Person:
        given = done(await self.anybody.post(f"/v1/channels/{channel}/visitors", who))
        return Person(self.http, given["client"], given["token"])

    async def dialog(self, visitor: Person, *, taken_by: Person | None = None) -> str:
        """The path of a fresh dialog."""
        path = f"/v1/dialogs/d-{uuid4().hex[:12]}"
        done(await visitor.put(path))
        if taken_by:
            done(await taken_by.put(f"{path}/operator"))
        return path


def done(response: httpx.Response) -> Any:
    """The JSON of a success."""
    assert response.is_success, f"{response.status_code} {response.text}"
    return response.json()


def pem(key: Ed25519PrivateKey) -> SecretStr:
    return SecretStr(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


STAFF_SETTINGS: dict[str, Any] = {
    "staff_issuer": STAFF_ISSUER,
    "staff_jwks": jwks(STAFF_KEY),
}


def settings_for(
    kafka: KafkaConnection, mongo: str, database: str, staff: Mapping[str, Any] = STAFF_SETTINGS
) -> ChatSettings:
    """A chat's settings; `staff` are the settings of staff's provider."""
    return ChatSettings(
        env="development",
        kafka=kafka,
        mongo=mongo,
        database=database,
        **staff,
        visitor_issuer=VISITOR_ISSUER,
        visitor_signing_key=pem(VISITOR_KEY),
        master_key=KEY,
        readers_key=KEY,
    )


_HAVE_TOPICS: set[str] = set()
"""The brokers on which the topics were made: looking once more takes a broker longer than a test."""


@asynccontextmanager
async def running(settings: ChatSettings) -> AsyncIterator[Harness]:
    """Chat, ready for requests."""
    if settings.kafka.servers not in _HAVE_TOPICS:
        await topics.create(settings.kafka)
        _HAVE_TOPICS.add(settings.kafka.servers)
    app = build(settings)
    async with app.router.lifespan_context(app), client_of(app, "http://chat") as http:
        await until(lambda: http.get("/.well-known/jwks.json"), lambda response: response.is_success)
        client = connect(settings.mongo)
        harness = Harness(http, settings, client[settings.database])
        yield harness
        # A publisher that is stopped while it sends takes its time.
        await until(harness.unrelayed, lambda count: count == 0)
        client.close()


@dataclass(frozen=True)
class Record:
    """What stands in a topic."""

    headers: dict[str, str]
    value: dict[str, Any]


async def consume(kafka: KafkaConnection, topic: str, key: str, count: int) -> list[Record]:
    """What was published under a key, once there are `count` records."""
    consumer = AIOKafkaConsumer(topic, **kafka.options(), auto_offset_reset="earliest")
    await consumer.start()
    found: list[Record] = []
    try:
        async with asyncio.timeout(30):
            while len(found) < count:
                found += [_record(raw) async for raw in _batch(consumer) if raw.key == key.encode()]
    finally:
        await consumer.stop()
    return found


async def _batch(consumer: AIOKafkaConsumer) -> AsyncIterator[Any]:
    for records in (await consumer.getmany(timeout_ms=200)).values():
        for record in records:
            yield record


def _record(raw: Any) -> Record:
    headers = {name: value.decode() for name, value in raw.headers}
    return Record(headers, json.loads(raw.value))
