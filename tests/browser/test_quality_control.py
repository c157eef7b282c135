"""Quality control in the real system: what is set, saved, compared and restored, by whom, and its preview."""

import asyncio
from secrets import token_hex
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from contracts.access import Role
from deploy.demo.support_floor import SupportFloor
from tests.browser.conftest import DESKTOP, PHONE, NewPage, OpenPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, rgb, screenshot
from tests.rating.adapters.smtp_server import MailServer
from tests.rating.mailing import link
from tests.waiting import until

pytestmark = pytest.mark.real

NAME = "Study bot"
COOL_DOWN = {"en": "Cool-down", "fr": "Délai de repos", "ru": "Перерыв"}


@pytest_asyncio.fixture(loop_scope="session")
async def channel(floor: SupportFloor) -> str:
    """A channel with a cool-down of 30 days, as rating knows it."""
    channel = f"bot-{token_hex(4)}"
    await floor.channel(channel, NAME, locales=["en", "fr", "ru"])
    await floor.set_up(channel, cool_down=2_592_000)
    supervisor = floor.supervisor()
    url = f"{supervisor.urls.rating}/v1/quality-control/{channel}"
    await until(lambda: supervisor.caller.do("GET", url), lambda read: read["name"] == NAME)
    return channel


async def opened(page: Page, open_page: OpenPage, channel: str) -> None:
    """The settings of the channel, for a supervisor of every channel."""
    path = f"/quality-control?channel={channel}"
    await open_page(page, "rating", path, Role.SUPERVISOR, name="Clara Moen", sub="clara")
    await expect(page.get_by_role("heading", name=NAME)).to_be_visible()


async def test_a_change_says_what_it_does_is_marked_and_saved_by_keyboard(
    page: Page, open_page: OpenPage, channel: str
) -> None:
    await opened(page, open_page, channel)
    field = page.get_by_label("Cool-down", exact=True)

    await field.fill("14")
    await expect(page.locator("#ask")).to_contain_text("at most once in 14 days")
    await expect(page.locator("#ask")).to_contain_text("was 30 days")
    await expect(page.get_by_role("region", name="Unsaved changes")).to_contain_text("30 days → 14 days")
    await page.keyboard.press("Control+s")

    await expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    await expect(page.get_by_text("Saved as version 3")).to_be_in_viewport()
    await expect(page.locator(".page-head")).to_contain_text("saved by Clara Moen")
    await expect(page.locator("#history li").first).to_contain_text("cool-down")
    await page.reload()
    await expect(field).to_have_value("14")


async def test_discarding_gives_back_what_is_saved(page: Page, open_page: OpenPage, channel: str) -> None:
    await opened(page, open_page, channel)
    field = page.get_by_label("Cool-down", exact=True)

    await field.fill("often")
    await expect(page.get_by_role("alert")).to_have_text("A number, at most 10 years")
    await expect(page.get_by_role("button", name="Save settings")).to_be_disabled()
    await page.get_by_role("button", name="Discard").click()

    await expect(field).to_have_value("30")
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_leaving_with_what_is_not_saved_asks(page: Page, open_page: OpenPage, channel: str) -> None:
    await opened(page, open_page, channel)
    await page.get_by_label("Cool-down", exact=True).fill("14")

    async with page.expect_event("dialog") as asked:
        await page.evaluate("setTimeout(() => location.reload())")
    dialog = await asked.value
    assert dialog.type == "beforeunload"
    await dialog.dismiss()
    await expect(page.get_by_label("Cool-down", exact=True)).to_have_value("14")


