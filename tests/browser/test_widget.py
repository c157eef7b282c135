"""The widget on a foreign page: a visitor writes, is answered, comes back, and is shown a form at the end."""

import asyncio
import gzip
import json
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

import chat
from deploy.demo.people import NotYet, until
from deploy.demo.support_floor import SupportFloor
from tests.browser.conftest import DESKTOP, PHONE, NewPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot
from tests.browser.site import serving
from tests.browser.widget import Chat, Site, allowed, site, stub_form

MOST_BYTES = 25_000
BLOCKED = """for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, {
  get() { throw new DOMException("blocked", "SecurityError"); } });"""

SENT = re.compile(r"\d\d:\d\d, sent")
NOTHING_UNSENT = "() => !Object.keys(localStorage).some(name => name.includes('.unsent.'))"

Look = Literal["light", "dark", "phone", "arabic"]

real = pytest.mark.real


@pytest_asyncio.fixture(loop_scope="session")
async def academy(floor: SupportFloor) -> AsyncIterator[Site]:
    """A site with hostile styles; its channel is called Northbank Academy and no other test knows it."""
    channel = f"academy-{secrets.token_hex(4)}"
    with site(floor.urls.chat, floor.urls.rating, channel) as up:
        await allowed(floor, channel, up)
        yield up


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(page: Page, academy: Site) -> Chat:
    """The widget on the site's first page, closed."""
    await page.goto(academy.origin)
    return Chat(page)


@real
async def test_a_visitor_is_answered_and_finds_the_conversation_again(
    visitor: Chat, floor: SupportFloor
) -> None:
    mira = floor.operator("mira", "Mira")
    await visitor.open()
    await expect(visitor.panel.get_by_text("Northbank Academy")).to_be_visible()
    await expect(visitor.field).to_be_focused()
    await visitor.write("I can't open lesson 5.\nIt asks for a payment.")
    await expect(visitor.message("lesson 5")).to_contain_text(SENT)
    await expect(visitor.panel.get_by_text("Nobody has answered yet.")).to_be_visible()

    dialog = await visitor.dialog(floor.urls.chat)
    await mira.take(dialog)
    await mira.post_message(dialog, secrets.token_hex(8), "The payment is there now, lesson 5 is open.")
    await expect(visitor.message("The payment is there")).to_contain_text(re.compile(r"Mira, \d\d:\d\d"))
    await expect(visitor.panel.get_by_text("Mira has taken your chat")).to_be_visible()
    await expect(visitor.panel.get_by_text("Nobody has answered yet.")).to_have_count(0)
    await expect(visitor.page.locator("candor-chat [aria-live=polite]")).to_contain_text("Mira: The payment")

    await visitor.field.press("Escape")
    await expect(visitor.panel).to_be_hidden()
    await expect(visitor.bubble).to_be_focused()
    await mira.post_message(dialog, secrets.token_hex(8), "Anything else?")
    await expect(visitor.badge).to_have_text("1")
    await expect(visitor.bubble).to_have_accessible_name("Open the chat, Northbank Academy, 1 new message")

    await visitor.page.reload()
    await expect(visitor.badge).to_have_text("1")
    await visitor.open()
    await expect(visitor.messages).to_have_count(3)
    await expect(visitor.badge).to_have_count(0)
    assert (await visitor.texts())[0] == "I can't open lesson 5.\nIt asks for a payment."
    await visitor.field.fill("half a senten")
    await visitor.page.reload()
    await expect(visitor.panel).to_be_visible()
    await expect(visitor.field).to_have_value("half a senten")
    await expect(visitor.field).not_to_be_focused()
    await expect(visitor.messages).to_have_count(3)


