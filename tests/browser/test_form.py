"""The form in the real system: by link, in a widget's frame, in every language, and when things go wrong."""

import re
from secrets import token_hex
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import FrameLocator, Page, expect

from deploy.demo.people import Operator, Visitor
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack
from rating.api.pages import BUILT
from tests.browser.conftest import PHONE, NewPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot
from tests.browser.site import serving
from tests.waiting import until

pytestmark = pytest.mark.real

MOST_BYTES = 30 * 1024
WIDGET = """<!doctype html><html lang=en><title>Site</title><link rel=icon href='data:,'>
<main><h1>Site</h1><iframe title=form src="{form}" width=400 height=600></iframe></main>
<script>
  window.told = [];
  addEventListener("message", (event) => {{
    told.push(event.data);
    if (event.data.wants === "token") event.source.postMessage({message}, "{rating}");
  }});
</script>"""


async def closed_dialog(floor: SupportFloor, channel: str, **who: str) -> tuple[Visitor, dict[str, Any]]:
    """A visitor whose dialog was closed, and the form that waits for them."""
    visitor, operator = await floor.visitor(channel, **who), floor.operator("ann", "Ann Lee")
    dialog = visitor.name_dialog()
    await visitor.open(dialog)
    await visitor.post_message(dialog, "m1", "Is lesson 5 open?")
    await operator.take(dialog)
    await operator.post_message(dialog, "m2", "It is now.")
    await operator.close(dialog, 1)
    return visitor, await visitor.form(dialog, 1)


@pytest_asyncio.fixture(loop_scope="session")
async def channel(floor: SupportFloor) -> str:
    """A channel that asks for words with 1 and 2, as rating knows it."""
    name = f"form-{token_hex(4)}"
    await floor.channel(name, "Northbank Academy")
    rule = {"mode": "required", "required_at_or_below": 2}
    await floor.set_up(name, comment=rule, expiry=259_200, edit_window=604_800, delay=0)
    supervisor = floor.supervisor()
    url = f"{supervisor.urls.rating}/v1/quality-control/{name}"
    await until(lambda: supervisor.caller.do("GET", url), lambda read: read["name"] == "Northbank Academy")
    return name


@pytest.fixture
def rating(stack: Stack) -> str:
    """Where rating is."""
    return stack.addresses.services["rating"]


async def test_a_client_rates_by_keyboard_alone_and_changes_it(
    page: Page, floor: SupportFloor, channel: str, rating: str
) -> None:
    _, form = await closed_dialog(floor, channel)
    await page.goto(f"{rating}/form#{form['token']}")
    scores = page.get_by_role("radio")

    await expect(scores).to_have_count(5)
    assert await page.locator("input:checked").count() == 0
    assert form["token"] not in page.url
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("radio", name="2 of 5, bad")).to_be_checked()
    await expect(page.get_by_role("button", name="No, thanks")).to_have_count(0)
    await page.keyboard.press("Enter")
    comment = page.get_by_label(re.compile("required for 1 and 2"))
    await expect(comment).to_be_focused()
    await expect(page.get_by_role("alert")).to_have_text("A few words are needed with this score.")
    await page.keyboard.type("Had to repeat myself.")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Send 2 of 5")).to_be_focused()
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading")).to_be_focused()
    await expect(page.get_by_role("region", name="What was stored")).to_contain_text("Had to repeat myself.")
    await page.reload()
    await page.get_by_role("button", name="Change my answer").click()
    await expect(comment).to_have_value("Had to repeat myself.")
    await page.get_by_role("radio", name="4 of 5, good").check()
    await page.get_by_role("button", name="Send 4 of 5").dblclick()

    stored = page.get_by_role("region", name="What was stored")
    await expect(stored).to_contain_text("4 of 5")
    await expect(stored).to_contain_text("Had to repeat myself.")


