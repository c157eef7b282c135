"""Whoever opens a form's link and is not its client, such as a mail scanner, rates nothing."""

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import product
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from tests.rating.api_client import ApiClient, open_api_client
from tests.rating.harness import Harness, closed

pytestmark = pytest.mark.real

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing, by RFC 9110, section 9.2.1."""

AHEAD: Sequence[Mapping[str, str]] = [
    {},
    {"Sec-Purpose": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Purpose": "prefetch"},
    {"X-Moz": "prefetch"},
    {"User-Agent": "Mozilla/5.0 (compatible; SafeLinks)", "X-HTTP-Method-Override": "POST"},
]
"""What says that nobody is there, or that a method means another one."""


@pytest.fixture
async def asked(harness: Harness) -> AsyncIterator[ApiClient]:
    """The API after a close whose form waits."""
    async with open_api_client(harness) as api:
        await harness.inbound.on_dialog_closed(closed())
        await harness.relayed()
        yield api


async def everything(api: ApiClient) -> dict[str, Any]:
    """All that rating has stored, but for the leases that its relay renews by itself every few seconds."""
    await api.harness.erasures_done()
    database = api.harness.database
    names = set(await database.list_collection_names()) - {"leases"}
    return {name: await database[name].find().sort("_id").to_list(None) for name in sorted(names)}


def paths(api: ApiClient) -> list[str]:
    """Every address of the service and its pages, with the form's token where it takes a word."""
    token = api.token()
    found = {
        context.path_format or str(context.path) for context in iter_route_contexts(api.harness.app.routes)
    }
    names = {"channel": "shop", "version": "1", "name": token, "webhook": "crm", "close": "d1.1"}
    filled = {path.format_map(names) for path in found} | {f"/form/{token}", f"/v1/forms/{token}"}
    return sorted(filled)


@pytest.mark.parametrize("method", SAFE)
async def test_opening_a_link_stores_nothing_anywhere(asked: ApiClient, method: str) -> None:
    before = await everything(asked)
    token = asked.token()
    visited = paths(asked)
    assert {"/form", "/v1/forms/answer", "/v1/forms/decline", "/v1/forms/mine"} <= set(visited)
    for path in visited:
        for headers, query in product(AHEAD, ({"token": token}, {"token": token, "score": "5"})):
            response = await asked.http.request(method, path, params=query, headers=headers)
            assert response.status_code < 500, f"{method} {path}"
    assert await everything(asked) == before
    assert [form["state"] for form in await asked.mine()] == ["pending"]


async def test_what_the_page_asks_before_anybody_touches_it_stores_nothing(asked: ApiClient) -> None:
    """The page, and the one request that its script makes by itself; tests/browser runs the script."""
    before = await everything(asked)
    for headers in AHEAD:
        page = await asked.http.get("/form", headers=headers)
        assert (page.status_code, asked.token() in page.text) == (200, False)
        for _ in range(2):
            read = await asked.post("read", {"token": asked.token()}, headers=headers)
            assert read.json()["state"] == "pending"
    assert await everything(asked) == before


KINDS = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain")
"""What browsers send a form of HTML as."""


async def test_a_form_that_a_scanner_submits_is_no_answer(
    asked: ApiClient, subtests: pytest.Subtests
) -> None:
    """Some press whatever looks like a button: a page without a form of HTML has nothing for them."""
    body = f"token={asked.token()}&score=5"
    for route, kind in product(("answer", "decline"), KINDS):
        with subtests.test(route, kind=kind):
            before = await everything(asked)
            headers = {"Content-Type": kind}
            response = await asked.http.post(f"/v1/forms/{route}", content=body, headers=headers)
            assert response.status_code in {415, 422}
            assert await everything(asked) == before
    assert [form["state"] for form in await asked.mine()] == ["pending"]
    assert "<form" not in (await asked.http.get("/form")).text
