"""Rating's API in front of a house, and people who call it."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.background import Supervisor
from chassis.http.app import create
from chassis.http.auth import verifier
from chassis.http.tokens import issue, kid_of, public_jwk
from chassis.kafka.connection import KafkaConnection
from contracts.access import AUDIENCE_CHAT, AUDIENCE_RATING, AUDIENCE_STAFF, Claims, Role
from rating.api import forms, mine
from rating.api.tokens import FormKey, FormTokens
from rating.settings import RatingSettings
from tests.rating.harness import Harness, until

STAFF, VISITORS = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
STAFF_ISSUER, VISITOR_ISSUER = "https://staff.test", "https://chat.test"


def jwks(key: Ed25519PrivateKey) -> str:
    return json.dumps({"keys": [public_jwk(key.public_key())]})


TOLD: dict[str, Any] = {
    "env": "development",
    "kafka": KafkaConnection(servers="127.0.0.1:9092"),
    "mongo": "mongodb://127.0.0.1:27017",
    "staff_issuer": STAFF_ISSUER,
    "staff_jwks": jwks(STAFF),
    "visitor_issuer": VISITOR_ISSUER,
    "visitor_jwks": jwks(VISITORS),
    "master_key": KEY,
    "readers_key": KEY,
    "form_secret": KEY,
}


def visitor(client: str = "c1", channel: str = "shop") -> dict[str, str]:
    """The header of a visitor."""
    claims = Claims(sub=client, roles=frozenset({Role.VISITOR}), channels=frozenset({channel}))
    return _bearer(VISITORS, VISITOR_ISSUER, [AUDIENCE_CHAT, AUDIENCE_RATING], claims)


def staff(*roles: Role) -> dict[str, str]:
    """The header of somebody of the staff, good for every channel."""
    claims = Claims(sub="o1", roles=frozenset(roles), channels=frozenset({"*"}))
    return _bearer(STAFF, STAFF_ISSUER, [AUDIENCE_STAFF], claims)


def _bearer(key: Ed25519PrivateKey, issuer: str, audience: list[str], claims: Claims) -> dict[str, str]:
    kid, hour = kid_of(key.public_key()), timedelta(hours=1)
    token = issue(key, kid, issuer, audience, claims, hour, datetime.now(UTC))
    return {"Authorization": f"Bearer {token}"}


@dataclass
class ApiClient:
    """The API, and the house behind it."""

    http: httpx.AsyncClient
    house: Harness
    tokens: FormTokens

    def token(self, dialog: str = "d1", close_seq: int = 1) -> str:
        return self.tokens.issue(FormKey(dialog, close_seq))

    async def mine(self, client: str = "c1", channel: str = "shop") -> list[dict[str, Any]]:
        """What a visitor is asked."""
        answer = await self.http.get("/v1/forms/mine", headers=visitor(client, channel))
        assert answer.status_code == 200, answer.text
        return list(answer.json()["forms"])

    async def post(self, route: str, body: Any, **how: Any) -> httpx.Response:
        return await self.http.post(f"/v1/forms/{route}", json=body, **how)

    async def answer(self, score: Any, comment: Any = None, **how: Any) -> httpx.Response:
        """Rates the first close of d1."""
        return await self.post("answer", {"token": self.token(), "score": score, "comment": comment}, **how)


@asynccontextmanager
async def open_api_client(house: Harness) -> AsyncIterator[ApiClient]:
    """The API of a house."""
    settings = RatingSettings(**TOLD)
    tokens, trusted = FormTokens(b"k" * 32), verifier(settings, visitors=AUDIENCE_RATING)
    answering = forms.routes(house.streams, house.clock, house.keys, tokens, trusted)
    parts = Supervisor([])
    app = create(
        settings,
        title="Candor rating",
        routers=[mine.routes(house.forms, house.clock, house.keys, tokens, trusted), answering],
        parts=parts,
        checks={},
    )
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://rating") as http,
    ):

        async def prepared() -> bool:
            return parts.prepared

        await until(prepared)
        yield ApiClient(http, house, tokens)
