"""The operators' console, in the real system: clients write by the API, the operator works in the page."""

import asyncio
import json
import re
import secrets
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Dialog, Page, Route, expect

from contracts.access import Role
from deploy.demo.people import Visitor
from deploy.demo.support_floor import SupportFloor
from tests.browser.conftest import PHONE, NewPage, OpenPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot

pytestmark = pytest.mark.real

REFUSED = r"Failed to load resource: the server responded with a status of 4\d\d"


class Shift:
    """An operator who has a name of their own, and clients of a channel that nobody else sees."""

    def __init__(self, floor: SupportFloor, channel: str, sub: str) -> None:
        self.floor, self.channel, self.sub = floor, channel, sub

    @property
    def claims(self) -> dict[str, Any]:
        return {"sub": self.sub, "name": "Mira Castell", "channels": [self.channel]}

    async def arrives(self, name: str | None, *texts: str, **who: str) -> tuple[Visitor, str]:
        """A client who opens a dialog and writes; gives the client and the dialog."""
        visitor = await self.floor.visitor(self.channel, **({"name": name} if name else {}), **who)
        dialog = visitor.name_dialog()
        await visitor.open(dialog)
        for text in texts:
            await self.writes(visitor, dialog, text)
        return visitor, dialog

    async def writes(self, visitor: Visitor, dialog: str, text: str) -> None:
        await visitor.post_message(dialog, f"m-{secrets.token_hex(8)}", text)

    async def takes(self, *dialogs: str) -> None:
        for dialog in dialogs:
            await self.floor.operator(self.sub, "Mira Castell").take(dialog)


@pytest_asyncio.fixture(loop_scope="session")
async def shift(floor: SupportFloor) -> Shift:
    channel = f"course-{secrets.token_hex(4)}"
    await floor.channel(channel, "Course: Data basics", locales=["en"])
    return Shift(floor, channel, f"mira-{secrets.token_hex(4)}")


def waiting(page: Page) -> Any:
    return page.locator(".row.waiting .name")


def mine(page: Page) -> Any:
    return page.locator(".row.own .line:first-child .one-line")


def composer(page: Page) -> Any:
    return page.get_by_label("Write a reply")


def bubbles(page: Page) -> Any:
    return page.locator(".message .bubble")


async def test_a_whole_shift_by_keyboard(page: Page, open_page: OpenPage, shift: Shift) -> None:
    karim, first = await shift.arrives("Karim Soule", "My exercise says file locked")
    await shift.arrives("Alma Ferrin", "The bot sent me to a person")
    await open_page(page, "chat", "/console", Role.OPERATOR, **shift.claims)

    await expect(waiting(page)).to_have_text(["Karim Soule", "Alma Ferrin"])
    await expect(page).to_have_title("(2) Console")
    await page.keyboard.press("t")
    await expect(composer(page)).to_be_focused()
    await page.keyboard.type("Good morning,")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("I look at it.")
    await page.keyboard.press("Enter")
    await expect(bubbles(page)).to_have_text(["My exercise says file locked", "Good morning,\nI look at it."])
    await expect(composer(page)).to_have_value("")
    await shift.writes(karim, first, "Thank you")
    await expect(bubbles(page).last).to_have_text("Thank you")

    await page.keyboard.press("Control+e")
    await expect(page.locator(".toast", has_text="Closed.")).to_be_visible()
    await expect(page.locator(".event")).to_contain_text("Closed by the operator")
    await page.keyboard.press("u")
    await expect(page.locator(".event").last).to_contain_text("Reopened")
    await expect(composer(page)).to_be_focused()

    await page.keyboard.press("Escape")
    await page.keyboard.press("t")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Alma Ferrin")
    await expect(page.get_by_text("Nobody waits.")).to_be_visible()
    await expect(page).to_have_title("Console")
    await page.keyboard.press("Alt+ArrowDown")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Karim Soule")
    await page.keyboard.press("Alt+ArrowUp")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Alma Ferrin")
    await expect(composer(page)).to_be_focused()
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("Take whoever waits longest")
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await page.keyboard.type("karim")
    await expect(mine(page)).to_have_text(["Karim Soule"])


