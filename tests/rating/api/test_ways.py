"""Quality control says by which ways forms reach their clients, as far as this installation has them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from contracts.access import Role
from contracts.channels import ChannelPublished
from contracts.ratings import RatingNotOffered
from rating.api.quality_control_schemas import WrittenTexts
from tests.rating.api_client import ApiClient, open_api_client, staff
from tests.rating.harness import Harness, closed, open_harness
from tests.rating.mailing import Mailing, open_mailing, with_contact

pytestmark = pytest.mark.real

CLARA = staff(Role.SUPERVISOR, sub="clara", name="Clara Moen")
PATH = "/v1/quality-control/shop"
SHOP = ChannelPublished(channel="shop", name="The shop", locales=("fr",), time_zone="Europe/Paris")
WIDGET, EMAIL = {"way": "widget", "after": 0}, {"way": "email", "after": 0}
LATE_EMAIL = {"way": "email", "after": 3600.5}
QUESTION = {**dict.fromkeys(WrittenTexts.model_fields), "question": "Alors ?"}


@asynccontextmanager
async def open_mails(mongo: str, database: str) -> AsyncIterator[tuple[Mailing, ApiClient]]:
    """Quality control where e-mail can be sent."""
    async with (
        open_mailing(mongo, database, rules=None) as mailing,
        open_api_client(mailing.harness) as api,
    ):
        await mailing.harness.channels.publish(SHOP, 1)
        yield mailing, api


async def read(api: ApiClient) -> Any:
    response = await api.http.get(PATH, headers=CLARA)
    assert response.status_code == 200, response.text
    return response.json()


async def save(api: ApiClient, **changes: Any) -> httpx.Response:
    """Saves the present settings with changes."""
    found = await read(api)
    headers = {**CLARA, "If-Match": f'"{found["version"]}"'}
    return await api.http.put(PATH, headers=headers, json=found["settings"] | changes)


async def test_what_was_chosen_is_what_is_read_best_first(mongo: str, database: str) -> None:
    async with open_mails(mongo, database) as (_, api):
        for ways in ([WIDGET, LATE_EMAIL], [LATE_EMAIL, WIDGET], [EMAIL], [WIDGET]):
            saved = await save(api, ways=ways)
            assert saved.status_code == 200, saved.text
            assert (saved.json()["settings"]["ways"], saved.json()["mail_available"]) == (ways, True)
        reminding = await save(api, ways=[WIDGET, LATE_EMAIL], reminder=7200)
        assert reminding.json()["settings"]["reminder"] == 7200
        history = (await api.http.get(f"{PATH}/versions", headers=CLARA)).json()["versions"]
        assert history[0]["changed"] == ["ways", "reminder"]


async def test_the_widget_is_there_at_once(mongo: str, database: str) -> None:
    async with open_mails(mongo, database) as (_, api):
        saved = await save(api, ways=[EMAIL, {"way": "widget", "after": 60}])
        assert saved.json()["settings"]["ways"] == [EMAIL, WIDGET]


NO_WAYS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"ways": []}, "too-few"),
    ({"ways": [WIDGET, WIDGET]}, "given-twice"),
    ({"ways": [{"way": "pigeon", "after": 0}]}, "not-a-choice"),
    ({"ways": [{"way": "email", "after": -1}]}, "too-small"),
    ({"reminder": 0}, "too-small"),
)


async def test_what_is_no_way_is_refused(mongo: str, database: str, subtests: pytest.Subtests) -> None:
    async with open_mails(mongo, database) as (_, api):
        for changes, code in NO_WAYS:
            with subtests.test(changes=changes):
                refused = await save(api, **changes)
                assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code)
        assert (await read(api))["version"] == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ways": [{"way": "email", "after": 604_800}]}, "way-too-late"),
        ({"ways": [LATE_EMAIL], "reminder": 3600}, "reminder-out-of-time"),
        ({"ways": [WIDGET], "reminder": 3600}, "reminder-out-of-time"),
    ],
)
async def test_what_comes_too_late_is_refused(
    mongo: str, database: str, changes: dict[str, Any], code: str
) -> None:
    async with open_mails(mongo, database) as (_, api):
        refused = await save(api, **changes)
        assert (refused.status_code, refused.json()["type"]) == (409, f"/problems/{code}")


async def test_the_mail_is_the_channels_own(mongo: str, database: str) -> None:
    async with open_mails(mongo, database) as (mailing, api):
        await save(api, ways=[EMAIL], texts={"fr": QUESTION})
        await mailing.close(locale="fr")
        await mailing.deliver()
        mail = mailing.mailbox.only_mail()
        assert mail["From"].startswith("The shop <")
        text = next(mail.iter_parts()).get_content()
        assert "Alors ?" in text
        assert "(Paris)" in text


async def test_a_mail_asks_what_was_saved_when_its_form_was_made(mongo: str, database: str) -> None:
    async with open_mails(mongo, database) as (mailing, api):
        await save(api, ways=[EMAIL], texts={"fr": QUESTION})
        await mailing.close(locale="fr")
        assert (await save(api, texts={})).status_code == 200
        await mailing.deliver()
        assert "Alors ?" in next(mailing.mailbox.only_mail().iter_parts()).get_content()


async def test_e_mail_cannot_be_chosen_where_it_cannot_be_sent(mongo: str, database: str) -> None:
    async with open_harness(mongo, database, rules=None) as harness, open_api_client(harness) as api:
        refused = await save(api, ways=[EMAIL, WIDGET])
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/mail-not-set-up")


async def test_a_channel_goes_on_when_the_mail_server_is_taken_away(mongo: str, database: str) -> None:
    async with open_mails(mongo, database) as (_, api):
        await save(api, ways=[EMAIL])
    async with open_harness(mongo, database, rules=None) as harness, open_api_client(harness) as api:
        found = await read(api)
        assert (found["settings"]["ways"], found["mail_available"]) == ([EMAIL], False)
        assert await reason(harness, "d1") == "unreachable"
        assert (await save(api, delay=60)).status_code == 200
        assert (await save(api, ways=[WIDGET])).status_code == 200
        headers = {**CLARA, "If-Match": '"4"'}
        back = await api.http.post(f"{PATH}/restore", headers=headers, json={"version": 2})
        assert (back.status_code, back.json()["type"]) == (409, "/problems/mail-not-set-up")


async def reason(harness: Harness, dialog: str) -> str | None:
    """Why the close of a client with an address is not asked about."""
    await harness.inbound.on_dialog_closed(await with_contact(harness, closed(dialog), "zoe@school.test"))
    await harness.relayed()
    last = harness.notes.ratings[-1]
    return last.reason if isinstance(last, RatingNotOffered) else None


async def test_the_widget_reaches_nobody_whose_dialog_is_elsewhere(harness: Harness) -> None:
    await harness.inbound.on_dialog_closed(closed(external_id="ticket 7"))
    await harness.relayed()
    last = harness.notes.ratings[-1]
    assert isinstance(last, RatingNotOffered)
    assert last.reason == "unreachable"


async def test_a_dry_run_knows_who_could_be_reached(mongo: str, database: str) -> None:
    async with open_mails(mongo, database) as (mailing, api):
        await mailing.close("with")
        await mailing.harness.inbound.on_dialog_closed(closed("without"))
        await mailing.harness.relayed()
        settings = (await read(api))["settings"] | {"ways": [EMAIL]}
        body = {"settings": settings, "closes": 200}
        tried = (await api.http.post(f"{PATH}/dry-run", headers=CLARA, json=body)).json()
        assert (tried["asked"], tried["asked_as_saved"]) == (1, 2)
        assert [(each["dialog"], each["reason"]) for each in tried["not_asked"]] == [
            ("without", "unreachable")
        ]
