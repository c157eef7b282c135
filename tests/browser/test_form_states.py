"""Every moment of the form's page on every scale, in both directions: for thumbs, and for everybody."""

from secrets import token_hex
from typing import Any, Literal, NamedTuple

import pytest
from playwright.async_api import Locator, Page, expect

from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack
from tests.browser.conftest import DESKTOP, PHONE, NewPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot
from tests.browser.test_form import FOLLOW_UPS, TAGS, closed_dialog
from tests.waiting import until

pytestmark = pytest.mark.real

SCALES = {"thumbs": (2, 2), "faces": (3, 3), "stars": (4, 5), "emoji": (4, 5), "points": (8, 11)}
"""From which score each is satisfied, and how many it has."""
LEAST_TARGET = 44
TOO_LONG = "long " * 500


class Look(NamedTuple):
    """How a client looks at a form."""

    locale: str
    direction: Literal["ltr", "rtl"]
    scheme: Literal["light", "dark"]
    phone: bool


LOOKS = [Look("ar", "rtl", "dark", phone=True), Look("en", "ltr", "light", phone=True),
         Look("ar", "rtl", "light", phone=False)]  # fmt: skip


class Seen:
    """A page in a look; `check` says whether what it shows can be used, and keeps a picture."""

    def __init__(self, page: Page, look: Look, scale: str) -> None:
        self.page, self._look, self._scale = page, look, scale

    async def check(self, moment: str) -> None:
        """What is shown fits the page, hits a thumb, and is accessible."""
        page, look = self.page, self._look
        assert await page.evaluate("document.documentElement.dir || 'ltr'") == look.direction
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, moment
        await self._targets(page.locator(".scale label, .chips label, button, textarea"), moment)
        assert await axe(page) == [], moment
        size = "phone" if look.phone else "desktop"
        await screenshot(page, f"form-states/{self._scale}/{look.locale}-{size}-{moment}", whole=True)

    async def _targets(self, targets: Locator, moment: str) -> None:
        for target in await targets.all():
            if box := await target.bounding_box():
                assert box["height"] >= LEAST_TARGET, (moment, await target.text_content(), box)


LOOKED_AT_SECONDS = 600
"""The shared system's forms expire after seconds, on a busy machine in the midst of a look."""


async def channel_with(floor: SupportFloor, scale: str, **settings: Any) -> str:
    """A channel that asks on this scale, and needs words with its lowest score."""
    name, (satisfied_from, count) = f"states-{token_hex(4)}", SCALES[scale]
    lowest = 0 if scale == "points" else 1
    highest = lowest + count - 1
    tags = [
        {**tag, "lowest": lowest if tag["lowest"] == 1 else highest,
         "highest": highest if tag["highest"] == 5 else lowest}
        for tag in TAGS
    ]  # fmt: skip
    await floor.channel(name, "Northbank Academy")
    await floor.set_up(
        name, scale={"name": scale, "satisfied_from": satisfied_from},
        comment={"mode": "required", "required_at_or_below": lowest},
        tags=tags, follow_ups=FOLLOW_UPS, delay=0, **{"expiry": LOOKED_AT_SECONDS, **settings},
    )  # fmt: skip
    supervisor = floor.supervisor()
    url = f"{supervisor.urls.rating}/v1/quality-control/{name}"
    await until(lambda: supervisor.caller.do("GET", url), lambda read: read["name"] == "Northbank Academy")
    return name


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.locale}-{look.scheme}-{look.phone}")
@pytest.mark.parametrize("scale", SCALES)
async def test_a_form_can_be_used_at_every_moment_that_its_client_makes(
    new_page: NewPage, stack: Stack, floor: SupportFloor, findings: Findings, scale: str, look: Look
) -> None:
    rating = stack.addresses.services["rating"]
    channel = await channel_with(floor, scale)
    _, form = await closed_dialog(floor, channel, locale=look.locale)
    page = await new_page(size=PHONE if look.phone else DESKTOP, scheme=look.scheme, locale=look.locale)
    seen = Seen(page, look, scale)
    send, alert = page.locator("button[type=submit]"), page.get_by_role("alert")
    scores, words = page.locator("input[name=score]"), page.locator("#comment")

    await page.goto(f"{rating}/form#{form['token']}")
    await expect(scores).to_have_count(SCALES[scale][1])
    await seen.check("1-question")

    await scores.first.check()
    await page.get_by_role("checkbox").first.check()
    await seen.check("2-lowest-score")

    await send.click()
    await expect(alert).to_be_visible()
    await expect(words).to_be_focused()
    await seen.check("3-words-missing")

    await words.fill(TOO_LONG)
    await send.click()
    await expect(alert).to_be_visible()
    await expect(page.locator(".counter.wrong")).to_be_visible()
    await seen.check("4-too-long")

    await words.fill("Sorry, كلمة with 2 directions")
    async with findings.offline(page.context):
        await send.click()
        await expect(page.get_by_role("status")).to_be_visible()
        await seen.check("5-not-sent-yet")
    stored = page.locator(".stored")
    await expect(stored).to_contain_text("كلمة")
    await seen.check("6-thanks")

    await page.locator("button.second").click()
    await scores.last.check()
    await seen.check("7-changing")
    await send.click()
    await expect(stored).to_be_visible()
    await seen.check("8-thanks-satisfied")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.locale}-{look.scheme}-{look.phone}")
