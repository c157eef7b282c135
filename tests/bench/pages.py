"""What opening a page costs a browser that has never seen it.

    python -m tests.bench.pages [--runs 5]

Each run is a new browser context with nothing cached, on loopback: the times are those of this machine's
processors, the requests and bytes are those of the network. Times are the browser's own (Paint Timing,
Largest Contentful Paint, Layout Instability, Long Tasks); `blocked` is what tasks took beyond 50 ms each.
`before paint` counts the requests that began before the first paint.
"""

import argparse
import asyncio
import secrets
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Final

import httpx
from playwright.async_api import Browser, Page, async_playwright
from rich.console import Console
from rich.table import Table

from contracts.access import Role
from deploy.demo.people import ServiceUrls
from deploy.demo.story import Encounter, Ledger, Mood
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack, free_port_base
from deploy.local.tokens import token
from tests.browser.chromium import launch
from tests.browser.widget import site

WATCH: Final = """
window.seen = {largest: 0, shifted: 0, blocked: 0};
const watch = (type, each) =>
  new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({type, buffered: true});
watch("largest-contentful-paint", (entry) => { seen.largest = entry.startTime; });
watch("layout-shift", (entry) => { seen.shifted += entry.hadRecentInput ? 0 : entry.value; });
watch("longtask", (entry) => { seen.blocked += Math.max(0, entry.duration - 50); });
"""
READ: Final = """() => {
  const first = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  const loaded = ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type));
  const before_paint = loaded.filter(({startTime}) => startTime < first).length;
  return {first, ...seen, requests: loaded.length, before_paint};
}"""
# A stream of events stays open, so the network is never idle.
QUIET: Final = """() => {
  const ends = performance.getEntries().map(({startTime, duration}) => startTime + duration);
  return performance.now() - Math.max(...ends) > 700;
}"""
DIALOGS: Final = 60


@dataclass(frozen=True)
class Opened:
    """One opening; times in milliseconds, `sent` in bytes over the network, headers included."""

    first: float
    largest: float
    shifted: float
    blocked: float
    requests: int
    before_paint: int
    sent: int


async def opened(browser: Browser, address: str) -> Opened:
    """Opens a page with nothing cached, until nothing is loaded any more."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = await context.new_page()
    await page.add_init_script(WATCH)
    sent = await counted(page)
    await page.goto(address)
    await page.wait_for_function(QUIET)
    read: Mapping[str, float] = await page.evaluate(READ)
    await context.close()
    return Opened(**read, sent=sum(sent))  # type: ignore[arg-type]


async def counted(page: Page) -> list[int]:
    """The bytes of each response of the page's main target, as they come."""
    sent: list[int] = []
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sent.append(int(event["encodedDataLength"])))
    return sent


async def addresses(floor: SupportFloor, stack: Stack, channel: str, foreign: str) -> dict[str, str]:
    """A page with something on it, by its name; the form's is that of a close that waits for an answer."""
    urls = stack.addresses.services

    def staff(service: str, path: str, role: Role) -> str:
        return f"{urls[service]}{path}#token={token(stack.folder, role, sub='ann', name='Ann Lee')}"

    visitor, ann = await floor.visitor(channel, locale="en"), floor.operator("ann", "Ann Lee")
    dialog = visitor.name_dialog()
    await visitor.open(dialog)
    await ann.take(dialog)
    await ann.post_message(dialog, "m1", "Hello")
    await ann.close(dialog, 1)
    form = await visitor.form(dialog, 1)
    return {
        "Live Chat": staff("analytics", f"/live-chat?channel={channel}", Role.SUPERVISOR),
        "Quality control": staff("rating", f"/quality-control?channel={channel}", Role.SUPERVISOR),
        "Channels": staff("chat", f"/channels?channel={channel}", Role.ADMIN),
        "Console": staff("chat", "/console", Role.OPERATOR),
        "Form": f"{urls['rating']}/form#{form['token']}",
        "Sample site, widget closed": f"{foreign}/",
    }


async def play(floor: SupportFloor, channel: str) -> None:
    """Makes the channel, and closes on it that the pages show."""
    await floor.channel(channel, "Course A")
    for number in range(DIALOGS):
        mood = (Mood.RATES, Mood.COMMENTS, Mood.IGNORES)[number % 3]
        comment = "Solved in two minutes" if mood is Mood.COMMENTS else None
        visitor, operator = await floor.visitor(channel, locale="en"), floor.operator("ann", "Ann Lee")
        await Encounter(visitor, operator, "ann", channel, mood, 5, comment).play(Ledger())


def table(measured: Mapping[str, list[Opened]]) -> Table:
    """The median of each figure."""
    shown = Table(title="median of each figure; ms, layout shift, KB over the network")
    for heading in ("page", *(field.name.replace("_", " ") for field in fields(Opened))):
        shown.add_column(heading, justify="left" if heading == "page" else "right")
    for name, runs in measured.items():
        medians = {
            each.name: statistics.median(getattr(run, each.name) for run in runs) for each in fields(Opened)
        }
        whole = [f"{medians[each]:.0f}" for each in ("blocked", "requests", "before_paint")]
        times = [f"{medians['first']:.0f}", f"{medians['largest']:.0f}", f"{medians['shifted']:.3f}"]
        shown.add_row(name, *times, *whole, f"{medians['sent'] / 1000:.1f}")
    return shown


async def measure(stack: Stack, scratch: Path, runs: int) -> None:
    """Prints the table."""
    channel = f"bench-{secrets.token_hex(4)}"
    async with httpx.AsyncClient(timeout=15, trust_env=False) as http, async_playwright() as playwright:
        floor = SupportFloor(http, ServiceUrls.at(stack.base), partial(token, stack.folder), within=30)
        await play(floor, channel)
        with site(floor.urls.chat, floor.urls.rating, channel, hostile=False) as foreign:
            await floor.channel(channel, "Course A", allowed_origins=[foreign.origin])
            pages = await addresses(floor, stack, channel, foreign.origin)
            browser = await launch(playwright, scratch)
            measured: dict[str, list[Opened]] = {name: [] for name in pages}
            for _ in range(runs):
                for name, address in pages.items():
                    measured[name].append(await opened(browser, address))
            await browser.close()
    Console(width=120).print(table(measured))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        with Stack(scratch / "data", base=free_port_base(), extra={"CANDOR_RATING_DELAY": "0"}) as stack:
            asyncio.run(measure(stack, scratch, runs))


if __name__ == "__main__":
    main()