async def test_if_somebody_saved_before_nothing_is_lost(
    page: Page, open_page: OpenPage, floor: SupportFloor, channel: str, findings: Findings
) -> None:
    findings.expect("412")
    await opened(page, open_page, channel)
    await page.get_by_label("Cool-down", exact=True).fill("14")
    await floor.set_up(channel, delay=600)

    await page.locator("#history").scroll_into_view_if_needed()
    await page.get_by_role("button", name="Save settings").click()
    told = page.get_by_role("status").filter(has_text="saved version 3")
    await expect(told).to_contain_text("Your change is kept")
    await expect(told).to_be_in_viewport()
    await page.get_by_role("button", name="Compare").first.click()
    await expect(page.get_by_role("row", name="Delay 1 second 10 minutes 10 minutes")).to_be_visible()
    await screenshot(page, "quality-control/saved-before")
    await page.get_by_role("button", name="Save settings").click()
    await expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)

    await page.reload()
    await expect(page.get_by_label("Cool-down", exact=True)).to_have_value("14")
    await expect(page.get_by_label("Delay", exact=True)).to_have_value("10")


async def test_an_older_version_can_be_compared_and_restored(
    page: Page, open_page: OpenPage, channel: str
) -> None:
    await opened(page, open_page, channel)
    newest = page.locator("#history li").first

    await newest.get_by_role("button", name="Compare").click()
    await expect(newest.get_by_role("row", name="Cool-down none 30 days")).to_be_visible()
    await page.get_by_role("button", name="Restore version 1").click()

    await expect(page.locator("#history li").first).to_contain_text("version 1 restored")
    await expect(page.get_by_label("Cool-down", exact=True)).to_have_value("0")


async def test_the_preview_is_the_form_with_what_is_not_saved_and_sends_nothing(
    page: Page, open_page: OpenPage, channel: str
) -> None:
    await opened(page, open_page, channel)
    preview = page.frame_locator("iframe")
    await expect(preview.get_by_role("radio")).to_have_count(5)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))

    await page.get_by_role("radio", name="0 to 10").click()
    await expect(preview.get_by_role("radio")).to_have_count(11)
    await page.get_by_label("Question, fr").fill("Alors, cet échange ?")
    await expect(preview.get_by_role("heading")).to_have_text("Alors, cet échange ?")
    await expect(preview.locator("html")).to_have_attribute("lang", "fr")
    await preview.get_by_role("radio").last.check()
    await preview.get_by_role("button", name="Envoyer 10 sur 10").click()
    await expect(preview.get_by_role("heading")).to_have_text("Merci pour votre réponse.")
    await page.get_by_role("tab", name="Expired").click()
    await expect(preview.get_by_role("heading")).to_contain_text("Le délai pour évaluer")
    await page.get_by_role("radio", name="dark").click()
    await expect(preview.locator("html")).to_have_attribute("data-theme", "dark")

    assert [url for url in sent if "/v1/" in url and not url.endswith("/dry-run")] == []


async def test_a_text_that_is_emptied_gives_the_one_that_stands_in_for_it_back(
    page: Page, open_page: OpenPage, channel: str
) -> None:
    await opened(page, open_page, channel)
    field = page.get_by_label("Question, ru")

    await field.fill("Как вам чат?")
    await expect(page.get_by_role("region", name="Unsaved changes")).to_be_visible()
    await field.fill("")

    await expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)
    await expect(field).to_have_attribute("placeholder", "Как прошёл ваш разговор с нами?")  # noqa: RUF001
    await page.get_by_role("button", name="Add a locale").click()
    await page.get_by_label("Language tag").fill("fr-ca")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Question, fr-CA")).to_be_visible()


async def test_without_network_the_changes_stay(
    page: Page, open_page: OpenPage, channel: str, findings: Findings
) -> None:
    await opened(page, open_page, channel)
    await expect(page.frame_locator("iframe").get_by_role("radio")).to_have_count(5)
    await page.get_by_label("Cool-down", exact=True).fill("14")

    async with findings.offline(page.context):
        await page.get_by_role("button", name="Save settings").click()
        await expect(page.get_by_role("alert")).to_contain_text("Not saved; your changes are still here")
        await screenshot(page, "quality-control/offline")
    await page.get_by_role("button", name="Save settings").click()

    await expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)


