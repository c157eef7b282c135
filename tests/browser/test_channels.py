"""The settings of channels, in the real system."""

import secrets
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from contracts.access import Role
from deploy.demo.people import NotYet, until
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack
from tests.browser.conftest import PHONE, NewPage, OpenPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot

pytestmark = pytest.mark.real


@pytest.fixture
def new_id() -> str:
    return f"course-{secrets.token_hex(4)}"


@pytest_asyncio.fixture(loop_scope="session")
async def channel(floor: SupportFloor, new_id: str) -> str:
    await floor.channel(new_id, "Course A", locales=["fr-CA"], allowed_origins=["https://school.example"])
    return new_id


async def is_stored(floor: SupportFloor, channel: str, **wanted: object) -> None:
    """Waits until the list, which follows, has the channel like this."""

    async def look() -> None:
        found = await floor.supervisor().caller.do("GET", f"{floor.urls.chat}/v1/channels")
        now: Any = next((each for each in found["channels"] if each["channel"] == channel), {})
        if not wanted.items() <= now.items():
            raise NotYet(f"{channel} is {now}")

    await until(look, within=10)


async def test_a_channel_is_changed(
    page: Page, open_page: OpenPage, channel: str, floor: SupportFloor
) -> None:
    await open_page(page, "chat", "/channels", Role.ADMIN, name="Ada")
    await page.get_by_role("button", name=channel).click()
    await expect(page.get_by_text("1 change")).to_have_count(0)
    await page.get_by_label("Name", exact=True).fill("Course A, autumn")
    await page.get_by_role("button", name="Add a site").click()
    await expect(page.get_by_label("Site 2")).to_be_focused()
    await page.keyboard.type("https://SHOP.example/")
    await page.get_by_role("button", name="Add a language").click()
    await expect(page.get_by_label("Language 2")).to_be_focused()
    await page.keyboard.type("en")
    await page.get_by_label("Time zone").fill("America/Toronto")
    await page.get_by_role("switch").click()
    await expect(page.get_by_text("5 changes")).to_be_visible()
    await screenshot(page, "channels/changed")
    await page.keyboard.press("Control+s")

    await expect(page.get_by_text("Saved.")).to_be_attached()
    await is_stored(
        floor, channel,
        name="Course A, autumn", locales=["fr-CA", "en"], time_zone="America/Toronto", closed=True,
        allowed_origins=["https://school.example", "https://shop.example"],
    )  # fmt: skip
    await page.get_by_role("button", name="Remove https://school.example").click()
    await page.get_by_role("button", name="Discard").click()
    await expect(page.get_by_label("Site 1")).to_have_value("https://school.example")
    await expect(page.get_by_role("button", name="Save channel")).to_have_count(0)


async def test_what_is_wrong_stands_at_its_field(page: Page, open_page: OpenPage, channel: str) -> None:
    await open_page(page, "chat", f"/channels?channel={channel}", Role.ADMIN, name="Ada")
    await page.get_by_label("Site 1").fill("school.example/path")
    await page.get_by_label("Language 1").fill("english!")
    await page.get_by_label("Time zone").fill("Mars")
    await expect(page.get_by_label("Site 1")).not_to_have_attribute("aria-invalid", "true")
    await page.get_by_role("button", name="Save channel").click()

    await expect(page.get_by_label("Site 1")).to_be_focused()
    await expect(page.get_by_label("Site 1")).to_have_accessible_description(
        "Write it as https://school.example: the site alone, with no path behind it."
    )
    await expect(page.get_by_text("This is no language tag")).to_be_visible()
    await expect(page.get_by_text("There is no such time zone.")).to_be_visible()
    await expect(page.get_by_text("3 fields are not right yet")).to_be_visible()
    assert await axe(page) == []


async def test_what_the_service_refuses_stands_at_its_field(
    page: Page, open_page: OpenPage, channel: str, findings: Findings
) -> None:
    findings.expect("status of 422")
    await open_page(page, "chat", f"/channels?channel={channel}", Role.ADMIN, name="Ada")
    # Which characters can be seen, the service decides.
    await page.get_by_label("Name", exact=True).fill("⠀")
    await page.keyboard.press("Control+s")

    await expect(page.get_by_role("alert")).to_contain_text("The channel was not saved")
    await expect(page.get_by_label("Name", exact=True)).to_have_accessible_description(
        "Write something that can be seen. What operators and clients read."
    )


async def test_a_new_channel_overwrites_no_other(
    page: Page, open_page: OpenPage, channel: str, floor: SupportFloor
) -> None:
    await open_page(page, "chat", "/channels", Role.ADMIN, name="Ada")
    await page.get_by_role("button", name="New channel").click()
    await page.get_by_label("Id", exact=True).fill(channel)
    await page.get_by_label("Name", exact=True).fill("Course B")
    await page.get_by_role("button", name="Make channel").click()
    await expect(page.get_by_text("This is there already.")).to_be_visible()

    other = f"{channel}-b"
    await page.get_by_label("Id", exact=True).fill(other)
    await page.get_by_role("button", name="Make channel").click()
    await expect(page.get_by_role("heading", name="Course B")).to_be_visible()
    await is_stored(floor, other, name="Course B", time_zone="Europe/Paris")
    await is_stored(floor, channel, name="Course A")
    assert page.url.endswith(f"?channel={other}")


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    page: Page, open_page: OpenPage, channel: str, floor: SupportFloor, findings: Findings
) -> None:
    findings.expect("status of 412")
    await open_page(page, "chat", f"/channels?channel={channel}", Role.ADMIN, name="Ada")
    await page.get_by_label("Name", exact=True).fill("Course A, autumn")
    await floor.channel(channel, "Course Z", time_zone="America/Toronto")
    await is_stored(floor, channel, name="Course Z")

    await page.get_by_role("button", name="Save channel").click()
    await expect(page.get_by_role("alert")).to_contain_text("Somebody changed this channel meanwhile.")
    await expect(page.get_by_label("Time zone")).to_have_value("America/Toronto")
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Course A, autumn")
    await expect(page.get_by_text("1 change")).to_be_visible()
    await page.get_by_role("button", name="Save channel").click()
    await expect(page.get_by_text("Saved.")).to_be_attached()
    await is_stored(floor, channel, name="Course A, autumn", time_zone="America/Toronto")