async def test_what_clients_write_arrives_and_the_unanswered_are_on_top(
    page: Page, open_page: OpenPage, shift: Shift
) -> None:
    lucie, of_lucie = await shift.arrives("Lucie Bernat", "Bonjour")
    _, of_rui = await shift.arrives("Rui Tavaro", "Hello")
    await shift.takes(of_lucie, of_rui)
    await open_page(page, "chat", "/console", Role.OPERATOR, **shift.claims)
    await page.get_by_role("button", name="Lucie Bernat").click()
    await composer(page).fill("Bonjour Lucie")
    await page.keyboard.press("Enter")

    await expect(mine(page)).to_have_text(["Rui Tavaro", "Lucie Bernat"])
    await page.get_by_role("button", name="Rui Tavaro").click()
    await shift.writes(lucie, of_lucie, "Where is the invoice?")
    await shift.writes(lucie, of_lucie, "The one of May")

    await expect(page.locator(".row.own", has_text="Lucie Bernat").locator(".badge")).to_contain_text("2")
    await expect(page.locator(".row.own", has_text="Lucie Bernat")).to_contain_text("The one of May")
    await shift.arrives("Karim Soule", "Is anybody there?")
    await expect(waiting(page)).to_have_text(["Karim Soule"])
    await expect(page).to_have_title("(1) Console")


async def test_a_waiting_time_ticks_each_second(page: Page, open_page: OpenPage, shift: Shift) -> None:
    await shift.arrives("Karim Soule", "Hello")
    await open_page(page, "chat", "/console", Role.OPERATOR, **shift.claims)

    time = page.locator(".row.waiting .waited")
    await expect(time).to_have_text(re.compile(r"^\d+s$"))
    before = await time.inner_text()
    await expect(time).not_to_have_text(before)


async def test_what_was_typed_is_kept(
    page: Page, open_page: OpenPage, shift: Shift, findings: Findings
) -> None:
    _, of_lucie = await shift.arrives("Lucie Bernat", "Bonjour")
    _, of_rui = await shift.arrives("Rui Tavaro", "Hello")
    await shift.takes(of_lucie, of_rui)
    await open_page(page, "chat", "/console", Role.OPERATOR, **shift.claims)
    await page.get_by_role("button", name="Rui Tavaro").click()
    await composer(page).fill("Then let us look at")

    await page.get_by_role("button", name="Lucie Bernat").click()
    await expect(composer(page)).to_have_value("")
    await expect(page.locator(".row.own", has_text="Rui Tavaro")).to_contain_text(
        "Draft: Then let us look at"
    )
    await page.get_by_role("button", name="Rui Tavaro").click()
    await expect(composer(page)).to_have_value("Then let us look at")
    await page.reload()
    await expect(composer(page)).to_have_value("Then let us look at")

    findings.expect(REFUSED)  # who has not written in it may not read it any more
    await shift.floor.supervisor().caller.do(
        "PUT", f"{shift.floor.urls.chat}/v1/dialogs/{of_rui}/operator",
        json={"operator": "jonas", "name": "Jonas Wende"},
    )  # fmt: skip
    await expect(page.get_by_label("Your draft is kept")).to_have_value("Then let us look at")


async def test_a_message_without_network_is_kept_and_arrives_once(
    page: Page, open_page: OpenPage, shift: Shift, findings: Findings
) -> None:
    _, dialog = await shift.arrives("Karim Soule", "Hello")
    await shift.takes(dialog)
    await open_page(page, "chat", f"/console?dialog={dialog}", Role.OPERATOR, **shift.claims)
    await expect(page.get_by_text("Connected")).to_be_visible()
    async with findings.offline(page.context):
        await expect(page.get_by_text("Offline since")).to_be_visible()
        await composer(page).fill("I am on it")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Not sent", exact=True)).to_be_visible()
        await expect(page.locator(".message.failed")).to_contain_text("I am on it")

    await expect(page.get_by_text("Connected")).to_be_visible(timeout=20_000)
    await expect(page.get_by_text("Not sent", exact=True)).to_have_count(0)
    await page.reload()
    await expect(bubbles(page)).to_have_text(["Hello", "I am on it"])


async def test_a_message_that_did_not_arrive_is_sent_again(
    page: Page, open_page: OpenPage, shift: Shift, findings: Findings
) -> None:
    _, dialog = await shift.arrives("Karim Soule", "Hello")
    await shift.takes(dialog)

    async def lose_the_request(route: Route) -> None:
        await route.abort()

    await page.route("**/messages/*", lose_the_request, times=1)
    findings.expect("net::ERR_FAILED")
    await open_page(page, "chat", f"/console?dialog={dialog}", Role.OPERATOR, **shift.claims)
    await composer(page).fill("I am on it")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Send again").click()

    await expect(page.get_by_text("Not sent", exact=True)).to_have_count(0)
    await expect(page.get_by_text("Sending")).to_have_count(0)
    await page.reload()
    await expect(bubbles(page)).to_have_text(["Hello", "I am on it"])


