"""What becomes of messages that an endpoint, or this service, has trouble with."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from rating.adapters.results import Delivered, TryAgain
from rating.adapters.webhooks import (
    WITHIN_SECONDS,
    Endpoint,
    Gone,
    WebhookMessage,
    WebhookReason,
    WebhookResult,
)
from rating.domain.webhook import Webhook, WebhookEvent, WebhookSettings
from rating.processes.webhook_deliveries import Sender, WebhookDispatcher, WebhookSecrets
from rating.read_models.webhooks import LEASE
from tests.rating.api_client import ApiClient, open_api_client
from tests.rating.builders import at
from tests.rating.harness import closed, open_harness
from tests.rating.webhooks import ADA, log, save, settings_known

pytestmark = pytest.mark.real

SECOND = timedelta(seconds=1)
FAILS = TryAgain(WebhookReason.STATUS, 500)


@pytest.fixture
async def api(mongo: str, database: str) -> AsyncIterator[ApiClient]:
    async with open_harness(mongo, database) as harness, open_api_client(harness) as api:
        yield api


class Endpoints:
    """A sender whose endpoints answer `result`; it keeps the ids that were sent."""

    def __init__(self, result: WebhookResult = FAILS) -> None:
        self.result = result
        self.sent: list[str] = []

    async def send(self, endpoint: Endpoint, message: WebhookMessage) -> WebhookResult:  # noqa: ARG002 - Sender's
        self.sent.append(message.id)
        return self.result


class BrokenSender:
    """Fails as nothing in the world does."""

    async def send(self, endpoint: Endpoint, message: WebhookMessage) -> WebhookResult:  # noqa: ARG002 - Sender's
        raise RuntimeError("a bug")


def dispatcher(api: ApiClient, sender: Sender) -> WebhookDispatcher:
    """A replica's process, without jitter."""
    harness = api.harness
    return WebhookDispatcher(
        harness.repository, harness.webhooks, harness.webhook_deliveries,
        harness.app.state.webhook_secrets, sender, jitter=lambda: 0.5,
    )  # fmt: skip


async def hooked(api: ApiClient) -> None:
    """A webhook that is told of offers; the clock is a second on."""
    await save(api, events=["offered"])
    await settings_known(api)


async def offered(api: ApiClient, *dialogs: str) -> None:
    """Closes whose forms are offered."""
    for dialog in dialogs:
        await api.harness.inbound.on_dialog_closed(closed(dialog, client=f"c-{dialog}"))
    await api.harness.relayed()


async def only(api: ApiClient) -> dict[str, Any]:
    (entry,) = (await log(api))["deliveries"]
    return dict(entry)


async def test_an_endpoint_that_fails_is_left_alone_longer_each_time_until_it_takes_one(
    api: ApiClient,
) -> None:
    endpoints, clock = Endpoints(), api.harness.clock
    process = dispatcher(api, endpoints)
    await hooked(api)
    await offered(api, "d1")
    await process.deliver_due()
    await offered(api, "d2")
    # Its pause is one second: what else is due waits, and doesn't count as tried.
    assert await process.deliver_due() == 1
    assert endpoints.sent == ["rating:d1:2"]
    second = next(each for each in (await log(api))["deliveries"] if each["dialog"] == "d2")
    assert (second["attempts"], second["state"]) == (0, "waiting")
    clock.advance(SECOND)
    await process.deliver_due()
    assert endpoints.sent == ["rating:d1:2", "rating:d2:2"]

    # The second pause is three seconds.
    await offered(api, "d3")
    clock.advance(2 * SECOND)
    await process.deliver_due()
    assert len(endpoints.sent) == 2
    endpoints.result = Delivered()
    clock.advance(SECOND)
    await process.deliver_due()
    assert endpoints.sent[2:] == ["rating:d3:2"]

    # Once one was taken, the next pause is one second again.
    endpoints.result = FAILS
    await offered(api, "d4")
    await process.deliver_due()
    endpoints.result = Delivered()
    await offered(api, "d5")
    clock.advance(SECOND)
    await process.deliver_due()
    assert "rating:d5:2" in endpoints.sent


async def test_a_pause_is_a_minute_at_most(api: ApiClient) -> None:
    endpoints, clock = Endpoints(), api.harness.clock
    process = dispatcher(api, endpoints)
    await hooked(api)
    for number in range(8):
        await offered(api, f"d{number}")
        before = len(endpoints.sent)
        clock.advance(60 * SECOND)
        await process.deliver_due()
        assert len(endpoints.sent) > before


@pytest.mark.parametrize(("after", "wait"), [(600, 600), (1, 300), (None, 300)])
async def test_who_asks_for_time_gets_it_and_at_least_what_the_table_says(
    api: ApiClient, after: int | None, wait: int
) -> None:
    endpoints, clock = Endpoints(), api.harness.clock
    process = dispatcher(api, endpoints)
    await hooked(api)
    await offered(api, "d1")
    await process.deliver_due()
    clock.advance(5 * SECOND)
    endpoints.result = TryAgain(WebhookReason.STATUS, 503, None if after is None else after * SECOND)
    await process.deliver_due()
    entry = await only(api)
    assert (entry["attempts"], entry["status"]) == (2, 503)
    assert datetime.fromisoformat(entry["due_at"]) - clock.now() == wait * SECOND