@real
@pytest.mark.parametrize("email", ["zoe@school.test", "zoe at school"])
async def test_a_page_may_say_who_is_signed_in_and_a_wrong_address_keeps_nobody_from_writing(
    page: Page, floor: SupportFloor, findings: Findings, email: str
) -> None:
    is_address = "@" in email
    if not is_address:
        findings.expect("visitors.* 422")
    channel, said = f"academy-{secrets.token_hex(4)}", f'data-name="Zoë" data-email="{email}"'
    with site(floor.urls.chat, floor.urls.rating, channel, said=said) as up:
        await allowed(floor, channel, up)
        await page.goto(up.origin)
        visitor, mira = Chat(page), floor.operator("mira", "Mira")
        await visitor.open()
        await visitor.write("I can't open lesson 5.")
        await expect(visitor.message("lesson 5")).to_contain_text(SENT)
        dialog = await visitor.dialog(floor.urls.chat)
        await mira.take(dialog)
        card = await mira.caller.do("GET", f"{floor.urls.chat}/v1/dialogs/{dialog}/client")
        assert [card[name] and card[name]["text"] for name in ("name", "email")] == (
            ["Zoë", email] if is_address else [None, None]
        )


@real
async def test_two_tabs_of_a_visitor_show_one_conversation(
    visitor: Chat, academy: Site, floor: SupportFloor
) -> None:
    other = Chat(await visitor.page.context.new_page())
    await other.page.goto(academy.origin)
    await other.open()
    await visitor.open()
    await visitor.write("From the first tab")
    await expect(other.message("From the first tab")).to_be_visible()
    await other.write("From the second tab")
    await expect(visitor.message("From the second tab")).to_contain_text(SENT)
    dialog = await visitor.dialog(floor.urls.chat)
    mira = floor.operator("mira", "Mira")
    await mira.take(dialog)
    await mira.post_message(dialog, secrets.token_hex(8), "For both")
    for each in (visitor, other):
        await expect(each.message("For both")).to_be_visible()
        assert await each.texts() == ["From the first tab", "From the second tab", "For both"]


@real
async def test_what_is_written_without_a_network_is_sent_once_and_in_order(
    visitor: Chat, findings: Findings, floor: SupportFloor
) -> None:
    await visitor.open()
    await visitor.write("one")
    await expect(visitor.message("one")).to_contain_text(SENT)
    async with findings.offline(visitor.page.context):
        await visitor.write("two")
        await visitor.write("three")
        await expect(visitor.message("three")).to_contain_text("Not sent yet")
        await expect(visitor.panel.get_by_text("No network.")).to_be_visible()
    await expect(visitor.message("three")).to_contain_text(SENT)
    await expect(visitor.panel.get_by_text("No network.")).to_be_hidden()
    assert await visitor.stored(floor.urls.chat) == ["one", "two", "three"]
    await visitor.page.reload()
    await expect(visitor.messages).to_have_count(3)
    assert await visitor.texts() == ["one", "two", "three"]


@real
async def test_a_response_that_is_lost_doubles_nothing(
    visitor: Chat, findings: Findings, floor: SupportFloor
) -> None:
    lost = asyncio.Event()

    async def lose(route: Route) -> None:
        if lost.is_set():
            await route.continue_()
        else:
            response = await route.fetch()
            assert response.status == 201
            lost.set()
            await route.abort()

    findings.expect("ERR_FAILED")
    await visitor.page.route("**/messages/*", lose)
    await visitor.open()
    await visitor.write("only once")
    await lost.wait()
    await visitor.page.wait_for_function(NOTHING_UNSENT)
    assert await visitor.stored(floor.urls.chat) == ["only once"]
    assert await visitor.texts() == ["only once"]


@real
async def test_a_browser_that_keeps_nothing_still_has_a_conversation(page: Page, academy: Site) -> None:
    await page.add_init_script(BLOCKED)
    await page.goto(academy.origin)
    visitor = Chat(page)
    await visitor.open()
    await expect(visitor.panel.get_by_text("This browser keeps nothing")).to_be_visible()
    await visitor.write("Hello")
    await expect(visitor.message("Hello")).to_contain_text(SENT)
    await visitor.write("Again")
    await expect(visitor.message("Again")).to_contain_text(SENT)
    await expect(visitor.messages).to_have_count(2)


async def answered(visitor: Chat, floor: SupportFloor) -> str:
    """The id of a dialog in which the visitor wrote, and Mira answered."""
    mira = floor.operator("mira", "Mira")
    await visitor.open()
    await visitor.write("Thank you")
    await expect(visitor.message("Thank you")).to_contain_text(SENT)
    dialog = await visitor.dialog(floor.urls.chat)
    await mira.take(dialog)
    await mira.post_message(dialog, secrets.token_hex(8), "You're welcome")
    await expect(visitor.message("welcome")).to_be_visible()
    return dialog