async def test_a_client_says_no_and_thinks_better_of_it_by_keyboard_alone(
    page: Page, floor: SupportFloor, channel: str, rating: str
) -> None:
    _, form = await closed_dialog(floor, channel)
    await page.goto(f"{rating}/form#{form['token']}")
    await expect(page.get_by_role("radio")).to_have_count(5)
    heading = page.get_by_role("heading")

    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="No, thanks")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(heading).to_have_text("You said “No, thanks”")
    await expect(heading).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("radio")).to_have_count(5)
    await expect(heading).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowLeft")
    await expect(page.get_by_role("radio", name="5 of 5")).to_be_checked()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("region", name="What was stored")).to_contain_text("5 of 5")
    await expect(heading).to_be_focused()


async def test_opening_the_form_changes_nothing(
    page: Page, floor: SupportFloor, channel: str, rating: str
) -> None:
    visitor, form = await closed_dialog(floor, channel)
    methods: list[tuple[str, str]] = []
    page.on("request", lambda request: methods.append((request.method, request.url)))

    await page.goto(f"{rating}/form#{form['token']}")
    await expect(page.get_by_role("radio")).to_have_count(5)

    assert {url for method, url in methods if method != "GET"} == {f"{rating}/v1/forms/read"}
    assert await visitor.form(form["dialog"], 1) == form


async def test_what_the_form_loads_is_small(
    page: Page, floor: SupportFloor, channel: str, rating: str
) -> None:
    _, form = await closed_dialog(floor, channel)
    loaded: list[str] = []
    page.on("response", lambda response: loaded.append(response.url))

    await page.goto(f"{rating}/form#{form['token']}")
    await expect(page.get_by_role("radio")).to_have_count(5)

    names = [url.split("/pages/rating/")[-1] for url in loaded if "/pages/rating/" in url]
    sizes = {name: (BUILT / f"{name}.gz").stat().st_size for name in ["form.html", *names]}
    assert len(names) > 3
    assert sum(sizes.values()) <= MOST_BYTES, sizes


