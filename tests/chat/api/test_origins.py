"""Pages of other sites may call only for a channel that allows them; programs, which name no origin, may."""

from typing import Any

import httpx
import pytest

from tests.chat.harness import Harness, Person, done
from tests.tokens import bearer
from tests.waiting import until

pytestmark = pytest.mark.real

SCHOOL, SHOP, STRANGE = "https://school.example", "https://shop.example:8443", "https://strange.example"
EXPOSED = "ETag, Retry-After, WWW-Authenticate, X-Request-ID"
ASKS: dict[str, Any] = {
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization,content-type",
}


async def call(
    harness: Harness, method: str, path: str, origin: str, who: Person | None = None
) -> httpx.Response:
    headers = {"Origin": origin, **(bearer(who.token) if who and who.token else {})}
    return await harness.http.request(method, path, headers=headers)


async def preflight(harness: Harness, path: str, origin: str) -> httpx.Response:
    return await harness.http.options(path, headers={"Origin": origin, **ASKS})


def refused(response: httpx.Response) -> bool:
    assert "access-control-allow-credentials" not in response.headers
    return response.status_code == 403 and response.json()["type"] == "/problems/origin-not-allowed"


async def allowed(harness: Harness, channel: str, origin: str) -> None:
    """Returns once chat knows that the channel allows it."""
    path = f"/v1/channels/{channel}/widget"
    await until(lambda: call(harness, "GET", path, origin), lambda response: response.is_success)


async def test_a_page_that_the_channel_allows_may_read_responses(harness: Harness) -> None:
    channel = await harness.channel(allowed_origins=[SCHOOL])
    await allowed(harness, channel, SCHOOL)
    given = await call(harness, "POST", f"/v1/channels/{channel}/visitors", SCHOOL)
    zoe = Person(harness.http, done(given)["client"], given.json()["token"])
    for response in (
        given,
        await call(harness, "PUT", "/v1/dialogs/d-zoe", SCHOOL, zoe),
        await call(harness, "GET", "/v1/visitors/me/dialogs", SCHOOL, zoe),
        await call(harness, "POST", "/v1/visitors/me/token", SCHOOL, zoe),
        await call(harness, "GET", "/v1/dialogs/nowhere", SCHOOL, zoe),  # a problem can be read as well
    ):
        assert not refused(response)
        assert response.headers["access-control-allow-origin"] == SCHOOL
        assert response.headers["vary"] == "Origin"
        assert response.headers["access-control-expose-headers"] == EXPOSED


async def test_one_channels_page_is_no_others(harness: Harness) -> None:
    school, shop = (
        await harness.channel(allowed_origins=[SCHOOL]),
        await harness.channel(allowed_origins=[SHOP]),
    )
    await allowed(harness, school, SCHOOL)
    await allowed(harness, shop, SHOP)
    zoe = await harness.visitor(school)
    path = await harness.dialog(zoe)
    for response in (
        await call(harness, "GET", f"/v1/channels/{school}/widget", SHOP),
        await call(harness, "POST", f"/v1/channels/{school}/visitors", SHOP),
        await call(harness, "GET", path, SHOP, zoe),
        await call(harness, "POST", f"{path}/close", SHOP, zoe),
        await call(harness, "GET", "/v1/visitors/me/dialogs", SHOP, zoe),
        await call(harness, "GET", "/v1/visitors/me/changes", SHOP, zoe),
    ):
        assert refused(response)
        assert response.headers["access-control-allow-origin"] == SHOP  # so that it can read why
    assert done(await zoe.get(path))["state"] == "open"


ALLOWED_NOWHERE = (STRANGE, "null", "", f"{SCHOOL}/", "HTTPS://school.example", f"{SCHOOL}.evil")


