"""What other systems are told: signed, again until it is taken, in order, and no word of a client."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from rating.processes.endpoint_pauses import LONGEST_PAUSE
from tests.rating.adapters.http_receiver import Received, Receiver, http_receiver
from tests.rating.api_client import ApiClient, open_api_client
from tests.rating.harness import closed, open_harness
from tests.rating.webhooks import ADA, delivering, log, save, settings_known
from tests.waiting import until

pytestmark = pytest.mark.real

MOMENT = timedelta(milliseconds=1)
"""As exactly as the time of an attempt is kept."""


@pytest.fixture
async def api(mongo: str, database: str) -> AsyncIterator[ApiClient]:
    async with open_harness(mongo, database) as harness, open_api_client(harness) as api:
        yield api


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with http_receiver() as receiver:
        yield receiver


async def hooked(api: ApiClient, receiver: Receiver, **changes: Any) -> None:
    """A webhook to the receiver, known everywhere."""
    url = f"http://127.0.0.1:{receiver.port}/candor"
    assert (await save(api, url=url, **changes)).status_code == 200
    await settings_known(api)


async def rated(api: ApiClient, score: int = 2, dialog: str = "d1", **more: Any) -> None:
    """A close whose client rates it, relayed."""
    await api.harness.inbound.on_dialog_closed(closed(dialog, **more))
    token = api.token(dialog)
    response = await api.post("answer", {"token": token, "score": score, "comment": "Never again"})
    assert response.status_code == 200
    await api.harness.relayed()


async def test_a_rating_is_told_signed_and_without_the_clients_words(
    api: ApiClient, receiver: Receiver
) -> None:
    await hooked(api, receiver)
    secret = (await api.http.get("/v1/webhooks/crm/secret", headers=ADA)).json()["secret"]
    await rated(api)
    assert await delivering(api).deliver_due() == 1
    (received,) = receiver.received
    verified = json.loads(received.body)
    assert received.headers["webhook-signature"].split() == [signature(secret, received)]
    assert verified["type"] == "candor.rating.given.v1"
    assert received.headers["webhook-id"] == "rating:d1:3"
    data = verified["data"]
    assert (data["dialog"], data["score"], data["satisfied"], data["commented"]) == ("d1", 2, False, True)
    assert "comment" not in data
    assert b"again" not in received.body
    (entry,) = (await log(api))["deliveries"]
    assert (entry["state"], entry["attempts"], entry["due_at"]) == ("delivered", 1, None)
    assert await delivering(api).deliver_due() == 0


def signature(secret: str, received: Received) -> str:
    """What a receiver computes; its library would also look at the clock, which stands still here."""
    sent_at = datetime.fromtimestamp(int(received.headers["webhook-timestamp"]), UTC)
    message = received.headers["webhook-id"]
    return str(Webhook(secret).sign(msg_id=message, timestamp=sent_at, data=received.body.decode()))


WANTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "answers": ({}, ["given"]),
    "some-events": ({"events": ["offered", "given", "not_offered"]}, ["offered", "given"]),
    "another-event": ({"events": ["expired"]}, []),
    "another-channel": ({"channels": ["blog"]}, []),
    "two-channels": ({"channels": ["blog", "shop"]}, ["given"]),
    "low-scores": ({"score_at_or_below": 2}, ["given"]),
    "lower-scores": ({"score_at_or_below": 1}, []),
    "offers-whatever-the-score": ({"score_at_or_below": 1, "events": ["offered"]}, ["offered"]),
    "nothing": ({"enabled": False}, []),
}
"""Names of webhooks, what they want, and what they are told of an answer of 2."""


async def test_it_is_told_what_it_wants(
    api: ApiClient, receiver: Receiver, subtests: pytest.Subtests
) -> None:
    for name, (changes, _) in WANTS.items():
        url = f"http://127.0.0.1:{receiver.port}/{name}"
        assert (await save(api, name=name, url=url, **changes)).status_code == 200
    await settings_known(api)
    await rated(api)
    await delivering(api).deliver_due()
    for name, (_, told) in WANTS.items():
        with subtests.test(name):
            bodies = [each.body for each in receiver.received if each.line == f"POST /{name} HTTP/1.1"]
            types = [json.loads(each)["type"] for each in bodies]
            assert sorted(types) == sorted(f"candor.rating.{each}.v1" for each in told)
    assert len(receiver.received) == sum(len(told) for _, told in WANTS.values())


async def test_what_is_not_taken_is_sent_again_as_the_table_says_with_the_same_id(
    api: ApiClient, receiver: Receiver
) -> None:
    await hooked(api, receiver)
    await rated(api)
    process, clock = delivering(api), api.harness.clock
    receiver.response = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    assert await process.deliver_due() == 1
    assert await process.deliver_due() == 0
    (entry,) = (await log(api))["deliveries"]
    assert (entry["state"], entry["attempts"], entry["reason"], entry["status"]) == (
        "waiting", 1, "status", 500
    )  # fmt: skip
    clock.advance(timedelta(seconds=5))
    receiver.response = b"HTTP/1.1 204 No Content\r\n\r\n"
    assert await process.deliver_due() == 1
    (entry,) = (await log(api, state="delivered"))["deliveries"]
    assert (entry["attempts"], entry["reason"], entry["status"]) == (2, None, None)
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1


async def test_after_ten_attempts_in_three_days_it_is_given_up_and_can_be_sent_by_hand(
    api: ApiClient, receiver: Receiver
) -> None:
    await hooked(api, receiver)
    await rated(api)
    process, clock, started = delivering(api), api.harness.clock, api.harness.clock.now()
    receiver.response = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    while (entry := (await log(api))["deliveries"][0])["state"] == "waiting":
        before_due = datetime.fromisoformat(entry["due_at"]) - MOMENT - clock.now()
        if before_due > timedelta(0):
            clock.advance(before_due)
            assert await process.deliver_due() == 0
            clock.advance(MOMENT)
        assert await process.deliver_due() == 1
    assert (entry["attempts"], entry["state"], len(receiver.received)) == (10, "failed", 10)
    assert timedelta(days=3) < clock.now() - started < timedelta(days=4)
    clock.advance(LONGEST_PAUSE)  # so long is an endpoint left alone that has failed
    receiver.response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    path, again = "/v1/webhooks/crm/deliveries/redeliver", {"delivery": entry["delivery"]}
    assert (await api.http.post(path, headers=ADA, json=again)).status_code == 200
    await process.deliver_due()
    assert (await log(api))["deliveries"][0]["state"] == "delivered"
    assert (await api.http.post(path, headers=ADA, json={"delivery": "crm/x"})).status_code == 404
    other = await api.http.post("/v1/webhooks/other/deliveries/redeliver", headers=ADA, json=again)
    assert other.status_code == 404


async def test_all_that_was_given_up_is_sent_again_by_hand(api: ApiClient, receiver: Receiver) -> None:
    await hooked(api, receiver, enabled=True)
    for dialog in ("d1", "d2", "d3"):
        await rated(api, dialog=dialog)
    await save(api, 1, url=f"http://127.0.0.1:{receiver.port}/candor", enabled=False)
    await settings_known(api)
    process = delivering(api)
    await process.deliver_due()
    assert {each["state"] for each in (await log(api))["deliveries"]} == {"failed"}
    await save(api, 2, url=f"http://127.0.0.1:{receiver.port}/candor")
    await settings_known(api)
    path = "/v1/webhooks/crm/deliveries/redeliver-failed"
    assert (await api.http.post(path, headers=ADA)).json() == {"redelivered": 3}
    await process.deliver_due()
    assert {each["state"] for each in (await log(api))["deliveries"]} == {"delivered"}
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 3
    assert (await api.http.post(path, headers=ADA)).json() == {"redelivered": 0}


async def test_it_says_since_when_nothing_is_taken_and_when_something_was(
    api: ApiClient, receiver: Receiver
) -> None:
    await hooked(api, receiver)
    process, clock = delivering(api), api.harness.clock
    assert await _health(api) == (None, None)
    receiver.response = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    await rated(api)
    failed_at = clock.now()
    await process.deliver_due()
    clock.advance(timedelta(minutes=10))
    await process.deliver_due()
    assert (await log(api))["deliveries"][0]["attempts"] == 2
    assert await _health(api) == (None, failed_at)
    # What was changed may be what was wrong.
    url = f"http://127.0.0.1:{receiver.port}/elsewhere"
    assert (await save(api, 1, url=url)).json()["failing_since"] is None
    await settings_known(api)
    clock.advance(timedelta(hours=1))
    still = clock.now()
    await process.deliver_due()
    assert await _health(api) == (None, still)
    receiver.response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    clock.advance(timedelta(hours=3))
    await process.deliver_due()
    assert await _health(api) == (clock.now(), None)
    (listed,) = (await api.http.get("/v1/webhooks", headers=ADA)).json()["webhooks"]
    assert datetime.fromisoformat(listed["delivered_at"]) == clock.now()


async def _health(api: ApiClient) -> tuple[datetime | None, datetime | None]:
    found = (await api.http.get("/v1/webhooks/crm", headers=ADA)).json()
    delivered, failing = (found[name] and datetime.fromisoformat(found[name])
                          for name in ("delivered_at", "failing_since"))  # fmt: skip
    return delivered, failing


async def test_an_endpoint_that_is_gone_is_switched_off_until_it_is_saved_again(
    api: ApiClient, receiver: Receiver
) -> None:
    await hooked(api, receiver)
    await rated(api)
    receiver.response = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
    await delivering(api).deliver_due()
    found = await api.http.get("/v1/webhooks/crm", headers=ADA)
    assert (found.json()["gone"], found.json()["version"]) == (True, 2)
    await settings_known(api)
    await rated(api, dialog="d2")
    assert await delivering(api).deliver_due() == 0
    assert [each["state"] for each in (await log(api))["deliveries"]] == ["failed"]
    url = f"http://127.0.0.1:{receiver.port}/candor"
    assert (await save(api, 2, url=url)).json()["gone"] is False


async def test_what_waits_for_a_deleted_webhook_is_given_up(api: ApiClient, receiver: Receiver) -> None:
    await hooked(api, receiver)
    await rated(api)
    assert (await api.http.delete("/v1/webhooks/crm", headers=ADA)).status_code == 204
    await settings_known(api)
    await delivering(api).deliver_due()
    assert receiver.received == []
    assert [(each["state"], each["reason"]) for each in (await log(api))["deliveries"]] == [("failed", "off")]


async def test_an_endpoint_that_hangs_holds_up_no_other(api: ApiClient, receiver: Receiver) -> None:
    async with http_receiver() as hanging:
        hanging.answer = hanging.silent
        await hooked(api, receiver)
        await hooked(api, hanging, name="slow")
        process = delivering(api)
        work = asyncio.create_task(process.run())
        try:
            await rated(api)
            await _received(hanging)
            await rated(api, dialog="d2")
            await _received(receiver, 2)
        finally:
            work.cancel()
            await asyncio.wait([work])


async def _received(receiver: Receiver, many: int = 1) -> None:
    await until(lambda: _count(receiver), lambda count: count >= many)


async def _count(receiver: Receiver) -> int:
    return len(receiver.received)


async def test_two_replicas_send_each_message_once(api: ApiClient, receiver: Receiver) -> None:
    await hooked(api, receiver)
    for number in range(20):
        await rated(api, dialog=f"d{number}", client=f"c{number}")
    assert len((await log(api, limit=100))["deliveries"]) == 20
    one, two = delivering(api), delivering(api)
    assert sum(await asyncio.gather(one.deliver_due(), two.deliver_due())) == 20
    assert len({each.headers["webhook-id"] for each in receiver.received}) == len(receiver.received) == 20


async def test_a_worker_that_died_leaves_its_message_to_another(api: ApiClient, receiver: Receiver) -> None:
    await hooked(api, receiver)
    await rated(api)
    claimed = await api.harness.webhook_deliveries.claim(api.harness.clock.now(), 10)
    assert len(claimed) == 1
    assert await delivering(api).deliver_due() == 0
    api.harness.clock.advance(timedelta(seconds=61))
    assert await delivering(api).deliver_due() == 1
    # The one that was thought dead comes back, and changes nothing any more.
    await api.harness.webhook_deliveries.settle(claimed[0], None, state="failed")
    assert [each["state"] for each in (await log(api))["deliveries"]] == ["delivered"]


async def test_for_a_day_after_a_rotation_both_secrets_verify(api: ApiClient, receiver: Receiver) -> None:
    await hooked(api, receiver)
    old = (await api.http.get("/v1/webhooks/crm/secret", headers=ADA)).json()["secret"]
    rotated = await api.http.post("/v1/webhooks/crm/rotate", headers=ADA | {"If-Match": '"1"'})
    new = rotated.json()["secret"]
    assert new != old
    await settings_known(api)
    await rated(api)
    await delivering(api).deliver_due()
    api.harness.clock.advance(timedelta(days=1))
    await rated(api, dialog="d2", closed_at=api.harness.clock.now())
    await delivering(api).deliver_due()
    for received, secrets in zip(receiver.received, ([new, old], [new]), strict=True):
        signatures = received.headers["webhook-signature"].split()
        assert signatures == [signature(secret, received) for secret in secrets]
