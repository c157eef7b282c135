"""A browser for each worker, and pages that fail their test by what goes wrong in them.

The browser lives as long as its event loop, so all tests of this room share the session's loop. (Playwright's
synchronous interface would keep a loop running in the thread in which all other tests run theirs.)
"""

import os
from collections.abc import AsyncIterator, Awaitable
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from contracts.access import Role
from deploy.demo.people import ServiceUrls
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack
from deploy.local.tokens import token
from tests.browser.chromium import launch
from tests.browser.findings import Findings

STORIES = [
    "test_channels.py", "test_console.py", "test_form.py", "test_live_chat.py", "test_quality_control.py",
    "test_quality_control_default.py", "test_start_page.py", "test_transcript.py", "test_unsubscribe.py",
    "test_webhooks.py", "test_widget.py",
]  # fmt: skip
HERE = Path(__file__).parent
# The stories of single pages take minutes: `make browser` runs them, `make test` what they stand on.
collect_ignore = [] if os.environ.get("CANDOR_PAGE_STORIES") else STORIES
DESKTOP = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=844)
IN_SESSION = pytest.mark.asyncio(loop_scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(IN_SESSION, append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """The browser."""
    async with async_playwright() as playwright:
        browser = await launch(playwright, tmp_path_factory.mktemp("browser"))
        yield browser
        await browser.close()


@pytest.fixture
def findings() -> Findings:
    """What went wrong in the test's pages; the test fails by it, unless it said that it expects it."""
    return Findings()


class NewPage(Protocol):
    """Opens an empty page in a context of its own: cookies, storage, and network like another browser's."""

    def __call__(
        self,
        *,
        size: ViewportSize = DESKTOP,
        scheme: Literal["light", "dark"] = "light",
        locale: str = "en-GB",
        zone: str = "Europe/Paris",
    ) -> Awaitable[Page]: ...


@pytest_asyncio.fixture(loop_scope="session")
async def new_page(chromium: Browser, findings: Findings) -> AsyncIterator[NewPage]:
    """Pages of phone or desktop size, light or dark, by locale; motion is reduced in all of them."""

    async def new(
        *,
        size: ViewportSize = DESKTOP,
        scheme: Literal["light", "dark"] = "light",
        locale: str = "en-GB",
        zone: str = "Europe/Paris",
    ) -> Page:
        phone = size == PHONE
        context = await chromium.new_context(
            viewport=size, color_scheme=scheme, locale=locale, timezone_id=zone, reduced_motion="reduce",
            has_touch=phone, is_mobile=phone, device_scale_factor=2 if phone else 1,
        )  # fmt: skip
        findings.watch(context)
        return await context.new_page()

    before = len(chromium.contexts)
    yield new
    for context in chromium.contexts[before:]:
        for page in context.pages:
            # What a page told before this is in `findings` after it.
            await page.evaluate("0")
        await context.close()
    assert findings.errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(new_page: NewPage) -> Page:
    """A page as on a desktop, light, in English."""
    return await new_page()


@pytest_asyncio.fixture(loop_scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Connections to loopback, whatever proxy the environment names."""
    async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
        yield client


@pytest.fixture
def floor(stack: Stack, http: httpx.AsyncClient) -> SupportFloor:
    """People of every role, by the API, of the system that `stack` is."""
    return SupportFloor(http, ServiceUrls.at(stack.base), partial(token, stack.folder), within=20)


class OpenPage(Protocol):
    """Opens a page of the system as one of staff; ``open_page(page, "chat", "/console", Role.OPERATOR)``.

    The token gets `sub`, `name`, `team` and `channels` (every one unless said).
    """

    def __call__(self, page: Page, service: str, path: str, role: Role, **claims: Any) -> Awaitable[None]: ...


@pytest.fixture
def open_page(stack: Stack) -> OpenPage:
    """Pages of the system."""

    async def opened(page: Page, service: str, path: str, role: Role, **claims: Any) -> None:
        bearer = partial(token, stack.folder, role)(**claims)
        await page.goto(f"{stack.addresses.services[service]}{path}#token={bearer}")

    return opened
