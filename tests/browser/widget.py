"""A foreign site with the widget on it: strict policy, hostile styles; and what a visitor does there."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from string import Template
from typing import Any

from playwright.async_api import Locator, Page, Route, expect

from deploy.demo.people import NotYet, until
from deploy.demo.support_floor import SupportFloor
from deploy.local.start_page.sample_site import FOLDER
from tests.browser.site import serving

HOSTILE = """
html { font-size: 31px; }
body { transform: translateX(0); }
* { letter-spacing: 3px; --bg: red; --text: red; --font: serif; text-transform: uppercase; line-height: 3; }
button, textarea, p, div, h2, candor-chat { display: block !important; position: static !important;
  border: 9px solid red; background: yellow !important; color: red !important; opacity: 0.3 !important;
  font: 40px serif !important; }
"""
FORM = """<!doctype html><title>Form</title><h1>How was your chat with us?</h1><p id="told"></p><script>
addEventListener("message", ({ data }) => {
  document.getElementById("told").textContent = JSON.stringify(data);
  parent.postMessage({ candor: "form", height: 300 }, "*");
  parent.postMessage({ candor: "form", state: "shown" }, "*");
});
parent.postMessage({ candor: "form", wants: "token" }, "*");
</script>"""


class Site:
    """Where the site is, and which channel its widget has."""

    def __init__(self, origin: str, channel: str) -> None:
        self.origin = origin
        self.channel = channel


@contextmanager
def site(
    chat: str, rating: str, channel: str, *, hostile: bool = True, frames: str = "", said: str = ""
) -> Iterator[Site]:
    """The sample site on an origin of its own, with the widget of `channel`: ``/``, in Arabic ``/dars``.

    Beside rating's pages it lets those of `frames` be framed. `said` are further attributes of the script.
    """
    policy = (
        f"default-src 'none'; script-src {chat}; connect-src {chat}; frame-src {rating} {frames}; "
        "style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
    )
    pages = {f"/{name}": (FOLDER / name).read_text("utf-8") for name in ("style.css", "crest.svg")}
    pages["/style.css"] += HOSTILE if hostile else ""
    for address, name in (("/", "index"), ("/dars", "dars"), ("/lecon", "lecon")):
        html = Template((FOLDER / f"{name}.html").read_text("utf-8")).substitute(chat=chat)
        pages[address] = html.replace('"northbank"', f'"{channel}" {said}')
    with serving(pages, {"Content-Security-Policy": policy}) as origin:
        yield Site(origin, channel)


async def allowed(floor: SupportFloor, channel: str, *sites: Site, **settings: Any) -> None:
    """Makes the channel of these sites, and waits until chat's replicas let their pages in."""
    origins = [each.origin for each in sites]
    await floor.channel(channel, "Northbank Academy", allowed_origins=origins, **settings)

    async def look() -> None:
        for origin in origins:
            address = f"{floor.urls.chat}/v1/channels/{channel}/widget"
            response = await floor.http.get(address, headers={"Origin": origin})
            if response.status_code != 200:
                raise NotYet(f"{origin} may not call: {response.text}")

    await until(look)


class Chat:
    """The widget of a page, as its visitor sees it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.bubble = page.locator("candor-chat .bubble")
        self.panel = page.get_by_role("dialog")
        self.field = self.panel.get_by_role("textbox")
        self.messages = self.panel.locator("li .text")
        self.badge = page.locator("candor-chat .badge")
        self.frame = self.panel.locator("iframe")

    async def open(self) -> None:
        """Opens the panel."""
        await self.bubble.click()
        await expect(self.panel).to_be_visible()

    async def write(self, text: str) -> None:
        """Writes, and sends by Enter."""
        await self.field.fill(text)
        await self.field.press("Enter")

    def message(self, text: str) -> Locator:
        """A message of the conversation, with its signature."""
        return self.panel.locator("li").filter(has_text=text)

    async def texts(self) -> list[str]:
        """All messages, without who wrote them."""
        return [re.sub(r"^[^:]+:\s*", "", each) for each in await self.messages.all_inner_texts()]

    async def dialog(self, chat: str) -> str:
        """The id of the visitor's newest dialog, as chat lists it."""
        return str((await self._read(f"{chat}/v1/visitors/me/dialogs"))["dialogs"][0]["dialog"])

    async def stored(self, chat: str) -> list[str]:
        """The messages of that dialog, as chat has them."""
        transcript = await self._read(f"{chat}/v1/dialogs/{await self.dialog(chat)}")
        return [each["text"]["text"] for each in transcript["messages"]]

    async def _read(self, address: str) -> Any:
        kept = await self.page.evaluate("() => Object.entries(localStorage)")
        visitor = next(json.loads(value) for name, value in kept if name.endswith(".visitor"))
        bearer = {"Authorization": f"Bearer {visitor['token']}"}
        return await (await self.page.request.get(address, headers=bearer)).json()


async def stub_form(page: Page, rating: str) -> list[str]:
    """Puts a form of the test's own where rating's is; gives the addresses that it was loaded from."""
    asked: list[str] = []

    async def fulfil(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(body=FORM, content_type="text/html")

    await page.route(f"{rating}/form**", fulfil)
    return asked
