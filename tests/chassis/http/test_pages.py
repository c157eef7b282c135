"""Pages are never cached and reach nothing that isn't theirs; files that they load are cached for ever."""

import gzip
import json
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from html import unescape
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, Request

from chassis.http.pages import Page, router, sign_in, sign_in_sources
from chassis.settings import ServiceSettings

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
HTML = "<!doctype html><html><head><title>Till</title></head><body></body></html>"
SCRIPT = b"export const sum = 1;" * 50
FILE = "/pages/shop/assets/till-B8p21kmG.js"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "till.html").write_text(HTML)
    (tmp_path / "assets/till-B8p21kmG.js").write_bytes(SCRIPT)
    (tmp_path / "assets/till-B8p21kmG.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "assets/till-B8p21kmG.js.br").write_bytes(b"brotli")
    return tmp_path


def shops(built: Path, *pages: Page) -> Sequence[APIRouter]:
    return [router("shop", built, pages or [Page("/till", "till.html", {})])]


def policy_of(response: httpx.Response) -> dict[str, str]:
    directives = response.headers["content-security-policy"].split("; ")
    return dict(each.split(" ", 1) for each in directives)


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [
        ("gzip, br", "br", b"brotli"),
        ("gzip", "gzip", SCRIPT),
        ("", None, SCRIPT),
        ("zstd, brx", None, SCRIPT),
    ],
)
async def test_a_file_comes_in_the_best_encoding_that_was_built(
    calling: Caller, built: Path, accepted: str, encoding: str | None, body: bytes
) -> None:
    async with calling(pages=shops(built)) as client:
        request = client.build_request("GET", FILE, headers={"Accept-Encoding": accepted})
        response = await client.send(request, stream=True)
        raw = b"".join([part async for part in response.aiter_raw()])
    assert response.headers.get("content-encoding") == encoding
    assert (gzip.decompress(raw) if encoding == "gzip" else raw) == body
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "name",
    [
        "assets/till.js",
        "assets/till-B8p21kmG.js.gz",
        "till.html",
        "../till.html",
        "assets",
        "",
        "%2e%2e/x",
        ".built",
        "till.js",
    ],
)
async def test_nothing_but_what_a_page_loads_is_a_file(calling: Caller, built: Path, name: str) -> None:
    (built / ".built").write_text("4379d92c")
    (built / "till.js").write_bytes(SCRIPT)
    async with calling(pages=shops(built)) as client:
        response = await client.get(f"/pages/shop/{name}")
    assert response.status_code == 404
    assert response.json()["type"] == "/problems/not-found"


async def test_a_page_is_asked_for_anew_each_time_and_may_load_from_its_own_origin_alone(
    calling: Caller, built: Path
) -> None:
    async with calling(pages=shops(built)) as client:
        response = await client.get("/till")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = policy_of(response)
    assert policy["default-src"] == policy["frame-ancestors"] == policy["frame-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"


async def test_the_headers_of_the_api_are_others(calling: Caller, built: Path) -> None:
    async with calling(pages=shops(built)) as client:
        response = await client.get("/health/live")
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response.headers["cache-control"] == "no-store"


async def test_what_a_page_is_told_can_end_no_attribute(calling: Caller, built: Path) -> None:
    told = {"name": "\"><script>alert('1')</script>&amp;"}
    async with calling(pages=shops(built, Page("/till", "till.html", told))) as client:
        html = (await client.get("/till")).text
    found = re.search(r'<meta name="candor" content="([^"]*)"></head>', html)
    assert found is not None
    assert json.loads(unescape(found[1])) == told
    assert "<script>" not in html


async def test_further_origins_stand_in_the_policy_for_what_they_are(calling: Caller, built: Path) -> None:
    async def framing(request: Request) -> Sequence[str]:
        return ["https://a.example"] if request.query_params.get("channel") == "a" else []

    page = Page("/till", "till.html", {}, connect=["https://id.example"], frames=["'self'"], framing=framing)
    async with calling(pages=shops(built, page)) as client:
        framed, other = [policy_of(await client.get(f"/till?channel={name}")) for name in "ab"]
    assert framed["connect-src"] == "'self' https://id.example"
    assert framed["frame-src"] == "'self'"
    assert framed["frame-ancestors"] == "https://a.example"
    assert other["frame-ancestors"] == "'none'"


async def test_a_script_for_pages_of_others_has_an_address_of_its_own_and_is_cached_for_minutes(
    calling: Caller, built: Path
) -> None:
    (built / "till.js").write_bytes(SCRIPT)
    async with calling(pages=[router("shop", built, [], scripts=["till.js", "gone.js"])]) as client:
        there, gone = await client.get("/till.js"), await client.get("/gone.js")
    assert there.content == SCRIPT
    assert there.headers["content-type"].startswith("text/javascript")
    assert there.headers["cache-control"] == "public, max-age=300"
    assert there.headers["cross-origin-resource-policy"] == "cross-origin"
    assert gone.status_code == 404


async def test_pages_that_were_not_built_are_not_there(calling: Caller, tmp_path: Path) -> None:
    async with calling(pages=shops(tmp_path / "nowhere")) as client:
        response = await client.get("/till")
    assert response.status_code == 404


@pytest.mark.parametrize(
    ("client", "discovery", "sources"),
    [
        ("pages", "", ("https://id.example", "https://token.example")),
        ("pages", "https://id.example/known", ("https://id.example", "https://token.example")),
        (
            "pages",
            "https://x.example/known",
            ("https://id.example", "https://x.example", "https://token.example"),
        ),
        ("", "https://x.example/known", ()),
    ],
)
def test_staff_pages_call_their_provider_where_they_are_known(
    settings: ServiceSettings, client: str, discovery: str, sources: tuple[str, ...]
) -> None:
    told = {
        "staff_issuer": "https://id.example/realms/a",
        "staff_sign_in_origins": ("https://token.example",),
        "staff_discovery": discovery,
    }
    assert sign_in_sources(settings.model_copy(update={"staff_client_id": client, **told})) == sources


@pytest.mark.parametrize(
    ("env", "client", "start_page"),
    [("development", "", True), ("development", "pages", False), ("production", "", False)],
)
def test_the_start_page_signs_in_only_in_development_without_a_provider(
    settings: ServiceSettings, env: str, client: str, *, start_page: bool
) -> None:
    told = sign_in(settings.model_copy(update={"env": env, "staff_client_id": client}))
    assert told["startPage"] is start_page
