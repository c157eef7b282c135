"""The Live Chat page in the real system: its numbers are the API's, and everything on it can be used."""

import asyncio
import csv
import io
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from contracts.access import Role
from deploy.demo.people import NotYet, until
from deploy.demo.story import Encounter, Ledger, Mood
from deploy.demo.support_floor import SupportFloor
from tests.browser.conftest import PHONE, NewPage, OpenPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot

pytestmark = pytest.mark.real
WHY_NOT = "Why the client was not asked"
COMMENT = "Had to repeat myself, but it works now"
PLAYED = (
    (Mood.RATES, 5, None), (Mood.COMMENTS, 5, "Réponse claire et rapide"), (Mood.COMMENTS, 2, COMMENT),
    (Mood.CHANGES, 4, None), (Mood.DECLINES, 1, None), (Mood.IGNORES, 1, None), (Mood.RATES, 4, None),
)  # fmt: skip

Reading = Callable[..., Awaitable[Any]]


async def play(floor: SupportFloor, channel: str, *played: tuple[Mood, int, str | None]) -> None:
    """Dialogs from the first word to what their clients do."""
    ann = floor.operator("ann", "Ann Lee")

    async def one(mood: Mood, score: int, comment: str | None) -> None:
        visitor = await floor.visitor(channel, locale="en")
        await Encounter(visitor, ann, "ann", channel, mood, score, comment).play(Ledger())

    await asyncio.gather(*(one(*each) for each in played))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _floors() -> dict[str, str]:
    """The channel that all tests of this file read; made once."""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def channel(floor: SupportFloor, _floors: dict[str, str]) -> str:
    """A channel on which seven dialogs were closed, and every form has come to its end."""
    if "id" not in _floors:
        name = f"live-{uuid4().hex[:8]}"
        await floor.channel(name, "Course: Data basics", time_zone="Europe/Paris")
        await play(floor, name, *PLAYED)
        await settled(floor, name, len(PLAYED))
        _floors["id"] = name
    return _floors["id"]


async def settled(floor: SupportFloor, channel: str, closed: int) -> Any:
    """The summary, as soon as it holds so many closes and none is still open."""

    async def look() -> Any:
        summary = await floor.supervisor().read("summary", channel=channel)
        if summary["closed"] < closed or summary["undecided"] + summary["scheduled"] + summary["pending"]:
            raise NotYet(f"{summary}")
        return summary

    return await until(look, 60)


@pytest.fixture
def opened(page: Page, open_page: OpenPage, channel: str) -> Reading:
    """Opens the page on the channel, with more in its address."""

    async def read(more: str = "", at: Page = page) -> Page:
        path = f"/live-chat?channel={channel}{more}"
        await open_page(at, "analytics", path, Role.SUPERVISOR, name="Clara Moen")
        await expect(at.get_by_role("heading", name="What became of")).to_be_visible()
        return at

    return read


async def test_the_numbers_are_those_of_the_api(opened: Reading, floor: SupportFloor, channel: str) -> None:
    page = await opened()
    told = await floor.supervisor().read("summary", channel=channel)

    headline = page.get_by_role("region", name="The numbers")
    await expect(headline).to_contain_text(f"{round(told['csat']['value'])}% satisfied")
    await expect(headline).to_contain_text(f"{told['given']} of {told['response_rate']['n']} settled")
    await expect(headline).to_contain_text(f"{told['closed']} closed")
    key = page.get_by_role("region", name="What became of")
    for name, count in [("satisfied", told["satisfied"]), ("declined", told["declined"]),
                        ("expired", told["expired"])]:  # fmt: skip
        await expect(key.get_by_role("button", name=f"{count} {name}", exact=True)).to_be_visible()
    parts = f"{told['given']} rated + {told['declined']} declined + {told['expired']} expired"
    await expect(page.locator(".foot")).to_contain_text(f"Adds up: {told['closed']} closed = ")
    await expect(page.locator(".foot")).to_contain_text(parts)
    await expect(page.locator(".rows > li")).to_have_count(told["closed"])


async def test_a_part_is_a_filter_and_back_undoes_it(opened: Reading) -> None:
    page = await opened()
    rows = page.locator(".rows > li")
    await expect(rows).to_have_count(len(PLAYED))

    part = page.get_by_role("button", name="1 declined", exact=True)
    await part.click()

    await expect(page).to_have_url(re.compile(r"state=declined"))
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("No, thanks")
    await expect(part).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("button", name="Take this filter away: declined")).to_be_visible()

    await page.go_back()
    await expect(rows).to_have_count(len(PLAYED))
    await expect(part).to_have_attribute("aria-pressed", "false")

    await page.get_by_role("button", name=re.compile(r"^Low")).click()
    await expect(page).to_have_url(re.compile(r"state=unsatisfied"))
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text(COMMENT)