@real
async def test_after_the_close_the_form_is_shown_and_writing_goes_on_with_the_dialog(
    visitor: Chat, floor: SupportFloor, academy: Site
) -> None:
    asked = await stub_form(visitor.page, floor.urls.rating)
    dialog = await answered(visitor, floor)
    assert asked == []
    await floor.operator("mira", "Mira").close(dialog, 1)

    await expect(visitor.panel.get_by_text(re.compile(r"Mira closed this chat at \d\d:\d\d"))).to_be_visible()
    await expect(visitor.frame).to_be_visible()
    await expect(visitor.field).to_be_focused()
    told = json.loads(await visitor.frame.content_frame.locator("#told").inner_text())
    assert {**told, "token": told["token"].count(".")} == {
        "candor": "form", "token": 2, "dialog": dialog, "locale": "en-GB", "theme": "light",
    }  # fmt: skip
    assert [url.partition("?")[2] for url in asked] == [f"channel={academy.channel}"]
    box = await visitor.frame.bounding_box()
    assert box is not None
    assert box["height"] == 300

    await visitor.page.reload()
    await expect(visitor.frame).to_be_visible()
    await visitor.write("One more question")
    await expect(visitor.message("One more question")).to_contain_text(SENT)
    await expect(visitor.frame).to_have_count(0)
    assert await visitor.dialog(floor.urls.chat) == dialog


INTRUDER = """<!doctype html><title>Elsewhere</title><p id="told"></p><script>
const told = document.getElementById("told");
addEventListener("message", ({ data }) => { told.textContent = JSON.stringify(data); });
for (const said of [{ wants: "token" }, { height: 77 }, { state: "hidden" }])
  parent.postMessage({ candor: "form", ...said }, "*");
</script>"""
STATES = "states = []; addEventListener('message', ({ origin, data }) => states.push([origin, data.state]));"


@real
async def test_another_page_in_the_forms_frame_is_neither_heard_nor_told_anything(
    page: Page, floor: SupportFloor
) -> None:
    channel = f"academy-{secrets.token_hex(4)}"
    urls = floor.urls
    with serving({"/": INTRUDER}) as there, site(urls.chat, urls.rating, channel, frames=there) as up:
        await allowed(floor, channel, up)
        await stub_form(page, urls.rating)
        await page.add_init_script(STATES)
        await page.goto(up.origin)
        visitor = Chat(page)
        await floor.operator("mira", "Mira").close(await answered(visitor, floor), 1)
        await expect(visitor.frame.content_frame.locator("#told")).to_contain_text("token")

        await visitor.frame.evaluate("(frame, there) => { frame.src = there; }", there)
        hidden = "there => states.some(([origin, state]) => origin === there && state === 'hidden')"
        await page.wait_for_function(hidden, arg=there)
        async with page.expect_console_message(lambda said: "target origin provided" in said.text):
            await page.emulate_media(color_scheme="dark")  # which the form is told, and only the form
        await expect(visitor.frame.content_frame.locator("#told")).to_be_empty()
        box = await visitor.frame.bounding_box()
        assert box is not None
        assert box["height"] == 300


@real
async def test_the_page_and_the_widget_leave_one_another_as_they_are(
    new_page: NewPage, floor: SupportFloor, academy: Site
) -> None:
    look = """element => { const style = getComputedStyle(element);
        const { width, height, right, bottom } = element.getBoundingClientRect();
        return [style.color, style.backgroundColor, style.font, style.letterSpacing, style.textTransform,
            style.opacity, width, height, right, bottom]; }"""
    with site(floor.urls.chat, floor.urls.rating, academy.channel, hostile=False) as plain:
        await allowed(floor, academy.channel, academy, plain)
        seen = []
        for origin in (plain.origin, academy.origin):
            page = await new_page()
            await page.route("**/widget.js", lambda route: route.fulfill(body=""))
            await page.goto(origin)
            before = await page.locator("main").evaluate(look)
            await page.unroute("**/widget.js")
            await page.goto(origin)
            visitor = Chat(page)
            await visitor.open()
            assert await page.locator("main").evaluate(look) == before
            parts = [visitor.bubble, visitor.panel, visitor.field, visitor.panel.locator("h2")]
            seen.append([await part.evaluate(look) for part in parts])
    assert seen[0] == seen[1]


