"""Each fixture does what it says, and the collector fails a test when there is something to find."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page, ViewportSize, expect

from deploy.local.cache import cache_folder
from tests.browser.conftest import DESKTOP, PHONE, NewPage
from tests.browser.findings import Findings
from tests.browser.looking import axe, screenshot
from tests.browser.site import serving

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
CACHE = cache_folder()  # before pytester gives the test a home of its own
ICON = "<link rel=icon href='data:,'>"
GOOD = f"<!doctype html><html lang=en><title>Good</title>{ICON}<main><h1>Good</h1></main>"
ARABIC = (
    f"<!doctype html><html lang=ar dir=rtl><title>نموذج</title>{ICON}"
    "<style>h1 { font: 20px system-ui, sans-serif }</style><main><h1>محادثتك</h1></main>"
)
HIDDEN_LABELS = f"<!doctype html><html lang=en><title>Form</title>{ICON}<main><h1>A</h1><input></main>"
FRAMED = f"<!doctype html><html lang=en><title>F</title>{ICON}<iframe title=form src=/hidden-labels></iframe>"
PAGES = {
    "/good": GOOD,
    "/arabic": ARABIC,
    "/hidden-labels": HIDDEN_LABELS,
    "/framed": FRAMED,
    "/fonts": (
        f"<!doctype html><html lang=ru><title>Ф</title>{ICON}<style>b {{ font-family: system-ui }}"
        " i { font-family: monospace; font-style: normal } q { font-family: sans-serif; font-weight: 600 }"
        "</style><b>Оценка, é</b> <i>code</i> <q>цитата</q>"
    ),
    "/throws": f"{ICON}<script>setTimeout(() => {{ throw new Error('thrown on purpose') }})</script>",
    "/rejects": f"{ICON}<script>Promise.reject(new Error('rejected on purpose'))</script>",
    "/console": f"{ICON}<script>console.error('said on purpose')</script>",
    "/missing": f"{ICON}<img src=/none.png alt=''>",
    "/third-party": f"{ICON}<img src=http://third.example/pixel alt=''>",
}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving(PAGES) as origin:
        yield origin


async def test_a_page_without_errors_is_fine(page: Page, site: str, findings: Findings) -> None:
    await page.goto(f"{site}/good")

    await expect(page.get_by_role("heading")).to_have_text("Good")
    assert findings.errors == []


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/throws", r"uncaught in http://127\.0\.0\.1:\d+/throws: thrown on purpose"),
        ("/rejects", r"uncaught in .*rejected on purpose"),
        ("/console", r"console of .*: said on purpose"),
        ("/missing", r"console of .*/none\.png: .* 404"),
    ],
)
async def test_what_goes_wrong_in_a_page_is_found(
    path: str, found: str, page: Page, site: str, findings: Findings
) -> None:
    await page.goto(f"{site}{path}")
    await page.evaluate("new Promise(setTimeout)")

    assert len(findings.errors) == 1
    findings.expect(found)
    assert findings.errors == []
    findings.expect("what does not come")
    assert findings.errors == ["expected and not seen: what does not come"]
    findings._expected.pop()


async def test_what_a_policy_forbids_is_found(page: Page, findings: Findings) -> None:
    policy = {"Content-Security-Policy": "default-src 'none'; img-src data:"}
    with serving({"/": f"{ICON}<body style='color: red'><script>1</script>"}, policy) as strict:
        await page.goto(strict)

    assert len(findings.errors) == 2
    findings.expect("inline style .* Content Security Policy")
    findings.expect("inline script .* Content Security Policy")


async def test_a_request_to_a_third_party_is_found(page: Page, site: str, findings: Findings) -> None:
    await page.goto(f"{site}/third-party")

    assert "request to a third party: GET http://third.example/pixel" in findings.errors
    findings.expect("third party")
    findings.expect(r"third\.example/pixel: Failed to load resource")


def test_a_finding_fails_its_test(
    pytester: pytest.Pytester, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_CACHE", str(CACHE))
    pytester.makeconftest("from tests.browser.conftest import *")
    pytester.makepyfile(f"""
        import pytest
        from tests.browser.conftest import IN_SESSION

        @IN_SESSION
        @pytest.mark.parametrize("path", ["good", "throws", "console"])
        async def test_it(page, path):
            await page.goto("{site}/" + path)
    """)

    ran = pytester.runpytest_subprocess("-c", ROOT / "pyproject.toml", "-p", "no:cacheprovider")

    ran.assert_outcomes(passed=3, errors=2)


async def test_without_network_nothing_loads_and_that_is_no_finding(
    page: Page, site: str, findings: Findings
) -> None:
    await page.goto(f"{site}/good")

    async with findings.offline(page.context):
        assert await page.evaluate("fetch('/good').then(() => 'loaded', () => 'refused')") == "refused"
    assert await page.evaluate("fetch('/good').then(() => 'loaded', () => 'refused')") == "loaded"


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_have_the_size_scheme_language_and_zone_asked_for(
    size: ViewportSize, scheme: Literal["light", "dark"], new_page: NewPage
) -> None:
    page = await new_page(size=size, scheme=scheme, locale="fr-FR", zone="Asia/Tokyo")
    await page.set_content("<meta name=viewport content='width=device-width'>")

    told = await page.evaluate(
        "[innerWidth, innerHeight, matchMedia('(prefers-color-scheme: dark)').matches, navigator.language,"
        " Intl.DateTimeFormat().resolvedOptions().timeZone, matchMedia('(pointer: coarse)').matches]"
    )
    assert told == [
        size["width"], size["height"], scheme == "dark", "fr-FR", "Asia/Tokyo", size == PHONE,
    ]  # fmt: skip


async def test_two_pages_are_two_people(new_page: NewPage, site: str) -> None:
    ann, bo = await new_page(), await new_page()
    for page in (ann, bo):
        await page.goto(f"{site}/good")

    await ann.evaluate("localStorage.setItem('who', 'ann')")

    assert await bo.evaluate("localStorage.getItem('who')") is None


async def test_a_picture_is_put_where_the_environment_says(
    page: Page, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_SCREENSHOTS", str(tmp_path))
    await page.goto(f"{site}/good")

    path = await screenshot(page, "ground/good")

    assert path == tmp_path / "ground" / "good.png"
    assert path.read_bytes().startswith(b"\x89PNG")


async def test_axe_finds_what_is_serious_also_in_frames_and_under_a_strict_policy(page: Page) -> None:
    policy = {"Content-Security-Policy": "default-src 'none'; img-src data:; frame-src 'self'"}
    with serving(PAGES, policy) as strict:
        await page.goto(f"{strict}/good")
        assert await axe(page) == []

        await page.goto(f"{strict}/framed")
        assert [each.partition(",")[0] for each in await axe(page)] == ["critical: label"]


@pytest.mark.parametrize(
    ("path", "text", "font"),
    [("/arabic", "h1", "Noto Sans Arabic"), ("/good", "h1", "Noto Serif"), ("/fonts", "b", "Inter"),
     ("/fonts", "i", "Noto Sans Mono"), ("/fonts", "q", "Inter")],
)  # fmt: skip
async def test_fonts_are_the_same_everywhere_arabic_among_them(
    path: str, text: str, font: str, page: Page, site: str
) -> None:
    await page.goto(f"{site}{path}")
    devtools = await page.context.new_cdp_session(page)
    for domain in ("DOM.enable", "CSS.enable"):
        await devtools.send(domain)
    root = (await devtools.send("DOM.getDocument"))["root"]["nodeId"]
    node = await devtools.send("DOM.querySelector", {"nodeId": root, "selector": text})

    used = await devtools.send("CSS.getPlatformFontsForNode", {"nodeId": node["nodeId"]})

    assert {each["familyName"].removesuffix(" SemiBold") for each in used["fonts"]} == {font}
