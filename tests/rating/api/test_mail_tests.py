"""A test of the mail that asks: marked as one, and what is answered to it is kept nowhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from contracts.access import Role
from contracts.channels import ChannelPublished
from rating.api.quality_control_schemas import WrittenTexts
from rating.api.tokens import FormTestTokens, FormTokens
from rating.read_models.mail_tests import MailTests
from tests.rating.api.test_link_scanners import everything
from tests.rating.api_client import ApiClient, open_api_client, staff, visitor
from tests.rating.harness import closed, open_harness
from tests.rating.mailing import Mailing, link, open_mailing

pytestmark = pytest.mark.real

CLARA = staff(Role.SUPERVISOR, sub="clara", name="Clara Moen")
PATH = "/v1/quality-control/shop"
SHOP = ChannelPublished(channel="shop", name="The shop", locales=("en", "fr"), time_zone="Europe/Paris")
QUESTION = {**dict.fromkeys(WrittenTexts.model_fields), "question": "Alors ?", "thanks": "Merci bien."}
TO = "clara.moen@school.test"
QUESTIONS = [
    {"id": "solved", "texts": {"en": "Solved?"}, "options": [{"id": "yes", "texts": {"en": "Yes"}}]},
    {"id": "why", "texts": {"en": "Why?"}, "options": []},
]


@asynccontextmanager
async def open_tests(mongo: str, database: str) -> AsyncIterator[tuple[Mailing, ApiClient]]:
    """Quality control of a channel with settings of its own, where mails can be sent."""
    async with (
        open_mailing(mongo, database, rules=None) as mailing,
        open_api_client(mailing.harness) as api,
    ):
        await mailing.harness.channels.publish(SHOP, 1)
        changes = {"texts": {"fr": QUESTION}, "follow_ups": QUESTIONS, "accent": "#7a1fa2"}
        found = (await api.http.get(PATH, headers=CLARA)).json()
        headers = CLARA | {"If-Match": '"1"'}
        saved = await api.http.put(PATH, headers=headers, json=found["settings"] | changes)
        assert saved.status_code == 200, saved.text
        yield mailing, api


async def send(api: ApiClient, locale: str = "fr", who: dict[str, str] = CLARA) -> httpx.Response:
    return await api.http.post(f"{PATH}/test", headers=who, json={"to": TO, "locale": locale})


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("/problems/")


async def test_it_is_the_mail_of_what_is_saved_and_says_that_it_is_a_test(mongo: str, database: str) -> None:
    async with open_tests(mongo, database) as (mailing, api):
        assert (await send(api)).status_code == 204
        mail = mailing.mailbox.only_mail()
        assert (mail["To"], mail["Subject"]) == (
            TO,
            "[Test] The shop\N{NO-BREAK SPACE}: comment s’est passé votre échange\N{NARROW NO-BREAK SPACE}?",
        )
        assert mail["List-Unsubscribe"] is None
        for part in mail.iter_parts():
            text = part.get_content()
            assert "Alors ?" in text
            assert "Ceci est un test" in text
            assert "/unsubscribe" not in text
            assert ('bgcolor="#7a1fa2"' in text) is (part.get_content_type() == "text/html")
        found = await api.harness.database["audit"].find({}, {"_id": 0, "at": 0}).to_list(None)
        assert found == [{"what": "mail.test", "who": "clara", "roles": ["supervisor"], "channel": "shop"}]


async def test_its_form_is_answered_thanked_for_and_stored_nowhere(mongo: str, database: str) -> None:
    async with open_tests(mongo, database) as (mailing, api):
        await send(api)
        token = link(mailing.mailbox.only_mail(), "form")
        await api.harness.relayed()
        before = await everything(api)
        form = (await api.post("read", {"token": token})).json()
        shown = (form["test"], form["state"], form["texts"]["question"], form["locale"], form["token"])
        assert shown == (True, "pending", "Alors ?", "fr", token)
        body = {
            "token": token,
            "score": 2,
            "comment": "Trop lent",
            "follow_ups": {"solved": "yes", "why": "Parce que"},
        }
        blank = await api.post("answer", body | {"follow_ups": {"solved": " ", "why": " "}})
        assert blank.json()["answer"]["follow_ups"] == {}
        answered = await api.post("answer", body)
        assert answered.status_code == 200, answered.text
        told = answered.json()
        opened = {"state": "open", "text": "Trop lent"}
        assert (told["state"], told["thanks"], told["answer"]["comment"]) == ("given", "Merci bien.", opened)
        assert told["answer"]["follow_ups"] == {
            "solved": {"option": "yes", "text": None},
            "why": {"option": None, "text": {"state": "open", "text": "Parce que"}},
        }
        assert (await api.post("decline", {"token": token})).json()["state"] == "declined"
        assert (await api.post("read", {"token": token})).json()["state"] == "pending"
        await api.harness.relayed()
        assert await everything(api) == before
        assert api.harness.notes.ratings == []


async def test_its_form_refuses_what_any_form_refuses(mongo: str, database: str) -> None:
    async with open_tests(mongo, database) as (mailing, api):
        await send(api)
        token = link(mailing.mailbox.only_mail(), "form")
        for answer, refused in (
            ({"score": 6}, "score-not-on-scale"),
            ({"score": 5, "comment": "x" * 2_001}, "comment-too-long"),
            ({"score": 5, "tags": ["slow"]}, "tag-not-offered"),
            ({"score": 5, "follow_ups": {"solved": "no"}}, "follow-up-not-asked"),
        ):
            assert code(await api.post("answer", {"token": token, **answer})) == (409, refused)


async def test_a_link_shows_the_version_that_it_was_sent_for(mongo: str, database: str) -> None:
    async with open_tests(mongo, database) as (mailing, api):
        await send(api)
        token = link(mailing.mailbox.only_mail(), "form")
        found = (await api.http.get(PATH, headers=CLARA)).json()
        headers = CLARA | {"If-Match": '"2"'}
        changes = {"texts": {}, "comment": {"mode": "off", "required_at_or_below": None}}
        await api.http.put(PATH, headers=headers, json=found["settings"] | changes)
        form = (await api.post("read", {"token": token})).json()
        assert (form["texts"]["question"], form["comment"]["mode"]) == ("Alors ?", "optional")


async def test_no_token_is_good_as_one_of_the_other_kind() -> None:
    secret = b"k" * 32
    forms, tests = FormTokens(secret), FormTestTokens(secret)
    assert tests.read(tests.of("shop", 3, "en")) == ("shop", 3, "en")
    assert tests.read(forms.of("shop", 3)) is None
    assert tests.read(FormTestTokens(b"x" * 32).of("shop", 3, "en")) is None
    assert FormTestTokens(b"x" * 32, [secret]).read(tests.of("shop", 3, "en")) == ("shop", 3, "en")
    for token in (tests.of("shop", 3, "en"), tests.of("d1", 1, "1"), "", ".", "\udcff.\udcff"):
        with pytest.raises(Exception, match="no-such-form"):
            forms.read(token)


async def test_a_form_of_a_client_is_no_test(mongo: str, database: str) -> None:
    async with open_tests(mongo, database) as (_, api):
        await api.harness.inbound.on_dialog_closed(closed())
        assert (await api.post("read", {"token": api.token()})).json()["test"] is False


async def test_a_test_that_was_made_up_is_no_form(mongo: str, database: str) -> None:
    async with open_tests(mongo, database) as (_, api):
        for token in ("shop.2.fr.AAAA", "form-test:shop.2.fr.AAAA"):
            assert code(await api.post("read", {"token": token})) == (404, "no-such-form")


@pytest.mark.parametrize(
    ("reply", "expected", "facts"),
    [
        ("550 5.1.1 No such user", "test-recipient-refused", None),
        ("550 5.7.1 Not allowed here", "test-refused", {"status": 550}),
        ("451 4.7.1 Try again later", "test-deferred", {"status": 451}),
    ],
)
async def test_what_the_server_made_of_it_is_told(
    mongo: str, database: str, reply: str, expected: str, facts: dict[str, int] | None
) -> None:
    async with open_tests(mongo, database) as (mailing, api):
        mailing.mailbox.replies["rcpt"] = [reply]
        refused = await send(api)
        assert code(refused) == (409, expected)
        assert refused.json().get("facts") == facts
        assert mailing.mailbox.taken == []


async def test_a_server_that_breaks_off_is_told_and_nothing_is_sent_again(mongo: str, database: str) -> None:
    async with open_tests(mongo, database) as (mailing, api):
        mailing.mailbox.breaks_off_after_data = True
        assert code(await send(api)) == (409, "test-not-reached")
        await mailing.deliver()
        assert len(mailing.mailbox.taken) == 1


async def test_where_there_is_no_mail_server_there_is_no_test(mongo: str, database: str) -> None:
    async with open_harness(mongo, database, rules=None) as harness, open_api_client(harness) as api:
        assert code(await send(api)) == (409, "mail-not-set-up")
        assert await harness.database["audit"].count_documents({}) == 0


async def test_ten_an_hour_are_sent_from_a_channel(mongo: str, database: str) -> None:
    async with open_tests(mongo, database) as (mailing, api):
        for _ in range(10):
            assert (await send(api)).status_code == 204
            api.harness.clock.advance(timedelta(minutes=1))
        limited = await send(api)
        assert code(limited) == (429, "too-many-tests")
        other = await api.http.post(
            PATH.replace("shop", "blog") + "/test", headers=CLARA, json={"to": TO, "locale": "en"}
        )
        assert other.status_code == 204
        api.harness.clock.advance(timedelta(minutes=50))
        assert (await send(api)).status_code == 204
        assert code(await send(api)) == (429, "too-many-tests")
        assert len(mailing.mailbox.taken) == 12


async def test_made_up_channels_have_ten_an_hour_together(mongo: str, database: str) -> None:
    async with open_tests(mongo, database) as (_, api):
        for number in range(11):
            path = PATH.replace("shop", f"made-up-{number}") + "/test"
            sent = await api.http.post(path, headers=CLARA, json={"to": TO, "locale": "en"})
            assert sent.status_code == (204 if number < 10 else 429)
        assert (await send(api)).status_code == 204


async def test_replicas_count_together(mongo: str, database: str) -> None:
    async with open_harness(mongo, database) as harness:
        now = harness.clock.now()
        taken = [await MailTests(harness.database).take("shop", now) for _ in range(12)]
        assert taken == [True] * 10 + [False] * 2


OTHERS = {
    "an operator": (staff(Role.OPERATOR), 403),
    "an operator who is a supervisor": (staff(Role.OPERATOR, Role.SUPERVISOR), 403),
    "a supervisor of another channel": (staff(Role.SUPERVISOR, channel="blog"), 403),
    "the platform team": (staff(Role.PLATFORM), 403),
    "a visitor": (visitor(), 403),
    "nobody": ({}, 401),
}


async def test_only_who_may_save_may_send(mongo: str, database: str, subtests: pytest.Subtests) -> None:
    async with open_tests(mongo, database) as (mailing, api):
        for who, (headers, status) in OTHERS.items():
            with subtests.test(who=who):
                assert (await send(api, who=headers)).status_code == status
        assert mailing.mailbox.taken == []


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"to": "nobody"}, "body.to"),
        ({"to": "a@b\r\nBcc: c@d"}, "body.to"),
        ({"locale": "??"}, "body.locale"),
    ],
)
async def test_what_is_no_address_or_locale_is_refused(
    mongo: str, database: str, changes: dict[str, str], wrong: str
) -> None:
    async with open_tests(mongo, database) as (mailing, api):
        body = {"to": TO, "locale": "en"} | changes
        refused = await api.http.post(f"{PATH}/test", headers=CLARA, json=body)
        assert refused.status_code == 422
        assert [each["field"] for each in refused.json()["errors"]] == [wrong]
        assert mailing.mailbox.taken == []