async def test_another_channel_is_not_shown_and_the_list_has_ones_own(
    page: Page, open_page: OpenPage, channel: str, findings: Findings
) -> None:
    findings.expect("403")
    path = f"/quality-control?channel={channel}"
    await open_page(page, "rating", path, Role.SUPERVISOR, channels=["other"])
    await expect(page.get_by_role("heading")).to_have_text("You may not see this channel")
    await page.get_by_role("link", name="The channels that you may see").click()
    await expect(page.get_by_text("There is no channel yet.")).to_be_visible()
    await screenshot(page, "quality-control/empty")

    await open_page(page, "rating", "/quality-control", Role.SUPERVISOR, channels=[channel])
    await page.reload()
    await page.get_by_role("link", name=NAME).click()
    await expect(page.get_by_role("heading", name=NAME)).to_be_visible()


async def test_who_is_asked_is_tried_on_the_last_closes_before_it_is_saved(
    page: Page, open_page: OpenPage, floor: SupportFloor, channel: str
) -> None:
    for texts in (["Hello", "Where is my parcel?"], ["Hello"]):
        await a_close(floor, channel, texts)
    await opened(page, open_page, channel)
    ask, bar = page.locator("#ask"), page.get_by_role("region", name="Unsaved changes")
    await expect(page.locator(".page-head")).to_contain_text("· 2 closed in the last 4 weeks")

    await page.get_by_label("Messages by the client").fill("2")
    await expect(ask).to_contain_text("who had a reply and wrote at least 2 messages are asked")
    await expect(bar).to_contain_text("Of the last 2 closed dialogs 1 would have been asked (now: 2).")
    await page.get_by_role("button", name="Why the others weren’t").click()
    await bar.get_by_role("button", name="too short 1").click()
    await expect(bar.get_by_role("listitem").get_by_role("link")).to_have_count(1)
    await screenshot(page, "quality-control/dry-run")

    await page.get_by_label("Share asked").fill("0")
    await expect(page.get_by_role("alert")).to_have_text("A whole number from 1 to 100")
    await page.get_by_label("Share asked").fill("100")
    await page.get_by_label("Label").fill("internal")
    await page.keyboard.press("Enter")
    await page.get_by_role("radio", name="once in some time").click()
    await page.get_by_label("Reopened dialogs", exact=True).last.fill("3")
    await expect(ask).to_contain_text("Never about spam or what is labelled “internal”.")
    await expect(ask).to_contain_text("is asked about again after 3 days")
    await page.get_by_role("button", name="Save settings").click()
    await expect(page.get_by_text("Saved as version 3")).to_be_visible()

    await page.reload()
    await expect(page.get_by_label("Messages by the client")).to_have_value("2")
    await expect(page.get_by_role("button", name="Remove internal")).to_be_visible()
    await expect(page.locator("#history li").first).to_contain_text("messages by the client")


async def test_forms_go_out_by_mail_too_and_remind_once(
    page: Page, open_page: OpenPage, floor: SupportFloor, channel: str
) -> None:
    await floor.set_up(channel, expiry=259_200)
    await opened(page, open_page, channel)
    how = page.locator("#how")
    await expect(how).to_contain_text("In the widget, at the client’s next visit too")
    await expect(page.get_by_label("Reminder", exact=True)).to_have_count(0)

    await how.get_by_role("switch", name="e-mail").click()
    await how.get_by_label("Ways", exact=True).fill("45")
    await page.get_by_label("Reminder", exact=True).fill("24")
    await page.get_by_label("Reminder: unit").select_option("hours")
    await expect(how).to_contain_text("and has not answered after 45 minutes")
    await expect(page.locator("#when")).to_contain_text("Reminded once after 1 day")
    await screenshot(page, "quality-control/how", whole=True)
    await page.get_by_role("button", name="Save settings").click()
    await expect(page.get_by_text("Saved as version 4")).to_be_visible()

    await page.reload()
    await expect(how.get_by_role("switch", name="e-mail")).to_be_checked()
    await expect(page.get_by_label("Reminder", exact=True)).to_have_value("1")
    await how.get_by_role("switch", name="e-mail").click()
    await expect(how.get_by_role("switch", name="widget")).to_be_disabled()
    await expect(page.get_by_label("Reminder", exact=True)).to_have_count(0)