async def test_a_page_that_no_channel_allows_gets_nothing(
    harness: Harness, subtests: pytest.Subtests
) -> None:
    channel = await harness.channel(allowed_origins=[SCHOOL])
    await allowed(harness, channel, SCHOOL)
    zoe = await harness.visitor(channel)
    for origin in ALLOWED_NOWHERE:
        with subtests.test(origin=origin):
            for response in (
                await call(harness, "GET", f"/v1/channels/{channel}/widget", origin),
                await call(harness, "GET", "/v1/visitors/me/dialogs", origin, zoe),
                await preflight(harness, "/v1/dialogs/d-1", origin),
            ):
                assert refused(response)
                assert "access-control-allow-origin" not in response.headers
                assert response.headers["x-request-id"]


async def test_a_channel_without_origins_is_held_by_nobody_but_our_own_pages(harness: Harness) -> None:
    channel = await harness.channel()
    path = f"/v1/channels/{channel}/widget"
    assert refused(await call(harness, "GET", path, STRANGE))
    for own in (harness.settings.chat_url, harness.settings.chat_url.replace("127.0.0.1", "localhost")):
        assert (await call(harness, "GET", path, own)).is_success
    done(await harness.anybody.get(path))  # whoever names no origin is no page


async def test_staff_call_from_our_own_pages_only(harness: Harness) -> None:
    channel = await harness.channel(allowed_origins=[SCHOOL])
    await allowed(harness, channel, SCHOOL)
    ann = harness.operator("ann", channel)
    for path in ("/v1/dialogs", "/v1/channels", "/v1/changes"):
        assert refused(await call(harness, "GET", path, SCHOOL, ann))
    assert (await call(harness, "GET", "/v1/dialogs", harness.settings.chat_url, ann)).is_success
    put: Any = await call(harness, "PUT", f"/v1/channels/{channel}", SCHOOL, harness.admin)
    assert refused(put)


async def test_a_preflight_is_for_any_channels_pages(harness: Harness) -> None:
    channel = await harness.channel(allowed_origins=[SCHOOL])
    await allowed(harness, channel, SCHOOL)
    response = await preflight(harness, "/v1/dialogs/d-1/messages/m-1", SCHOOL)
    assert (response.status_code, response.content) == (204, b"")
    kept = {name: value for name, value in response.headers.items() if name.startswith("access-control")}
    assert kept == {
        "access-control-allow-origin": SCHOOL,
        "access-control-allow-methods": "DELETE, GET, POST, PUT",
        "access-control-allow-headers": "Authorization, Content-Type, If-Match, If-None-Match, X-Request-ID",
        "access-control-max-age": "600",
        "access-control-expose-headers": EXPOSED,
    }
    assert (await call(harness, "OPTIONS", "/v1/dialogs/d-1", SCHOOL)).status_code == 405


async def test_an_origin_that_is_taken_away_is_refused_soon(harness: Harness) -> None:
    channel = await harness.channel(allowed_origins=[SCHOOL])
    await allowed(harness, channel, SCHOOL)
    done(await harness.admin.put(f"/v1/channels/{channel}", {"name": "Shop"}))
    await until(lambda: call(harness, "GET", f"/v1/channels/{channel}/widget", SCHOOL), refused)


KEPT = {
    "https://School.Example:443": "https://school.example",
    "http://localhost:3000": "http://localhost:3000",
    "http://[::1]:3000": "http://[::1]:3000",
    "http://school.example": None,
    "https://school.example/": None,
    "https://school.example:0": None,
    "https://school.example:": None,
    "https://:8443": None,
    "https://*.example": None,
    "null": None,
}
"""As what an origin is kept; None if it is none."""


async def test_allowed_origins_are_kept_as_browsers_write_them(
    harness: Harness, subtests: pytest.Subtests
) -> None:
    for number, (given, kept) in enumerate(KEPT.items()):
        with subtests.test(given=given):
            body = {"name": "C", "allowed_origins": [given]}
            response = await harness.admin.put(f"/v1/channels/c{number}", body)
            if kept is None:
                assert response.status_code == 422
                assert response.json()["errors"][0]["code"] == "not-an-origin"
            else:
                assert done(response)["allowed_origins"] == [kept]