async def test_words_are_searched_in_comments(opened: Reading) -> None:
    page = await opened()
    rows, field = page.locator(".rows > li"), page.get_by_role("searchbox", name="Search in comments")
    await expect(rows).to_have_count(len(PLAYED))
    await page.keyboard.press("/")
    await expect(field).to_be_focused()
    await field.press_sequentially("RAPIDE claire")
    await expect(page).to_have_url(re.compile(r"q=RAPIDE\+claire"))
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("Réponse claire et rapide")
    await expect(page.get_by_text("2 comments looked at.")).to_be_visible()
    assert await axe(page) == []
    await field.fill("nowhere")
    await page.get_by_role("button", name="Show all").click()
    await expect(rows).to_have_count(len(PLAYED))
    await expect(field).to_have_value("")


async def test_the_list_becomes_a_file_under_the_same_filters(opened: Reading, findings: Findings) -> None:
    findings.tolerate("503")
    page = await opened("&state=satisfied&state=unsatisfied")
    rated = sum(mood in {Mood.RATES, Mood.COMMENTS, Mood.CHANGES} for mood, _, _ in PLAYED)
    await expect(page.locator(".rows > li")).to_have_count(rated)
    button = page.get_by_role("button", name="Export CSV")

    async with page.expect_download() as downloading:
        await button.press("Enter")
    file = await downloading.value
    text = (await asyncio.to_thread((await file.path()).read_bytes)).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert re.fullmatch(r"live-chat-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv", file.suggested_filename)
    assert (len(rows), {row["state"] for row in rows}) == (rated, {"given"})
    assert COMMENT in {row["comment"] for row in rows}

    await page.route("**/v1/live-chat/export.csv*", lambda route: route.fulfill(status=503))
    await button.press("Enter")
    await expect(page.get_by_text("The file could not be made")).to_be_visible()
    await page.unroute("**/v1/live-chat/export.csv*")
    async with page.expect_download():
        await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("The file could not be made")).to_be_hidden()


async def test_what_was_counted_before_the_stream_began_is_shown(
    page: Page, open_page: OpenPage, floor: SupportFloor
) -> None:
    channel = f"early-{uuid4().hex[:8]}"
    await floor.channel(channel, "Course: Early")
    held, let_go = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        held.set()
        await let_go.wait()
        await route.continue_()

    await page.route("**/live-chat/changes", hold)
    await open_page(page, "analytics", f"/live-chat?channel={channel}", Role.SUPERVISOR, name="Clara Moen")
    await held.wait()
    await expect(page.locator(".foot")).to_contain_text("0 closed")
    await play(floor, channel, (Mood.RATES, 5, None))
    await settled(floor, channel, 1)
    let_go.set()

    await expect(page.locator(".foot")).to_contain_text("1 closed")


async def test_a_review_opens_and_closes_by_the_keyboard(opened: Reading) -> None:
    page = await opened("&state=unsatisfied")
    row = page.locator(".rows button").first
    await row.focus()
    await page.keyboard.press("Enter")

    drawer = page.get_by_role("dialog", name="Review")
    await expect(drawer).to_be_focused()
    await expect(page).to_have_url(re.compile(r"review=d-"))
    await expect(drawer).to_contain_text(COMMENT)
    await expect(drawer).to_contain_text("Counts for Ann Lee")
    await expect(drawer).to_contain_text("Rated 2 of 5")

    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    await expect(row).to_be_focused()
    await page.keyboard.press("j")
    await expect(drawer).to_be_visible()
    await page.go_back()
    await expect(drawer).to_be_hidden()


