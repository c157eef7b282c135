"""A channel's own system over HTTP: where forms go, and the secret that is for the channel's admins alone."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from contracts.access import Role
from tests.rating.api_client import ApiClient, open_api_client, staff, visitor
from tests.rating.harness import open_harness

pytestmark = pytest.mark.real

ADA = staff(Role.ADMIN, sub="ada")
PATH = "/v1/quality-control/shop"
SECRET, ROTATE = f"{PATH}/form-webhook/secret", f"{PATH}/form-webhook/rotate"
WEBHOOK = {"way": "webhook", "after": 0}
URL = "https://support.example/forms"


@pytest.fixture
async def api(mongo: str, database: str) -> AsyncIterator[ApiClient]:
    async with open_harness(mongo, database, rules=None) as harness, open_api_client(harness) as api:
        yield api


async def secret(api: ApiClient, path: str = SECRET) -> str:
    response = await api.http.get(path, headers=ADA)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    return str(response.json()["secret"])


OTHERS = {
    "an operator": staff(Role.OPERATOR),
    "an operator who is an admin": staff(Role.OPERATOR, Role.ADMIN),
    "a supervisor": staff(Role.SUPERVISOR),
    "the platform team": staff(Role.PLATFORM),
    "an admin of another channel": staff(Role.ADMIN, channel="blog"),
    "a visitor": visitor(),
}


async def test_only_admins_of_the_channel_may(api: ApiClient, subtests: pytest.Subtests) -> None:
    for method, path in (("GET", SECRET), ("POST", ROTATE)):
        for who, headers in OTHERS.items():
            with subtests.test(f"{method} {path}", who=who):
                assert (await api.http.request(method, path, headers=headers)).status_code == 403
        with subtests.test(f"{method} {path}", who="nobody"):
            assert (await api.http.request(method, path)).status_code == 401


async def test_a_secret_is_the_channels_own_and_stays_until_it_is_rotated(api: ApiClient) -> None:
    body = {"url": URL, "events": ["given"], "channels": [], "score_at_or_below": None, "enabled": True}
    assert (await api.http.put("/v1/webhooks/shop", headers=ADA, json=body)).status_code == 200
    first = await secret(api)
    assert first == await secret(api)
    others = [
        await secret(api, path) for path in (SECRET.replace("shop", "blog"), "/v1/webhooks/shop/secret")
    ]
    assert len({first, *others}) == 3
    rotated = await api.http.post(ROTATE, headers=ADA)
    assert rotated.json()["secret"] == await secret(api) != first
    again = await api.http.post(ROTATE, headers=ADA)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/rotation-under-way")
    api.harness.clock.advance(timedelta(days=1))
    assert (await api.http.post(ROTATE, headers=ADA)).status_code == 200


async def saved(api: ApiClient, **changes: Any) -> Any:
    found = (await api.http.get(PATH, headers=ADA)).json()
    headers = ADA | {"If-Match": f'"{found["version"]}"'}
    return await api.http.put(PATH, headers=headers, json=found["settings"] | changes)


async def test_where_forms_go_is_kept_while_the_webhook_is_off(api: ApiClient) -> None:
    first = await saved(api, ways=[WEBHOOK], form_webhook={"url": URL})
    assert first.json()["settings"]["form_webhook"] == {"url": URL}
    assert first.json()["webhook_gone"] is False
    off = await saved(api, ways=[{"way": "widget", "after": 0}])
    assert off.json()["settings"]["form_webhook"] == {"url": URL}
    history = (await api.http.get(f"{PATH}/versions", headers=ADA)).json()["versions"]
    assert history[1]["changed"] == ["ways", "form_webhook"]


async def test_only_admins_say_where_forms_go_be_it_by_restoring(api: ApiClient) -> None:
    await saved(api, ways=[WEBHOOK], form_webhook={"url": URL})
    await saved(api, ways=[{"way": "widget", "after": 0}], form_webhook=None)
    found = (await api.http.get(PATH, headers=ADA)).json()
    headers = staff(Role.SUPERVISOR) | {"If-Match": f'"{found["version"]}"'}
    body = found["settings"] | {"form_webhook": {"url": URL}}
    for refused in (
        await api.http.put(PATH, headers=headers, json=body),
        await api.http.post(f"{PATH}/restore", headers=headers, json={"version": 2}),
    ):
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/webhook-for-admins")
    assert (await api.http.get(PATH, headers=ADA)).json() == found
    assert (await api.http.put(PATH, headers=headers, json=found["settings"])).status_code == 200


async def test_a_webhook_without_an_address_is_refused_also_by_a_dry_run(api: ApiClient) -> None:
    refused = await saved(api, ways=[WEBHOOK])
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/webhook-url-missing")
    settings = (await api.http.get(PATH, headers=ADA)).json()["settings"] | {"ways": [WEBHOOK]}
    tried = await api.http.post(f"{PATH}/dry-run", headers=ADA, json={"settings": settings})
    assert (tried.status_code, tried.json()["type"]) == (409, "/problems/webhook-url-missing")


NO_ADDRESSES = ("ftp://support.example", "https://", "https://ada:pw@support.example/", "support.example")


async def test_what_is_no_address_is_refused(api: ApiClient, subtests: pytest.Subtests) -> None:
    for url in NO_ADDRESSES:
        with subtests.test(url=url):
            refused = await saved(api, ways=[WEBHOOK], form_webhook={"url": url})
            assert refused.status_code == 422
            wrong = [(each["field"], each["code"]) for each in refused.json()["errors"]]
            assert wrong == [("body.form_webhook.url", "not-valid")]
