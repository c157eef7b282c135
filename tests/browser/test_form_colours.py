"""The form in a channel's own colour, in both schemes: it is what was derived, and can be read."""

from secrets import token_hex
from typing import Any, Literal

import pytest
from playwright.async_api import expect

from deploy.demo.support_floor import SupportFloor
from rating.domain.form_colours import form_colours
from tests.browser.conftest import PHONE, NewPage
from tests.browser.looking import axe, rgb, screenshot
from tests.browser.test_form import closed_dialog
from tests.waiting import until

pytestmark = pytest.mark.real

STYLES = """(selector) => {
  const { fill, backgroundColor, color } = getComputedStyle(document.querySelector(selector));
  return { fill, backgroundColor, color };
}"""
TAG = {"id": "slow", "lowest": 1, "highest": 5, "texts": {"en": "slow"}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("accent", ["#ffe600", "#ff0000", "#000000", "#ffffff", "#808080"])
async def test_whatever_colour_was_chosen_the_form_can_be_read(
    new_page: NewPage, floor: SupportFloor, accent: str, scheme: Literal["light", "dark"]
) -> None:
    channel = f"form-{token_hex(4)}"
    await floor.channel(channel, "Northbank Academy")
    await floor.set_up(channel, accent=accent, expiry=259_200, delay=0, tags=[TAG])
    supervisor = floor.supervisor()
    url = f"{supervisor.urls.rating}/v1/quality-control/{channel}"
    await until(lambda: supervisor.caller.do("GET", url), lambda read: read["name"] == "Northbank Academy")
    visitor, form = await closed_dialog(floor, channel)
    page = await new_page(size=PHONE, scheme=scheme)

    await page.goto(f"{visitor.urls.rating}/form#{form['token']}")
    await page.get_by_role("radio").nth(3).check()
    await page.get_by_role("checkbox", name="slow").check()
    await expect(page.locator(".first")).to_be_visible()

    colours = getattr(form_colours(accent), scheme)
    star: Any = await page.evaluate(STYLES, ".filled svg")
    button: Any = await page.evaluate(STYLES, ".first")
    assert star["fill"] == rgb(colours.accent)
    assert (button["backgroundColor"], button["color"]) == (rgb(colours.accent), rgb(colours.on_accent))
    assert await axe(page) == []
    await screenshot(page, f"form-colours/{accent[1:]}-{scheme}")
