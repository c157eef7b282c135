"""Forms reach clients by the channel's own system: signed, and once each if all goes well."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog
from prometheus_client import REGISTRY
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError

from contracts.access import Role
from contracts.channels import ChannelPublished
from contracts.ratings import RatingNotOffered, RatingOffered, RatingUndeliverable, Way
from rating.adapters.webhooks import DELAYS, WebhookSender
from rating.api.quality_control_schemas import WrittenTexts
from rating.processes.delivery_worker import AWAITED, LEASE
from rating.processes.form_webhooks import FormWebhookDeliveries
from rating.read_models.deliveries import Document
from rating.read_models.quality_control import REMEMBERED
from tests.rating.adapters.http_receiver import TAKEN, Receiver, http_receiver
from tests.rating.api_client import ApiClient, open_api_client, staff
from tests.rating.harness import closed, open_harness, reopened
from tests.rating.processes.test_webhook_deliveries import signature
from tests.rating.processes.test_webhook_failures import alarms
from tests.rating.webhooks import LOOPBACK
from tests.waiting import until

pytestmark = pytest.mark.real

CLARA, ADA = staff(Role.SUPERVISOR, sub="clara"), staff(Role.ADMIN, sub="ada")
PATH = "/v1/quality-control/shop"
SHOP = ChannelPublished(channel="shop", name="The shop", locales=("fr",), time_zone="Europe/Paris")
QUESTION = {**dict.fromkeys(WrittenTexts.model_fields), "question": "Alors ?"}
WEBHOOK = {"way": "webhook", "after": 0}
FAILS = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
SHORT = timedelta(seconds=6)
"""Longer than the first pause, whatever its jitter."""


class Hooked:
    """A channel whose forms go to a receiver, and what becomes of them."""

    def __init__(self, api: ApiClient, receiver: Receiver) -> None:
        self.api = api
        self.harness = api.harness
        self.receiver = receiver
        self.url = f"http://127.0.0.1:{receiver.port}/forms"
        self.worker = self.another_worker()

    def another_worker(self, sender: WebhookSender | None = None) -> FormWebhookDeliveries:
        """A replica's, that may reach loopback unless another sender is given."""
        own = self.harness.form_messaging
        return FormWebhookDeliveries(
            self.harness.repository,
            own._deliveries,
            sender or WebhookSender(LOOPBACK),
            own._messages,
            own._webhooks,
            own._secrets,
            self.harness.erased,
        )

    async def save(self, **changes: Any) -> httpx.Response:
        """Saves the present settings with changes, and waits until closes go by them."""
        found = (await self.api.http.get(PATH, headers=ADA)).json()
        headers = ADA | {"If-Match": f'"{found["version"]}"'}
        response = await self.api.http.put(PATH, headers=headers, json=found["settings"] | changes)
        self.harness.clock.advance(REMEMBERED)
        return response

    async def close(self, dialog: str = "d1", **more: Any) -> None:
        """A dialog of another system is closed."""
        event = closed(dialog, **{"external_id": f"ticket {dialog}", **more})
        await self.harness.inbound.on_dialog_closed(event)
        await self.harness.relayed()

    async def deliver(self) -> None:
        """Everything that is due now is done, and what came of it relayed."""
        await self.worker.deliver_due()
        await self.harness.relayed()

    async def due_at(self) -> Any:
        found = await self.harness.database["form_webhook_deliveries"].find_one({"_id": "d1.1:webhook"})
        assert found is not None
        return found["due_at"]

    @property
    def ids(self) -> list[str]:
        return [each.headers["webhook-id"] for each in self.receiver.received]

    def published(self) -> list[str]:
        """The short names of what was published, in order."""
        types = (event.type for event in self.harness.notes.ratings)
        return [each.removeprefix("candor.rating.").removesuffix(".v1") for each in types]

    def failure(self) -> str:
        """Why the last form was given up."""
        given_up = self.harness.notes.ratings[-1]
        assert isinstance(given_up, RatingUndeliverable)
        assert given_up.ways == (Way.WEBHOOK,)
        return given_up.reason


