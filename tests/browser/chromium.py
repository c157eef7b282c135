"""The Chromium of npm `@sparticuz/chromium`, with the same fonts on every machine."""

import os
import subprocess
from pathlib import Path

from playwright.async_api import Browser, Playwright

from deploy.local.failures import CannotStart
from deploy.local.npm_packages import NODE, installed

HERE = Path(__file__).parent
UNPACK = 'import chromium from "@sparticuz/chromium"; await chromium.executablePath()'
# The fonts, and what they stand in for; Chromium asks for Arial and Times New Roman where a page names none.
FAMILIES = {
    "Inter": ("system-ui", "sans-serif", "Arial"),
    "Noto Serif": ("serif", "Times New Roman", "Georgia"),
    "Noto Sans Mono": ("monospace",),
}


def packages() -> Path:
    """The folder with ``node_modules`` (the browser's packages, axe-core, fonts) and the unpacked browser."""
    return installed("browser", HERE, _unpack)


async def launch(playwright: Playwright, scratch: Path) -> Browser:
    """A headless browser; `scratch` holds its font configuration.

    ``CANDOR_CHROMIUM`` names another Chromium: the packed one is for x86-64 Linux.
    """
    fonts = scratch / "fonts.conf"
    fonts.write_text(_font_configuration(packages() / "node_modules" / "@expo-google-fonts", scratch))
    return await playwright.chromium.launch(
        executable_path=os.environ.get("CANDOR_CHROMIUM") or packages() / "chromium" / "chromium",
        args=["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
        env={**os.environ, "FONTCONFIG_FILE": str(fonts)},
    )


def _unpack(folder: Path) -> None:
    place = folder / "chromium"
    place.mkdir()
    told = subprocess.run(
        [NODE, "--input-type=module", "--eval", UNPACK],
        cwd=folder, env={**os.environ, "TMPDIR": str(place)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if told.returncode != 0:
        raise CannotStart(f"The browser could not be unpacked: {told.stderr}")


def _font_configuration(fonts: Path, scratch: Path) -> str:
    preferred = "".join(
        f"<alias binding='strong'><family>{name}</family><prefer><family>{font}</family></prefer></alias>"
        for font, names in FAMILIES.items()
        for name in names
    )
    return (
        "<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'>"
        f"<fontconfig><dir>{fonts}</dir><cachedir>{scratch / 'font-cache'}</cachedir>{preferred}</fontconfig>"
    )
