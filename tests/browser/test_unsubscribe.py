"""The page behind the link that stops mails: opening it stops nothing, a click does, in every language."""

from secrets import token_hex

import pytest
from playwright.async_api import Page, expect

from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack
from tests.browser.conftest import PHONE, NewPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot
from tests.rating.adapters.smtp_server import MailServer
from tests.rating.mailing import link
from tests.waiting import until

pytestmark = pytest.mark.real


async def mail_to(floor: SupportFloor, server: MailServer, channel: str, address: str, number: int) -> str:
    """What the link holds by which the address stops mails, in the mail of that number about a new dialog."""
    visitor, operator = await floor.visitor(channel, email=address), floor.operator("ann", "Ann Lee")
    dialog = visitor.name_dialog()
    await visitor.open(dialog)
    await visitor.post_message(dialog, "m1", "Hello")
    await operator.take(dialog)
    await operator.post_message(dialog, "m2", "Hello")
    await operator.close(dialog, 1)

    def mails() -> list[str]:
        taken = [mail for mail in server.mailbox.taken if mail["To"] == address]
        return [link(mail, "unsubscribe") for mail in taken]

    return (await until(mails, lambda found: len(found) == number))[-1]


@pytest.mark.parametrize(
    ("locale", "stop", "done"),
    [
        ("en-GB", "Stop the mails", "Done. You will get no more of these mails."),
        ("fr-FR", "Ne plus recevoir d’e\N{NON-BREAKING HYPHEN}mails", "C’est fait."),
        ("ru-RU", "Отписаться", "Готово."),
        ("ar-EG", "إيقاف الرسائل", "تم."),
    ],
)
async def test_a_click_stops_the_mails_and_nothing_else_does(
    new_page: NewPage, floor: SupportFloor, stack: Stack, mail_server: MailServer,
    locale: str, stop: str, done: str,
) -> None:  # fmt: skip
    channel, address = f"mails-{token_hex(4)}", f"zoe-{token_hex(4)}@school.test"
    await floor.channel(channel)
    await floor.set_up(channel, ways=[{"way": "email", "after": 0}], expiry=600)
    token = await mail_to(floor, mail_server, channel, address, 1)
    page = await new_page(size=PHONE, locale=locale)

    await page.goto(f"{stack.addresses.services['rating']}/unsubscribe#{token}")
    button = page.get_by_role("button", name=stop)
    await expect(button).to_be_visible()
    assert await axe(page) == []
    await screenshot(page, f"unsubscribe/{locale}")
    await mail_to(floor, mail_server, channel, address, 2)  # it was only opened

    await button.click()
    await expect(page.get_by_role("status")).to_contain_text(done)
    await expect(button).to_have_count(0)


async def test_a_link_that_is_none_says_so(page: Page, stack: Stack, findings: Findings) -> None:
    findings.expect("mail/unsubscribe.* 404")
    await page.goto(f"{stack.addresses.services['rating']}/unsubscribe#course-a.x.y")
    await page.get_by_role("button").click()
    await expect(page.get_by_role("status")).to_contain_text("This link is incomplete")
    await expect(page.get_by_role("button")).to_have_count(0)
    await screenshot(page, "unsubscribe/no-such-link")


async def test_without_network_nothing_is_said_to_be_done_and_it_can_be_tried_again(
    new_page: NewPage, floor: SupportFloor, stack: Stack, mail_server: MailServer, findings: Findings
) -> None:
    channel, address = f"mails-{token_hex(4)}", f"zoe-{token_hex(4)}@school.test"
    await floor.channel(channel)
    await floor.set_up(channel, ways=[{"way": "email", "after": 0}], expiry=600)
    token = await mail_to(floor, mail_server, channel, address, 1)
    page = await new_page(size=PHONE, scheme="dark")
    await page.goto(f"{stack.addresses.services['rating']}/unsubscribe#{token}")
    button, status = page.get_by_role("button", name="Stop the mails"), page.get_by_role("status")

    async with findings.offline(page.context):
        await button.click()
        await expect(status).to_contain_text("That did not work.")
        await screenshot(page, "unsubscribe/failed")
        assert await axe(page) == []
    await button.click()

    await expect(status).to_contain_text("Done.")
