"""The service as it is joined, before anything is connected."""

import httpx
import pytest

from contracts.access import AUDIENCE_CHAT, AUDIENCE_RATING, AUDIENCE_STAFF
from rating.app import build
from rating.settings import RatingSettings
from tests.rating.harness import SETTINGS
from tests.tokens import bearer, visitor_token


@pytest.mark.parametrize(
    ("audience", "status"), [(AUDIENCE_RATING, 503), (AUDIENCE_CHAT, 401), (AUDIENCE_STAFF, 401)]
)
async def test_a_visitors_token_has_to_be_meant_for_rating(audience: str, status: int) -> None:
    transport = httpx.ASGITransport(build(RatingSettings(**SETTINGS)))
    async with httpx.AsyncClient(transport=transport, base_url="http://rating") as http:
        headers = bearer(visitor_token(audience=[audience]))
        answer = await http.post("/v1/forms/read", json={"token": "any"}, headers=headers)
    assert answer.status_code == status