async def test_what_supervisors_write_saves_itself_and_nobody_overwrites_anybody(
    opened: Reading, new_page: NewPage, findings: Findings
) -> None:
    findings.tolerate("412")
    page, other = await opened("&comment=yes"), await opened("&comment=yes", await new_page(size=PHONE))
    for each in (page, other):
        await each.get_by_role("button", name=COMMENT).click()
    drawer, note = page.get_by_role("dialog", name="Review"), page.get_by_role("textbox", name="Note")

    await note.fill("Talk with both on Tuesday")
    await expect(drawer).to_contain_text(re.compile(r"Note saved .+ by Clara Moen\."))
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(note).to_have_value("Talk with both on Tuesday")
    await page.keyboard.press("2")
    await expect(drawer.get_by_role("radio", name="In work")).to_be_checked()
    await drawer.get_by_role("combobox", name="Own score").select_option("2")
    row = page.locator(".rows button", has_text=COMMENT)
    await expect(row).to_contain_text("In work")
    await expect(row).to_contain_text("own score 2, note")

    theirs = other.get_by_role("textbox", name="Note")
    await theirs.fill("Look at the transfer macro")
    await expect(other.get_by_text("changed this note meanwhile")).to_be_visible()
    await other.get_by_role("button", name="Close the review").click()
    await expect(other.get_by_text("The note was not saved")).to_be_visible()
    await other.get_by_role("button", name="Open the review").click()
    await expect(other.locator(".their-note")).to_have_text("Talk with both on Tuesday")
    await expect(theirs).to_have_value("Look at the transfer macro")
    assert await axe(other) == []
    await screenshot(other, "live-chat/review-overtaken-phone")
    await other.get_by_role("button", name="Keep mine").click()
    await expect(other.get_by_text("changed this note meanwhile")).to_be_hidden()

    await page.reload()
    await expect(note).to_have_value("Look at the transfer macro")
    await drawer.get_by_role("button", name="Changes").click()
    await expect(drawer.locator(".changes")).to_contain_text("Own score: 2 of 5")
    assert await axe(page) == []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await screenshot(page, f"live-chat/review-written-{scheme}")


async def test_an_excluded_close_keeps_its_row_and_new_ones_have_a_tab(opened: Reading) -> None:
    page = await opened()
    drawer, row = page.get_by_role("dialog", name="Review"), page.locator(".rows button", has_text=COMMENT)
    await row.click()
    await drawer.get_by_role("radio", name="Done").click()
    await drawer.get_by_role("combobox", name="Exclude from the numbers").select_option("test")
    await expect(drawer).to_contain_text("Excluded from the numbers: a test.")
    await expect(page.locator(".foot")).to_contain_text("1 excluded, counted apart")
    await page.keyboard.press("Escape")
    await expect(page.locator(".rows > li")).to_have_count(len(PLAYED))
    await expect(row).to_contain_text("excluded")
    await screenshot(page, "live-chat/review-signs", whole=True)

    await row.click()
    await drawer.get_by_role("button", name="Count again").click()
    await expect(page.locator(".foot")).not_to_contain_text("excluded")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="New", exact=True).click()
    await expect(page).to_have_url(re.compile(r"status=new"))
    await expect(page.locator(".rows")).not_to_contain_text(COMMENT)
    await expect(page.locator(".rows > li").first).to_contain_text("New")


async def test_all_of_it_by_the_keyboard_alone(opened: Reading) -> None:
    page = await opened()
    press, focused = page.keyboard.press, page.locator(":focus")
    rows = page.locator(".rows > li")
    await expect(rows).to_have_count(len(PLAYED))

    await press("Tab")
    await expect(focused).to_have_text("Skip to the content")
    await press("Enter")
    await expect(page.locator("#content")).to_be_focused()
    await press("?")
    await expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    await press("Escape")
    await expect(page.get_by_role("dialog", name="Shortcuts")).to_be_hidden()

    await press("f")
    await expect(focused).to_have_accessible_name(re.compile("^Period"))
    await press("Enter")
    await expect(focused).to_have_text("Last 4 weeks")
    assert await axe(page) == []
    for _ in range(2):
        await press("ArrowDown")
    await press("Enter")
    await expect(page).to_have_url(re.compile(r"from=week"))
    await expect(focused).to_have_accessible_name(re.compile("^Period This week"))
    for _ in range(3):
        await press("Tab")
    await expect(focused).to_have_accessible_name(re.compile("^Operator"))
    await press("Enter")
    await expect(focused).to_have_accessible_name(re.compile("^Ann Lee"))
    await press("Space")
    await expect(page).to_have_url(re.compile(r"operator=ann"))
    await press("Escape")
    await expect(focused).to_have_accessible_name("Operator Ann Lee")
    await press("Enter")
    await expect(focused).to_have_accessible_name(re.compile("^Ann Lee"))
    # One Tab for each operator whom these or other tests know.
    for _ in range(await page.locator(".toolbar .float .item").count()):
        await press("Tab")
    await expect(page.locator(".toolbar .float")).to_have_count(0)
    await expect(focused).to_have_accessible_name("Add a filter")


async def tab_to(target: Locator, key: str = "Tab") -> None:
    """Presses `key` until `target` has the focus."""
    for _ in range(60):
        if await target.evaluate("each => each === document.activeElement"):
            return
        await target.page.keyboard.press(key)
    await expect(target).to_be_focused()