async def test_a_message_whose_response_was_lost_is_there_once(
    page: Page, open_page: OpenPage, shift: Shift, findings: Findings
) -> None:
    _, dialog = await shift.arrives("Karim Soule", "Hello")
    await shift.takes(dialog)
    lost = asyncio.Event()

    async def lose_the_response(route: Route) -> None:
        await route.fetch()
        await route.abort()
        lost.set()

    await page.route("**/messages/*", lose_the_response)
    findings.expect("net::ERR_FAILED")
    await open_page(page, "chat", f"/console?dialog={dialog}", Role.OPERATOR, **shift.claims)
    await composer(page).fill("I am on it")
    await page.keyboard.press("Enter")
    await lost.wait()
    await expect(page.get_by_text("Not sent", exact=True)).to_have_count(0)
    await expect(bubbles(page)).to_have_text(["Hello", "I am on it"])
    await page.reload()
    await expect(bubbles(page)).to_have_text(["Hello", "I am on it"])
    await expect(page.get_by_role("button", name="Send again")).to_have_count(0)


async def test_a_refused_message_is_back_in_the_composer_with_the_reason(
    page: Page, open_page: OpenPage, shift: Shift, findings: Findings
) -> None:
    _, dialog = await shift.arrives("Karim Soule", "Hello")
    await shift.takes(dialog)
    full = {"type": "/problems/dialog-full", "title": "Refused", "status": 409, "facts": {"most": 5000}}

    async def refuse(route: Route) -> None:
        await route.fulfill(status=409, content_type="application/problem+json", body=json.dumps(full))

    await page.route("**/messages/*", refuse)
    findings.expect(REFUSED)
    await open_page(page, "chat", f"/console?dialog={dialog}", Role.OPERATOR, **shift.claims)
    await composer(page).fill("One more")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("alert")).to_contain_text("it holds 5000 messages")
    await expect(composer(page)).to_have_value("One more")
    await expect(page.locator(".message.failed")).to_have_count(0)


async def test_whoever_is_slower_learns_who_was_faster(
    page: Page, open_page: OpenPage, shift: Shift, findings: Findings
) -> None:
    _, dialog = await shift.arrives("Karim Soule", "Hello")

    async def taken_meanwhile(route: Route) -> None:
        await shift.floor.operator("jonas", "Jonas Wende").take(dialog)
        await route.continue_()

    await page.route("**/operator", taken_meanwhile)
    findings.expect(REFUSED)
    await open_page(page, "chat", "/console", Role.OPERATOR, **shift.claims)
    await expect(waiting(page)).to_have_count(1)
    await page.keyboard.press("t")

    await expect(page.get_by_text("Another operator was faster")).to_be_visible()
    await expect(waiting(page)).to_have_count(0)


async def test_an_expired_sign_in_loses_nothing(
    page: Page, open_page: OpenPage, shift: Shift, findings: Findings
) -> None:
    _, dialog = await shift.arrives("Karim Soule", "Hello")
    await shift.takes(dialog)
    await open_page(page, "chat", f"/console?dialog={dialog}", Role.OPERATOR, **shift.claims)
    await expect(bubbles(page)).to_have_count(1)
    findings.expect(REFUSED)
    await page.evaluate("sessionStorage.setItem('candor.token', 'expired')")
    await composer(page).fill("I am on it")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Your sign-in has expired. What you typed stays here.")).to_be_visible()
    await expect(page.locator(".message.failed")).to_contain_text("I am on it")

    await open_page(page, "chat", f"/console?dialog={dialog}&again", Role.OPERATOR, **shift.claims)
    await page.get_by_role("button", name="Send again").click()
    await expect(page.get_by_text("Not sent", exact=True)).to_have_count(0)
    await expect(bubbles(page)).to_have_text(["Hello", "I am on it"])


async def test_reading_further_up_is_not_disturbed(page: Page, open_page: OpenPage, shift: Shift) -> None:
    karim, dialog = await shift.arrives("Karim Soule", *(f"line {number}\n" * 8 for number in range(12)))
    await shift.takes(dialog)
    await open_page(page, "chat", f"/console?dialog={dialog}", Role.OPERATOR, **shift.claims)
    await expect(bubbles(page)).to_have_count(12)
    log = page.get_by_role("log")
    end = "box => box.scrollHeight - box.scrollTop - box.clientHeight"
    assert await log.evaluate(end) < 2
    await log.evaluate("box => { box.scrollTop = 300 }")
    await shift.writes(karim, dialog, "Are you there?")

    newer = page.get_by_role("button", name="1 new message below")
    await expect(newer).to_be_visible()
    assert await log.evaluate("box => box.scrollTop") == 300
    await newer.click()
    await expect(newer).to_have_count(0)
    await expect(bubbles(page).last).to_be_in_viewport()


