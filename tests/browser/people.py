"""The people of a whole story, each in a browser of their own: they read, click and type, and call no API."""

import re
from collections.abc import Sequence

from playwright.async_api import FrameLocator, Locator, Page, expect

from tests.browser.hints import NetworkLog
from tests.browser.widget import Chat


class Client:
    """A visitor of a foreign page with the widget on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.chat = Chat(page)

    @property
    def form(self) -> FrameLocator:
        """What rating's frame shows, after the close."""
        return self.chat.frame.content_frame

    @property
    def question(self) -> Locator:
        """The question that the form asks."""
        return self.form.get_by_role("heading")

    @property
    def scores(self) -> Locator:
        """What can be tapped to answer it."""
        return self.form.get_by_role("radio")

    async def comes_and_writes(self, address: str, text: str) -> None:
        """Opens a page of the site, and the widget on it."""
        await self.page.goto(address)
        await self.chat.open()
        await self.chat.write(text)
        await expect(self.chat.message(text)).to_be_visible()

    async def reads(self, *texts: str) -> None:
        """Exactly these messages are in the conversation, in this order."""
        await expect(self.chat.messages).to_have_count(len(texts))
        for at, text in enumerate(texts):
            await expect(self.chat.messages.nth(at)).to_have_text(re.compile(f": {re.escape(text)}$"))

    async def answers(self, score: str, send: str, comment: str | None = None) -> None:
        """Taps a score, adds a comment if there is one, and confirms."""
        await self.form.get_by_role("radio", name=score).check()
        if comment:
            await self.form.get_by_role("textbox").fill(comment)
        await self.form.get_by_role("button", name=send).click()


class Operator:
    """Somebody who works in the console; all that their browser holds is looked through."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.log = NetworkLog(page)
        self.messages = page.locator(".message .bubble")
        self.waiting = page.locator(".row.waiting")
        self.event = page.locator(".event")

    async def takes(self, text: str) -> None:
        """Takes the dialog that waits with this text, as the only one, by a key."""
        await expect(self.waiting).to_have_count(1)
        await expect(self.waiting).to_contain_text(text)
        await self.page.keyboard.press("t")
        await self.reads(text)

    async def writes(self, text: str) -> None:
        """Types a message, and sends it by Enter."""
        field = self.page.get_by_label("Write a reply")
        await expect(field).to_be_focused()
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")
        await expect(self.messages.last).to_have_text(text)

    async def reads(self, *texts: str) -> None:
        """Exactly these messages are in the dialog, in this order, and none is unsent."""
        await expect(self.messages).to_have_text(texts)
        await expect(self.page.get_by_text("Not sent", exact=True)).to_have_count(0)

    async def closes(self) -> None:
        """Closes the dialog by a click, and leaves it, so that keys are the list's."""
        await self.page.get_by_role("button", name="Close dialog").click()
        await expect(self.event).to_contain_text("Closed by the operator")
        await expect(self.page.get_by_role("heading", level=1)).to_be_focused()

    async def shown(self) -> dict[str, str]:
        """What the page holds, and what can be read on it; of the frames of another page nothing is shown."""
        assert len(self.page.frames) == 1
        return {"the page": await self.page.content(), "its text": await self.page.inner_text("body")}


class Supervisor:
    """Somebody who has Live Chat open, on one channel, and never loads it again."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.loads: list[str] = []
        self.numbers = page.get_by_role("region", name="The numbers")
        self.bar = page.get_by_role("region", name="What became of")
        self.scores = page.get_by_role("region", name="Scores", exact=True)
        self.rows = page.locator(".rows:not(.waiting) > li")
        self.adds_up = page.locator(".foot")
        self.offline = page.get_by_text("offline since")
        self.live = page.get_by_text(re.compile(r"^\s*Live, "))

    def count_loads(self) -> None:
        """From here on, whatever loads the page is in `loads`."""
        self.page.on("load", lambda page: self.loads.append(page.url))

    async def sees_parts(self, *parts: str) -> None:
        """The bar has these parts, such as "1 expired"."""
        for part in parts:
            await expect(self.bar.get_by_role("button", name=part, exact=True).first).to_be_visible()

    async def sees_numbers(self, *texts: str) -> None:
        """The headline says this."""
        for text in texts:
            await expect(self.numbers).to_contain_text(text)

    async def sees_score(self, score: str, *, of: str, share: str) -> None:
        """How often this score was given, among those of one scale, which is named by its n and its ends."""
        rows = self.scores.get_by_role("list", name=of, exact=True).get_by_role("listitem")
        row = rows.filter(has=self.page.get_by_text(score, exact=True))
        await expect(row).to_contain_text(share)

    async def lets_newer_in(self) -> None:
        """A click on "1 newer", which stands above the list."""
        await self.page.get_by_role("button", name="1 newer").click()

    async def sees_rows(self, *rows: Sequence[str]) -> None:
        """The list has these closes, newest first, with these words in each."""
        await expect(self.rows).to_have_count(len(rows))
        for at, words in enumerate(rows):
            for text in words:
                await expect(self.rows.nth(at)).to_contain_text(text)


class Settings:
    """The page of a channel's Quality control."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.unsaved = page.get_by_role("region", name="Unsaved changes")

    async def ask_in_french(self, question: str, *, scale: str, satisfied_from: str) -> None:
        """Chooses another scale and its threshold, writes the question in French, and saves."""
        await self.page.get_by_role("radio", name=scale).click()
        threshold = self.page.get_by_role("radiogroup", name="Satisfied from")
        await threshold.get_by_role("radio", name=satisfied_from, exact=True).click()
        await self.page.get_by_label("Question, fr").fill(question)
        await expect(self.unsaved).to_contain_text(scale)
        await self.page.get_by_role("button", name="Save settings").click()
        await expect(self.unsaved).to_have_count(0)