async def test_a_support_leads_morning_by_the_keyboard(page: Page, open_page: OpenPage, channel: str) -> None:
    await open_page(page, "analytics", "/live-chat", Role.SUPERVISOR, name="Clara Moen", channels=[channel])
    rows, drawer = page.locator(".rows > li"), page.get_by_role("dialog", name="Review")
    await expect(rows).to_have_count(len(PLAYED))
    await a_week_of_one_channel_is_chosen(page, channel)
    await expect(page.get_by_role("region", name="The numbers")).to_contain_text(f"{len(PLAYED)} closed")

    declined = page.get_by_role("button", name="1 declined", exact=True)
    await tab_to(declined)
    for listed in (1, len(PLAYED)):
        await page.keyboard.press("Enter")
        await expect(rows).to_have_count(listed)

    await tab_to(rows.first.get_by_role("button"))
    await page.keyboard.press("Enter")
    await expect(drawer).to_be_focused()
    await a_review_is_written_about(page, drawer)
    await its_transcript_is_read(page, drawer)
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()

    await page.keyboard.press("/")
    await page.keyboard.type("repeat")
    await expect(rows).to_have_count(1)
    for key in ("Tab", "e"):
        await page.keyboard.press(key)
    await expect(page.locator(":focus")).to_have_text("Export CSV")
    async with page.expect_download():
        await page.keyboard.press("Enter")


async def a_week_of_one_channel_is_chosen(page: Page, channel: str) -> None:
    press, focused = page.keyboard.press, page.locator(":focus")
    await press("f")
    await press("Enter")
    await expect(focused).to_have_text("Last 4 weeks")
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        await press(key)
    await expect(page).to_have_url(re.compile(r"from=week"))
    await tab_to(page.get_by_role("button", name=re.compile("^Channel")))
    await press("Enter")
    await expect(focused).to_have_accessible_name(re.compile("^Course: Data basics"))
    for key in ("Space", "Escape"):
        await press(key)
    await expect(page).to_have_url(re.compile(f"channel={channel}"))


async def a_review_is_written_about(page: Page, drawer: Locator) -> None:
    press, first = page.keyboard.press, page.url
    await press("j")
    await expect(page).not_to_have_url(first)
    await press("k")
    await expect(page).to_have_url(first)
    await tab_to(drawer.get_by_role("textbox", name="Note"))
    await page.keyboard.type("Talk with Ann on Friday")
    await expect(drawer).to_contain_text(re.compile(r"Note saved .+ by Clara Moen\."))
    await tab_to(drawer.get_by_role("radio", checked=True), "Shift+Tab")
    await press("2")
    await expect(drawer.get_by_role("radio", name="In work")).to_be_checked()


async def its_transcript_is_read(page: Page, drawer: Locator) -> None:
    link = drawer.get_by_role("link", name="Open transcript")
    await expect(link).to_have_accessible_description("opens in a page of its own; opening it is recorded")
    await tab_to(link)
    async with page.context.expect_page() as opening:
        await page.keyboard.press("Enter")
    transcript = await opening.value
    await expect(transcript.get_by_text("It is recorded that you opened")).to_be_visible()
    await expect(transcript.locator(".message").first).to_contain_text("Client")
    await expect(transcript.locator(".event")).to_contain_text("close 1, the one you came from")
    await transcript.close()
    await expect(link).to_be_focused()