async def test_any_text_and_any_number_of_dialogs_fit(page: Page, open_page: OpenPage, shift: Shift) -> None:
    long_name = "Максимилиан-Александр " * 8
    _, dialog = await shift.arrives(long_name.strip(), "x" * 10_000, "مرحبا، هل يمكنني 👩‍👩‍👧‍👦")
    await shift.takes(dialog)
    for _ in range(41):
        visitor = await shift.floor.visitor(shift.channel)
        for _ in range(5):
            await visitor.open(visitor.name_dialog())
    await open_page(page, "chat", f"/console?dialog={dialog}", Role.OPERATOR, **shift.claims)

    await expect(waiting(page)).to_have_count(205)
    await expect(page).to_have_title("(205) Console")
    assert await bubbles(page).last.evaluate("each => getComputedStyle(each).direction") == "rtl"
    widths = "() => [document.documentElement.scrollWidth, innerWidth]"
    whole, shown = await page.evaluate(widths)
    assert whole <= shown


async def test_the_card_tells_who_the_client_is(page: Page, open_page: OpenPage, shift: Shift) -> None:
    visitor, first = await shift.arrives(
        "Anders Holm", "Hello", email="anders@northbank.example", locale="da"
    )
    await shift.takes(first)
    await shift.floor.operator(shift.sub).close(first, 1)
    second = visitor.name_dialog()
    await visitor.open(second)
    await shift.takes(second)
    await open_page(page, "chat", f"/console?dialog={second}", Role.OPERATOR, **shift.claims)

    card = page.get_by_role("complementary", name="Client")
    for told in ("Anders Holm", "anders@northbank.example", "Danish", "Course: Data basics", "Mira Castell"):
        await expect(card).to_contain_text(told)
    await card.get_by_role("button", name="closed").click()
    await expect(page.locator(".event")).to_contain_text("Closed by the operator")
    await page.get_by_role("button", name="Reopen").click()
    await expect(composer(page)).to_be_focused()


async def test_ones_own_dialogs_stay_in_sight_of_a_long_queue(
    page: Page, open_page: OpenPage, shift: Shift
) -> None:
    _, dialog = await shift.arrives("Lucie Bernat", "Bonjour")
    await shift.takes(dialog)
    for number in range(12):
        await shift.arrives(f"Client {number}", "Hello")
    await open_page(page, "chat", "/console", Role.OPERATOR, **shift.claims)

    await expect(waiting(page)).to_have_count(12)
    await expect(waiting(page).first).to_be_in_viewport()
    await expect(mine(page)).to_be_in_viewport()
    await waiting(page).last.scroll_into_view_if_needed()
    await expect(mine(page)).to_be_in_viewport()
    await page.get_by_label("Search my dialogs").fill("nobody of that name")
    await expect(page.get_by_text("None of your dialogs")).to_be_in_viewport()


async def test_an_address_in_a_message_can_be_opened(page: Page, open_page: OpenPage, shift: Shift) -> None:
    _, dialog = await shift.arrives(
        "Karim Soule", "It is https://northbank.example/orders/20417, from Tuesday."
    )
    await shift.takes(dialog)
    await open_page(page, "chat", f"/console?dialog={dialog}", Role.OPERATOR, **shift.claims)

    link = bubbles(page).get_by_role("link", name="https://northbank.example/orders/20417", exact=True)
    assert await link.get_attribute("href") == "https://northbank.example/orders/20417"
    assert await link.get_attribute("rel") == "noopener noreferrer"


async def test_signing_out_leaves_nothing_that_was_typed_on_the_machine(
    page: Page, open_page: OpenPage, shift: Shift
) -> None:
    _, dialog = await shift.arrives("Karim Soule", "Hello")
    await shift.takes(dialog)
    await open_page(page, "chat", f"/console?dialog={dialog}", Role.OPERATOR, **shift.claims)
    await composer(page).fill("Then let us look at")
    kept = "() => Object.keys(localStorage).filter(name => name.startsWith('candor.console'))"
    asked: list[str] = []

    async def signs_out(*, sure: bool) -> None:
        async def answer(dialog: Dialog) -> None:
            asked.append(dialog.message)
            await (dialog.accept() if sure else dialog.dismiss())

        page.once("dialog", answer)
        await page.get_by_role("button", name="Mira Castell").click()
        await page.get_by_role("button", name="Sign out").click()

    await signs_out(sure=False)
    await expect(composer(page)).to_have_value("Then let us look at")
    assert len(await page.evaluate(kept)) == 1
    await page.keyboard.press("Escape")
    await signs_out(sure=True)
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.evaluate(kept) == []
    assert len(asked) == 2
    assert "One text that you have typed and not sent" in asked[0]


