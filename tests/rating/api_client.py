"""Rating's API in front of a house, and people who call it."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from chassis.background import Supervisor
from chassis.http.app import create
from chassis.http.auth import verifier
from contracts.access import AUDIENCE_RATING, Claims, Role
from rating.api import forms, mine
from rating.api.tokens import FormKey, FormTokens
from rating.settings import RatingSettings
from tests.rating.harness import Harness
from tests.tokens import (
    STAFF_ISSUER,
    STAFF_KEY,
    VISITOR_ISSUER,
    VISITOR_KEY,
    bearer,
    jwks,
    signed,
    visitor_token,
)
from tests.waiting import until

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()

TOLD: dict[str, Any] = {
    "env": "development",
    "kafka": "127.0.0.1:9092",
    "mongo": "mongodb://127.0.0.1:27017",
    "staff_issuer": STAFF_ISSUER,
    "staff_jwks": jwks(STAFF_KEY),
    "visitor_issuer": VISITOR_ISSUER,
    "visitor_jwks": jwks(VISITOR_KEY),
    "master_key": KEY,
    "readers_key": KEY,
    "form_secret": KEY,
}


def visitor(client: str = "c1", channel: str = "shop") -> dict[str, str]:
    """The header of a visitor."""
    return bearer(visitor_token(client, channel))


def staff(*roles: Role) -> dict[str, str]:
    """The header of somebody of the staff, good for every channel."""
    return bearer(signed(Claims(sub="o1", roles=frozenset(roles), channels=frozenset({"*"}))))


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
