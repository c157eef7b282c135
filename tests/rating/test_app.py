"""The service as it is joined, before anything is connected."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from chassis.http.tokens import issue, kid_of
from contracts.access import AUDIENCE_CHAT, AUDIENCE_RATING, AUDIENCE_STAFF, Claims, Role
from rating.app import build
from rating.settings import RatingSettings
from tests.rating.harness import TOLD, VISITOR_ISSUER, VISITORS


@pytest.mark.parametrize(
    ("audience", "status"), [(AUDIENCE_RATING, 503), (AUDIENCE_CHAT, 401), (AUDIENCE_STAFF, 401)]
)
async def test_a_visitors_token_has_to_be_meant_for_rating(audience: str, status: int) -> None:
    visitor = Claims(sub="c1", roles=frozenset({Role.VISITOR}), channels=frozenset({"shop"}))
    kid, now = kid_of(VISITORS.public_key()), datetime.now(UTC)
    token = issue(VISITORS, kid, VISITOR_ISSUER, [audience], visitor, timedelta(hours=1), now)
    transport = httpx.ASGITransport(build(RatingSettings(**TOLD)))
    async with httpx.AsyncClient(transport=transport, base_url="http://rating") as http:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await http.post("/v1/forms/read", json={"token": "any"}, headers=headers)
    assert answer.status_code == status
