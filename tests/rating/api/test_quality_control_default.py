"""The default over HTTP, and that channels which are new begin with it, and no others."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contracts.access import Role
from contracts.channels import ChannelPublished
from contracts.ratings import RatingNotOffered, RatingOffered
from tests.rating.api_client import ApiClient, open_api_client, staff, visitor
from tests.rating.harness import closed, open_harness

pytestmark = pytest.mark.real

IVO = staff(Role.ADMIN, sub="ivo", name="Ivo Brandt")
CLARA = staff(Role.SUPERVISOR, sub="clara", channel="blog")
PATH = "/v1/quality-control-default"


@pytest.fixture
async def api(mongo: str, database: str) -> AsyncIterator[ApiClient]:
    """A service whose closes go by Quality control, and that knows no channel."""
    async with open_harness(mongo, database, rules=None) as harness, open_api_client(harness) as api:
        yield api


async def read(api: ApiClient, path: str = PATH, who: dict[str, str] = IVO) -> Any:
    response = await api.http.get(path, headers=who)
    assert response.status_code == 200, response.text
    assert response.headers.get("etag") in {None, f'"{response.json().get("version")}"'}
    return response.json()


async def save(
    api: ApiClient, version: int, path: str = PATH, who: dict[str, str] = IVO, **changes: Any
) -> httpx.Response:
    """Saves what a path holds with changes, based on a version."""
    settings = (await read(api, path))["settings"] | changes
    return await api.http.put(path, headers={**who, "If-Match": f'"{version}"'}, json=settings)


async def publish(api: ApiClient, channel: str = "shop", position: int = 1) -> Any:
    """Chat publishes a channel; returns how that asks."""
    event = ChannelPublished(channel=channel, name=channel)
    await api.harness.inbound.on_channel_published(event, position)
    return await read(api, f"/v1/quality-control/{channel}")


async def test_it_is_the_services_own_until_another_is_saved(api: ApiClient) -> None:
    found = await read(api, who=CLARA)
    assert (found["version"], found["saved_by"], found["settings"]["enabled"]) == (1, None, True)
    response = await save(api, 1, enabled=False)
    assert (response.status_code, response.headers["etag"]) == (200, '"2"')
    assert await read(api) == response.json()
    assert response.json()["saved_by"] == {"id": "ivo", "name": "Ivo Brandt"}


async def test_nobody_overwrites_what_they_have_not_read(api: ApiClient) -> None:
    assert (await save(api, 1, enabled=False)).status_code == 200
    assert (await save(api, 1, enabled=True)).status_code == 412
    settings = (await read(api))["settings"]
    assert (await api.http.put(PATH, headers=IVO, json=settings)).status_code == 428
    scale = {"name": "stars", "satisfied_from": 6}
    assert (await save(api, 2, scale=scale)).json()["type"] == "/problems/threshold-not-on-scale"
    assert (await read(api))["version"] == 2


async def test_e_mail_is_chosen_only_where_it_is_set_up(api: ApiClient) -> None:
    assert (await read(api))["mail_available"] is False
    mailed = await save(api, 1, ways=[{"way": "email", "after": 0}])
    assert (mailed.status_code, mailed.json()["type"]) == (409, "/problems/mail-not-set-up")
    assert (await read(api))["version"] == 1


async def test_only_admins_of_every_channel_save_and_no_operator_reads(api: ApiClient) -> None:
    settings = (await read(api))["settings"]
    for who in (CLARA, staff(Role.SUPERVISOR), staff(Role.ADMIN, channel="blog"),
                staff(Role.ADMIN, Role.OPERATOR), staff(Role.PLATFORM), visitor()):  # fmt: skip
        response = await api.http.put(PATH, headers={**who, "If-Match": '"1"'}, json=settings)
        assert response.status_code == 403
    for who in (staff(Role.OPERATOR, Role.ADMIN), staff(Role.PLATFORM), visitor()):
        assert (await api.http.get(PATH, headers=who)).status_code == 403
    assert (await api.http.get(PATH)).status_code == 401
    assert (await read(api))["version"] == 1


async def test_a_new_channel_begins_with_it_as_its_second_version(api: ApiClient) -> None:
    await save(api, 1, cool_down=60)
    await save(api, 2, cool_down=90)
    found = await publish(api)
    told = [found[name] for name in ("version", "from_default", "saved_by")]
    assert told == [2, 3, {"id": "ivo", "name": "Ivo Brandt"}]
    assert found["settings"] == (await read(api))["settings"]
    history = (await read(api, "/v1/quality-control/shop/versions"))["versions"]
    assert [(each["version"], each["changed"]) for each in history] == [(2, ["cool_down"]), (1, [])]
    await api.harness.relayed()
    (entry,) = (await read(api, "/v1/quality-control"))["channels"]
    assert (entry["channel"], entry["version"]) == ("shop", 2)


async def test_a_channel_that_is_there_keeps_its_settings(api: ApiClient) -> None:
    await publish(api, "old")
    await save(api, 1, path="/v1/quality-control/early", delay=5)  # before chat's event came
    await save(api, 1, enabled=False)
    assert (await publish(api, "old", 2))["version"] == 1
    assert (await publish(api, "early"))["from_default"] is None
    assert (await publish(api, "new"))["version"] == 2
    await save(api, 2, enabled=True)
    assert (await publish(api, "new", 2))["from_default"] == 2
    assert (await publish(api, "newer"))["from_default"] == 3


async def test_without_a_default_nothing_is_saved(api: ApiClient) -> None:
    assert (await publish(api))["version"] == 1
    assert await api.harness.database["commits"].count_documents({}) == 0


async def test_a_channel_that_is_interrupted_begins_with_it_once(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(api, 1, enabled=False)

    async def lost(*_: Any) -> None:
        raise ConnectionError

    for channel, step in (
        ("shop", "rating.read_models.channels.Channels.publish"),
        ("blog", "rating.messaging.inbound.handle"),
    ):
        with monkeypatch.context() as broken:
            broken.setattr(step, lost)
            with pytest.raises(ConnectionError):
                await publish(api, channel)
        assert (await publish(api, channel))["version"] == 2


async def test_a_channel_called_default_is_a_channel(api: ApiClient) -> None:
    for channel in ("default", "new-channels", "quality_control_default"):
        await save(api, 1, path=f"/v1/quality-control/{channel}", delay=7)
    assert (await read(api))["version"] == 1
    await save(api, 1, enabled=False)
    assert (await read(api, "/v1/quality-control/default"))["settings"]["enabled"] is True


async def test_closes_of_a_new_channel_go_by_it(api: ApiClient) -> None:
    await save(api, 1, enabled=False)
    await publish(api)
    await publish(api, "old")
    await save(api, 2, path="/v1/quality-control/old", enabled=True)
    await api.harness.inbound.on_dialog_closed(closed())
    await api.harness.inbound.on_dialog_closed(closed(dialog="d2", channel="old"))
    await api.harness.relayed()
    told = {type(each): each for each in api.harness.notes.ratings}
    refused = told[RatingNotOffered]
    assert isinstance(refused, RatingNotOffered)
    assert (refused.reason, refused.settings_version) == ("disabled", 2)
    assert RatingOffered in told