async def test_paper_is_light_and_holds_what_was_filtered_and_nothing_to_press(opened: Reading) -> None:
    page = await opened("&state=declined")
    await expect(page.locator(".rows > li")).to_have_count(1)
    await page.set_viewport_size({"width": 703, "height": 1000})  # A4 without its margins
    await page.emulate_media(media="print", color_scheme="dark")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")

    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    told = page.locator(".printed")
    await expect(told).to_contain_text(
        "(Europe/Paris) · Channel: Course: Data basics · Operator: all · vs the period before · printed"
    )
    await expect(told).to_have_css("display", "table-header-group")
    await expect(page.locator(".chip:visible")).to_have_text("declined ×")
    for hidden in (
        ".skip",
        ".head",
        ".toolbar",
        ".segments",
        ".search",
        "select",
        ".table-button",
        "[role=tab][tabindex='-1']",
    ):
        await expect(page.locator(f"{hidden} >> visible=true")).to_have_count(0)
    await expect(page.locator(".plot > svg")).to_have_attribute("width", "700")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await screenshot(page, "live-chat/paper", whole=True)
    await page.evaluate("dispatchEvent(new Event('afterprint'))")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_filters_are_typed_or_chosen_and_named_where_nothing_matches(opened: Reading) -> None:
    page = await opened()
    press, focused = page.keyboard.press, page.locator(":focus")
    await expect(page.locator(".rows > li")).to_have_count(len(PLAYED))
    await page.get_by_role("button", name="Add a filter").focus()
    await press("Enter")
    await expect(focused).to_have_accessible_name("Another team")
    assert await axe(page) == []
    await page.keyboard.type("night-shift")
    await press("Enter")
    await expect(page).to_have_url(re.compile(r"team=night-shift"))
    await expect(page.locator(".nothing")).to_contain_text(
        "No close matches Course: Data basics, Team night-shift"
    )
    await screenshot(page, "live-chat/filters")
    await press("Escape")
    await expect(focused).to_have_accessible_name("Add a filter")
    await press("Tab")
    await expect(focused).to_have_accessible_name("Take this filter away: Team night-shift")
    await press("Enter")
    await expect(focused).to_have_accessible_name("Add a filter")
    await press("Enter")
    await page.get_by_role("checkbox", name="English").check()
    await expect(page).to_have_url(re.compile(r"locale=en"))
    await expect(page.locator(".rows > li")).to_have_count(len(PLAYED))
    await page.set_viewport_size(PHONE)
    await page.emulate_media(color_scheme="dark")
    await screenshot(page, "live-chat/filters-phone-dark")
    await press("Escape")

    await page.get_by_role("button", name="with score 2 in the list").click()
    await expect(page).to_have_url(re.compile(r"score=2&scale=stars%3A1%3A5&locale=en"))
    await expect(page.locator(".rows > li")).to_have_count(1)
    for filtered in ("Score 2", "Language English"):
        await page.get_by_role("button", name=f"Take this filter away: {filtered}").click()
    await page.get_by_role("button", name="Period").click()
    await expect(focused).to_have_text("Last 4 weeks")
    for _ in range(6):
        await press("ArrowDown")
    await expect(focused).to_have_accessible_name(re.compile("^By the time of the rating"))
    await press("Space")
    await expect(page).to_have_url(re.compile(r"axis=rated_at"))
    await expect(page.locator(".rows > li")).to_have_count(5)
    await expect(page.locator(".more")).to_contain_text("newest rating first")


async def test_charts_and_tabs_by_the_keyboard(opened: Reading) -> None:
    page = await opened()
    press, focused = page.keyboard.press, page.locator(":focus")

    part = page.locator(".bar .part").first
    await part.focus()
    await press("Enter")
    await expect(part).to_have_attribute("aria-pressed", "true")
    await press("Enter")
    await expect(part).to_have_attribute("aria-pressed", "false")

    await page.get_by_role("radio", name="Day").focus()
    await press("ArrowRight")
    await expect(page).to_have_url(re.compile(r"grain=week"))
    await expect(focused).to_have_text("Week")
    chart = page.get_by_role("slider", name="Satisfaction over time")
    await expect(chart).to_have_attribute("aria-valuemax", re.compile("^[3-5]$"))
    await press("d")
    await expect(page).to_have_url(re.compile(r"grain=day"))
    await expect(chart).to_have_attribute("aria-valuemax", "27")

    for name in ("Table", "Show weeks"):
        await press("Tab")
        await expect(focused).to_have_text(name)
    await press("Tab")
    await expect(chart).to_be_focused()
    await expect(chart).to_have_attribute("aria-valuetext", re.compile(r"today"))
    await press("Home")
    await expect(chart).to_have_attribute("aria-valuenow", "0")
    await press("ArrowLeft")
    await expect(chart).to_have_attribute("aria-valuenow", "0")
    await press("ArrowRight")
    await expect(chart).to_have_attribute("aria-valuenow", "1")
    await press("End")
    await expect(chart).to_have_attribute("aria-valuenow", "27")
    await press("t")
    table = page.get_by_role("region", name="Satisfaction by day")
    await expect(table.get_by_role("row")).to_have_count(29)
    await expect(focused).to_have_accessible_name("Satisfaction by day: table")
    await press("Enter")
    for _ in range(2):
        await press("Tab")
    await expect(chart).to_be_focused()
    await press("End")
    await press("Enter")
    await expect(page).to_have_url(re.compile(r"from=\d{4}-\d\d-\d\d&to="))

    await page.get_by_role("tab", name="Channels").focus()
    await press("ArrowRight")
    await expect(page.get_by_role("tab", name="Reasons")).to_be_focused()
    await press("End")
    await expect(page.get_by_role("tab", name="Form versions")).to_have_attribute("aria-selected", "true")
    await press("ArrowRight")
    await expect(page.get_by_role("tab", name="Channels")).to_be_focused()