@pytest.fixture
async def hooked(mongo: str, database: str) -> AsyncIterator[Hooked]:
    """Forms go to the channel's own system alone, at once."""
    async with (
        http_receiver() as receiver,
        open_harness(mongo, database, rules=None) as harness,
        open_api_client(harness) as api,
    ):
        await harness.channels.publish(SHOP, 1)
        hooked = Hooked(api, receiver)
        saved = await hooked.save(ways=[WEBHOOK], form_webhook={"url": hooked.url})
        assert saved.status_code == 200, saved.text
        yield hooked


class TestDelivered:
    async def test_its_link_answers_the_form(self, hooked: Hooked) -> None:
        await hooked.save(texts={"fr": QUESTION})
        await hooked.close(locale="fr-CA", client_messages=3)
        await hooked.deliver()
        (received,) = hooked.receiver.received
        secret = (await hooked.api.http.get(f"{PATH}/form-webhook/secret", headers=ADA)).json()["secret"]
        assert received.headers["webhook-signature"].split() == [signature(secret, received)]
        assert (received.line, received.headers["webhook-id"]) == ("POST /forms HTTP/1.1", "form:d1.1")
        told = json.loads(received.body)
        offered = hooked.harness.notes.ratings[0]
        assert isinstance(offered, RatingOffered)
        assert offered.way is Way.WEBHOOK
        link = told["data"].pop("link")
        assert told == {
            "type": "candor.form.v1",
            "timestamp": offered.model_dump(mode="json")["offered_at"],
            "data": {
                "channel": "shop",
                "dialog": "d1",
                "external_id": "ticket d1",
                "close_seq": 1,
                "locale": "fr",
                "question": "Alors ?",
                "expires_at": offered.model_dump(mode="json")["expires_at"],
            },
        }
        page, token = link.split("#")
        assert page == "http://127.0.0.1:8002/form"
        given = await hooked.api.post("answer", {"token": token, "score": 5})
        assert given.status_code == 200, given.text
        await hooked.harness.relayed()
        assert hooked.published() == ["offered", "given"]
        assert await hooked.api.mine() == []  # the widget is no way of this channel

    async def test_for_a_day_after_a_rotation_both_secrets_verify(self, hooked: Hooked) -> None:
        old = (await hooked.api.http.get(f"{PATH}/form-webhook/secret", headers=ADA)).json()["secret"]
        new = (await hooked.api.http.post(f"{PATH}/form-webhook/rotate", headers=ADA)).json()["secret"]
        await hooked.close("d1")
        await hooked.deliver()
        hooked.harness.clock.advance(timedelta(days=1))
        await hooked.close("d2", client="c2", closed_at=hooked.harness.clock.now())
        await hooked.deliver()
        for received, secrets in zip(hooked.receiver.received, ([new, old], [new]), strict=True):
            signatures = received.headers["webhook-signature"].split()
            assert signatures == [signature(secret, received) for secret in secrets]

    async def test_it_asks_in_the_language_of_the_dialog_else_in_the_channels(self, hooked: Hooked) -> None:
        await hooked.save(texts={"fr": QUESTION, "de": QUESTION | {"question": "Und?"}})
        await hooked.close("d1", locale="de-AT")
        await hooked.close("d2", client="c2")
        await hooked.deliver()
        asked = [json.loads(each.body)["data"] for each in hooked.receiver.received]
        assert [(each["locale"], each["question"]) for each in asked] == [("de", "Und?"), ("fr", "Alors ?")]

    async def test_it_asks_what_was_saved_when_the_form_was_made(self, hooked: Hooked) -> None:
        await hooked.save(texts={"fr": QUESTION})
        await hooked.close(locale="fr")
        assert (await hooked.save(texts={})).status_code == 200
        await hooked.deliver()
        (received,) = hooked.receiver.received
        assert json.loads(received.body)["data"]["question"] == "Alors ?"

    async def test_it_is_sent_once(self, hooked: Hooked) -> None:
        await hooked.close()
        for _ in range(3):
            await hooked.deliver()
            hooked.harness.clock.advance(LEASE)
        assert hooked.ids == ["form:d1.1"]

    async def test_no_link_is_stored(self, hooked: Hooked) -> None:
        hooked.receiver.response = FAILS
        await hooked.close()
        await hooked.deliver()
        token = json.loads(hooked.receiver.received[0].body)["data"]["link"].split("#")[1]
        for name in await hooked.harness.database.list_collection_names():
            assert token not in str(await hooked.harness.database[name].find().to_list(None)), name

    async def test_it_waits_for_its_time_and_who_has_answered_by_then_is_not_sent(
        self, hooked: Hooked
    ) -> None:
        ways = [{"way": "widget", "after": 0}, {"way": "webhook", "after": 600}]
        await hooked.save(ways=ways)
        await hooked.close("d1", external_id=None)
        await hooked.close("d2", client="c2")
        hooked.harness.clock.advance(timedelta(seconds=600) - timedelta(milliseconds=1))
        await hooked.deliver()
        assert hooked.ids == []
        assert (await hooked.api.answer(5)).status_code == 200
        await hooked.harness.relayed()
        hooked.harness.clock.advance(timedelta(milliseconds=1))
        await hooked.deliver()
        assert hooked.ids == ["form:d2.1"]

    async def test_what_is_withdrawn_or_whose_client_is_erased_is_not_sent(self, hooked: Hooked) -> None:
        await hooked.close("d1")
        await hooked.close("d2", client="c2")
        await hooked.harness.inbound.on_dialog_reopened(reopened())
        await hooked.harness.erased.mark("c2", hooked.harness.clock.now())
        await hooked.deliver()
        assert hooked.ids == []

    async def test_the_form_is_looked_at_as_it_is_and_not_as_it_was(self, hooked: Hooked) -> None:
        await hooked.close()
        documents = hooked.harness.database["form_webhook_deliveries"]
        stale = await documents.find_one({})
        assert stale is not None
        assert (await hooked.api.answer(5)).status_code == 200
        await hooked.harness.relayed()
        await documents.replace_one({"_id": stale["_id"]}, stale)
        assert await hooked.worker.deliver_due() == 1
        assert hooked.ids == []
        assert await hooked.due_at() is None


