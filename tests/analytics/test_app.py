"""The service as it is joined, before anything is connected."""

from analytics.app import build
from tests.analytics.harness import settings


async def test_the_service_has_its_routes_and_says_so() -> None:
    app = build(settings("mongodb://127.0.0.1:1", "analytics"))
    assert {f"/v1/live-chat/{name}" for name in ("summary", "reviews", "reconcile")} <= set(
        app.openapi()["paths"]
    )
