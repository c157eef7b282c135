"""The start page answers itself alone and gives tokens of the people it names; the sample site is foreign."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx
import jwt
import pytest

from chassis.kafka.connection import KafkaConnection
from contracts.access import AUDIENCE_STAFF, Role
from deploy.demo.support_floor import SupportFloor
from deploy.demo.traffic import Traffic
from deploy.local.ports import free_base
from deploy.local.start_page.app import start_page
from deploy.local.start_page.people import PEOPLE, Someone
from deploy.local.start_page.same_origin import HEADER
from deploy.local.start_page.sample_site import sample_site
from deploy.local.start_page.setup import Setup
from deploy.local.tokens import token

OWN = {HEADER: "1"}


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    base = free_base(range(5))
    return Setup(tmp_path, base, KafkaConnection(servers="127.0.0.1:1"), "mongodb://127.0.0.1:1", "embedded")


@pytest.fixture
async def page(setup: Setup) -> AsyncIterator[httpx.AsyncClient]:
    """Requests as its own page sends them."""
    app = start_page(setup)
    url = f"http://127.0.0.1:{setup.port}"
    async with httpx.AsyncClient(trust_env=False) as http:
        floor = SupportFloor(http, setup.urls, partial(token, setup.folder), within=0)
        app.state.http, app.state.traffic = http, Traffic(floor)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=url) as client:
            yield client


async def test_it_says_whom_one_can_be_and_where_their_pages_are(
    page: httpx.AsyncClient, setup: Setup
) -> None:
    people = {each["id"]: each for each in (await page.get("/api/people")).json()["people"]}

    assert people["lena"]["address"] == f"http://127.0.0.1:{setup.base + 4}/"
    assert people["mira"]["address"] == f"http://127.0.0.1:{setup.base}/console"
    assert people["clara"]["address"] == f"http://127.0.0.1:{setup.base + 2}/live-chat"
    assert people["ivo"]["channels"] == ["demo-study-bot"]
    assert (people["ivo"]["channel_names"], people["clara"]["channel_names"]) == (["Study bot"], [])
    assert sum(each["role"] == Role.OPERATOR for each in people.values()) > 1


@pytest.mark.parametrize("someone", [each for each in PEOPLE.values() if each.role is not Role.VISITOR])
async def test_a_token_is_that_persons_for_twelve_hours(page: httpx.AsyncClient, someone: Someone) -> None:
    given = (await page.post(f"/api/people/{someone.id}/token", headers=OWN)).json()["token"]

    claims = jwt.decode(given, options={"verify_signature": False}, audience=AUDIENCE_STAFF)
    assert (claims["sub"], claims["name"]) == (someone.id, someone.name)
    assert (claims["roles"], claims["channels"]) == ([someone.role], list(someone.channels))
    assert claims["exp"] - claims["iat"] == 12 * 3600


@pytest.mark.parametrize("person", ["lena", "nobody"])
async def test_a_client_and_a_stranger_have_no_token(page: httpx.AsyncClient, person: str) -> None:
    assert (await page.post(f"/api/people/{person}/token", headers=OWN)).status_code == 404


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}"]
)
@pytest.mark.parametrize("path", ["/", "/api/people", "/pages/start/assets/x.js"])
async def test_a_name_that_somebody_points_at_loopback_is_refused(
    host: str, path: str, page: httpx.AsyncClient, setup: Setup
) -> None:
    refused = await page.get(path, headers={"Host": host.format(port=setup.port)})

    assert (refused.status_code, refused.json()["type"]) == (421, "/problems/host-not-local")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_names_of_loopback_are_answered(name: str, page: httpx.AsyncClient, setup: Setup) -> None:
    host = f"{name}:{setup.port}"
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin", **OWN}

    assert (await page.post("/api/people/mira/token", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**OWN, "Origin": "http://evil.example"},
        {**OWN, "Origin": "null"},
        {**OWN, "Sec-Fetch-Site": "cross-site"},
        {**OWN, "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_request_of_another_page_changes_nothing_and_gets_no_token(
    headers: dict[str, str], page: httpx.AsyncClient
) -> None:
    for method, path in (("POST", "/api/people/nora/token"), ("POST", "/api/demo"), ("DELETE", "/api/demo")):
        refused = await page.request(method, path, headers=headers)

        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-the-start-page")
    assert (
        (await page.options("/api/people/nora/token", headers=headers))
        .headers.keys()
        .isdisjoint({"access-control-allow-origin", "access-control-allow-headers"})
    )


@pytest.mark.parametrize("pace", [0, -1, 21, "fast"])
async def test_a_pace_beyond_reason_is_refused(pace: object, page: httpx.AsyncClient) -> None:
    assert (await page.post("/api/demo", headers=OWN, json={"pace": pace})).status_code == 422


async def test_what_is_down_is_said_with_why(page: httpx.AsyncClient, setup: Setup) -> None:
    parts = (await page.get("/api/status")).json()["parts"]

    assert [(part["name"], part["state"]) for part in parts] == [
        (name, "down") for name in ("chat", "rating", "analytics", "kafka", "mongo")
    ]
    assert (
        parts[1]["sentence"]
        == f"nobody answers at port {setup.base + 1}; {setup.folder}/logs/rating.log says why"
    )
    assert all(part["sentence"] for part in parts)


async def test_traffic_needs_all_services(page: httpx.AsyncClient) -> None:
    refused = await page.post("/api/demo", headers=OWN, json={"pace": 2})
    shown = (await page.get("/api/demo")).json()

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/services-away")
    assert (shown["pace"], shown["numbers"], shown["check"]) == (None, None, None)


async def test_the_sample_site_takes_the_widget_and_nothing_else(setup: Setup) -> None:
    transport = httpx.ASGITransport(sample_site(setup))
    async with httpx.AsyncClient(transport=transport, base_url=setup.sample_site) as visitor:
        pages = [await visitor.get(path) for path in ("/", "/units", "/lecon", "/dars")]

    chat, rating = f"http://127.0.0.1:{setup.base}", f"http://127.0.0.1:{setup.base + 1}"
    for each in pages:
        assert f'<script src="{chat}/widget.js" data-channel="northbank" async></script>' in each.text
        policy = each.headers["Content-Security-Policy"]
        assert policy.startswith(
            f"default-src 'none'; script-src {chat}; connect-src {chat}; frame-src {rating}; "
            "style-src 'self'; img-src 'self'; "
        )
        assert "unsafe" not in policy