class TestTryingAgain:
    async def test_what_fails_comes_again_with_its_id(self, hooked: Hooked) -> None:
        hooked.receiver.response = FAILS
        await hooked.close()
        await hooked.deliver()
        assert 0.9 * DELAYS[1] <= await hooked.due_at() - hooked.harness.clock.now() <= 1.1 * DELAYS[1]
        hooked.receiver.response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        hooked.harness.clock.advance(SHORT)
        await hooked.deliver()
        assert hooked.ids == ["form:d1.1"] * 2
        assert (await hooked.due_at(), hooked.published()) == (None, ["offered"])

    async def test_who_asks_for_time_gets_it_and_at_least_what_the_table_says(self, hooked: Hooked) -> None:
        await hooked.close()
        for seconds, least in ((1, 0.9 * DELAYS[1]), (3600, timedelta(hours=1))):
            asked = f"HTTP/1.1 503 Busy\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\n\r\n"
            hooked.receiver.response = asked.encode()
            await hooked.deliver()
            wait = await hooked.due_at() - hooked.harness.clock.now()
            assert least <= wait <= max(1.1 * DELAYS[1], least)
            hooked.harness.clock.advance(wait)

    async def test_what_waited_for_its_endpoint_has_the_whole_table_before_it(self, hooked: Hooked) -> None:
        hooked.receiver.response = FAILS
        await hooked.close("d0", client="c0")
        await hooked.deliver()
        await hooked.close("d1", client="c1")
        await hooked.deliver()
        assert hooked.ids == ["form:d0.1"]
        hooked.harness.clock.advance(timedelta(seconds=1))
        await hooked.deliver()
        assert hooked.ids == ["form:d0.1", "form:d1.1"]
        assert await hooked.due_at() - hooked.harness.clock.now() <= 1.1 * DELAYS[1]

    async def test_it_is_tried_until_the_form_expires_and_then_it_never_left(self, hooked: Hooked) -> None:
        hooked.receiver.response = FAILS
        await hooked.close()
        while (await hooked.due_at()) is not None and len(hooked.ids) < 20:
            await hooked.deliver()
            due, now = await hooked.due_at(), hooked.harness.clock.now()
            hooked.harness.clock.advance(due - now if due else timedelta(0))
            await hooked.harness.timers.settle_due()
            await hooked.harness.relayed()
        assert 13 <= len(hooked.ids) <= 15  # ten in three days and then each day, give or take a tenth
        assert hooked.failure() == "not_sent_in_time"

    async def test_a_redirect_is_not_followed(self, hooked: Hooked) -> None:
        async with http_receiver() as other:
            where = f"Location: http://127.0.0.1:{other.port}/\r\n"
            hooked.receiver.response = f"HTTP/1.1 307 No\r\n{where}Content-Length: 0\r\n\r\n".encode()
            await hooked.close()
            await hooked.deliver()
            assert (len(hooked.ids), other.connections) == (1, 0)
            assert hooked.published() == ["offered"]
            assert await hooked.due_at() is not None

    async def test_a_private_address_is_not_called(self, hooked: Hooked) -> None:
        await hooked.close()
        await hooked.harness.form_messaging.deliver_due()  # as the service is set: nothing private is allowed
        assert hooked.receiver.connections == 0
        assert await hooked.due_at() is not None

    async def test_an_endpoint_that_fails_is_left_alone_for_a_while(self, hooked: Hooked) -> None:
        hooked.receiver.response = FAILS
        for number in range(3):
            await hooked.close(f"d{number}", client=f"c{number}")
        await hooked.deliver()
        assert hooked.ids == ["form:d0.1"]
        hooked.receiver.response = b"HTTP/1.1 204 No Content\r\n\r\n"
        hooked.harness.clock.advance(timedelta(seconds=1))
        await hooked.deliver()
        assert sorted(hooked.ids) == ["form:d0.1", "form:d1.1", "form:d2.1"]

    async def test_whoever_goes_on_for_a_worker_that_was_killed_sends_the_same_id(
        self, hooked: Hooked, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await hooked.close()

        async def killed(*_: Any) -> None:
            raise asyncio.CancelledError

        with monkeypatch.context() as patched:
            patched.setattr(hooked.worker, "_sent", killed)  # after the message, before it is stored
            with pytest.raises(asyncio.CancelledError):
                await hooked.worker.deliver_due()
        await hooked.deliver()
        assert len(hooked.ids) == 1  # it is still claimed
        hooked.harness.clock.advance(LEASE)
        await hooked.deliver()
        assert hooked.ids == ["form:d1.1"] * 2
        assert await hooked.due_at() is None

    async def test_it_waits_while_the_database_is_away(
        self, hooked: Hooked, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await hooked.close()
        due, tries = hooked.worker._deliveries.due, list[int]()
        claim = due.claim

        async def away_at_first(*asked: Any) -> list[Document]:
            tries.append(len(tries))
            if len(tries) < 3:
                raise ServerSelectionTimeoutError("away")
            return await claim(*asked)

        monkeypatch.setattr(due, "claim", away_at_first)
        monkeypatch.setattr("rating.processes.delivery_worker.POLL", timedelta(milliseconds=1))
        running = asyncio.create_task(hooked.worker.run())
        await until(lambda: running.done() or hooked.ids)
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])

    @pytest.mark.parametrize(
        ("error", "raised", "wait"),
        [(AutoReconnect("canary"), 0, AWAITED), (RuntimeError("canary"), 1, DELAYS[1])],
    )
    async def test_a_bug_is_an_alarm_the_databases_absence_is_none_and_it_comes_again(
        self, hooked: Hooked, monkeypatch: pytest.MonkeyPatch, error: Exception, raised: int, wait: timedelta
    ) -> None:
        await hooked.close()

        async def failing(*_: Any) -> None:
            raise error

        before = alarms()
        with monkeypatch.context() as patched, structlog.testing.capture_logs() as logs:
            patched.setattr(hooked.worker._sender, "send", failing)
            await hooked.worker.deliver_due()
        assert alarms() - before == raised
        assert [line["error"] for line in logs] == [type(error).__name__]
        assert "canary" not in str(logs)
        assert 0.9 * wait <= await hooked.due_at() - hooked.harness.clock.now() <= 1.1 * wait
        hooked.harness.clock.advance(1.1 * wait)
        await hooked.deliver()
        assert hooked.ids == ["form:d1.1"]

    async def test_two_that_run_send_each_form_once(self, hooked: Hooked) -> None:
        for number in range(20):
            await hooked.close(f"d{number}", client=f"c{number}")
        running = [asyncio.create_task(each.run()) for each in (hooked.worker, hooked.another_worker())]

        async def all_settled() -> bool:
            waiting = {"due_at": {"$type": "date"}}
            documents = hooked.harness.database["form_webhook_deliveries"]
            return await documents.count_documents(waiting) == 0

        await until(all_settled)
        for each in running:
            each.cancel()
        await asyncio.wait(running)
        assert sorted(hooked.ids) == sorted(f"form:d{number}.1" for number in range(20))

    async def test_once_one_was_taken_the_next_pause_is_short_again(self, hooked: Hooked) -> None:
        hooked.receiver.response = FAILS
        for number in range(3):
            await hooked.close(f"d{number}", client=f"c{number}")
            hooked.harness.clock.advance(timedelta(minutes=1))
            await hooked.deliver()
        hooked.receiver.response = TAKEN
        hooked.harness.clock.advance(timedelta(minutes=1))
        await hooked.close("d3", client="c3")
        await hooked.deliver()
        assert hooked.ids[-1] == "form:d3.1"
        hooked.receiver.response = FAILS
        await hooked.close("d4", client="c4")
        await hooked.deliver()
        hooked.receiver.response = TAKEN
        hooked.harness.clock.advance(timedelta(seconds=1))
        await hooked.close("d5", client="c5")
        await hooked.deliver()
        assert hooked.ids[-1] == "form:d5.1"

    async def test_an_endpoint_that_is_left_alone_keeps_nothing_from_another_channels(
        self, hooked: Hooked
    ) -> None:
        async with http_receiver() as other:
            hooked.receiver.response = FAILS
            await hooked.close("d1")
            await hooked.deliver()
            hooked.harness.clock.advance(SHORT)
            await hooked.deliver()  # from now on it is left alone for three seconds
            await hooked.save(form_webhook={"url": f"http://127.0.0.1:{other.port}/"})
            await hooked.close("d2", client="c2")
            await hooked.deliver()
            assert "form:d2.1" in [each.headers["webhook-id"] for each in other.received]

    async def test_what_became_of_it_is_counted_and_logged_without_the_link(self, hooked: Hooked) -> None:
        def counted(outcome: str) -> float:
            labels = {"service": "rating", "kind": "webhook", "outcome": outcome}
            return REGISTRY.get_sample_value("candor_deliveries_total", labels) or 0

        outcomes = {"status": FAILS, "delivered": TAKEN, "gone": GONE}
        before = {outcome: counted(outcome) for outcome in outcomes}
        with structlog.testing.capture_logs() as logs:
            for number, response in enumerate(outcomes.values()):
                hooked.receiver.response = response
                await hooked.close(f"d{number}", client=f"c{number}")
                hooked.harness.clock.advance(timedelta(seconds=1))
                await hooked.deliver()
        assert [counted(outcome) - was for outcome, was in before.items()] == [1, 1, 1]
        told = [(line["reason"], line["status"]) for line in logs if line["event"] == "form_not_taken"]
        assert told == [("status", 500), ("gone", None)]
        secret = (await hooked.api.http.get(f"{PATH}/form-webhook/secret", headers=ADA)).json()["secret"]
        links = [json.loads(each.body)["data"]["link"].split("#")[1] for each in hooked.receiver.received]
        for word in (secret, "/forms", *links):
            assert word not in str(logs)


