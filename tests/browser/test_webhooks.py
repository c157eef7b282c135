"""Webhooks in the real system: made, seen to fail and sent again, secrets exchanged, deleted, and by whom."""

from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from contracts.access import Role
from deploy.demo.support_floor import SupportFloor
from tests.browser.conftest import DESKTOP, PHONE, NewPage, OpenPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot
from tests.rating.adapters.http_receiver import Receiver, http_receiver
from tests.waiting import until

pytestmark = pytest.mark.real

REFUSED = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
LONG_URL = "https://hooks.northbank.example/" + "a-very-long-path-without-a-blank/" * 12


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    """The system that is told, on loopback."""
    async with http_receiver() as receiver:
        yield receiver


@pytest_asyncio.fixture(loop_scope="session")
async def channel(floor: SupportFloor) -> str:
    """A channel of the test's own, as rating knows it."""
    channel = f"shop-{token_hex(4)}"
    await floor.channel(channel, f"The shop {channel}", locales=["en"])
    admin, url = floor.caller(Role.ADMIN), f"{floor.urls.rating}/v1/quality-control/{channel}"
    await until(lambda: admin.do("GET", url), lambda read: read["name"] != channel)
    return channel


@pytest_asyncio.fixture(loop_scope="session")
async def hook(floor: SupportFloor, receiver: Receiver, channel: str) -> AsyncIterator[str]:
    """A webhook that is told of the channel's forms; deleted after the test."""
    hook = f"crm-{token_hex(4)}"
    await save(floor, hook, 0, url=f"http://127.0.0.1:{receiver.port}/candor", channels=[channel])
    yield hook
    await floor.caller(Role.ADMIN).do("DELETE", f"{floor.urls.rating}/v1/webhooks/{hook}")


async def save(floor: SupportFloor, hook: str, version: int, **changes: Any) -> None:
    """Saves a webhook over the API, based on a version, 0 for a new one, and waits until it holds."""
    url = f"{floor.urls.rating}/v1/webhooks/{hook}"
    settings = {"events": ["offered"], "channels": [], "score_at_or_below": None, "enabled": True}
    headers = {"If-Match": f'"{version}"'} if version else {}
    await floor.caller(Role.ADMIN).do("PUT", url, headers=headers, json={**settings, **changes})
    await listed(floor, hook, version + 1)


async def listed(floor: SupportFloor, hook: str, version: int) -> None:
    """Waits until the list, which follows, has the webhook like this."""
    admin, url = floor.caller(Role.ADMIN), f"{floor.urls.rating}/v1/webhooks"

    def is_there(found: Any) -> bool:
        return (hook, version) in {(each["webhook"], each["version"]) for each in found["webhooks"]}

    await until(lambda: admin.do("GET", url), is_there)


async def opened(page: Page, open_page: OpenPage, path: str = "") -> None:
    """The page, for an admin of every channel."""
    await open_page(page, "rating", f"/webhooks{path}", Role.ADMIN, name="Ada Holm", sub="ada")
    await expect(page.get_by_role("button", name="Ada Holm")).to_be_visible()


async def a_close(floor: SupportFloor, channel: str) -> str:
    """A client writes, an operator answers and closes, and the form is offered; returns the dialog."""
    visitor, operator = await floor.visitor(channel), floor.operator("ann")
    dialog = f"d-{token_hex(4)}"
    await visitor.open(dialog)
    await visitor.post_message(dialog, "m1", "Where is my parcel?")
    await operator.take(dialog)
    await operator.post_message(dialog, "m2", "It comes today.")
    await operator.close(dialog, 1)
    await visitor.form(dialog, 1)
    return dialog


def delivery(page: Page, dialog: str) -> Locator:
    """The delivery of a dialog's form, in the log."""
    return page.locator(".deliveries li").filter(has_text=f"{dialog}.1")