async def test_forms_go_to_the_channels_own_system_which_admins_name(
    page: Page, open_page: OpenPage, floor: SupportFloor, channel: str, findings: Findings
) -> None:
    findings.expect("409")
    await floor.set_up(channel, expiry=259_200)
    await open_page(page, "rating", f"/quality-control?channel={channel}", Role.ADMIN, sub="ada")
    how, switch = page.locator("#how"), page.locator("#how").get_by_role("switch", name="webhook")
    await switch.click()
    await expect(how).to_contain_text("not blind: agents who work there would see it")
    await expect(how).to_contain_text("Also by webhook to your own system.")
    save = page.get_by_role("button", name="Save settings")
    await save.click()
    await expect(how.get_by_role("alert")).to_have_text("The webhook has no address yet")

    address = how.get_by_label("Address, such as")
    await address.fill("support.example")
    await expect(how.get_by_role("alert")).to_contain_text("begins with https://")
    await expect(save).to_be_disabled()
    await address.fill("https://support.example/forms")
    await how.get_by_label("Webhook: time without an answer", exact=True).fill("45")
    await how.get_by_label("Webhook: time without an answer: unit").select_option("minutes")
    await expect(how).to_contain_text("if there is no answer after 45 minutes")
    await how.get_by_role("button", name="Show the secret").click()
    secret = how.locator(".copied code")
    await expect(secret).to_contain_text("whsec_")
    assert await axe(page) == []
    await screenshot(page, "quality-control/own-system", whole=True)
    before = await secret.text_content()
    await how.get_by_role("button", name="New secret").click()
    await expect(secret).not_to_have_text(before or "")
    await save.click()
    await expect(page.get_by_text("Saved as version 4")).to_be_visible()
    await how.get_by_role("switch", name="widget").click()
    await expect(switch).to_be_disabled()


async def test_where_forms_go_is_not_for_supervisors_to_say(
    page: Page, new_page: NewPage, open_page: OpenPage, floor: SupportFloor, channel: str
) -> None:
    await opened(page, open_page, channel)
    how = page.locator("#how")
    await expect(how.get_by_role("switch", name="webhook")).to_be_disabled()
    await expect(how).to_contain_text("Only admins of the channel say where that is.")

    webhook = {"url": "https://support.example/forms"}
    await floor.set_up(channel, ways=[{"way": "webhook", "after": 0}], form_webhook=webhook)
    other = await new_page(size=PHONE)
    await opened(other, open_page, channel)
    how = other.locator("#how")
    await expect(how.get_by_label("Address, such as")).not_to_be_editable()
    await expect(how.get_by_role("button", name="Show the secret")).to_have_count(0)


async def test_a_webhook_that_is_gone_is_used_again_on_a_click(
    page: Page, open_page: OpenPage, floor: SupportFloor, channel: str
) -> None:
    webhook = {"url": "https://support.example/forms"}
    await floor.set_up(channel, ways=[{"way": "webhook", "after": 0}], form_webhook=webhook)

    async def gone(route: Route) -> None:
        if route.request.method != "GET":
            return await route.continue_()
        response = await route.fetch()
        return await route.fulfill(response=response, json={**await response.json(), "webhook_gone": True})

    await page.route(f"**/v1/quality-control/{channel}", gone)
    await opened(page, open_page, channel)
    how = page.locator("#how")
    await expect(how).to_contain_text("By webhook to your own system, which shows clients the link.")
    await expect(how).to_contain_text("answered 410 Gone")
    await how.get_by_role("button", name="Use it again").click()
    # The address is not gone, as far as rating knows: what holds already is saved as it is.
    await expect(how.get_by_role("button", name="Use it again")).to_have_count(0)


