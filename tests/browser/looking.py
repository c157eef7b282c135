"""How a test looks at a page: pictures for people, and axe-core for whoever can't see them."""

import os
from pathlib import Path

from playwright.async_api import Page

from tests.browser.chromium import packages

SCREENSHOTS = Path(__file__).parents[2] / ".candor" / "screenshots"
SERIOUS = ("serious", "critical")
RUN_AXE = "axe.run({iframes: false, resultTypes: ['violations']}).then(result => result.violations)"


async def screenshot(page: Page, name: str, *, whole: bool = False) -> Path:
    """A picture of what is shown, or of the `whole` page, in ``CANDOR_SCREENSHOTS`` (.candor/screenshots).

    `name` may have folders. Nothing moves in it, and no cursor blinks.
    """
    path = Path(os.environ.get("CANDOR_SCREENSHOTS") or SCREENSHOTS) / f"{name}.png"
    await page.screenshot(path=path, full_page=whole, animations="disabled", caret="hide")
    return path


async def axe(page: Page) -> list[str]:
    """Sentences for the serious and critical violations that axe-core finds in the page and its frames."""
    source = (packages() / "node_modules" / "axe-core" / "axe.min.js").read_text()
    found: list[str] = []
    for frame in page.frames:
        await frame.evaluate(source)  # by the debugger: no CSP keeps it out
        for violation in await frame.evaluate(RUN_AXE):
            if violation["impact"] in SERIOUS:
                places = ", ".join(str(node["target"]) for node in violation["nodes"])
                found.append(f"{violation['impact']}: {violation['id']}, {violation['help']} ({places})")
    return found


def rgb(colour: str) -> str:
    """A colour, "#rrggbb", as computed styles have it."""
    return "rgb({}, {}, {})".format(*bytes.fromhex(colour[1:]))
