"""How the process that tells webhooks works: its places, what it is asked again, and what it logs."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError

from rating.adapters.results import Delivered
from rating.adapters.webhooks import Endpoint, WebhookMessage, WebhookResult
from rating.processes.webhook_deliveries import WebhookDispatcher
from rating.read_models.webhooks import Delivery
from tests.rating.api_client import ApiClient, open_api_client
from tests.rating.builders import at
from tests.rating.harness import KEY, Harness, open_harness
from tests.rating.processes.test_webhook_failures import (
    FAILS,
    HOOK,
    Endpoints,
    alarms,
    dispatcher,
    hooked,
    offered,
    only,
)
from tests.rating.webhooks import ADA, log, save, settings_known
from tests.waiting import until

pytestmark = pytest.mark.real

NEXT_KEY = base64.urlsafe_b64encode(b"n" * 32).decode()
CANARY = "https://crm.example/canary"
REDELIVER = "/v1/webhooks/crm/deliveries/redeliver"


@pytest.fixture
async def harness(mongo: str, database: str) -> AsyncIterator[Harness]:
    async with open_harness(mongo, database) as harness:
        yield harness


@pytest.fixture
async def api(harness: Harness) -> AsyncIterator[ApiClient]:
    async with open_api_client(harness) as api:
        yield api


class Holding:
    """A sender that holds what it is given until it is let go; `most` were held at a time."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.held = self.most = 0
        self.sent: list[str] = []

    async def send(self, endpoint: Endpoint, message: WebhookMessage) -> WebhookResult:  # noqa: ARG002 - Sender's
        self.held += 1
        self.most = max(self.most, self.held)
        await self.let_go.wait()
        self.held -= 1
        self.sent.append(message.id)
        return Delivered()


class Looking(WebhookDispatcher):
    """A process that counts how often it has looked for what is due."""

    looks = 0

    async def _claim(self, at_most: int) -> list[Delivery]:
        self.looks += 1
        return await super()._claim(at_most)


async def test_it_begins_no_more_than_it_has_places_for_and_has_them_again(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rating.processes.webhook_deliveries.AT_ONCE", 2)
    await hooked(api)
    await offered(api, *(f"d{number}" for number in range(5)))
    harness, sender = api.harness, Holding()
    process = Looking(
        harness.repository, harness.webhooks, harness.webhook_deliveries,
        harness.app.state.webhook_secrets, sender,
    )  # fmt: skip
    running = asyncio.create_task(process.run())
    await until(lambda: sender.held == 2)
    looks = process.looks
    await until(lambda: process.looks > looks + 1)
    sender.let_go.set()
    await until(lambda: len(sender.sent) == 5)
    assert sender.most == 2
    running.cancel()
    await asyncio.wait([running])


async def test_it_waits_while_the_database_is_away(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    await hooked(api)
    await offered(api, "d1")
    claim, tries = api.harness.webhook_deliveries.claim, list[int]()

    async def away_at_first(now: datetime, at_most: int) -> Sequence[Delivery]:
        tries.append(at_most)
        if len(tries) < 3:
            raise ServerSelectionTimeoutError("away")
        return await claim(now, at_most)

    monkeypatch.setattr(api.harness.webhook_deliveries, "claim", away_at_first)
    monkeypatch.setattr("rating.processes.webhook_deliveries.AWAY_SECONDS", 0.001)
    endpoints = Endpoints(Delivered())
    running = asyncio.create_task(dispatcher(api, endpoints).run())
    await until(lambda: running.done() or endpoints.sent)
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])


