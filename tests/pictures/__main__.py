"""`make pictures`: the README's pictures, taken of a system on which four weeks were played."""

import asyncio
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final

import httpx
from PIL import Image
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from contracts.access import Role
from deploy.demo.people import ServiceUrls
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import ROOT, Stack, free_port_base
from deploy.local.start_page.setup import SAMPLE_SITE
from deploy.local.tokens import token
from tests.browser.chromium import launch
from tests.browser.widget import Chat
from tests.pictures.month import Month
from tests.pictures.moved import FILE

PICTURES: Final = ROOT / "docs" / "pictures"
LARGEST: Final = 150_000
SIZE: Final = ViewportSize(width=1280, height=1000)


def moved_stack(folder: Path, clock: Path) -> Stack:
    """A whole system whose services take their time from `clock`."""
    extra = {FILE: str(clock), "CANDOR_RATING_DELAY": "0", "CANDOR_VISITOR_TOKEN_DAYS": "90"}
    stack = Stack(folder, base=free_port_base(), extra=extra, start_page=True)
    for name, process in stack.services.items():
        process.command = partial(moved, process.command, name)
        process.cwd = ROOT
    return stack


def moved(command: Callable[[], Sequence[str]], name: str) -> Sequence[str]:
    """The command of a service with a moved time; checks its ports as `command` does."""
    return [command()[0], "-m", "tests.pictures.moved", name]


async def new_page(browser: Browser) -> Page:
    """An empty page of a README's width."""
    return await browser.new_page(
        viewport=SIZE, locale="en-GB", timezone_id="Europe/Paris", reduced_motion="reduce"
    )


async def live_chat(browser: Browser, stack: Stack) -> None:
    page = await new_page(browser)
    bearer = token(stack.folder, Role.SUPERVISOR, name="Clara Moen")
    await page.goto(f"{stack.addresses.services['analytics']}/live-chat?vs=none#token={bearer}")
    await expect(page.get_by_role("heading", name="What became of")).to_be_visible()
    await expect(page.locator(".foot")).to_contain_text("Adds up")
    await expect(page.locator(".rows > li").nth(10)).to_be_visible()
    await take(page, "live-chat")


async def form_in_widget(browser: Browser, stack: Stack, floor: SupportFloor) -> None:
    page = await new_page(browser)
    await page.goto(f"http://127.0.0.1:{stack.base + SAMPLE_SITE}/")
    chat, mira = Chat(page), floor.operator("mira", "Mira Castell")
    await chat.open()
    await chat.write("My certificate for Data basics is missing.")
    await expect(chat.message("certificate")).to_contain_text("sent")
    dialog = await chat.dialog(floor.urls.chat)
    await mira.take(dialog)
    await mira.post_message(dialog, "m2", "It was waiting for your name. It is in your profile now.")
    await expect(chat.message("waiting for your name")).to_be_visible()
    await chat.write("Found it, thank you!")
    await expect(chat.message("Found it")).to_contain_text("sent")
    await mira.close(dialog, 1)
    await chat.frame.content_frame.get_by_role("radio").last.press("Space")
    await take(page, "form-in-widget")


async def take(page: Page, name: str) -> None:
    """A picture of what is shown. Raises `SystemExit` if it is too large for a README."""
    path = PICTURES / f"{name}.png"
    shown = await page.screenshot(animations="disabled", caret="hide")
    Image.open(BytesIO(shown)).quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    sys.stdout.write(f"{path.relative_to(ROOT)}: {size:,} bytes\n")
    if size > LARGEST:
        raise SystemExit(f"{name} has {size:,} bytes, more than {LARGEST:,}.")


def move(clock: Path, before: timedelta) -> None:
    """Makes it so long before now for the services."""
    clock.with_suffix(".new").write_text(str(-before.total_seconds()))
    clock.with_suffix(".new").replace(clock)


async def run(stack: Stack, clock: Path, scratch: Path) -> None:
    async with httpx.AsyncClient(timeout=15, trust_env=False) as http, async_playwright() as playwright:
        floor = SupportFloor(http, ServiceUrls.at(stack.base), partial(token, stack.folder), within=30)
        await Month(floor, partial(move, clock), random.Random(7)).play()
        browser = await launch(playwright, scratch)
        await form_in_widget(browser, stack, floor)
        await live_chat(browser, stack)
        await browser.close()


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        clock = scratch / "clock"
        clock.write_text("0")
        with moved_stack(scratch / "data", clock) as stack:
            asyncio.run(run(stack, clock, scratch))


if __name__ == "__main__":
    main()