async def test_an_admin_makes_one_and_sends_again_what_failed(
    page: Page, open_page: OpenPage, floor: SupportFloor, receiver: Receiver, channel: str
) -> None:
    receiver.response = REFUSED
    hook = f"crm-{token_hex(4)}"
    await open_page(page, "rating", "/quality-control", Role.ADMIN, name="Ada Holm")
    await page.get_by_role("link", name="Webhooks").click()
    await page.get_by_role("link", name="New webhook").first.click()
    await page.get_by_role("button", name="Make webhook").click()
    await expect(page.get_by_label("Id", exact=True)).to_be_focused()
    await page.get_by_label("Id", exact=True).fill(hook)
    await page.get_by_label("Address").fill(f"http://127.0.0.1:{receiver.port}/candor")
    await page.get_by_label("A form is offered to a client.").check()
    await page.get_by_label("Channel to add").select_option(channel)
    await page.get_by_role("button", name="Add", exact=True).click()
    await page.get_by_label("Of answers only those").check()
    await page.get_by_label("Low scores").fill("3")
    await expect(page.locator(".sentence")).to_have_text(
        f"127.0.0.1:{receiver.port} is told when a form is offered, a client answers or a client changes an "
        f"answer, in The shop {channel}. Of answers only those with a score of 3 or less."
    )
    await screenshot(page, "webhooks/new", whole=True)
    await page.keyboard.press("Control+s")
    await expect(page.get_by_role("heading", name=hook)).to_be_visible()
    await expect(page.get_by_text("Nothing was to be sent yet.")).to_be_visible()
    assert page.url.endswith(f"?id={hook}")
    await listed(floor, hook, 1)

    dialog = await a_close(floor, channel)
    await page.reload()
    await expect(delivery(page, dialog)).to_contain_text("it answered 503")
    await page.get_by_role("link", name="Webhooks", exact=True).click()
    await expect(page.get_by_role("link", name=hook)).to_contain_text("Failing since")
    await page.get_by_role("link", name=hook).click()
    receiver.response = b"HTTP/1.1 204 No Content\r\n\r\n"
    await delivery(page, dialog).get_by_role("button", name="again").click()
    # What is tried again by itself counts on.
    await expect(delivery(page, dialog)).to_contain_text("delivered", timeout=15_000)
    await expect(delivery(page, dialog).locator(".outcome .small")).to_have_text("1 attempt")
    ids = {each.headers["webhook-id"] for each in receiver.received if dialog.encode() in each.body}
    assert len(ids) == 1
    await expect(delivery(page, dialog)).to_contain_text(ids.pop())
    await page.get_by_role("link", name="Webhooks", exact=True).click()
    await expect(page.get_by_role("link", name=hook)).to_contain_text("last delivery")
    await expect(page.get_by_role("link", name=hook)).not_to_contain_text("Failing")


async def test_deleting_says_first_what_comes_of_it(
    page: Page, open_page: OpenPage, floor: SupportFloor, hook: str
) -> None:
    await opened(page, open_page, f"?id={hook}")
    await page.get_by_role("button", name="Delete webhook").click()
    asked = page.get_by_role("dialog")
    await expect(asked).to_contain_text("What waits to be sent is given up")
    assert await axe(page) == []
    await screenshot(page, "webhooks/delete")
    await asked.get_by_role("button", name="Cancel").click()
    await expect(asked).to_have_count(0)
    await page.get_by_role("button", name="Delete webhook").click()
    await asked.get_by_role("button", name="Delete webhook").click()
    await expect(page.get_by_role("heading", name="Webhooks")).to_be_visible()
    await expect(page.get_by_role("link", name=hook)).to_have_count(0)
    url = f"{floor.urls.rating}/v1/webhooks/{hook}"
    assert (await floor.caller(Role.ADMIN).call("GET", url)).status_code == 404


async def test_all_that_was_given_up_is_sent_again(
    page: Page, open_page: OpenPage, floor: SupportFloor, receiver: Receiver, channel: str, hook: str
) -> None:
    receiver.response = GONE
    dialog = await a_close(floor, channel)
    admin, url = floor.caller(Role.ADMIN), f"{floor.urls.rating}/v1/webhooks/{hook}"
    await until(lambda: admin.do("GET", url), lambda read: read["gone"])
    await opened(page, open_page, f"?id={hook}")
    await expect(page.get_by_role("alert")).to_contain_text("wants nothing more (410)")
    await expect(delivery(page, dialog)).to_contain_text("given up")
    await page.get_by_role("radio", name="given up").click()
    await expect(page.get_by_role("button", name="Send all these again")).to_be_disabled()
    await screenshot(page, "webhooks/gone", whole=True)

    receiver.response = b"HTTP/1.1 204 No Content\r\n\r\n"
    await page.get_by_role("button", name="Switch on again").click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await listed(floor, hook, 3)
    await page.get_by_role("button", name="Send all these again").click()
    await expect(page.get_by_text("1 message is sent again.")).to_be_visible()
    await page.get_by_role("radio", name="delivered").click()

    async def shown() -> int:
        await page.get_by_role("radio", name="all", exact=True).click()
        await page.get_by_role("radio", name="delivered").click()
        return await delivery(page, dialog).count()

    await until(shown)
    assert [each for each in receiver.received if dialog.encode() in each.body]