async def test_another_grain_has_its_cursor_at_the_same_date(opened: Reading) -> None:
    page = await opened()
    chart = page.get_by_role("slider", name="Satisfaction over time")
    await expect(chart).to_have_attribute("aria-valuemax", "27")
    await chart.focus()
    await page.keyboard.press("w")
    await expect(chart).to_have_attribute("aria-valuemax", re.compile("^[3-5]$"))
    await page.keyboard.press("End")
    await page.keyboard.press("d")
    await expect(chart).to_have_attribute("aria-valuemax", "27")
    monday = 27 - datetime.now(ZoneInfo("Europe/Paris")).weekday()
    await expect(chart).to_have_attribute("aria-valuenow", str(monday))


async def test_what_could_not_be_read_is_said_once_and_read_again(
    opened: Reading, findings: Findings
) -> None:
    findings.tolerate("503")
    page = await opened()
    await expect(page.locator(".rows > li")).to_have_count(len(PLAYED))
    await page.route("**/v1/live-chat/*", lambda route: route.fulfill(status=503))

    await page.get_by_role("combobox", name=re.compile("^vs")).select_option("none")

    await expect(page.get_by_text("The numbers could not be read")).to_be_visible()
    await expect(page.get_by_text("Tried again by itself every ten seconds.").first).to_be_visible()
    await expect(page.locator(".rows > li")).to_have_count(len(PLAYED))
    await page.unroute("**/v1/live-chat/*")
    await expect(page.locator(".banner.bad")).to_have_count(0, timeout=20_000)


NOBODY_KNOWS = """const real = fetch, unknown = { position: "x", as_of: null, behind_seconds: null };
const told = `data: ${JSON.stringify(unknown)}\\n\\n`;
const stream = () => new ReadableStream({ start: (to) => to.enqueue(new TextEncoder().encode(told)) });
globalThis.fetch = async (address, how) =>
  String(address).endsWith("/changes") ? new Response(stream()) : real(address, how);"""


async def test_where_nobody_knows_how_recent_it_is_it_is_not_called_live(opened: Reading, page: Page) -> None:
    await page.add_init_script(NOBODY_KNOWS)
    await opened()
    await expect(page.locator(".fresh")).to_have_text("Nobody knows whether there is anything new")
    await expect(page.locator(".live-dot")).to_have_class("live-dot off")


async def test_what_is_no_json_is_said_and_read_again(opened: Reading) -> None:
    page = await opened()
    await expect(page.locator(".rows > li")).to_have_count(len(PLAYED))
    await page.route(
        "**/v1/live-chat/summary*", lambda route: route.fulfill(body="<p>Sign in to the network")
    )
    await page.get_by_role("combobox", name=re.compile("^vs")).select_option("none")
    await expect(page.get_by_text("The numbers could not be read")).to_be_visible()
    await page.unroute("**/v1/live-chat/summary*")
    await expect(page.get_by_text("The numbers could not be read")).to_be_hidden(timeout=20_000)


async def test_a_channel_of_others_shows_no_number(
    page: Page, open_page: OpenPage, channel: str, findings: Findings
) -> None:
    findings.tolerate("403")
    await open_page(page, "analytics", f"/live-chat?channel={channel}", Role.SUPERVISOR, channels=["other"])

    await expect(page.get_by_text("This is not among what you may see")).to_be_visible()
    await expect(page.locator(".headline, .rows")).to_have_count(0)
    assert await axe(page) == []
    await page.get_by_role("button", name="Clear filters").click()
    await expect(page.locator(".headline")).to_be_visible()


async def test_a_rating_given_meanwhile_changes_number_and_list(
    page: Page, open_page: OpenPage, floor: SupportFloor
) -> None:
    name = f"live-{uuid4().hex[:8]}"
    await floor.channel(name, "Study bot")
    await floor.set_up(name, expiry=600)
    ann, visitor = floor.operator("ann", "Ann Lee"), await floor.visitor(name)
    dialog = visitor.name_dialog()
    await visitor.open(dialog)
    await visitor.post_message(dialog, "m1", "Hello, is anybody there?")
    await ann.take(dialog)
    await ann.post_message(dialog, "m2", "Yes, how can I help?")
    await visitor.post_message(dialog, "m3", "Found it, thank you")
    await ann.close(dialog, 1)
    form = await visitor.form(dialog, 1)
    await open_page(page, "analytics", f"/live-chat?channel={name}", Role.SUPERVISOR)
    row = page.locator(".rows:not(.waiting) > li")
    await expect(row).to_contain_text("Pending")
    await page.evaluate("window.same = true")

    await visitor.answer(form["token"], 5, "Solved in two minutes")

    await expect(row).to_contain_text("Solved in two minutes")
    await expect(page.get_by_role("region", name="The numbers")).to_contain_text("100% satisfied")
    await expect(page.locator(".foot")).to_contain_text("1 rated")
    assert await page.evaluate("window.same")


