"""The service as it is joined, before anything is connected."""

from analytics.app import build
from tests.analytics.harness import settings
from tests.declared import client_of


async def test_the_service_has_its_routes_and_says_so() -> None:
    app = build(settings("mongodb://127.0.0.1:1", "analytics"))
    assert {f"/v1/live-chat/{name}" for name in ("summary", "reviews", "reconcile")} <= set(
        app.openapi()["paths"]
    )


async def test_the_page_may_read_stories_from_rating_where_that_is_another_origin() -> None:
    for rating, connect in (
        ("http://127.0.0.1:8002", "'self' http://127.0.0.1:8002"),
        ("http://127.0.0.1:8003", "'self'"),
    ):
        told = settings("mongodb://127.0.0.1:1", "analytics").model_copy(update={"rating_url": rating})
        app = build(told)
        async with client_of(app, "http://analytics") as http:
            response = await http.get("/live-chat")
        assert f"connect-src {connect};" in response.headers["content-security-policy"]