async def test_a_secret_is_copied_and_exchanged(
    page: Page, open_page: OpenPage, hook: str, floor: SupportFloor
) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await opened(page, open_page, f"?id={hook}")
    await expect(page.get_by_text("whsec_")).to_have_count(0)
    await page.get_by_role("button", name="Show secret").click()
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    old = await page.evaluate("navigator.clipboard.readText()")

    await page.get_by_role("button", name="Change secret…").click()
    await expect(page.get_by_role("dialog")).to_contain_text("For 24 hours messages are signed with both")
    await page.get_by_role("dialog").get_by_role("button", name="Change secret").click()
    await expect(page.get_by_text("messages are signed with the one before, too")).to_be_visible()
    await expect(page.get_by_role("button", name="Change secret…")).to_have_count(0)
    url = f"{floor.urls.rating}/v1/webhooks/{hook}/secret"
    new = (await floor.caller(Role.ADMIN).do("GET", url))["secret"]
    assert new != old
    await expect(page.locator(".copied code")).to_have_text(new)
    # Another one: nobody has copied it.
    await expect(page.get_by_role("button", name="Copy", exact=True)).to_be_visible()
    await screenshot(page, "webhooks/secret", whole=True)
    await page.get_by_label("A form expires without an answer.").check()
    await page.get_by_role("button", name="Save webhook").click()
    await expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    await page.get_by_role("button", name="Hide secret").click()
    await expect(page.locator(".copied")).to_have_count(0)


async def test_two_admins_at_once_lose_nothing(
    page: Page, open_page: OpenPage, floor: SupportFloor, hook: str, channel: str, findings: Findings
) -> None:
    findings.expect("412")
    await opened(page, open_page, f"?id={hook}")
    await page.get_by_label("A form expires without an answer.").check()
    await expect(page.get_by_text("was form offered")).to_be_visible()
    await save(floor, hook, 1, url="https://crm.example/other", channels=[channel])

    await page.get_by_role("button", name="Save webhook").click()
    await expect(page.get_by_text("Somebody else saved this webhook meanwhile.").first).to_be_visible()
    await expect(page.get_by_role("row", name="Told when form offered form offered form")).to_be_visible()
    await expect(page.get_by_role("row", name="Address http://127.0.0.1")).to_contain_text("crm.example")
    await expect(page.get_by_label("Address")).to_have_value("https://crm.example/other")
    await screenshot(page, "webhooks/meanwhile", whole=True)
    await page.get_by_role("button", name="Save webhook").click()
    await expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_label("Address")).to_have_value("https://crm.example/other")
    await expect(page.get_by_label("A form expires without an answer.")).to_be_checked()


async def test_a_new_one_overwrites_none(
    page: Page, open_page: OpenPage, hook: str, findings: Findings
) -> None:
    findings.expect("412")
    await opened(page, open_page, "?new")
    await page.get_by_label("Id", exact=True).fill(hook)
    await page.get_by_label("Address").fill("https://crm.example/mine")
    await page.get_by_role("button", name="Make webhook").click()
    await expect(page.get_by_role("alert")).to_have_text("There is a webhook of this id already")
    await expect(page.get_by_label("Id", exact=True)).to_be_focused()


async def test_what_is_not_saved_stays_without_network_and_on_the_way_through_the_list(
    page: Page, open_page: OpenPage, hook: str, findings: Findings
) -> None:
    await opened(page, open_page, f"?id={hook}")
    await page.get_by_role("switch").click()
    async with findings.offline(page.context):
        await page.get_by_role("button", name="Save webhook").click()
        await expect(page.get_by_role("alert")).to_contain_text("Not done; your changes are still here")
        await expect(page.get_by_text("No network", exact=True)).to_be_visible()
        await screenshot(page, "webhooks/offline")
    await page.get_by_role("link", name="Webhooks", exact=True).click()
    await expect(page.get_by_role("heading", name="Webhooks")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("switch")).not_to_be_checked()
    await page.get_by_role("button", name="Save webhook").click()
    await expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    await page.get_by_role("link", name="Webhooks", exact=True).click()
    await expect(page.get_by_role("link", name=hook)).to_contain_text("Off")


