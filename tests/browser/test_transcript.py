"""The page of a transcript, in the real system."""

from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from contracts.access import Role
from deploy.demo.support_floor import SupportFloor
from tests.browser.conftest import PHONE, NewPage, OpenPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot
from tests.waiting import until

pytestmark = pytest.mark.real


async def written(floor: SupportFloor, channel: str, *, between: int = 0) -> tuple[str, str]:
    """A dialog that was closed, reopened and closed again, and its client; `between` messages more."""
    await floor.channel(channel, "Course: Data basics", time_zone="Europe/Paris")
    ann, zoe = floor.operator("ann", "Ann Lee"), await floor.visitor(channel, locale="fr")
    dialog = zoe.name_dialog()
    await zoe.open(dialog)
    await zoe.post_message(dialog, "m1", "Mon certificat ne s'ouvre pas")
    await ann.take(dialog)
    await ann.post_message(dialog, "m2", "Je regarde")
    for number in range(between):
        await zoe.post_message(dialog, f"b{number}", f"{number}")
    await ann.close(dialog, 1)
    await zoe.reopen(dialog, 1)
    await zoe.post_message(dialog, "m3", "Toujours pas")
    await ann.close(dialog, 2)
    return dialog, zoe.client


@pytest.mark.parametrize(
    ("name", "how", "title", "client"),
    [
        ("light", {}, "Transcript", "Client"),
        ("ru-phone-dark", {"locale": "ru-RU", "size": PHONE, "scheme": "dark"}, "Переписка", "Клиент"),
        ("fr", {"locale": "fr-FR"}, "Transcription", "Client"),
    ],
)  # fmt: skip
async def test_it_is_for_everybody(
    name: str, how: dict[str, Any], title: str, client: str,
    new_page: NewPage, open_page: OpenPage, floor: SupportFloor,
) -> None:  # fmt: skip
    channel, page = f"words-{uuid4().hex[:8]}", await new_page(**how)
    dialog, _ = await written(floor, channel)
    query = f"dialog={dialog}&close=2&zone=Asia/Kathmandu"
    await open_page(page, "chat", f"/transcript?{query}", Role.SUPERVISOR, channels=[channel])

    await expect(page.get_by_role("heading", level=1)).to_have_text(title)
    lines = page.locator(".message, .event")
    await expect(lines).to_have_count(6)
    for at, words in enumerate(
        (f"{client}Mon certificat", "Ann LeeJe regarde", "1", "", "Toujours pas", "2")
    ):
        await expect(lines.nth(at)).to_contain_text(words)
    await expect(page.locator(".facts")).to_contain_text("Course: Data basics")
    await expect(page.locator(".facts")).to_contain_text("Asia/Kathmandu")
    assert await axe(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await screenshot(page, f"transcript/{name}", whole=True)


async def test_a_long_one_comes_in_pages_and_an_erased_one_says_so(
    page: Page, open_page: OpenPage, floor: SupportFloor
) -> None:
    channel = f"words-{uuid4().hex[:8]}"
    dialog, client = await written(floor, channel, between=200)
    path = f"/transcript?dialog={dialog}"
    await open_page(page, "chat", path, Role.SUPERVISOR, channels=[channel])
    lines, more = page.locator(".message"), page.get_by_role("button", name="Show the messages that follow")
    await expect(lines).to_have_count(200)
    await expect(page.locator(".event")).to_have_count(0)
    await more.press("Enter")
    await expect(lines).to_have_count(203)
    await expect(page.locator("#message-b198")).to_be_focused()
    await expect(page.locator(".event")).to_have_count(3)
    await expect(more).to_have_count(0)

    await floor.erase(client)

    async def first_line() -> str:
        await page.reload()
        await expect(lines).to_have_count(200)
        return await lines.first.inner_text()

    await until(first_line, lambda text: "erased" in text)
    await expect(page.get_by_text("The messages of this client were erased")).to_be_visible()
    assert await axe(page) == []


async def test_whose_it_is_not_learns_no_more(
    page: Page, open_page: OpenPage, floor: SupportFloor, findings: Findings
) -> None:
    findings.tolerate("404")
    channel = f"words-{uuid4().hex[:8]}"
    dialog, _ = await written(floor, channel)
    await open_page(page, "chat", f"/transcript?dialog={dialog}", Role.SUPERVISOR, channels=["other"])
    await expect(page.get_by_role("alert")).to_contain_text(
        "There is no such dialog, or it is not yours to read."
    )
    await expect(page.locator(".message")).to_have_count(0)
    assert await axe(page) == []

    await open_page(page, "chat", f"/transcript?dialog={dialog}&close=1", Role.OPERATOR, channels=[channel])
    await expect(page.get_by_role("heading")).to_have_text("Transcripts are for supervisors and admins")
    await open_page(page, "chat", "/transcript", Role.SUPERVISOR, channels=[channel])
    await expect(page.get_by_text("Open a transcript from")).to_be_visible()
