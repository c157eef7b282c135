"""Who unsubscribes gets no mails of the channel any more; opening a link stops nothing."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from chassis.crypto_shredding import KeyRing
from contracts.access import Role
from contracts.ratings import RatingNotOffered
from rating.read_models.opt_outs import OptOuts
from tests.notes import Notes
from tests.rating.api_client import ApiClient, open_api_client, staff
from tests.rating.harness import KEYS
from tests.rating.mailing import READERS_KEY, Mailing, late_key, link, open_mailing

pytestmark = pytest.mark.real

ONE_CLICK: dict[str, Any] = {
    "content": "List-Unsubscribe=One-Click",
    "headers": {"Content-Type": "application/x-www-form-urlencoded"},
}
"""As RFC 8058 has it."""


@pytest.fixture
async def mailing(mongo: str, database: str) -> AsyncIterator[Mailing]:
    async with open_mailing(mongo, database) as mailing:
        yield mailing


@pytest.fixture
async def api(mailing: Mailing) -> AsyncIterator[ApiClient]:
    async with open_api_client(mailing.harness) as api:
        yield api


async def header_link(mailing: Mailing) -> str:
    """Where mail programs post to, in the mail of a first dialog."""
    await mailing.close("first")
    await mailing.deliver()
    address = urlsplit(mailing.mailbox.only_mail()["List-Unsubscribe"].strip("<>"))
    return f"{address.path}?{address.query}"


async def reason(mailing: Mailing, dialog: str = "next", **more: Any) -> str | None:
    """Why the next close is not asked about; None if it is."""
    await mailing.close(dialog, **more)
    last = mailing.harness.notes.ratings[-1]
    return last.reason if isinstance(last, RatingNotOffered) else None


async def test_one_click_in_a_mail_program_is_remembered(mailing: Mailing, api: ApiClient) -> None:
    path = await header_link(mailing)
    assert mailing.mailbox.only_mail()["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for _ in range(2):
        assert (await api.http.post(path, **ONE_CLICK)).status_code == 204
    assert await reason(mailing) == "opted_out"
    await mailing.deliver()
    assert len(mailing.mailbox.taken) == 1


async def test_the_body_may_be_multipart_or_missing(mailing: Mailing, api: ApiClient) -> None:
    path = await header_link(mailing)
    multipart = await api.http.post(path, files={"List-Unsubscribe": (None, "One-Click")})
    assert multipart.status_code == 204
    assert (await api.http.post(path)).status_code == 204


async def test_it_is_the_address_that_opts_out_of_the_channel_and_nobody_else(
    mailing: Mailing, api: ApiClient
) -> None:
    await api.http.post(await header_link(mailing), **ONE_CLICK)
    assert await reason(mailing, "another", client="c2", email="ZOE@school.test") == "opted_out"
    assert await reason(mailing, "somebody", client="c3", email="ann@school.test") is None
    assert await reason(mailing, "elsewhere", channel="blog") is None


async def test_opening_the_link_stops_nothing(mailing: Mailing, api: ApiClient) -> None:
    path = await header_link(mailing)
    for method in ("GET", "HEAD"):
        assert (await api.http.request(method, path)).status_code == 405
    assert await mailing.harness.database["opt_outs"].count_documents({}) == 0
    assert await reason(mailing) is None


async def test_the_token_of_the_visible_link_is_the_same(mailing: Mailing) -> None:
    path = await header_link(mailing)
    assert path.endswith(f"?token={link(mailing.mailbox.only_mail(), 'unsubscribe')}")


async def test_no_token_of_a_form_unsubscribes_and_no_other_answers(mailing: Mailing, api: ApiClient) -> None:
    await header_link(mailing)
    mail = mailing.mailbox.only_mail()
    form, unsubscribing = link(mail, "form"), link(mail, "unsubscribe")
    assert (await api.post("answer", {"token": unsubscribing, "score": 5})).status_code == 404
    await refused(api, form)


LETTERS = ("", "x", "a.b.c", "a.b", "\ud7ff.\0.ä", "{0}.", "{0}x", ".{0}", "blog{0}")
"""What is no token, some of it made of one."""


async def test_any_other_letters_lead_nowhere(
    mailing: Mailing, api: ApiClient, subtests: pytest.Subtests
) -> None:
    await header_link(mailing)
    token = link(mailing.mailbox.only_mail(), "unsubscribe")
    for letters in LETTERS:
        with subtests.test(letters=ascii(letters)):
            await refused(api, letters.format(token))


async def refused(api: ApiClient, token: str) -> None:
    response = await api.http.post("/v1/mail/unsubscribe", params={"token": token})
    assert (response.status_code, response.json()["type"]) == (404, "/problems/no-such-link")
    assert await api.harness.database["opt_outs"].count_documents({}) == 0


async def test_a_fingerprint_of_another_address_is_not_signed(mailing: Mailing, api: ApiClient) -> None:
    await header_link(mailing)
    channel, _, signature = link(mailing.mailbox.only_mail(), "unsubscribe").split(".")
    other = await mailing.harness.opt_outs.recipient("shop", "ann@school.test")
    await refused(api, f"{channel}.{other.fingerprint}.{signature}")
    # What signs links is the key that makes fingerprints: one must never be good as the other.
    await refused(api, f"{channel}.{other.fingerprint}.{other.fingerprint}")


async def test_operators_are_refused(mailing: Mailing, api: ApiClient) -> None:
    path = await header_link(mailing)
    response = await api.http.post(path, headers=staff(Role.OPERATOR, Role.ADMIN))
    assert response.status_code == 403
    assert await mailing.harness.database["opt_outs"].count_documents({}) == 0


async def test_links_and_what_they_did_outlive_the_rotation_of_the_master_key(
    mailing: Mailing, api: ApiClient
) -> None:
    await api.http.post(await header_link(mailing), **ONE_CLICK)
    old, new = READERS_KEY, b"n" * 32  # of the harness, which is its master key, too
    database = mailing.harness.database

    def ring(master: bytes, *before: bytes) -> KeyRing:
        return KeyRing(
            database, service="rating", master_key=master, master_keys_before=before, readers_key=old,
            topic=KEYS, publisher=Notes(),
        )  # fmt: skip

    await ring(new, old).rewrap()
    later = OptOuts(database, ring(new))
    token = link(mailing.mailbox.only_mail(), "unsubscribe")
    recipient = await later.recipient("shop", "zoe@school.test")
    assert await later.has(recipient)
    assert await later.read(token) == recipient
    assert await later.token(recipient) == token


async def test_a_close_whose_key_comes_within_a_moment_is_known_to_have_opted_out(
    mailing: Mailing, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rating.personal_data.SOON", timedelta(seconds=30))
    await api.http.post(await header_link(mailing), **ONE_CLICK)
    await late_key(mailing, decided_first=False)
    assert mailing.published()[-1] == "not-offered"


async def test_a_close_whose_key_does_not_come_is_found_to_have_opted_out_before_it_is_sent(
    mailing: Mailing, api: ApiClient
) -> None:
    await api.http.post(await header_link(mailing), **ONE_CLICK)
    await late_key(mailing, decided_first=True)
    await mailing.deliver()
    assert mailing.published()[-1] == "undeliverable"
    assert len(mailing.mailbox.taken) == 1
