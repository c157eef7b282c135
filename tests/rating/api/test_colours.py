"""A channel's colour: how it is set, what is made of it before it is saved, and what its forms have."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from contracts.access import Role
from contracts.channels import ChannelPublished
from tests.rating.api_client import ApiClient, open_api_client, staff
from tests.rating.harness import closed
from tests.rating.mailing import open_mailing

pytestmark = pytest.mark.real

CLARA = staff(Role.SUPERVISOR, sub="clara", name="Clara Moen", channel="shop")
PATH = "/v1/quality-control/shop"


@pytest.fixture
async def api(mongo: str, database: str) -> AsyncIterator[ApiClient]:
    """A service whose closes go by Quality control."""
    async with (
        open_mailing(mongo, database, rules=None) as mailing,
        open_api_client(mailing.harness) as api,
    ):
        await api.harness.channels.publish(ChannelPublished(channel="shop", name="The shop"), 1)
        yield api


async def save(api: ApiClient, **changes: Any) -> Any:
    found = (await api.http.get(PATH, headers=CLARA)).json()
    headers = {**CLARA, "If-Match": f'"{found["version"]}"'}
    return await api.http.put(PATH, headers=headers, json=found["settings"] | changes)


async def test_it_is_candors_own_until_one_is_chosen(api: ApiClient) -> None:
    await api.harness.inbound.on_dialog_closed(closed("before"))
    assert (await save(api, accent="#FFE600")).json()["settings"]["accent"] == "#ffe600"
    api.harness.clock.advance(timedelta(seconds=2))
    await api.harness.inbound.on_dialog_closed(closed("after"))
    await api.harness.relayed()
    colours = {form["dialog"]: form["colours"] for form in await api.mine()}
    assert colours["before"] is None
    tried = await api.http.get(f"{PATH}/colours", headers=CLARA, params={"accent": "#ffe600"})
    assert colours["after"] == tried.json()
    assert (await save(api, accent=None)).json()["settings"]["accent"] is None


async def test_the_button_of_the_mail_has_it(mongo: str, database: str) -> None:
    async with open_mailing(mongo, database, rules=None) as mailing, open_api_client(mailing.harness) as api:
        await api.harness.channels.publish(ChannelPublished(channel="shop", name="The shop"), 1)
        ways = [{"way": "email", "after": 0}]
        assert (await save(api, accent="#ffe600", ways=ways)).status_code == 200
        await mailing.close()
        await mailing.deliver()
        (_, html) = mailing.mailbox.only_mail().iter_parts()
        tried = await api.http.get(f"{PATH}/colours", headers=CLARA, params={"accent": "#ffe600"})
        assert f'bgcolor="{tried.json()["light"]["accent"]}"' in html.get_content()


async def test_what_is_made_of_a_colour_is_told_without_saving_it(api: ApiClient) -> None:
    tried = await api.http.get(f"{PATH}/colours", headers=CLARA, params={"accent": "#ffe600"})
    assert tried.status_code == 200
    light, dark = tried.json()["light"], tried.json()["dark"]
    assert (light["moved"], light["accent"] != "#ffe600") == ("darker", True)
    assert (dark["moved"], dark["accent"]) == (None, "#ffe600")
    assert light["page_ratio"] >= 3
    assert light["text_ratio"] >= 4.5
    assert (await api.http.get(PATH, headers=CLARA)).json()["version"] == 1


NO_COLOURS = ("", "ffe600", "#ffe60", "#ffe6000", "yellow", "#ffe600;x", "#ggg000")


async def test_what_is_no_colour_is_refused(api: ApiClient, subtests: pytest.Subtests) -> None:
    for accent in NO_COLOURS:
        with subtests.test("save", accent=accent):
            refused = await save(api, accent=accent)
            assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "wrong-pattern")
        with subtests.test("try", accent=accent):
            refused = await api.http.get(f"{PATH}/colours", headers=CLARA, params={"accent": accent})
            assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "wrong-pattern")


async def test_only_supervisors_of_the_channel_ask(api: ApiClient) -> None:
    for who in (
        staff(Role.OPERATOR),
        staff(Role.OPERATOR, Role.SUPERVISOR),
        staff(Role.SUPERVISOR, channel="x"),
    ):
        refused = await api.http.get(f"{PATH}/colours", headers=who, params={"accent": "#ffe600"})
        assert refused.status_code == 403