async def test_who_sets_it_up_can_send_themselves_a_test(
    page: Page, new_page: NewPage, open_page: OpenPage, floor: SupportFloor,
    mail_server: MailServer, channel: str,
) -> None:  # fmt: skip
    address = f"clara-{token_hex(4)}@school.test"
    await opened(page, open_page, channel)
    how = page.locator("#how")
    await expect(how).to_contain_text("Marked as a test, counted nowhere.")
    await page.get_by_label("Cool-down", exact=True).fill("14")
    await expect(how).to_contain_text("What is saved is sent, without your changes.")
    await how.get_by_label("Test", exact=True).fill(address)
    await how.get_by_label("Language of the test").select_option("fr")
    await how.get_by_role("button", name="Send me a test").click()
    await expect(how.get_by_text("Sent.", exact=True)).to_be_visible()
    await screenshot(page, "quality-control/test", whole=True)

    (mail,) = [mail for mail in mail_server.mailbox.taken if mail["To"] == address]
    assert mail["Subject"].startswith("[Test] ")
    form = await new_page(size=PHONE)
    await form.goto(f"{floor.urls.rating}/form#{link(mail, 'form')}")
    told = form.get_by_text("Ceci est un test. Votre réponse n’est enregistrée nulle part.")
    await expect(told).to_be_visible()
    await form.get_by_role("radio").last.check()
    assert await axe(form) == []
    await screenshot(form, "form/test")
    await form.get_by_role("button", name="Envoyer").click()
    await expect(form.get_by_role("heading")).to_have_text("Merci pour votre réponse.")
    await expect(told).to_be_visible()
    await form.reload()
    await expect(form.get_by_role("radio").last).to_be_visible()