async def test_every_control_is_reached_by_tab_and_the_focus_is_never_lost(
    page: Page, open_page: OpenPage, shift: Shift
) -> None:
    await shift.arrives("Karim Soule", "Hello")
    await open_page(page, "chat", "/console", Role.OPERATOR, **shift.claims)
    await expect(waiting(page)).to_have_count(1)

    async def pressing_tab_reaches(*names: str) -> None:
        for name in names:
            await page.keyboard.press("Tab")
            assert name in await page.evaluate(
                "() => { const at = document.activeElement;"
                " return at.ariaLabel ?? at.innerText.replace(/\\s+/g, ' ') }"
            )
            assert await page.evaluate("document.activeElement.matches(':focus-visible')")

    await pressing_tab_reaches("Language", "Dark colours", "Mira Castell", "Search my dialogs", "Karim Soule")
    await pressing_tab_reaches("Take")
    await page.keyboard.press("Enter")
    await expect(composer(page)).to_be_focused()
    await pressing_tab_reaches("Send")
    await page.get_by_role("button", name="Close dialog").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await page.get_by_role("button", name="Undo").focus()
    await page.keyboard.press("Enter")
    await expect(composer(page)).to_be_focused()

    shortcuts = page.get_by_role("button", name="Shortcuts")
    await shortcuts.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").get_by_role("button", name="Close")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(shortcuts).to_be_focused()


async def test_escape_leaves_the_search_when_no_dialog_is_open(
    page: Page, open_page: OpenPage, shift: Shift
) -> None:
    await shift.arrives("Karim Soule", "Hello")
    await open_page(page, "chat", "/console", Role.OPERATOR, **shift.claims)
    await expect(waiting(page)).to_have_count(1)
    await page.keyboard.press("/")
    await page.keyboard.press("Escape")
    await page.keyboard.press("t")
    await expect(composer(page)).to_be_focused()


async def test_one_column_on_a_phone(new_page: NewPage, open_page: OpenPage, shift: Shift) -> None:
    _, dialog = await shift.arrives("Karim Soule", "Hello")
    await shift.takes(dialog)
    page = await new_page(size=PHONE)
    await open_page(page, "chat", "/console", Role.OPERATOR, **shift.claims)
    await page.get_by_role("button", name="Karim Soule").click()
    await expect(bubbles(page)).to_have_text(["Hello"])
    await screenshot(page, "console/phone")
    await expect(page.get_by_role("navigation")).to_be_hidden()
    await page.get_by_role("button", name="Client", exact=True).click()
    await expect(page.get_by_role("complementary")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("complementary")).to_be_hidden()
    await page.go_back()
    await expect(page.get_by_role("button", name="Karim Soule")).to_be_visible()


async def test_who_is_no_operator_reads_why(page: Page, open_page: OpenPage) -> None:
    await open_page(page, "chat", "/console", Role.SUPERVISOR, name="Clara Moen")

    await expect(page.get_by_role("heading")).to_have_text("The console is for operators")
    await expect(page.get_by_role("main")).to_contain_text("you need the role operator")


@pytest.mark.parametrize(
    ("locale", "scheme"), [("en-GB", "light"), ("ru-RU", "dark"), ("fr-FR", "light")], ids=["en", "ru", "fr"]
)
async def test_axe_finds_nothing(
    new_page: NewPage, open_page: OpenPage, shift: Shift, locale: str, scheme: Any
) -> None:
    _, dialog = await shift.arrives("Karim Soule", "Hello", email="karim@school.example")
    await shift.arrives("Alma Ferrin", "Hello")
    await shift.takes(dialog)
    page = await new_page(scheme=scheme, locale=locale)
    await open_page(page, "chat", "/console", Role.OPERATOR, **shift.claims)
    await expect(waiting(page)).to_have_count(1)
    assert await axe(page) == []
    await screenshot(page, f"console/{locale[:2]}-{scheme}-list")
    await page.get_by_role("button", name="Karim Soule").click()
    await page.locator("textarea").fill("A draft")
    await expect(page.get_by_role("complementary")).to_contain_text("Course: Data basics")
    assert await axe(page) == []
    await screenshot(page, f"console/{locale[:2]}-{scheme}-dialog")
    await page.keyboard.press("Control+e")
    await expect(page.locator(".toast")).to_be_visible()
    assert await axe(page) == []
    await screenshot(page, f"console/{locale[:2]}-{scheme}-closed")
