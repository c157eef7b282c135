"""Supervisors of a channel set who is told of its low scores; nobody else sees whose addresses these are."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contracts.access import Role
from contracts.channels import ChannelPublished
from tests.rating.api_client import ApiClient, open_api_client, staff
from tests.rating.harness import open_harness
from tests.rating.mailing import open_mailing

pytestmark = pytest.mark.real

CLARA = staff(Role.SUPERVISOR, sub="clara", name="Clara Moen", channel="shop")
IVO = staff(Role.ADMIN, sub="ivo", name="Ivo Brandt")
PATH, DEFAULT = "/v1/quality-control/shop", "/v1/quality-control-default"
ALERT: dict[str, Any] = {"at_or_below": 2, "to": ["clara@school.test"], "locale": "fr"}


@pytest.fixture
async def api(mongo: str, database: str) -> AsyncIterator[ApiClient]:
    """A service that can send mails, and knows two channels."""
    async with (
        open_mailing(mongo, database, rules=None) as mailing,
        open_api_client(mailing.harness) as api,
    ):
        for channel in ("shop", "blog"):
            await api.harness.channels.publish(ChannelPublished(channel=channel, name=channel), 1)
        yield api


async def save(
    api: ApiClient, path: str = PATH, who: dict[str, str] = CLARA, **changes: Any
) -> httpx.Response:
    found = (await api.http.get(path, headers=who)).json()
    headers = {**who, "If-Match": f'"{found["version"]}"'}
    return await api.http.put(path, headers=headers, json=found["settings"] | changes)


async def test_what_was_set_is_read_and_taken_back(api: ApiClient) -> None:
    assert (await api.http.get(PATH, headers=CLARA)).json()["settings"]["alert"] is None
    saved = await save(api, alert=ALERT)
    assert (saved.status_code, saved.json()["settings"]["alert"]) == (200, ALERT)
    history = (await api.http.get(f"{PATH}/versions", headers=CLARA)).json()["versions"]
    assert history[0]["changed"] == ["alert"]
    assert (await save(api, alert=None)).json()["settings"]["alert"] is None


async def test_addresses_are_brought_into_shape_and_count_once(api: ApiClient) -> None:
    to = [" Clara@SCHOOL.test ", "clara@school.test", "jörg@school.test"]
    saved = await save(api, alert=ALERT | {"to": to, "locale": "fr_ca"})
    assert saved.json()["settings"]["alert"] == {
        "at_or_below": 2, "to": ["Clara@school.test", "jörg@school.test"], "locale": "fr-CA",
    }  # fmt: skip


NO_ALERTS: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"to": []}, "body.alert.to", "too-few"),
    ({"to": [f"a{number}@b.test" for number in range(11)]}, "body.alert.to", "too-many"),
    ({"to": ["clara"]}, "body.alert.to.0", "not-an-email"),
    ({"to": ["clara@school.test\nBcc: all@school.test"]}, "body.alert.to.0", "not-an-email"),
    ({"locale": "nonsense-"}, "body.alert.locale", "not-a-language-tag"),
    ({"at_or_below": "2"}, "body.alert.at_or_below", "not-a-whole-number"),
    ({"every": True}, "body.alert", "unknown-field"),
)
"""What is changed in an alert, and which field is wrong for which reason."""


async def test_what_is_no_alert_is_refused(api: ApiClient, subtests: pytest.Subtests) -> None:
    for changes, field, code in NO_ALERTS:
        with subtests.test(field=field, code=code):
            refused = await save(api, alert=ALERT | changes)
            assert refused.status_code == 422
            assert [(each["field"], each["code"]) for each in refused.json()["errors"]] == [(field, code)]
    assert (await api.http.get(PATH, headers=CLARA)).json()["version"] == 1


@pytest.mark.parametrize(("at_or_below", "code"), [(4, "alert-on-satisfied"), (0, "threshold-not-on-scale")])
async def test_it_is_about_scores_that_do_not_satisfy(api: ApiClient, at_or_below: int, code: str) -> None:
    refused = await save(api, alert=ALERT | {"at_or_below": at_or_below})
    assert (refused.status_code, refused.json()["type"]) == (409, f"/problems/{code}")


async def test_it_cannot_be_switched_on_where_no_mail_can_be_sent(mongo: str, database: str) -> None:
    async with open_harness(mongo, database, rules=None) as harness, open_api_client(harness) as api:
        await harness.channels.publish(ChannelPublished(channel="shop", name="shop"), 1)
        refused = await save(api, alert=ALERT)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/mail-not-set-up")


async def test_addresses_are_shown_to_supervisors_of_the_channel_alone(api: ApiClient) -> None:
    assert (await save(api, alert=ALERT)).status_code == 200
    others: dict[int, list[dict[str, str]]] = {
        403: [staff(Role.OPERATOR), staff(Role.OPERATOR, Role.SUPERVISOR), staff(Role.PLATFORM),
              staff(Role.SUPERVISOR, channel="blog")],
        401: [{}],
    }  # fmt: skip
    for status, people in others.items():
        for who in people:
            for path in (PATH, f"{PATH}/versions", f"{PATH}/versions/2"):
                response = await api.http.get(path, headers=who)
                assert response.status_code == status
                assert "clara@" not in response.text


async def test_the_default_of_new_channels_which_every_supervisor_may_read_has_none(api: ApiClient) -> None:
    for own in ({"alert": ALERT}, {"form_webhook": {"url": "https://support.example/forms"}}):
        refused = await save(api, DEFAULT, IVO, **own)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-in-default")
    assert (await save(api, DEFAULT, IVO, enabled=False)).status_code == 200