async def test_a_test_that_is_not_taken_says_why(
    page: Page, open_page: OpenPage, channel: str, mail_server: MailServer, findings: Findings
) -> None:
    findings.expect("409")
    await opened(page, open_page, channel)
    how, released = page.locator("#how"), asyncio.Event()

    async def slow(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await page.route("**/test", slow)
    await how.get_by_label("Test", exact=True).fill("nobody@school.test")
    mail_server.mailbox.replies["rcpt"] = ["550 5.1.1 No such user"]
    await how.get_by_role("button", name="Send me a test").click()
    await expect(how.get_by_role("button", name="Sending…")).to_be_disabled()
    released.set()
    told = "Not sent. The mail server does not take mails to this address."
    await expect(how.get_by_role("alert")).to_have_text(told)
    await expect(how.get_by_role("button", name="Send me a test")).to_be_enabled()


async def test_who_is_told_of_low_scores_is_set_with_addresses_that_are_some(
    page: Page, open_page: OpenPage, channel: str
) -> None:
    await opened(page, open_page, channel)
    how = page.locator("#how")
    save = page.get_by_role("button", name="Save settings")

    await how.get_by_role("switch", name="Low scores").click()
    await expect(how.get_by_role("alert")).to_have_text("An address is missing")
    await expect(how).to_contain_text("whoever gets this mail learns of them")
    address = how.get_by_label("E-mail address")
    await address.fill("clara@")
    await address.press("Enter")
    await expect(how.get_by_role("alert")).to_have_text("This is no e-mail address")
    await expect(save).to_be_disabled()
    for each in ("clara@school.test", "ivo@school.test"):
        await address.fill(each)
        await address.press("Enter")
    await expect(how.get_by_role("alert")).to_have_count(0)
    scores = how.get_by_role("radiogroup", name="Tell of scores up to")
    await expect(scores.get_by_role("radio")).to_have_text(["1", "2", "3"])
    await scores.get_by_role("radio", name="1").click()
    await how.get_by_role("radio", name="fr").click()
    await expect(how.locator(".sentence")).to_contain_text("Scores of 1 are told by e-mail to 2 addresses")
    assert await axe(page) == []
    await screenshot(page, "quality-control/low-scores", whole=True)
    await save.click()
    await expect(page.get_by_text("Saved as version 3")).to_be_visible()
    await expect(page.locator("#history li").first).to_contain_text("low scores")

    await page.reload()
    await expect(how.get_by_role("switch", name="Low scores")).to_be_checked()
    await how.get_by_role("button", name="Remove ivo@school.test").click()
    await expect(how.locator(".sentence")).to_contain_text("to 1 address,")
    await how.get_by_role("switch", name="Low scores").click()
    await save.click()
    await expect(page.get_by_text("Saved as version 4")).to_be_visible()


async def test_nobody_can_be_told_where_no_mail_can_be_sent(
    page: Page, open_page: OpenPage, channel: str
) -> None:
    async def without_mail(route: Route) -> None:
        response = await route.fetch()
        await route.fulfill(response=response, json=await response.json() | {"mail_available": False})

    await page.route(f"**/v1/quality-control/{channel}", without_mail)
    await opened(page, open_page, channel)
    how = page.locator("#how")
    await expect(how.get_by_role("button", name="Send me a test")).to_be_disabled()
    await expect(how.get_by_label("Test", exact=True)).to_be_disabled()
    await expect(how.get_by_role("switch", name="Low scores")).to_be_disabled()
    row = how.locator(".row").filter(has_text="Low scores")
    await expect(row).to_contain_text("E-mail is not set up on this installation: whoever runs it names")


async def test_the_colour_is_shown_as_the_form_has_it_and_taken_back(
    page: Page, open_page: OpenPage, channel: str
) -> None:
    await opened(page, open_page, channel)
    row = page.locator("#what .row").filter(has_text="Colour")
    field, save = row.get_by_label("Colour as #rrggbb"), page.get_by_role("button", name="Save settings")
    star = page.frame_locator("iframe").locator(".scale svg").first

    await field.fill("#ffe6")
    await expect(row.get_by_role("alert")).to_have_text("A colour such as #ffe600")
    await expect(save).to_be_disabled()
    await field.fill("FFE600")
    await expect(row).to_contain_text("On light shown darker: 3.1:1 on the page, text on it 5.7:1.")
    await expect(row).to_contain_text("On dark as chosen: 14.2:1")
    await expect(row.get_by_label("Colour", exact=True)).to_have_value("#ffe600")
    await expect(page.locator("#what .sentence")).to_contain_text("The form’s colour is #ffe600.")
    await page.get_by_role("tab", name="Comment").click()
    await expect(star).to_have_css("fill", rgb("#a39300"))
    await page.get_by_role("radio", name="dark").click()
    await expect(star).to_have_css("fill", rgb("#ffe600"))
    assert await axe(page) == []
    await screenshot(page, "quality-control/colour", whole=True)
    await save.click()
    await expect(page.get_by_text("Saved as version 3")).to_be_visible()

    await page.reload()
    await expect(field).to_have_value("#ffe600")
    await row.get_by_role("button", name="Candor’s own").click()
    await expect(field).to_have_value("")
    await page.get_by_role("tab", name="Comment").click()
    await expect(star).to_have_css("fill", rgb("#0b6664"))


async def a_close(floor: SupportFloor, channel: str, texts: list[str]) -> None:
    """A client writes the texts, an operator answers and closes, and the form is offered."""
    visitor, operator = await floor.visitor(channel), floor.operator("ann")
    dialog = f"d-{token_hex(4)}"
    await visitor.open(dialog)
    for number, text in enumerate(texts):
        await visitor.post_message(dialog, f"m{number}", text)
    await operator.take(dialog)
    await operator.post_message(dialog, "reply", "It comes today.")
    await operator.close(dialog, 1)
    await visitor.form(dialog, 1)


@pytest.mark.parametrize(
    ("locale", "scheme", "size"),
    [("en-GB", "light", DESKTOP), ("fr-FR", "dark", DESKTOP), ("ru-RU", "light", DESKTOP),
     ("en-GB", "dark", PHONE)],
)  # fmt: skip
async def test_everybody_can_use_the_page(
    new_page: NewPage, open_page: OpenPage, channel: str, locale: str, scheme: Any, size: Any
) -> None:
    page = await new_page(size=size, scheme=scheme, locale=locale)
    await opened(page, open_page, channel)
    await expect(page.frame_locator("iframe").get_by_role("radio")).to_have_count(5)
    await page.get_by_label(COOL_DOWN[locale[:2]], exact=True).fill("14")

    assert await axe(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    await screenshot(page, f"quality-control/{locale[:2]}-{scheme}-{size['width']}", whole=True)