@real
async def test_the_page_hears_no_key_that_is_typed_into_the_widget(visitor: Chat) -> None:
    await visitor.page.evaluate(
        "() => { window.keys = []; addEventListener('keydown', ({ key }) => window.keys.push(key)); }"
    )
    await visitor.open()
    await visitor.field.press_sequentially("jk/")
    await expect(visitor.field).to_have_value("jk/")
    assert await visitor.page.evaluate("window.keys") == []


@real
async def test_a_closed_bubble_covers_no_button_of_a_phone_page(new_page: NewPage, academy: Site) -> None:
    page = await new_page(size=PHONE)
    await page.goto(academy.origin)
    visitor = Chat(page)
    await expect(visitor.bubble).to_be_visible()
    await page.evaluate(
        """() => { const button = document.body.appendChild(document.createElement("button"));
        button.id = "own"; document.body.style.transform = "none";
        for (const [name, value] of Object.entries({ position: "fixed", "inset-inline": "0", bottom: "0",
            height: "60px", display: "block", top: "auto" }))
            button.style.setProperty(name, value, "important"); }"""
    )

    async def apart() -> None:
        own, bubble = await page.locator("#own").bounding_box(), await visitor.bubble.bounding_box()
        if own is None or bubble is None or bubble["y"] + bubble["height"] > own["y"]:
            raise NotYet("the bubble is on the button")

    await until(apart)


@real
async def test_a_script_that_a_browser_kept_finds_the_present_widget(
    page: Page, academy: Site, findings: Findings
) -> None:
    """It names a module that a release took away."""
    asked: list[str] = []

    async def kept(route: Route) -> None:
        asked.append(route.request.url)
        response = await route.fetch()
        old = re.sub(r"assets/[^\"]+\.js", "assets/gone.js", await response.text())
        await (route.fulfill(response=response, body=old) if len(asked) == 1 else route.continue_())

    findings.expect("gone.js|404")
    await page.route(re.compile(r"/widget\.js"), kept)
    await page.goto(academy.origin)
    await Chat(page).open()
    assert len(asked) == 2


@real
async def test_what_comes_last_is_in_sight_unless_somebody_reads_further_up(
    visitor: Chat, floor: SupportFloor
) -> None:
    await visitor.open()
    await visitor.write("Hello")
    await expect(visitor.message("Hello")).to_contain_text(SENT)
    dialog = await visitor.dialog(floor.urls.chat)
    mira = floor.operator("mira", "Mira")
    await mira.take(dialog)
    for number in range(8):
        await mira.post_message(dialog, secrets.token_hex(8), f"{number} of several lines\n" * 6)
    await expect(visitor.messages).to_have_count(9)
    await expect(visitor.panel.locator("li").last).to_be_in_viewport(ratio=0.9)

    scroller = visitor.panel.locator(".scroller")
    await scroller.hover()
    await visitor.page.mouse.wheel(0, -600)
    await visitor.page.wait_for_function("() => document.querySelector('candor-chat').shadowRoot"
        ".querySelector('.scroller').scrollTop < 700")  # fmt: skip
    before = await scroller.evaluate("box => box.scrollTop")
    await mira.post_message(dialog, secrets.token_hex(8), "One more")
    await expect(visitor.messages).to_have_count(10)
    assert await scroller.evaluate("box => box.scrollTop") == before
    await visitor.write("I see")
    await expect(visitor.message("I see")).to_be_in_viewport()


@real
async def test_a_closed_channel_says_so_and_takes_nothing(page: Page, floor: SupportFloor) -> None:
    channel = f"academy-{secrets.token_hex(4)}"
    with site(floor.urls.chat, floor.urls.rating, channel) as up:
        await allowed(floor, channel, up, closed=True)
        await page.goto(up.origin)
        visitor = Chat(page)
        await visitor.open()
        await expect(visitor.panel.get_by_text("This chat takes no new questions now.")).to_be_visible()
        await expect(visitor.field).to_have_count(0)


