"""The start page of `make run` in the real system: what runs, who one can be, demo traffic."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from deploy.local.stack import Stack, free_port_base
from tests.browser.conftest import PHONE, NewPage
from tests.browser.looking import axe, screenshot

pytestmark = pytest.mark.real
PARTS = ("chat", "rating", "analytics", "Kafka", "MongoDB")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The system as `make run` starts it, with its start page."""
    with Stack(tmp_path_factory.mktemp("start"), base=free_port_base(), start_page=True) as stack:
        yield stack


@pytest.fixture
def address(started: Stack) -> str:
    """The start page's."""
    assert started.addresses.start_page
    return started.addresses.start_page


@pytest_asyncio.fixture(loop_scope="session")
async def start(page: Page, address: str) -> AsyncIterator[Page]:
    """The start page, once it has looked around."""
    await page.goto(address)
    await expect(page.locator(".parts tbody tr")).to_have_count(len(PARTS))
    yield page


async def test_health_is_said_in_words(start: Page, started: Stack) -> None:
    rows = start.locator(".parts tbody tr")
    for name in PARTS:
        await expect(rows.filter(has_text=name).first).to_contain_text("Ready")
    await expect(start.get_by_text("All 5 parts are well.")).to_be_visible()

    started.services["rating"].stop()
    rating = rows.filter(has_text="rating").first
    await expect(rating).to_contain_text("Down", timeout=15_000)
    await expect(rating).to_contain_text("logs/rating.log says why")
    await expect(start.get_by_text("4 of 5 parts are well.")).to_be_visible()

    started.services["rating"].start()
    await expect(start.get_by_text("All 5 parts are well.")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize(
    ("who", "opens", "heading"),
    [
        ("Mira Castell", "/console", "Waiting"),
        ("Clara Moen", "/live-chat", "Live Chat"),
        ("Nora Field", "/channels", "Channels"),
        ("Lena Wirth", "/", "Cleaning a table"),
    ],
)
async def test_one_click_opens_a_persons_page_signed_in(
    who: str, opens: str, heading: str, start: Page
) -> None:
    async with start.context.expect_page() as opening:
        await (
            start.locator(".people li").filter(has_text=who).get_by_role("button", name="Open").press("Enter")
        )
    theirs = await opening.value

    await expect(theirs).to_have_url(re.compile(rf":\d+{opens}$"))
    await expect(theirs.get_by_role("heading", name=heading).first).to_be_visible()


async def test_health_is_opened_without_a_token_that_would_stay_in_the_address(start: Page) -> None:
    async with start.context.expect_page() as opening:
        await start.get_by_role("button", name="Open health").click()
    await expect(await opening.value).to_have_url(re.compile(r":\d+/health/ready$"))


async def test_demo_traffic_starts_shows_its_progress_and_stops(start: Page) -> None:
    demo = start.get_by_role("region", name="Demo traffic")
    closed = demo.get_by_role("row", name="closed so far").get_by_role("cell")
    await expect(closed).to_have_text("0")

    await demo.get_by_role("radio", name="20").click()
    await demo.get_by_role("button", name="Start").click()

    await expect(demo).to_contain_text("ends by itself at")
    await expect(closed).not_to_have_text("0", timeout=30_000)
    await demo.get_by_role("button", name="Stop").click()
    await expect(demo.get_by_role("button", name="Start")).to_be_visible()
    await expect(demo).to_contain_text("the clients say the same", timeout=90_000)


@pytest.mark.parametrize(
    ("name", "how"),
    [("light", {}), ("dark", {"scheme": "dark"}), ("phone", {"size": PHONE}), ("ru", {"locale": "ru-RU"})],
)
async def test_it_is_for_everybody(name: str, how: dict[str, str], new_page: NewPage, address: str) -> None:
    page = await new_page(**how)  # type: ignore[arg-type]
    await page.goto(address)
    await expect(page.locator(".parts tbody tr")).to_have_count(len(PARTS))
    await expect(page.locator(".people li").first).to_be_visible()

    assert await axe(page) == []
    await screenshot(page, f"start-page/{name}", whole=True)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
