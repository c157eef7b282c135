"""All that a client answered, in the drawer of Live Chat: by its texts, by ids without rating, and before."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from contracts.access import Role
from deploy.demo.people import NotYet, Visitor, until
from deploy.demo.support_floor import SupportFloor
from tests.browser.conftest import PHONE, NewPage, OpenPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot
from tests.browser.test_form import FOLLOW_UPS, TAGS, closed_dialog

pytestmark = pytest.mark.real

STORY = "**/v1/closes/**"
LONG = "Nobody-told-me-that-" * 6
LONGEST_REASON = "nobody had read what I wrote before, and asked it all again"
WHEN = {
    "id": "when",
    "texts": {"en": "When did you first ask us about this matter, in the chat or in any other way?"},
    "options": [
        {"id": "before", "texts": {"en": "Longer ago than the last four weeks, I can't say exactly"}}
    ],
}
ASKS = {
    "tags": [*TAGS, {"id": "again", "lowest": 1, "highest": 3, "texts": {"en": LONGEST_REASON}}],
    "follow_ups": [*FOLLOW_UPS, WHEN],
    "expiry": 600,
    "edit_window": 600,
}
BEFORE: dict[str, Any] = {
    "comment": "Had to repeat myself",
    "tags": ["repeated", "slow"],
    "follow_ups": {"solved": "no", "missing": "A receipt"},
}
ARABIC: dict[str, Any] = {
    "comment": "انتظرت طويلًا",
    "tags": ["slow"],
    "follow_ups": {"solved": "no", "missing": "رقم الطلب ABC-12 لم يصل"},
}
LONG_ONES: dict[str, Any] = {
    "comment": LONG,
    "tags": ["again", "slow"],
    "follow_ups": {"when": "before", "missing": f"{LONG}\nand a second line"},
}

Opened = Callable[..., Awaitable[Locator]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _made() -> dict[str, str]:
    """The channel that all tests of this file read, and its closes by what they are; made once."""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def closes(floor: SupportFloor, _made: dict[str, str]) -> dict[str, str]:
    """The ids of closes by what they are, and their `channel`."""
    if not _made:
        channel = f"answers-{uuid4().hex[:8]}"
        await floor.channel(channel, "Course: Reasons", locales=["en", "ar"])
        await floor.set_up(channel, **ASKS)
        changed, _made["changed"] = await answer(floor, channel, 2, **BEFORE)
        form = await changed.form(_made["changed"].split(".")[0], 1)
        more = {"tags": ["clear"], "follow_ups": {"solved": "yes", "missing": ""}}
        (await changed.answer(form["token"], 4, "Works now", **more)).raise_for_status()
        _, _made["arabic"] = await answer(floor, channel, 1, locale="ar", **ARABIC)
        _, _made["long"] = await answer(floor, channel, 3, **LONG_ONES)
        _, _made["plain"] = await answer(floor, channel, 5, comment="Kind")
        forgotten, _made["erased"] = await answer(floor, channel, 1, **BEFORE)
        await floor.erase(forgotten.client)
        await until(lambda: seen(floor, channel, _made["erased"]), 60)
        _made["channel"] = channel
    return _made


async def answer(
    floor: SupportFloor, channel: str, score: int, locale: str = "en", **more: Any
) -> tuple[Visitor, str]:
    """A close that was answered: its client, and its id."""
    visitor, form = await closed_dialog(floor, channel, locale=locale)
    (await visitor.answer(form["token"], score, **more)).raise_for_status()
    return visitor, form["form"]


async def seen(floor: SupportFloor, channel: str, erased: str) -> None:
    """Returns once all five answers are there, the change too, and the words of `erased` are gone."""
    found = await floor.supervisor().every_review(channel=channel, state="given")
    states = {f"{each['dialog']}.{each['close_seq']}": each["comment"]["state"] for each in found}
    if len(found) < 5 or states.get(erased) != "erased" or not any(each["changes"] for each in found):
        raise NotYet(f"{states}")


@pytest.fixture
def opened(page: Page, open_page: OpenPage, closes: dict[str, str]) -> Opened:
    """The drawer with a close of the channel."""

    async def drawer(which: str, at: Page = page) -> Locator:
        path = f"/live-chat?channel={closes['channel']}&review={closes[which]}"
        await open_page(at, "analytics", path, Role.SUPERVISOR, name="Clara Moen")
        await expect(at.locator(".timeline")).to_be_visible()
        return at.locator(".drawer")

    return drawer


async def test_the_last_answer_and_the_one_before_are_told_in_their_texts(opened: Opened) -> None:
    drawer = await opened("changed")
    last = drawer.locator(".story > section").first
    await expect(last.locator(".whole-comment")).to_have_text("Works now")
    await expect(last.locator(".form-answers > li")).to_have_text(["clear", "Was the matter solved? yes"])

    before = drawer.locator(".answers .replaced")
    await expect(before.locator("p.client-words")).to_have_text("Had to repeat myself")
    await expect(before.locator(".form-answers > li")).to_have_text(
        ["had to repeat myself", "slow", "Was the matter solved? no", "What was missing? A receipt"]
    )
    await expect(drawer).not_to_contain_text("ids")


async def test_words_from_right_to_left_stand_so_in_the_language_of_the_dialog(opened: Opened) -> None:
    drawer = await opened("arabic")
    chosen = drawer.locator(".form-answers > li")
    await expect(chosen).to_have_text(
        ["بطيء", "هل حُلّت المسألة؟ لا", f"ما الذي كان ناقصًا؟ {ARABIC['follow_ups']['missing']}"]
    )
    for each in await chosen.all():
        await expect(each).to_have_css("direction", "rtl")
    await expect(drawer.locator(".form-answers")).to_have_css("direction", "rtl")
    await expect(drawer.locator(".form-answers .client-words")).to_have_attribute("lang", "ar")
    await expect(drawer.locator(".whole-comment")).to_have_css("direction", "rtl")


async def test_words_of_follow_ups_are_erased_as_comments_are_and_what_was_chosen_stays(
    opened: Opened,
) -> None:
    drawer = await opened("erased")
    await expect(drawer).to_contain_text("Comment erased at the client’s request. The score stays.")
    await expect(drawer.locator(".form-answers > li")).to_have_text(
        [
            "had to repeat myself",
            "slow",
            "Was the matter solved? no",
            "What was missing? erased at the client’s request",
        ]
    )
    assert await axe(drawer.page) == []


@pytest.mark.parametrize("state", ["waiting", "unreadable"])
async def test_words_that_cannot_be_read_yet_or_any_more_say_so(
    opened: Opened, page: Page, state: str
) -> None:
    async def sealed(route: Route) -> None:
        told = await (await route.fetch()).json()
        told["answers"][0]["follow_ups"]["missing"]["text"] = {"state": state, "text": None}
        await route.fulfill(json=told)

    await page.route("**/v1/live-chat/closes/*/1", sealed)
    drawer = await opened("long")
    said = {"waiting": "its key has not arrived yet", "unreadable": "damaged, cannot be read"}[state]
    await expect(drawer.locator(".form-answers")).to_contain_text(f"What was missing? {said}")
    await expect(drawer.locator(".form-answers .quiet")).to_have_count(1)


def refusing(status: int, code: str) -> Callable[[Route], Awaitable[None]]:
    """Refuses as rating does, to a page that may read why; preflights go through."""
    problem = {"type": f"/problems/{code}", "title": "", "status": status, "detail": "", "instance": "i"}

    async def refuse(route: Route) -> None:
        if route.request.method == "OPTIONS":
            await route.continue_()
        else:
            await route.fulfill(status=status, json=problem, headers={"access-control-allow-origin": "*"})

    return refuse


async def test_without_rating_ids_are_shown_until_it_is_back(
    opened: Opened, page: Page, findings: Findings
) -> None:
    findings.tolerate("503")
    await page.route(STORY, refusing(503, "unavailable"))
    drawer = await opened("changed")
    chosen, by_ids = (
        drawer.locator(".story > section").first.locator(".form-answers > li"),
        "Shown by their ids",
    )
    await expect(chosen).to_have_text(["clear", "solved yes"])
    await expect(drawer.get_by_text(by_ids).first).to_contain_text("Tried again by itself")
    await expect(drawer.locator(".whole-comment")).to_have_text("Works now")
    assert await axe(page) == []
    await screenshot(page, "answers/without-rating")

    await page.unroute(STORY)
    await expect(chosen).to_have_text(["clear", "Was the matter solved? yes"], timeout=20_000)
    await expect(drawer.get_by_text(by_ids)).to_have_count(0)


async def test_without_a_connection_to_rating_ids_are_shown(
    opened: Opened, page: Page, findings: Findings
) -> None:
    findings.tolerate("ERR_FAILED")
    await page.route(STORY, lambda route: route.abort())
    drawer = await opened("changed")
    await expect(drawer.locator(".story > section").first.locator(".form-answers > li").last).to_have_text(
        "solved yes"
    )


@pytest.mark.parametrize(("status", "code"), [(403, "role-not-allowed"), (404, "not-found")])
async def test_texts_that_rating_does_not_tell_are_not_asked_for_again(
    opened: Opened, page: Page, findings: Findings, status: int, code: str
) -> None:
    findings.tolerate(str(status))
    await page.route(STORY, refusing(status, code))
    drawer = await opened("long")
    await expect(drawer.locator(".form-answers > li").first).to_have_text("again")
    await expect(drawer.get_by_text("Shown by their ids")).to_have_text(
        "Shown by their ids: their texts could not be read."
    )


async def test_no_id_flickers_while_texts_are_read(opened: Opened, page: Page) -> None:
    held, let_go = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        held.set()
        await let_go.wait()
        await route.continue_()

    await page.route(STORY, hold)
    drawer = await opened("changed")
    await asyncio.wait_for(held.wait(), 20)
    await expect(drawer.locator(".form-answers-skeleton[aria-busy]")).to_have_count(2)
    await expect(drawer.locator(".form-answers")).to_have_count(0)
    await expect(drawer.locator(".whole-comment")).to_have_text("Works now")
    await screenshot(page, "answers/loading")
    let_go.set()
    await expect(drawer.locator(".form-answers > li").first).to_have_text("clear")
    await expect(drawer.locator(".form-answers-skeleton")).to_have_count(0)


async def test_a_story_is_read_once_and_only_if_it_is_needed(opened: Opened, page: Page) -> None:
    read: list[str] = []
    page.on(
        "request",
        lambda each: read.append(each.url) if each.method == "GET" and "/story" in each.url else None,
    )
    drawer = await opened("plain")
    await expect(drawer.locator(".whole-comment")).to_have_text("Kind")
    assert read == []
    why = drawer.get_by_role("button", name="Why the client was asked")
    await why.click()
    await expect(drawer.locator(".rules")).to_be_visible()
    assert len(read) == 1

    drawer = await opened("changed")
    await expect(drawer.locator(".form-answers > li").first).to_have_text("clear")
    await why.click()
    await expect(drawer.locator(".rules")).to_be_visible()
    assert len(read) == 2


async def test_the_next_close_has_texts_of_its_own(opened: Opened, page: Page) -> None:
    drawer = await opened("long")
    await expect(drawer.locator(".form-answers > li").first).to_have_text(LONGEST_REASON)
    await drawer.get_by_role("button", name="Next review").click()
    await expect(drawer.locator(".form-answers > li").first).to_have_text("بطيء")
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()


LOOKS: list[tuple[str, dict[str, Any]]] = [
    ("light", {}), ("dark", {"scheme": "dark"}), ("phone", {"size": PHONE}),
    ("phone-dark", {"size": PHONE, "scheme": "dark"}), ("ru", {"locale": "ru-RU"}),
    ("fr-phone", {"locale": "fr-FR", "size": PHONE}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "how"), LOOKS, ids=[name for name, _ in LOOKS])
async def test_answers_are_for_everybody(
    new_page: NewPage, opened: Opened, name: str, how: dict[str, Any]
) -> None:
    page = await new_page(**how)
    for which in ("changed", "arabic", "long", "erased"):
        drawer = await opened(which, page)
        await expect(drawer.locator(".form-answers").first).to_be_visible()
        assert await drawer.evaluate("each => each.scrollWidth - each.clientWidth") == 0
        await screenshot(page, f"answers/{name}-{which}")
    assert await axe(page) == []
    drawer = await opened("changed", page)
    for each in await drawer.locator(".answers > li > span").all():
        box, around = await each.bounding_box(), await drawer.locator(".answers").bounding_box()
        assert box is not None
        assert around is not None
        assert box["x"] + box["width"] <= around["x"] + around["width"]
    await drawer.locator(".answers").scroll_into_view_if_needed()
    await screenshot(page, f"answers/{name}-history")