class TestGone:
    async def test_an_endpoint_that_is_gone_gives_the_form_up_and_reaches_nobody_until_it_is_saved_again(
        self, hooked: Hooked
    ) -> None:
        hooked.receiver.response = GONE
        await hooked.close("d1")
        await hooked.close("d2", client="c2")
        await hooked.deliver()
        assert hooked.ids == ["form:d1.1"]  # the other one's way is closed without being tried
        reasons = [
            each.reason for each in hooked.harness.notes.ratings if isinstance(each, RatingUndeliverable)
        ]
        assert sorted(reasons) == ["webhook_gone", "webhook_off"]
        assert (await hooked.api.http.get(PATH, headers=CLARA)).json()["webhook_gone"] is True

        await hooked.close("d3", client="c3", closed_at=hooked.harness.clock.now())
        last = hooked.harness.notes.ratings[-1]
        assert isinstance(last, RatingNotOffered)
        assert last.reason == "unreachable"

        saved = await hooked.save()
        assert (saved.json()["version"], saved.json()["webhook_gone"]) == (3, False)
        hooked.receiver.response = b"HTTP/1.1 204 No Content\r\n\r\n"
        await hooked.close("d4", client="c4", closed_at=hooked.harness.clock.now())
        await hooked.deliver()
        assert hooked.ids == ["form:d1.1", "form:d4.1"]

    async def test_restoring_the_same_settings_switches_it_on_again_too(self, hooked: Hooked) -> None:
        hooked.receiver.response = GONE
        await hooked.close()
        await hooked.deliver()
        headers = ADA | {"If-Match": '"2"'}
        restored = await hooked.api.http.post(f"{PATH}/restore", headers=headers, json={"version": 2})
        assert (restored.json()["version"], restored.json()["webhook_gone"]) == (3, False)

    async def test_a_form_goes_where_the_webhook_is_now(self, hooked: Hooked) -> None:
        async with http_receiver() as other:
            await hooked.close()
            await hooked.save(form_webhook={"url": f"http://127.0.0.1:{other.port}/"})
            await hooked.deliver()
            assert (hooked.ids, len(other.received)) == ([], 1)

    async def test_a_form_that_waits_when_the_webhook_is_switched_off_is_given_up(
        self, hooked: Hooked
    ) -> None:
        await hooked.close()
        await hooked.save(ways=[{"way": "widget", "after": 0}])
        await hooked.deliver()
        assert (hooked.ids, hooked.failure()) == ([], "webhook_off")

    async def test_it_leaves_the_widget(self, hooked: Hooked) -> None:
        hooked.receiver.response = GONE
        await hooked.save(ways=[{"way": "widget", "after": 0}, WEBHOOK])
        await hooked.close(external_id=None)
        await hooked.deliver()
        assert hooked.published() == ["offered"]
        assert len(await hooked.api.mine()) == 1