async def test_nothing_closed_says_what_to_do_and_no_match_clears(
    page: Page, open_page: OpenPage, floor: SupportFloor
) -> None:
    name = f"live-{uuid4().hex[:8]}"
    await floor.channel(name, "Quiet course")
    await open_page(page, "analytics", "/live-chat", Role.SUPERVISOR, channels=[name])
    await expect(page.get_by_role("heading", name="No dialog has been closed")).to_be_visible()
    assert await axe(page) == []
    await screenshot(page, "live-chat/empty", whole=True)
    await page.set_viewport_size(PHONE)
    will_be_drawn = page.get_by_text("Hatched, as now")
    box, plot = await will_be_drawn.bounding_box(), await page.locator(".plot").bounding_box()
    assert box is not None
    assert plot is not None
    assert box["x"] + box["width"] <= plot["x"] + plot["width"]
    await screenshot(page, "live-chat/empty-phone", whole=True)

    await open_page(page, "analytics", f"/live-chat?channel={name}", Role.SUPERVISOR)
    await page.reload()
    await page.get_by_role("button", name="Clear filters").click()
    await expect(page).not_to_have_url(re.compile("channel="))


async def test_offline_says_so_and_keeps_the_numbers(opened: Reading, findings: Findings) -> None:
    page = await opened()
    await expect(page.locator(".rows > li")).to_have_count(len(PLAYED))

    async with findings.offline(page.context):
        await expect(page.get_by_text("offline since")).to_be_visible()
        await expect(page.locator(".rows > li")).to_have_count(len(PLAYED))
    await expect(page.get_by_text(re.compile(r"^\s*Live, "))).to_be_visible(timeout=20_000)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("light", {}), ("dark", {"scheme": "dark"}), ("phone", {"size": PHONE}),
        ("ru", {"locale": "ru-RU"}), ("fr", {"locale": "fr-FR"}),
        ("ru-phone", {"locale": "ru-RU", "size": PHONE}),
    ],
)  # fmt: skip
async def test_it_is_for_everybody(
    name: str, how: dict[str, Any], new_page: NewPage, open_page: OpenPage, channel: str
) -> None:
    page = await new_page(**how)
    path = f"/live-chat?channel={channel}"
    await open_page(page, "analytics", path, Role.SUPERVISOR, name="Clara Moen")
    await expect(page.locator(".rows > li")).to_have_count(len(PLAYED))
    await page.get_by_role("heading", level=1).click()

    assert await axe(page) == []
    await screenshot(page, f"live-chat/{name}", whole=True)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    await page.locator(".rows button").filter(has_text=COMMENT).click()
    await expect(page.locator(".timeline")).to_be_visible()
    assert await axe(page) == []
    await screenshot(page, f"live-chat/{name}-drawer")


@pytest_asyncio.fixture(loop_scope="session")
async def strict(floor: SupportFloor, _floors: dict[str, str]) -> str:
    """A channel that demands more of a close than the one that there is."""
    if "strict" not in _floors:
        name = f"strict-{uuid4().hex[:8]}"
        await floor.channel(name, "Course: Strict")
        demands = {
            "closed_by": ["operator"], "needs_reply": True, "least_client_messages": 3, "least_text": 5,
            "least_operator_messages": 1, "skips_spam": True, "skips_labels": ["internal", "test"],
            "share": 50, "reopened": "once_per_dialog", "once_within": 0,
        }  # fmt: skip
        await floor.set_up(name, eligibility=demands, cool_down=30 * 86_400)
        await play(floor, name, (Mood.IGNORES, 1, None))
        await settled(floor, name, 1)
        _floors["strict"] = name
    return _floors["strict"]


