"""What new channels begin with, in the real system: set by admins of every channel, read by supervisors."""

from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest
from playwright.async_api import Page, expect

from chassis.http.etags import etag
from contracts.access import Role
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack, free_port_base
from tests.browser.conftest import DESKTOP, PHONE, NewPage, OpenPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot
from tests.waiting import until

pytestmark = pytest.mark.real

PATH = "/quality-control?default"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system of this file's own: once a default was saved, there is no way back to none."""
    with Stack(tmp_path_factory.mktemp("default"), names=("chat", "rating"), base=free_port_base()) as stack:
        yield stack


async def read(floor: SupportFloor) -> Any:
    return await floor.caller(Role.ADMIN).do("GET", f"{floor.urls.rating}/v1/quality-control-default")


async def save(floor: SupportFloor, **changes: Any) -> None:
    """Saves the default with changes, over the API."""
    found, admin = await read(floor), floor.caller(Role.ADMIN)
    url, headers = f"{floor.urls.rating}/v1/quality-control-default", {"If-Match": etag(found["version"])}
    await admin.do("PUT", url, headers=headers, json={**found["settings"], **changes})


async def opened(page: Page, open_page: OpenPage, path: str = PATH) -> None:
    """The page, for an admin of every channel."""
    await open_page(page, "rating", path, Role.ADMIN, name="Ada Holm", sub="ada")
    await expect(page.get_by_role("button", name="Ada Holm")).to_be_visible()


async def test_a_new_channel_begins_with_what_was_saved(
    page: Page, open_page: OpenPage, floor: SupportFloor
) -> None:
    old, new = (f"{each}-{token_hex(4)}" for each in ("old", "new"))
    url = f"{floor.urls.rating}/v1/quality-control"
    admin = floor.caller(Role.ADMIN)
    await floor.channel(old, "The old one")
    await until(lambda: admin.do("GET", f"{url}/{old}"), lambda found: found["name"] == "The old one")
    await opened(page, open_page, "/quality-control")
    await page.get_by_role("link", name="New channels").click()
    await expect(page.locator(".page-head")).to_contain_text(
        "What new channels begin with; channels that are there keep theirs."
    )
    for absent in ("History", "General"):
        await expect(page.get_by_role("link", name=absent)).to_have_count(0)
    await page.get_by_label("Cool-down", exact=True).fill("21")
    await page.get_by_label("Cool-down: unit").select_option("days")
    await page.get_by_label("Question, en").fill("How was it for you?")
    await expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("How was it for you?")
    await expect(page.locator("#words .sentence")).to_contain_text("then from the channel’s own")
    bar = page.get_by_role("region", name="Unsaved changes")
    await expect(bar).to_contain_text("2 changes")
    await expect(bar).not_to_contain_text("closed dialogs")
    await page.keyboard.press("Control+s")
    await expect(bar).to_have_count(0)
    await expect(page.locator(".page-head")).to_contain_text("saved by Ada Holm")
    await expect(page.locator(".page-head")).not_to_contain_text("4 weeks")

    await floor.channel(new, "The new one")
    await until(lambda: admin.do("GET", f"{url}/{new}"), lambda found: found["from_default"])
    await open_page(page, "rating", f"/quality-control?channel={new}", Role.ADMIN, name="Ada Holm")
    await expect(page.get_by_label("Cool-down", exact=True)).to_have_value("21")
    await expect(page.locator("#history li").first).to_contain_text("new channel: version")
    await expect(page.locator(".page-head")).to_contain_text("none closed in the last 4 weeks")
    await open_page(page, "rating", f"/quality-control?channel={old}", Role.ADMIN, name="Ada Holm")
    await expect(page.get_by_label("Cool-down", exact=True)).not_to_have_value("21")


async def test_two_admins_at_once_lose_nothing(
    page: Page, open_page: OpenPage, floor: SupportFloor, findings: Findings
) -> None:
    findings.expect("412")
    await opened(page, open_page)
    await page.get_by_label("Cool-down", exact=True).fill("77")
    await save(floor, delay=600)
    await page.get_by_role("button", name="Save settings").click()
    await expect(page.get_by_role("status").filter(has_text="saved version")).to_be_visible()
    await page.get_by_role("button", name="Save settings").click()
    await expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    saved = (await read(floor))["settings"]
    assert (saved["delay"], saved["cool_down"] > 0) == (600, True)


@pytest.mark.parametrize(("role", "channels"), [(Role.SUPERVISOR, ["*"]), (Role.ADMIN, ["some-channel"])])
async def test_others_read_it_and_change_nothing(
    page: Page, open_page: OpenPage, role: Role, channels: list[str]
) -> None:
    await open_page(page, "rating", PATH, role, channels=channels, name="Clara Moen")
    await expect(page.get_by_text("Admins of all channels change this; you can read it.")).to_be_visible()
    await expect(page.get_by_label("Cool-down", exact=True)).to_be_disabled()
    await expect(page.get_by_role("switch").first).to_be_disabled()
    # Looking at the form stays open to them.
    await page.get_by_role("tab", name="Thanks").click()
    await expect(page.frame_locator("iframe").get_by_role("heading")).to_be_visible()
    assert await axe(page) == []
    await screenshot(page, f"quality-control-default/read-only-{role}", whole=True)


@pytest.mark.parametrize(
    ("locale", "scheme", "size"),
    [("en-GB", "light", DESKTOP), ("fr-FR", "dark", DESKTOP), ("ru-RU", "light", PHONE)],
)
async def test_everybody_can_use_the_page(
    new_page: NewPage, open_page: OpenPage, locale: str, scheme: Any, size: Any
) -> None:
    page = await new_page(size=size, scheme=scheme, locale=locale)
    name = f"quality-control-default/{locale[:2]}-{scheme}-{size['width']}"
    await opened(page, open_page, "/quality-control")
    await expect(page.locator("a[href='?default']")).to_be_visible()
    assert await axe(page) == []
    await screenshot(page, f"{name}-list", whole=True)
    await page.locator("a[href='?default']").click()
    await expect(page.frame_locator("iframe").get_by_role("radio")).to_have_count(5)
    await page.locator("#ask .count").first.fill("4")
    assert await axe(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    await screenshot(page, name, whole=True)