class TestStory:
    async def test_why_says_by_which_way_it_was_sent_and_why_not(self, hooked: Hooked) -> None:
        await hooked.close("d1")
        await hooked.deliver()
        hooked.receiver.response = GONE
        await hooked.close("d2", client="c2")
        await hooked.deliver()
        told = [
            (await hooked.api.http.get(f"/v1/closes/{close}/story", headers=CLARA)).json()
            for close in ("d1.1", "d2.1")
        ]
        reached = next(each for each in told[0]["rules"] if each["name"] == "unreachable")
        assert (reached["demanded"], reached["found"]) == ({"ways": ["webhook"]}, {"ways": ["webhook"]})
        last = [
            (each["kind"], each["way"], each["failure"]) for story in told for each in story["timeline"][2:]
        ]
        assert last == [
            ("sent", "webhook", None),
            ("delivery_failed", "webhook", "webhook_gone"),
            ("undeliverable", None, "webhook_gone"),
        ]

    async def test_a_dry_run_knows_that_it_reaches_everybody(self, hooked: Hooked) -> None:
        await hooked.save(ways=[{"way": "widget", "after": 0}])
        await hooked.close()
        settings = (await hooked.api.http.get(PATH, headers=CLARA)).json()["settings"] | {"ways": [WEBHOOK]}
        body = {"settings": settings, "closes": 200}
        tried = (await hooked.api.http.post(f"{PATH}/dry-run", headers=CLARA, json=body)).json()
        assert (tried["asked"], tried["asked_as_saved"]) == (1, 0)