async def test_what_waits_while_its_webhook_is_off_is_given_up(api: ApiClient) -> None:
    await hooked(api)
    await offered(api, "d1")
    await save(api, 1, events=["offered"], enabled=False)
    await settings_known(api)
    endpoints = Endpoints(Delivered())
    await dispatcher(api, endpoints).deliver_due()
    entry = await only(api)
    assert (endpoints.sent, entry["state"], entry["reason"]) == ([], "failed", "off")


async def test_while_it_is_off_nothing_is_written_for_it(api: ApiClient) -> None:
    await save(api, events=["offered"], enabled=False)
    await settings_known(api)
    await api.harness.inbound.on_dialog_closed(closed("d1"))
    await api.harness.relayed()
    assert (await log(api))["deliveries"] == []


async def test_410_gives_the_message_up_and_says_so(api: ApiClient) -> None:
    await hooked(api)
    await offered(api, "d1")
    await dispatcher(api, Endpoints(Gone())).deliver_due()
    entry = await only(api)
    assert (entry["state"], entry["reason"], entry["status"]) == ("failed", "gone", 410)
    assert (entry["attempts"], entry["due_at"]) == (1, None)


async def test_an_event_that_is_relayed_again_is_not_sent_again(api: ApiClient) -> None:
    await hooked(api)
    await offered(api, "d1")
    endpoints = Endpoints(Delivered())
    await dispatcher(api, endpoints).deliver_due()
    await api.harness.database["commits"].update_many({}, {"$set": {"relayed": False}})
    await api.harness.relayed()
    assert await dispatcher(api, endpoints).deliver_due() == 0
    assert (await only(api))["state"] == "delivered"


async def test_sent_again_by_hand_it_has_ten_attempts_anew(api: ApiClient) -> None:
    await hooked(api)
    await offered(api, "d1")
    delivery, harness = (await only(api))["delivery"], api.harness
    (claimed,) = await harness.webhook_deliveries.claim(harness.clock.now(), 1)
    await harness.webhook_deliveries.settle(claimed, None, state="failed", attempts=10)
    path = "/v1/webhooks/crm/deliveries/redeliver"
    assert (await api.http.post(path, headers=ADA, json={"delivery": delivery})).status_code == 200
    await dispatcher(api, Endpoints()).deliver_due()
    entry = await only(api)
    assert (entry["state"], entry["attempts"]) == ("waiting", 1)


def alarms() -> float:
    labels = {"service": "rating", "kind": "delivery_failed"}
    return REGISTRY.get_sample_value("candor_alarms_total", labels) or 0


async def test_a_bug_is_an_alarm_and_the_message_comes_again(api: ApiClient) -> None:
    await hooked(api)
    await offered(api, "d1")
    before = alarms()
    assert await dispatcher(api, BrokenSender()).deliver_due() == 1
    assert alarms() - before == 1
    endpoints = Endpoints(Delivered())
    api.harness.clock.advance(61 * SECOND)
    assert await dispatcher(api, endpoints).deliver_due() == 1
    assert endpoints.sent == ["rating:d1:2"]


async def test_a_message_is_of_the_moment_of_its_event(api: ApiClient) -> None:
    await hooked(api)
    await offered(api, "d1")
    (claimed,) = await api.harness.webhook_deliveries.claim(api.harness.clock.now(), 1)
    stamp = claimed.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert f'"timestamp": "{stamp}"' in claimed.body


HOOK = Webhook(
    2, WebhookSettings(url="https://crm.example/", events=(WebhookEvent.GIVEN,)), 2, both_until=at(60)
)


def test_no_second_attempt_begins_during_one() -> None:
    assert timedelta(seconds=WITHIN_SECONDS) < LEASE


def test_each_webhook_and_generation_has_secrets_of_its_own() -> None:
    secrets = WebhookSecrets(b"s" * 32)
    both, one = secrets.of("crm", HOOK, at(1)), secrets.of("crm", HOOK, at(60))
    assert len(set(both)) == 2
    assert one == both[:1]
    assert set(both).isdisjoint(secrets.of("other", HOOK, at(1)))


def test_while_the_form_secret_is_rotated_messages_are_signed_with_the_one_before_too() -> None:
    before, now = WebhookSecrets(b"o" * 32), WebhookSecrets(b"n" * 32, [b"o" * 32])
    assert now.of("crm", HOOK, at(60)) == (
        *WebhookSecrets(b"n" * 32).of("crm", HOOK, at(60)), *before.of("crm", HOOK, at(60)),
    )  # fmt: skip
