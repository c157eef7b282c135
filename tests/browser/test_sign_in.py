"""Staff sign in to a page by a real OpenID Connect provider; nothing of it stays in the browser's storage."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Page, Route, expect

from analytics.app import build
from analytics.settings import AnalyticsSettings
from chassis.kafka.connection import KafkaConnection
from tests.browser.findings import Findings
from tests.oidc.provider import PAGES, Account, Provider, running

pytestmark = pytest.mark.real
CLARA = Account("auth0|clara", {"name": "Clara Moen", "roles": ["supervisor"], "channels": ["*"]})
OLAF = Account("auth0|olaf", {"name": "Olaf", "roles": ["operator", "supervisor"], "channels": ["*"]})
LIFETIME = 3
STORED = "[...Object.values(localStorage), ...Object.values(sessionStorage)].join()"


@pytest.fixture(autouse=True)
def _without_a_database(findings: Findings) -> None:
    findings.tolerate(r"/v1/live-chat/.*(503 |net::ERR)")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def origin(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def provider(origin: str, request: pytest.FixtureRequest) -> Iterator[Provider]:
    people, page = {"clara": CLARA, "olaf": OLAF}, f"{origin}/live-chat"
    lifetime = getattr(request, "param", 600)
    with running(people, pages=[page], scopes=["candor"], lifetime=lifetime) as up:
        yield up


@pytest_asyncio.fixture(loop_scope="session")
async def live_chat(origin: str, listening: socket.socket, provider: Provider) -> AsyncIterator[str]:
    """The address of Live Chat; neither a database nor a broker is behind it."""
    settings = AnalyticsSettings(
        env="development", kafka=KafkaConnection(servers="127.0.0.1:1"), mongo="mongodb://127.0.0.1:1",
        staff_issuer=provider.issuer, staff_client_id=PAGES,
        staff_scope="openid profile candor", master_key="A" * 43, readers_key="A" * 43,
        staff_discovery=elsewhere(provider),
        staff_sign_in_parameters={"audience": "candor"},
    )  # fmt: skip
    async with serving(build(settings, only=()), listening):
        yield f"{origin}/live-chat"


def elsewhere(provider: Provider) -> str:
    """The discovery document at another host than the issuer: that of Entra's version 1 is so."""
    return provider.discovery.replace("127.0.0.1", "localhost")


@asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def _without_end_session(route: Route) -> None:
    document = await (await route.fetch()).json()
    del document["end_session_endpoint"]
    await route.fulfill(json=document)


async def sign_in(page: Page, address: str, login: str) -> None:
    await page.goto(address)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("link", name=login).click()
    await page.wait_for_url(f"{address}*")


async def test_a_supervisor_signs_in_and_comes_back_to_where_they_were(page: Page, live_chat: str) -> None:
    await sign_in(page, f"{live_chat}?channel=course-a", "clara")

    await expect(page.get_by_role("button", name="Clara Moen")).to_be_visible()
    assert page.url == f"{live_chat}?channel=course-a"


async def test_the_provider_is_asked_with_what_it_needs(page: Page, live_chat: str) -> None:
    await page.goto(live_chat)
    async with page.expect_request(re.compile(r"/auth\?")) as asked:
        await page.get_by_role("button", name="Sign in").click()

    assert "audience=candor" in (await asked.value).url


async def test_the_token_is_nowhere_in_storage_or_address(page: Page, live_chat: str) -> None:
    await sign_in(page, live_chat, "clara")
    await expect(page.get_by_role("button", name="Clara Moen")).to_be_visible()

    assert "ey" not in await page.evaluate(STORED)
    assert page.url == live_chat


async def test_after_a_reload_the_provider_knows_them_without_a_word(page: Page, live_chat: str) -> None:
    await sign_in(page, live_chat, "clara")
    await expect(page.get_by_role("button", name="Clara Moen")).to_be_visible()

    await page.reload()
    await expect(page.get_by_role("button", name="Clara Moen")).to_be_visible()


async def test_signing_out_ends_it_at_the_provider_too(page: Page, live_chat: str) -> None:
    await sign_in(page, live_chat, "clara")
    await page.get_by_role("button", name="Clara Moen").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/session/end**")
    await page.get_by_role("button", name="Yes, sign me out").click()

    await page.wait_for_url(f"{live_chat}*")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("link", name="clara")).to_be_visible()


async def test_signing_out_forgets_everything_where_the_provider_has_no_page_for_it(
    page: Page, live_chat: str, provider: Provider
) -> None:
    await page.route(elsewhere(provider), _without_end_session)
    await sign_in(page, live_chat, "clara")
    await page.get_by_role("button", name="Clara Moen").click()
    await page.get_by_role("button", name="Sign out").click()

    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(page.get_by_role("heading", name="Live Chat", exact=True)).to_have_count(0)


async def test_signing_out_reaches_the_other_tabs(page: Page, live_chat: str) -> None:
    await sign_in(page, live_chat, "clara")
    await expect(page.get_by_role("button", name="Clara Moen")).to_be_visible()
    other = await page.context.new_page()
    await other.goto(live_chat)
    await expect(other.get_by_role("button", name="Clara Moen")).to_be_visible()
    await page.get_by_role("button", name="Clara Moen").click()
    await page.get_by_role("button", name="Sign out").click()

    await expect(other.get_by_role("button", name="Sign in")).to_be_visible()


async def test_who_comes_back_to_a_page_after_signing_out_sees_nothing_of_it(
    page: Page, live_chat: str
) -> None:
    await sign_in(page, live_chat, "clara")
    await page.get_by_role("button", name="Clara Moen").click()
    # The page is left as browsers keep it for who goes back.
    await page.route("**/session/end**", lambda route: route.abort("aborted"))
    await page.get_by_role("button", name="Sign out").click()

    await expect(page.get_by_role("button", name="Clara Moen")).to_have_count(0)


async def test_an_operator_is_told_that_the_page_is_not_for_them(
    page: Page, live_chat: str, findings: Findings
) -> None:
    findings.expect("403")
    await sign_in(page, live_chat, "olaf")

    await expect(page.get_by_role("heading", name="This page is not for you")).to_be_visible()


async def test_who_does_not_sign_in_stays_outside(page: Page, live_chat: str) -> None:
    await page.goto(f"{live_chat}?error=access_denied&state=made-up")

    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert page.url == live_chat


@pytest.mark.parametrize("provider", [62], indirect=True, ids=["tokens-of-a-minute"])
async def test_a_sign_in_is_renewed_before_it_ends(page: Page, live_chat: str) -> None:
    await sign_in(page, live_chat, "clara")
    await expect(page.get_by_role("button", name="Clara Moen")).to_be_visible()

    async with page.expect_request("**/token") as renewal:
        pass
    assert "grant_type=refresh_token" in ((await renewal.value).post_data or "")


@pytest.mark.parametrize("provider", [LIFETIME], indirect=True, ids=["tokens-of-seconds"])
async def test_a_provider_that_is_away_for_a_while_ends_nothing(
    page: Page, live_chat: str, findings: Findings
) -> None:
    findings.tolerate("503|CORS|ERR_FAILED")
    await sign_in(page, live_chat, "clara")
    await expect(page.get_by_role("button", name="Clara Moen")).to_be_visible()
    await page.route("**/token", lambda route: route.fulfill(status=503))
    await asyncio.sleep(LIFETIME)  # the token has to be over
    for _ in range(3):
        async with page.expect_request("**/token"):
            pass

    await page.unroute("**/token")
    async with page.expect_request(
        lambda sent: sent.url.endswith("/changes") and "authorization" in sent.headers
    ):
        pass