async def test_a_supervisor_reads_and_learns_why_no_more(
    page: Page, open_page: OpenPage, channel: str, stack: Stack
) -> None:
    await open_page(page, "chat", "/channels", Role.SUPERVISOR, name="Clara", channels=[channel])
    await page.get_by_role("button", name="Course A").click()

    await expect(page.get_by_text("channels are changed by admins")).to_be_visible()
    await expect(page.get_by_label("Name", exact=True)).not_to_be_editable()
    await expect(page.get_by_role("switch")).to_be_disabled()
    for button in ("New channel", "Add a site", "Save channel"):
        await expect(page.get_by_role("button", name=button)).to_have_count(0)
    pages = page.get_by_role("banner").get_by_role("navigation").get_by_role("link")
    urls = stack.addresses.services
    addresses = [await link.get_attribute("href") for link in await pages.all()]
    assert addresses == [f"{urls['analytics']}/live-chat", "/channels", f"{urls['rating']}/quality-control"]


async def test_the_settings_of_a_channel_lead_to_one_another(
    page: Page, open_page: OpenPage, channel: str, floor: SupportFloor
) -> None:
    await open_page(page, "chat", f"/channels?channel={channel}", Role.ADMIN, name="Ada")
    await page.get_by_label("Settings of this channel").get_by_role("link", name="Quality control").click()
    await expect(page).to_have_url(f"{floor.urls.rating}/quality-control?channel={channel}")
    await page.get_by_role("link", name="General").click()
    await expect(page).to_have_url(f"{floor.urls.chat}/channels?channel={channel}")
    await expect(page.get_by_role("heading", name="Course A")).to_be_visible()


async def test_operators_see_neither_settings_nor_other_pages(page: Page, open_page: OpenPage) -> None:
    await open_page(page, "chat", "/channels", Role.OPERATOR, name="Mira")

    await expect(page.get_by_role("heading")).to_have_text("Channels are set up by supervisors and admins")
    pages = page.get_by_role("banner").get_by_role("navigation").get_by_role("link")
    await expect(pages).to_have_text(["Channels"])


async def test_the_code_for_a_site_is_copied(
    page: Page, open_page: OpenPage, channel: str, stack: Stack
) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await open_page(page, "chat", f"/channels?channel={channel}", Role.ADMIN, name="Ada")
    await page.get_by_role("button", name="Copy").first.click()

    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    chat = stack.addresses.services["chat"]
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == f'<script src="{chat}/widget.js" data-channel="{channel}" async></script>'
    await expect(page.get_by_text(f"frame-src {stack.addresses.services['rating']};")).to_be_visible()


async def test_unsaved_changes_are_kept_while_others_are_looked_at(
    page: Page, open_page: OpenPage, channel: str, floor: SupportFloor
) -> None:
    await floor.channel(f"{channel}-b", "Course B")
    await open_page(page, "chat", f"/channels?channel={channel}", Role.ADMIN, name="Ada")
    await page.get_by_label("Name", exact=True).fill("Course A, autumn")
    await page.get_by_role("button", name=f"{channel}-b").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Course B")
    await page.go_back()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Course A, autumn")


async def test_no_network_keeps_what_was_changed(
    page: Page, open_page: OpenPage, channel: str, findings: Findings, floor: SupportFloor
) -> None:
    await open_page(page, "chat", f"/channels?channel={channel}", Role.ADMIN, name="Ada")
    await page.get_by_label("Name", exact=True).fill("Course A, autumn")
    async with findings.offline(page.context):
        await page.keyboard.press("Control+s")
        await expect(page.get_by_role("alert")).to_contain_text("There is no network.")
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("Saved.")).to_be_attached()
    await is_stored(floor, channel, name="Course A, autumn")


async def test_whoever_has_no_channel_reads_what_to_do(page: Page, open_page: OpenPage) -> None:
    await open_page(page, "chat", "/channels", Role.ADMIN, name="Ada", channels=["none-yet"])

    await expect(page.get_by_text("There is no channel yet: make the first.")).to_be_visible()
    assert await axe(page) == []


async def test_list_and_channel_one_after_the_other_on_a_phone(
    new_page: NewPage, open_page: OpenPage, channel: str
) -> None:
    page = await new_page(size=PHONE, scheme="dark")
    await open_page(page, "chat", "/channels", Role.ADMIN, name="Ada", channels=[channel])
    await page.get_by_role("button", name="Course A").click()
    await expect(page.get_by_role("heading", name="Channels")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await axe(page) == []
    await screenshot(page, "channels/phone-dark", whole=True)
    await page.get_by_role("button", name="Channels").click()
    await expect(page.get_by_role("button", name="Course A")).to_be_visible()
    await page.get_by_role("button", name="Language").click()
    await expect(page.get_by_role("button", name="Français")).to_be_in_viewport()