@real
async def test_a_page_of_another_site_has_no_widget(
    page: Page, floor: SupportFloor, findings: Findings
) -> None:
    channel = f"academy-{secrets.token_hex(4)}"
    await floor.channel(channel, allowed_origins=["https://school.example"])
    findings.expect("CORS policy|403|ERR_FAILED")
    with site(floor.urls.chat, floor.urls.rating, channel) as elsewhere:
        async with page.expect_event("requestfailed"):
            await page.goto(elsewhere.origin)
        await expect(page.locator("candor-chat .bubble")).to_have_count(0)


@real
@pytest.mark.parametrize("look", ["light", "dark", "phone", "arabic"])
async def test_the_widget_is_good_to_look_at_and_to_hear(
    new_page: NewPage,
    findings: Findings,
    floor: SupportFloor,
    look: Literal["light", "dark", "phone", "arabic"],
) -> None:
    """Pictures of its states, for people; axe-core finds nothing serious in any of them."""
    channel = f"academy-{secrets.token_hex(4)}"
    page = await new_page(
        size=PHONE if look == "phone" else DESKTOP,
        scheme="dark" if look == "dark" else "light",
        locale="ar-EG" if look == "arabic" else "en-GB",
    )
    visitor, mira = Chat(page), floor.operator("mira", "Mira")

    async def picture(state: str) -> None:
        await screenshot(page, f"widget/{look}-{state}")
        assert [each for each in await axe(page) if "candor-chat" in each] == []

    with site(floor.urls.chat, floor.urls.rating, channel, hostile=False) as up:
        await allowed(floor, channel, up)
        await page.goto(up.origin + ("/dars" if look == "arabic" else ""))
        await expect(visitor.bubble).to_be_visible()
        await picture("1-closed")
        await visitor.open()
        await picture("2-greeting")
        await visitor.write("Hello. I have paid for the course, and lesson 5 is still locked.")
        await visitor.write("My order is https://northbank.example/orders/20417, from Tuesday.")
        await expect(visitor.panel.locator(".conversation > .line")).to_be_visible()
        await picture("3-waiting")
        dialog = await visitor.dialog(floor.urls.chat)
        await mira.take(dialog)
        await mira.post_message(dialog, secrets.token_hex(8), "Let me look. One moment, please.")
        text = (
            "The payment is there now, and lesson 5 is open for you. It had been booked on your old account."
        )
        await expect(visitor.messages).to_have_count(3)
        await visitor.bubble.click() if look != "phone" else await visitor.field.press("Escape")
        await mira.post_message(dialog, secrets.token_hex(8), text)
        await expect(visitor.badge).to_have_text("1")
        await picture("4-unread")
        await visitor.open()
        await visitor.write("I see it, thank you.")
        await page.wait_for_function(NOTHING_UNSENT)
        async with findings.offline(page.context):
            await visitor.write("And the certificate?")
            await expect(visitor.panel.locator(".signature.waiting")).to_be_visible()
            await visitor.field.fill("\n".join(f"line {number}" for number in range(9)))
            await picture("5-offline")
            await visitor.field.fill("")
        await page.wait_for_function(NOTHING_UNSENT)
        await mira.close(dialog, 1)
        await expect(visitor.frame).to_be_visible(timeout=20_000)
        await expect(visitor.frame.content_frame.get_by_role("radio").first).to_be_visible()
        await picture("6-form")


@pytest.mark.parametrize("language", ["en", "ru", "fr", "ar"])
def test_the_widget_is_small(language: str) -> None:
    """All that a visitor's browser loads before the form, compressed by gzip: script, module, texts."""
    static = Path(chat.__file__).parent / "static"
    script = (static / "widget.js").read_text()
    match = re.search(r'/pages/chat/(assets/[^"]+)', script)
    assert match is not None
    module = (static / match[1]).read_text()
    texts = next(name for name in re.findall(r"import\(`\./([^`]+)`\)", module) if name.startswith(language))
    files = {match[1], f"assets/{texts}", *shared(static, f"assets/{texts}"), *shared(static, match[1])}
    sizes = {name: len(gzip.compress((static / name).read_bytes(), 9)) for name in {"widget.js", *files}}
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def shared(static: Path, name: str) -> list[str]:
    """The files that a module imports before it can run."""
    found = re.findall(r"(?:from|import)\s*[`\"']\./([^`\"']+)", (static / name).read_text())
    return [f"assets/{each}" for each in found]
