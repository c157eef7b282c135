"""Rating's API in front of a harness, and people who call it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from contracts.access import Claims, Role
from rating.api.tokens import FormKey
from tests.declared import client_of
from tests.rating.harness import Harness
from tests.tokens import bearer, signed, visitor_token


def visitor(client: str = "c1", channel: str = "shop") -> dict[str, str]:
    """The header of a visitor."""
    return bearer(visitor_token(client, channel))


def staff(
    *roles: Role, sub: str = "o1", name: str | None = None, channel: str = "*", teams: list[str] | None = None
) -> dict[str, str]:
    """The header of somebody of the staff, good for every channel and team unless told otherwise."""
    limited = None if teams is None else frozenset(teams)
    claims = Claims(sub=sub, name=name, roles=frozenset(roles), channels=frozenset({channel}), teams=limited)
    return bearer(signed(claims))


@dataclass
class ApiClient:
    """The API, and the harness behind it."""

    http: httpx.AsyncClient
    harness: Harness

    def token(self, dialog: str = "d1", close_seq: int = 1) -> str:
        return self.harness.tokens.issue(FormKey(dialog, close_seq))

    async def mine(self, client: str = "c1", channel: str = "shop") -> list[dict[str, Any]]:
        """What a visitor is asked."""
        answer = await self.http.get("/v1/forms/mine", headers=visitor(client, channel))
        assert answer.status_code == 200, answer.text
        return list(answer.json()["forms"])

    async def post(self, route: str, body: Any, **how: Any) -> httpx.Response:
        return await self.http.post(f"/v1/forms/{route}", json=body, **how)

    async def answer(
        self, score: Any, comment: Any = None, *, dialog: str = "d1", **how: Any
    ) -> httpx.Response:
        """Rates the first close of the dialog."""
        body = {"token": self.token(dialog), "score": score, "comment": comment}
        return await self.post("answer", body, **how)


@asynccontextmanager
async def open_api_client(harness: Harness) -> AsyncIterator[ApiClient]:
    """The API of a harness."""
    async with client_of(harness.app, "http://rating") as http:
        yield ApiClient(http, harness)
