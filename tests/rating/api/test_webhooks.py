"""Webhooks over HTTP: admins alone, who overwrite nothing that they haven't read."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts.access import Role
from tests.rating.api_client import ApiClient, open_api_client, staff, visitor
from tests.rating.harness import closed, open_harness
from tests.rating.webhooks import ADA, body, log, save, settings_known

pytestmark = pytest.mark.real


@pytest.fixture
async def api(mongo: str, database: str) -> AsyncIterator[ApiClient]:
    async with open_harness(mongo, database) as harness, open_api_client(harness) as api:
        yield api


OTHERS = {
    "an operator": staff(Role.OPERATOR),
    "an operator who is an admin": staff(Role.OPERATOR, Role.ADMIN),
    "a supervisor": staff(Role.SUPERVISOR),
    "an admin of one channel": staff(Role.ADMIN, channel="shop"),
    "the platform team": staff(Role.PLATFORM),
    "a visitor": visitor(),
}
ROUTES = (
    ("GET", ""),
    ("GET", "/crm"),
    ("PUT", "/crm"),
    ("DELETE", "/crm"),
    ("GET", "/crm/secret"),
    ("POST", "/crm/rotate"),
    ("GET", "/crm/deliveries"),
    ("POST", "/crm/deliveries/redeliver"),
    ("POST", "/crm/deliveries/redeliver-failed"),
)


async def test_only_admins_of_every_channel_may(api: ApiClient, subtests: pytest.Subtests) -> None:
    for method, path in ROUTES:
        url = f"/v1/webhooks{path}"
        for who, headers in OTHERS.items():
            with subtests.test(f"{method} {path}", who=who):
                assert (await api.http.request(method, url, headers=headers)).status_code == 403
        with subtests.test(f"{method} {path}", who="nobody"):
            assert (await api.http.request(method, url)).status_code == 401


async def test_a_webhook_is_made_read_changed_and_deleted(api: ApiClient) -> None:
    made = await save(api)
    assert (made.status_code, made.headers["etag"]) == (200, '"1"')
    known = {**body(), "webhook": "crm", "version": 1, "gone": False, "both_until": None}
    known |= {"delivered_at": None, "failing_since": None}
    assert made.json() == known == (await api.http.get("/v1/webhooks/crm", headers=ADA)).json()
    changed = await save(api, 1, events=["changed", "given", "expired"], score_at_or_below=2)
    assert changed.json()["events"] == ["given", "changed", "expired"]
    await settings_known(api)
    assert (await api.http.get("/v1/webhooks", headers=ADA)).json() == {"webhooks": [changed.json()]}
    for _ in range(2):
        assert (await api.http.delete("/v1/webhooks/crm", headers=ADA)).status_code == 204
    assert (await api.http.get("/v1/webhooks/crm", headers=ADA)).status_code == 404
    await settings_known(api)
    assert (await api.http.get("/v1/webhooks", headers=ADA)).json() == {"webhooks": []}


async def test_nobody_overwrites_what_they_have_not_read(api: ApiClient) -> None:
    await save(api)
    for version in (None, 2):
        response = await save(api, version, enabled=False)
        assert (response.status_code, response.json()["type"]) == (412, "/problems/webhook-changed")
    assert (await save(api, 1, enabled=False)).status_code == 200
    headers = ADA | {"If-Match": "*"}
    assert (await api.http.put("/v1/webhooks/crm", headers=headers, json=body())).status_code == 412


async def test_a_secret_is_its_own_and_stays_until_it_is_rotated(api: ApiClient) -> None:
    await save(api)
    await save(api, name="other")
    secrets = [
        (await api.http.get(f"/v1/webhooks/{name}/secret", headers=ADA)).json()["secret"]
        for name in ("crm", "crm", "other")
    ]
    assert secrets[0] == secrets[1] != secrets[2]
    assert all(secret.startswith("whsec_") for secret in secrets)
    rotate = "/v1/webhooks/crm/rotate"
    assert (await api.http.post(rotate, headers=ADA)).status_code == 412
    rotated = await api.http.post(rotate, headers=ADA | {"If-Match": '"1"'})
    assert rotated.json()["secret"] not in secrets
    again = await api.http.post(rotate, headers=ADA | {"If-Match": '"2"'})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/rotation-under-way")


NONSENSE: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"url": "ftp://crm.example"}, "body.url", "not-valid"),
    ({"url": "https://"}, "body.url", "not-valid"),
    ({"url": "https://ada:pw@crm.example/"}, "body.url", "not-valid"),
    ({"url": "https://crm.example/#x"}, "body.url", "not-valid"),
    ({"url": "crm.example"}, "body.url", "not-valid"),
    ({"url": "https://xn--a.example/"}, "body.url", "not-valid"),
    ({"url": "https://crm.example:65536/"}, "body.url", "not-valid"),
    ({"url": "https://crm.example/" + "x" * 2_000}, "body.url", "too-long"),
    ({"events": []}, "body.events", "too-few"),
    ({"events": ["declined"]}, "body.events.0", "not-a-choice"),
    ({"channels": ["no id"]}, "body.channels.0", "not-an-id"),
    ({"score_at_or_below": 2**31}, "body.score_at_or_below", "too-large"),
    ({"score_at_or_below": "2"}, "body.score_at_or_below", "not-a-whole-number"),
)
"""What is changed in a webhook, and which field is wrong for which reason."""


async def test_what_makes_no_sense_is_refused(api: ApiClient, subtests: pytest.Subtests) -> None:
    for number, (changes, field, code) in enumerate(NONSENSE):
        with subtests.test(changes=str(changes)[:60]):
            response = await save(api, name=f"crm-{number}", **changes)
            assert response.status_code == 422
            assert [(each["field"], each["code"]) for each in response.json()["errors"]] == [(field, code)]


async def test_the_log_comes_page_by_page(api: ApiClient) -> None:
    await save(api, events=["offered"])
    await settings_known(api)
    for number in range(5):
        await api.harness.inbound.on_dialog_closed(closed(f"d{number}"))
        await api.harness.relayed()
        await settings_known(api)
    first = await log(api, limit=3)
    second = await log(api, limit=3, cursor=first["next_cursor"])
    dialogs = [each["dialog"] for each in first["deliveries"] + second["deliveries"]]
    assert dialogs == ["d4", "d3", "d2", "d1", "d0"]
    assert second["next_cursor"] is None
    assert (await log(api, state="failed"))["deliveries"] == []
    params = {"cursor": "AAAA"}
    wrong = await api.http.get("/v1/webhooks/crm/deliveries", headers=ADA, params=params)
    assert wrong.status_code == 422


async def test_no_delivery_is_skipped_where_many_are_of_one_moment(api: ApiClient) -> None:
    await save(api, events=["offered"])
    await settings_known(api)
    for number in range(5):
        await api.harness.inbound.on_dialog_closed(closed(f"d{number}"))
    await api.harness.relayed()
    pages = [await log(api, limit=2, state="waiting")]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(await log(api, limit=2, state="waiting", cursor=cursor))
    found = [each for page in pages for each in page["deliveries"]]
    assert len({each["created_at"] for each in found}) == 1
    assert sorted(each["dialog"] for each in found) == [f"d{number}" for number in range(5)]