async def test_why_a_close_was_not_asked_about_rule_by_rule(
    open_page: OpenPage, strict: str, page: Page, findings: Findings
) -> None:
    findings.tolerate("503|403|404")
    await open_page(page, "analytics", f"/live-chat?channel={strict}", Role.SUPERVISOR, name="Clara Moen")
    await page.locator(".rows button").first.click()
    drawer, rules = page.get_by_role("dialog", name="Review"), page.locator(".rules > li")
    why = drawer.get_by_role("button", name=WHY_NOT)
    await expect(why).to_have_attribute("aria-expanded", "false")

    for status, code, said, repeats in (
        (403, "role-not-allowed", "The rules could not be read", False),
        (404, "not-found", "Rating knows nothing of this close yet.", False),
        # What was read then is there for good.
        (503, "unavailable", "The rules could not be read", True),
    ):
        problem = {"type": f"/problems/{code}", "title": "", "status": status, "detail": "", "instance": "i"}
        cors = {"access-control-allow-origin": "*"}
        await page.route("**/v1/closes/**", refusing(status, problem, cors))
        await why.press("Enter")
        await expect(drawer).to_contain_text(said)
        await expect(drawer.get_by_role("button", name="Try again")).to_have_count(int(repeats))
        await page.unroute("**/v1/closes/**")
        if repeats:
            await drawer.get_by_role("button", name="Try again").click()
            await expect(rules.first).to_be_visible()
        await why.press("Enter")

    await why.press("Enter")
    await expect(why).to_have_attribute("aria-expanded", "true")
    await expect(rules.filter(has_text="Client’s messages: 2, at least 3 asked for")).to_have_class("failed")
    await expect(rules.filter(has_text="Operators’ messages: 1, a reply is asked for")).to_have_class(
        "passed"
    )
    await expect(rules.last).to_have_text(
        "Not looked at any more: heard too late, once per dialog, opted out, unreachable, "
        "not in the sample, cool-down"
    )
    link = drawer.get_by_role("link", name="version 2 of Quality control")
    await expect(link).to_have_attribute("href", re.compile(rf"/quality-control\?channel={strict}$"))
    await expect(drawer).not_to_contain_text("holds now")


def refusing(
    status: int, problem: dict[str, Any], headers: dict[str, str]
) -> Callable[[Route], Awaitable[None]]:
    """Refuses requests, as a service would that the page may read; preflights go through."""

    async def refuse(route: Route) -> None:
        if route.request.method == "OPTIONS":
            await route.continue_()
        else:
            await route.fulfill(status=status, json=problem, headers=headers)

    return refuse


@pytest.mark.parametrize(
    ("name", "how", "words"),
    [
        ("light", {}, WHY_NOT), ("dark", {"scheme": "dark"}, WHY_NOT), ("phone", {"size": PHONE}, WHY_NOT),
        ("fr-phone", {"locale": "fr-FR", "size": PHONE}, "Pourquoi le client n’a pas été sollicité"),
        ("ru", {"locale": "ru-RU"}, "Почему клиента не спросили"),
    ],
)  # fmt: skip
async def test_why_is_for_everybody(
    new_page: NewPage, open_page: OpenPage, strict: str, name: str, how: dict[str, Any], words: str
) -> None:
    page = await new_page(**how)
    await open_page(page, "analytics", f"/live-chat?channel={strict}", Role.SUPERVISOR, name="Clara Moen")
    await page.locator(".rows button").first.click()
    await page.get_by_role("button", name=words).click()
    await expect(page.locator(".rules > .failed")).to_have_count(1)
    await page.locator(".rules + p").scroll_into_view_if_needed()
    assert await axe(page) == []
    wide = await page.locator(".drawer").evaluate("each => each.scrollWidth - each.clientWidth")
    assert wide == 0
    await screenshot(page, f"live-chat/why-{name}")


async def test_why_a_client_was_asked_and_the_next_close_is_not_read_by_itself(opened: Reading) -> None:
    page = await opened()
    await page.locator(".rows button", has_text=COMMENT).click()
    drawer = page.get_by_role("dialog", name="Review")
    why = drawer.get_by_role("button", name="Why the client was asked")
    await why.click()
    await expect(page.locator(".rules > .passed").first).to_be_visible()
    await expect(page.locator(".rules > .failed")).to_have_count(0)
    await expect(drawer).not_to_contain_text("Not looked at")
    await screenshot(page, "live-chat/why-asked")

    shown = page.url
    await drawer.get_by_role("button", name="Next review").click()
    await expect(page).not_to_have_url(shown)
    await expect(why).to_have_attribute("aria-expanded", "false")
    await expect(page.locator(".rules")).to_have_count(0)


async def test_what_is_odd_is_said_in_words_by_keyboard(opened: Reading, page: Page) -> None:
    async def withdraws(route: Route) -> None:
        told = await (await route.fetch()).json()
        told["whole"]["withdrawn"]["value"] = 4
        for row in told["rows"]:
            row |= {"odd": ["withdrawn"], "withdrawn": {**row["withdrawn"], "value": 31, "n": 42}}
        await route.fulfill(json=told)

    await page.route("**/v1/live-chat/patterns?*", withdraws)
    await opened()
    operators = page.get_by_role("table", name="Operators")
    mark = operators.get_by_role("button", name="odd · Ann Lee")
    reason = operators.get_by_text("Forms withdrawn by reopening: 31% of 42, all operators 4%")
    await mark.press("Enter")
    await expect(reason).to_be_visible()
    await expect(operators.get_by_text("a question, not a verdict")).to_be_visible()
    assert await axe(page) == []
    await mark.press("Enter")
    await expect(reason).to_have_count(0)