@pytest.mark.parametrize(
    ("locale", "direction", "send"),
    [("en", "ltr", "Send 5 of 5"), ("ru", "ltr", "Отправить 5 из 5"), ("fr", "ltr", "Envoyer 5 sur 5"),
     ("ar", "rtl", "إرسال")],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_form_speaks_the_language_of_the_dialog(
    new_page: NewPage, floor: SupportFloor, channel: str, rating: str,
    locale: str, direction: str, send: str, scheme: Any,
) -> None:  # fmt: skip
    _, form = await closed_dialog(floor, channel, locale=locale)
    page = await new_page(size=PHONE, scheme=scheme, locale="en-GB")

    await page.goto(f"{rating}/form#{form['token']}")
    await expect(page.get_by_role("heading")).to_have_text(form["texts"]["question"])
    await screenshot(page, f"form/{locale}-{scheme}-question")
    await page.get_by_role("radio").last.check()
    await expect(page.get_by_role("button")).to_contain_text(send)

    assert await page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == [
        locale, direction,
    ]  # fmt: skip
    assert await axe(page) == []
    await screenshot(page, f"form/{locale}-{scheme}-score")


@pytest.mark.parametrize(
    ("scale", "satisfied_from", "count"),
    [("faces", 3, 3), ("thumbs", 2, 2), ("emoji", 4, 5), ("points", 8, 11)],
)
async def test_each_scale_has_targets_that_a_thumb_hits(
    new_page: NewPage, floor: SupportFloor, channel: str, rating: str,
    scale: str, satisfied_from: int, count: int,
) -> None:  # fmt: skip
    await floor.set_up(
        channel, scale={"name": scale, "satisfied_from": satisfied_from},
        comment={"mode": "off", "required_at_or_below": None},
    )  # fmt: skip
    _, form = await closed_dialog(floor, channel)
    for width in (360, 1_000):
        page = await new_page(size={"width": width, "height": 720})
        await page.goto(f"{rating}/form#{form['token']}")
        await expect(page.get_by_role("radio")).to_have_count(count)
        for target in await page.locator(".scale label").all():
            box = await target.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 44
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.get_by_role("radio").first.check()
    await expect(page.get_by_role("textbox")).to_have_count(0)
    assert await axe(page) == []


TAGS = [
    {
        "id": "repeated",
        "lowest": 1,
        "highest": 3,
        "texts": {"en": "had to repeat myself", "ar": "اضطررت للتكرار"},
    },
    {"id": "slow", "lowest": 1, "highest": 3, "texts": {"en": "slow", "ar": "بطيء"}},
    {"id": "clear", "lowest": 4, "highest": 5, "texts": {"en": "clear", "ar": "واضح"}},
]
FOLLOW_UPS = [
    {
        "id": "solved",
        "texts": {"en": "Was the matter solved?", "ar": "هل حُلّت المسألة؟"},
        "options": [
            {"id": "yes", "texts": {"en": "yes", "ar": "نعم"}},
            {"id": "no", "texts": {"en": "no", "ar": "لا"}},
        ],
    },
    {"id": "missing", "texts": {"en": "What was missing?", "ar": "ما الذي كان ناقصًا؟"}, "options": []},
]


async def test_reasons_and_further_questions_follow_the_score_and_can_be_changed(
    page: Page, floor: SupportFloor, channel: str, rating: str
) -> None:
    await floor.set_up(channel, tags=TAGS, follow_ups=FOLLOW_UPS, names_operator=True)
    _, form = await closed_dialog(floor, channel)
    await page.goto(f"{rating}/form#{form['token']}")
    await expect(page.get_by_text("You talked to Ann Lee.")).to_be_visible()

    await page.get_by_role("radio", name="3 of 5").check()
    await page.get_by_role("checkbox", name="slow").check()
    await page.get_by_role("radio", name="4 of 5").check()
    await expect(page.get_by_role("checkbox", name="slow")).to_have_count(0)
    await page.get_by_role("checkbox", name="clear").check()
    await page.get_by_role("radio", name="yes").check()
    await page.get_by_label("What was missing?").fill("A receipt")
    await page.reload()
    await expect(page.get_by_role("checkbox", name="clear")).to_be_checked()
    await page.get_by_role("button", name="Send 4 of 5").click()

    stored = page.get_by_role("region", name="What was stored")
    for text in ("clear", "Was the matter solved? yes", "What was missing? A receipt"):
        await expect(stored).to_contain_text(text)
    await expect(stored).not_to_contain_text("slow")
    await page.get_by_role("button", name="Change my answer").click()
    await page.get_by_role("radio", name="yes").click()
    await expect(page.get_by_role("radio", name="yes")).not_to_be_checked()
    await page.get_by_label("What was missing?").fill("")
    await page.get_by_role("button", name="Send 4 of 5").click()
    await expect(stored).not_to_contain_text("Was the matter solved?")
    await expect(stored).to_contain_text("clear")


@pytest.mark.parametrize(("locale", "scheme"), [("ar", "dark"), ("en", "light")])
async def test_everybody_can_use_a_form_that_asks_for_more(
    new_page: NewPage, floor: SupportFloor, channel: str, rating: str, locale: str, scheme: Any
) -> None:
    scale = {"name": "emoji", "satisfied_from": 4}
    comment = {"mode": "optional", "required_at_or_below": None}
    await floor.set_up(channel, scale=scale, comment=comment, tags=TAGS, follow_ups=FOLLOW_UPS)
    _, form = await closed_dialog(floor, channel, locale=locale)
    page = await new_page(size=PHONE, scheme=scheme, locale=locale)
    await page.goto(f"{rating}/form#{form['token']}")
    await page.locator("input[name=score]").nth(1).check()
    await page.get_by_role("checkbox").first.check()

    for target in await page.locator(".chips label").all():
        box = await target.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    assert await axe(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    await screenshot(page, f"form/further-{locale}-{scheme}", whole=True)


async def test_without_network_the_answer_waits_and_is_sent_by_itself(
    page: Page, floor: SupportFloor, channel: str, rating: str, findings: Findings
) -> None:
    visitor, form = await closed_dialog(floor, channel)
    await page.goto(f"{rating}/form#{form['token']}")
    await page.get_by_role("radio", name="5 of 5").check()

    async with findings.offline(page.context):
        await page.get_by_role("button", name="Send 5 of 5").click()
        await expect(page.get_by_role("status")).to_contain_text("Not sent yet, kept here")
        await screenshot(page, "form/offline")

    await expect(page.get_by_role("region", name="What was stored")).to_contain_text("5 of 5")
    given = await until(lambda: visitor.form(form["dialog"], 1), lambda read: read["answer"])
    assert given["answer"]["score"] == 5


async def test_no_thanks_can_be_thought_better_of(
    page: Page, floor: SupportFloor, channel: str, rating: str
) -> None:
    _, form = await closed_dialog(floor, channel)
    await page.goto(f"{rating}/form#{form['token']}")

    await page.get_by_role("button", name="No, thanks").click()
    await expect(page.get_by_role("heading")).to_have_text("You said “No, thanks”")
    await page.get_by_role("button", name="Rate this chat after all").click()
    await page.get_by_role("radio").last.check()
    await page.get_by_role("button", name="Send 5 of 5").click()

    await expect(page.get_by_role("region", name="What was stored")).to_be_visible()


async def test_forms_that_take_no_answer_say_why(
    page: Page, floor: SupportFloor, channel: str, rating: str, findings: Findings
) -> None:
    findings.expect("forms/read: .* 404")
    heading = page.get_by_role("heading")

    await page.goto(f"{rating}/form#nothing")
    await expect(heading).to_have_text("There is no such form")

    visitor, form = await closed_dialog(floor, channel)
    await visitor.reopen(form["dialog"], 1)
    await visitor.post_message(form["dialog"], "m3", "One more thing")
    await until(lambda: visitor.caller.do("GET", f"{rating}/v1/forms/mine"), lambda mine: not mine["forms"])
    await page.goto(f"{rating}/form#{form['token']}")
    await expect(heading).to_have_text("This question was withdrawn")

    # Another channel: rating remembers the settings of one for a second.
    await floor.channel(f"{channel}-2", "Northbank Academy")
    await floor.set_up(f"{channel}-2", expiry=2, delay=0)
    _, form = await closed_dialog(floor, f"{channel}-2")
    await page.goto(f"{rating}/form#{form['token']}")
    await expect(heading).to_have_text("The time to rate this chat is over")


async def widget_of(page: Page, floor: SupportFloor, channel: str, rating: str, origin: str) -> FrameLocator:
    """The form's frame on a site of the channel."""
    await floor.channel(channel, "Northbank Academy", allowed_origins=[origin])
    async with httpx.AsyncClient(trust_env=False) as http:
        form = f"{rating}/form?channel={channel}"
        await until(lambda: http.get(form), lambda got: origin in got.headers["content-security-policy"])
    await page.goto(origin)
    return page.frame_locator("iframe")


async def test_in_a_widget_the_newest_form_of_the_dialog_appears_and_is_answered(
    page: Page, floor: SupportFloor, channel: str, rating: str
) -> None:
    visitor, form = await closed_dialog(floor, channel)
    bearer = visitor.caller._headers["Authorization"].removeprefix("Bearer ")
    message = (
        f'{{candor: "form", token: "{bearer}", dialog: "{form["dialog"]}", locale: "en", theme: "dark"}}'
    )
    html = WIDGET.format(form=f"{rating}/form?channel={channel}", message=message, rating=rating)

    with serving({"/": html}) as origin:
        frame = await widget_of(page, floor, channel, rating, origin)
        await expect(frame.get_by_role("radio")).to_have_count(5)
        assert await page.evaluate("document.activeElement === document.body")
        assert await frame.locator("html").get_attribute("data-theme") == "dark"
        await screenshot(page, "form/in-widget")
        await page.frames[1].evaluate("window.postMessage({candor: 'form', token: 'x', theme: 'light'}, '*')")
        await frame.get_by_role("radio").last.check()
        await frame.get_by_role("button", name="Send 5 of 5").click()
        await expect(frame.get_by_role("region", name="What was stored")).to_be_visible()

        assert await frame.locator("html").get_attribute("data-theme") == "dark"
        told = await page.evaluate("told")
        assert {"candor": "form", "state": "shown"} in told
        assert any(each.get("height", 0) > 100 for each in told)
        assert await axe(page) == []


async def test_in_a_widget_a_form_comes_as_soon_as_the_dialog_is_closed_and_goes_when_it_is_reopened(
    page: Page, floor: SupportFloor, channel: str, rating: str
) -> None:
    visitor, operator, dialog = await answered(floor, channel)

    with serving({"/": html_of(visitor, dialog, channel, rating)}) as origin:
        frame = await widget_of(page, floor, channel, rating, origin)
        await page.wait_for_function("told.some(each => each.state === 'nothing')")
        await expect(frame.get_by_role("main")).to_have_count(0)
        await operator.close(dialog, 1)
        await expect(frame.get_by_role("radio")).to_have_count(5)
        await visitor.reopen(dialog, 1)
        await visitor.post_message(dialog, "m3", "One more thing")
        await expect(frame.get_by_role("main")).to_have_count(0)
        await page.wait_for_function("told.filter(each => each.state).at(-1).state === 'nothing'")


async def test_in_a_widget_a_form_that_could_not_be_read_is_read_again(
    page: Page, floor: SupportFloor, channel: str, rating: str, findings: Findings
) -> None:
    findings.tolerate("503")
    visitor, operator, dialog = await answered(floor, channel)
    mine = re.compile(r"/v1/forms/mine(\?|$)")

    with serving({"/": html_of(visitor, dialog, channel, rating)}) as origin:
        frame = await widget_of(page, floor, channel, rating, origin)
        await page.wait_for_function("told.some(each => each.state === 'nothing')")
        await page.route(mine, lambda route: route.fulfill(status=503))
        async with page.expect_response(mine):
            await operator.close(dialog, 1)
        await visitor.form(dialog, 1)
        for _ in range(2):  # although nothing new is told
            async with page.expect_response(mine):
                pass
        await page.unroute(mine)
        await expect(frame.get_by_role("radio")).to_have_count(5, timeout=15_000)


async def answered(floor: SupportFloor, channel: str) -> tuple[Visitor, Operator, str]:
    """A client, their operator, and the dialog in which both have written."""
    visitor, operator = await floor.visitor(channel), floor.operator("ann", "Ann Lee")
    dialog = visitor.name_dialog()
    await visitor.open(dialog)
    await visitor.post_message(dialog, "m1", "Hello")
    await operator.take(dialog)
    await operator.post_message(dialog, "m2", "Hello")
    return visitor, operator, dialog


def html_of(visitor: Visitor, dialog: str, channel: str, rating: str) -> str:
    """A page that frames the form, and tells it whose it is."""
    bearer = visitor.caller._headers["Authorization"].removeprefix("Bearer ")
    message = f'{{candor: "form", token: "{bearer}", dialog: "{dialog}"}}'
    return WIDGET.format(form=f"{rating}/form?channel={channel}", message=message, rating=rating)


async def test_only_sites_of_the_channel_and_own_pages_may_frame_the_form(
    http: httpx.AsyncClient, floor: SupportFloor, channel: str, rating: str
) -> None:
    await floor.channel(channel, "Northbank Academy", allowed_origins=["https://northbank.example"])

    async def ancestors(query: str) -> str:
        policy = (await http.get(f"{rating}/form{query}")).headers["content-security-policy"]
        return policy.split("frame-ancestors ")[1]

    assert await ancestors("") == "'self'"
    assert await ancestors("?channel=nowhere") == "'self'"
    of_channel = await until(lambda: ancestors(f"?channel={channel}"), lambda found: found != "'self'")
    assert of_channel == "'self' https://northbank.example"