class Failing:
    """A sender that raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def send(self, endpoint: Endpoint, message: WebhookMessage) -> WebhookResult:  # noqa: ARG002 - Sender's
        raise self.error


@pytest.mark.parametrize(("error", "raised"), [(AutoReconnect(CANARY), 0), (RuntimeError(CANARY), 1)])
async def test_a_bug_is_an_alarm_the_databases_absence_is_none_and_no_log_quotes_either(
    api: ApiClient, error: Exception, raised: int
) -> None:
    await hooked(api)
    await offered(api, "d1")
    before = alarms()
    with structlog.testing.capture_logs() as logs:
        assert await dispatcher(api, Failing(error)).deliver_due() == 1
    assert alarms() - before == raised
    assert [line["error"] for line in logs] == [type(error).__name__]
    assert "canary" not in str(logs)


class ByHost:
    """A sender to endpoints of which those at `failing` fail."""

    def __init__(self, failing: str) -> None:
        self.failing = failing
        self.sent: list[str] = []

    async def send(self, endpoint: Endpoint, message: WebhookMessage) -> WebhookResult:  # noqa: ARG002 - Sender's
        self.sent.append(endpoint.url)
        return FAILS if self.failing in endpoint.url else Delivered()


async def test_an_endpoint_that_is_left_alone_keeps_nothing_from_another(api: ApiClient) -> None:
    await save(api, events=["offered"])
    await save(api, name="bi", url="https://bi.example/", events=["offered"])
    await settings_known(api)
    await offered(api, "d1")
    sender = ByHost("crm.example")
    process = dispatcher(api, sender)
    await process.deliver_due()
    await offered(api, "d2")
    await process.deliver_due()
    assert [sender.sent.count(url) for url in ("https://bi.example/", "https://crm.example/candor")] == [2, 1]


async def test_what_is_asked_for_again_while_it_is_under_way_is_sent_again(api: ApiClient) -> None:
    await hooked(api)
    await offered(api, "d1")
    deliveries, now = api.harness.webhook_deliveries, api.harness.clock.now()
    (under_way,) = await deliveries.claim(now, 1)
    asked = {"delivery": under_way.delivery}
    assert (await api.http.post(REDELIVER, headers=ADA, json=asked)).status_code == 200
    await deliveries.settle(under_way, None, state="delivered")
    assert (await only(api))["state"] == "waiting"
    endpoints = Endpoints(Delivered())
    assert await dispatcher(api, endpoints).deliver_due() == 1
    assert endpoints.sent == [under_way.message]


async def test_all_that_was_given_up_is_that_of_one_webhook(api: ApiClient) -> None:
    await save(api, events=["offered"])
    await save(api, name="bi", events=["offered"])
    await settings_known(api)
    await offered(api, "d1")
    for name in ("crm", "bi"):
        await save(api, 1, name, events=["offered"], enabled=False)
    await settings_known(api)
    await dispatcher(api, Endpoints()).deliver_due()
    again = await api.http.post("/v1/webhooks/crm/deliveries/redeliver-failed", headers=ADA)
    assert again.json() == {"redelivered": 1}
    states = [(await log(api, name))["deliveries"][0]["state"] for name in ("crm", "bi")]
    assert states == ["waiting", "failed"]


async def test_what_was_sent_is_kept_for_thirty_days_by_mongodbs_own_clock(api: ApiClient) -> None:
    await hooked(api)
    await offered(api, "d1")
    collection = api.harness.database["webhook_deliveries"]
    index = (await collection.index_information())["kept_from_1"]
    assert index["expireAfterSeconds"] == timedelta(days=30).total_seconds()
    found: Any = await collection.find_one({})
    assert abs(datetime.now(UTC) - found["kept_from"]) < timedelta(minutes=1)


@pytest.mark.parametrize("name", ["webhook_secrets", "form_webhook_secrets"])
async def test_when_the_form_secret_is_changed_receivers_that_know_the_one_before_go_on(
    mongo: str, database: str, name: str
) -> None:
    def signed_with(**settings: Any) -> tuple[str, ...]:
        state = Harness(mongo, database, **settings).app.state
        return tuple(getattr(state, name).of("crm", HOOK, at(60)))

    (before,) = signed_with()
    now, *too = signed_with(form_secret=NEXT_KEY, form_secrets_before=(KEY,))
    assert (now != before, too) == (True, [before])
