"""A browser for each worker, and pages that fail their test by what goes wrong in them.

The browser lives as long as its event loop, so all tests of this room share the session's loop. (Playwright's
synchronous interface would keep a loop running in the thread in which all other tests run theirs.)
"""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Literal, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from tests.browser.chromium import launch
from tests.browser.findings import Findings

HERE = Path(__file__).parent
DESKTOP = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=844)
pytest_plugins = ["pytester"]
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