@pytest.mark.parametrize(("role", "channels"), [(Role.SUPERVISOR, ["*"]), (Role.ADMIN, ["some-channel"])])
async def test_others_learn_whose_it_is(
    page: Page, open_page: OpenPage, hook: str, role: Role, channels: list[str]
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await open_page(page, "rating", f"/webhooks?id={hook}", role, channels=channels)
    await expect(page.get_by_role("heading")).to_have_text("Webhooks are set up by admins of all channels")
    assert [url for url in asked if "/v1/" in url] == []
    assert await axe(page) == []
    await screenshot(page, f"webhooks/forbidden-{role}")
    await page.get_by_role("link", name="Quality control").last.click()
    await expect(page.get_by_role("link", name="New channels")).to_be_visible()
    await expect(page.get_by_role("link", name="Webhooks")).to_have_count(0)


async def test_operators_see_nothing_of_it(page: Page, open_page: OpenPage, findings: Findings) -> None:
    findings.expect("403")
    await open_page(page, "rating", "/webhooks", Role.OPERATOR)
    await expect(page.get_by_role("heading")).to_have_text("This page is not for you")


async def test_one_that_is_gone_and_a_service_that_fails_say_so(
    page: Page, open_page: OpenPage, findings: Findings
) -> None:
    findings.expect("404")
    findings.expect("503")
    await opened(page, open_page, "?id=nobody")
    await expect(page.get_by_role("heading")).to_have_text("There is no such webhook")
    body = '{"type": "/problems/unavailable"}'
    await page.route("**/v1/webhooks", lambda route: route.fulfill(status=503, body=body))
    await page.get_by_role("link", name="All webhooks").click()
    await expect(page.get_by_role("alert")).to_contain_text("The webhooks can’t be shown now")
    assert await axe(page) == []
    await screenshot(page, "webhooks/error")
    await page.unroute("**/v1/webhooks")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_who_has_none_learns_what_they_are_for(page: Page, open_page: OpenPage) -> None:
    # The system is shared: other tests have webhooks.
    await page.route("**/v1/webhooks", lambda route: route.fulfill(json={"webhooks": []}))
    await opened(page, open_page)
    await expect(page.get_by_text("No system is told of ratings yet.")).to_be_visible()
    await screenshot(page, "webhooks/empty")
    assert await axe(page) == []
    await page.get_by_role("link", name="New webhook").click()
    await expect(page.get_by_label("Id", exact=True)).to_be_visible()
    await page.go_back()
    await expect(page.get_by_text("No system is told of ratings yet.")).to_be_visible()


@pytest.mark.parametrize(
    "looks",
    [("en-GB", "light", DESKTOP), ("fr-FR", "dark", DESKTOP), ("ru-RU", "light", DESKTOP),
     ("en-GB", "dark", PHONE), ("fr-FR", "light", PHONE)],
)  # fmt: skip
async def test_everybody_can_use_the_page(
    new_page: NewPage,
    open_page: OpenPage,
    floor: SupportFloor,
    receiver: Receiver,
    channel: str,
    hook: str,
    looks: tuple[str, Any, Any],
) -> None:
    locale, scheme, size = looks
    receiver.response = REFUSED
    dialog = await a_close(floor, channel)
    await until(lambda: receiver.received)
    page = await new_page(size=size, scheme=scheme, locale=locale)
    name = f"webhooks/{locale[:2]}-{scheme}-{size['width']}"
    await opened(page, open_page, f"?id={hook}")
    await expect(delivery(page, dialog)).to_contain_text("503")
    await page.get_by_role("checkbox").nth(3).check()
    await page.locator("input[type=url]").fill(LONG_URL)
    assert await axe(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    await screenshot(page, f"{name}-one", whole=True)
    await page.locator(".unsaved button").last.click()
    await expect(page.locator(".unsaved")).to_have_count(0)
    await page.locator(".crumb a").click()
    await expect(page.get_by_role("link", name=hook)).to_be_visible()
    assert await axe(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    await screenshot(page, f"{name}-list", whole=True)