@pytest.mark.parametrize("scale", SCALES)
async def test_a_form_that_takes_no_answer_says_so_in_every_look(
    new_page: NewPage, stack: Stack, floor: SupportFloor, findings: Findings, scale: str, look: Look
) -> None:
    findings.tolerate("40[49]|503")
    rating = stack.addresses.services["rating"]
    channel = await channel_with(floor, scale)
    page = await new_page(size=PHONE if look.phone else DESKTOP, scheme=look.scheme, locale=look.locale)
    seen, heading = Seen(page, look, scale), page.get_by_role("heading")
    second, stored = page.locator("button.second"), page.locator(".stored")

    async def shown(form: dict[str, Any]) -> None:
        await page.goto("about:blank")
        await page.goto(f"{rating}/form#{form['token']}")
        await expect(heading).to_be_visible()

    visitor, form = await closed_dialog(floor, channel, locale=look.locale)
    await shown(form)
    await page.locator("form button:not([type=submit])").click()
    await expect(second).to_be_visible()
    await seen.check("a-declined")

    await visitor.reopen(form["dialog"], 1)
    await visitor.post_message(form["dialog"], "m3", "One more thing")
    _, form = await closed_dialog(floor, channel, locale=look.locale)
    await shown(form)
    await expect(page.locator("input[name=score]").first).to_be_visible()
    await page.route("**/v1/forms/answer", lambda route: route.fulfill(status=503))
    await page.locator("input[name=score]").last.check()
    await page.locator("button[type=submit]").click()
    await expect(page.get_by_role("status")).to_be_visible()
    await seen.check("b-service-away")
    await page.unroute("**/v1/forms/answer")
    await expect(stored).to_be_visible(timeout=15_000)

    brief = await channel_with(floor, scale, expiry=3, edit_window=1)
    visitor, form = await closed_dialog(floor, brief, locale=look.locale)
    await visitor.answer(form["token"], form["scale"]["highest"])
    await shown(form)
    await expect(second).to_have_count(0, timeout=10_000)
    await seen.check("c-change-is-over")

    _, form = await closed_dialog(floor, brief, locale=look.locale)
    await shown(form)
    await expect(page.locator("input[name=score]")).to_have_count(0, timeout=10_000)
    await seen.check("d-expired")

    visitor, form = await closed_dialog(floor, channel, locale=look.locale)
    await visitor.reopen(form["dialog"], 1)
    await visitor.post_message(form["dialog"], "m3", "One more thing")
    await until(lambda: visitor.caller.do("GET", f"{rating}/v1/forms/mine"), lambda mine: not mine["forms"])
    await shown(form)
    await seen.check("e-withdrawn")

    await shown({"token": "nothing"})
    await seen.check("f-unknown")

    await page.route("**/v1/forms/read", lambda route: route.fulfill(status=503))
    await shown(form)
    await expect(second).to_be_visible()
    await seen.check("g-not-readable")
