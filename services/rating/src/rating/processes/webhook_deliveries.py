"""Sends what webhooks are to be told, until it is taken or given up, or the endpoint is gone."""

import asyncio
import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol, assert_never

import structlog

from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.telemetry.metrics import Alarm, raise_alarm
from chassis.telemetry.tracebacks import safe_traceback
from chassis.transient import is_transient
from rating.adapters.results import Delivered, TryAgain
from rating.adapters.webhooks import Endpoint, Gone, WebhookMessage, WebhookResult, retry_after
from rating.domain.webhook import WEBHOOK, SwitchOff, Webhook
from rating.processes.endpoint_pauses import EndpointPauses
from rating.read_models.webhooks import Delivery, DeliveryState, WebhookDeliveries, Webhooks

log = structlog.stdlib.get_logger(__name__)

AT_ONCE: Final = 32
"""Messages on their way at a time."""
POLL_SECONDS: Final = 0.25
AWAY_SECONDS: Final = 1.0
OFF: Final = "off"
"""The reason of what was given up because its webhook is off, or deleted."""


class Sender(Protocol):
    """Sends a message once."""

    async def send(self, endpoint: Endpoint, message: WebhookMessage) -> WebhookResult:
        """What became of it."""
        ...


class Signed(Protocol):
    """What messages are signed for."""

    def generations(self, now: datetime) -> tuple[int, ...]:
        """The generations of its secrets, the newest first."""
        ...


class WebhookSecrets:
    """The secrets that messages are signed with: derived, so that none is kept.

    Base64 of HMAC-SHA-256 of the `purpose`, the webhook's name and the secret's generation, under the form
    secret, with the prefix of Standard Webhooks. While that is rotated, messages are signed with what was
    derived before, too.
    """

    def __init__(self, secret: bytes, before: Sequence[bytes] = (), *, purpose: str = "webhook") -> None:
        self._secrets = (secret, *before)
        self._purpose = purpose

    def of(self, name: str, webhook: Signed, now: datetime) -> tuple[str, ...]:
        """Those of a webhook, the newest first."""
        names = [f"{self._purpose}:{name}:{number}" for number in webhook.generations(now)]
        return tuple(_derived(each, name) for name in names for each in self._secrets)


def _derived(secret: bytes, name: str) -> str:
    key = hmac.digest(secret, name.encode(), hashlib.sha256)
    return f"whsec_{base64.b64encode(key).decode()}"


class WebhookDispatcher:
    """Works through the deliveries that are due; any replicas at once, each message at least once.

    An endpoint that fails is left alone for a while, up to a minute: what else is due for it waits and
    doesn't count as tried, and the others have their places.
    """

    name = "webhooks"

    def __init__(
        self,
        repository: Repository,
        webhooks: Webhooks,
        deliveries: WebhookDeliveries,
        secrets: WebhookSecrets,
        sender: Sender,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._repository = repository
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._secrets = secrets
        self._sender = sender
        self._jitter = jitter
        self._pauses = EndpointPauses()

    def unhealthy_reason(self) -> str | None:
        """Never: an endpoint that fails is no reason to refuse requests."""
        return None

    async def run(self) -> None:
        """Works until cancelled; waits while the database is away."""
        under_way: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                claimed = await self._claim(AT_ONCE - len(under_way))
                for delivery in claimed:
                    task = group.create_task(self._attempt(delivery))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                if not claimed or len(under_way) == AT_ONCE:
                    await asyncio.sleep(POLL_SECONDS)

    async def deliver_due(self) -> int:
        """Tries what is due, once; returns how many there were."""
        claimed = await self._claim(AT_ONCE)
        await asyncio.gather(*map(self._attempt, claimed))
        return len(claimed)

    async def _claim(self, at_most: int) -> list[Delivery]:
        """None while the database is away, after a while."""
        try:
            return await self._deliveries.claim(self._repository.clock.now(), at_most) if at_most else []
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("webhooks_wait", error=type(error).__name__)
            await asyncio.sleep(AWAY_SECONDS)
            return []

    async def _attempt(self, delivery: Delivery) -> None:
        """Whatever goes wrong with one, it is claimed again when its lease is over, and the others go on."""
        try:
            await self._deliver(delivery)
        except Exception as error:  # noqa: BLE001
            if not is_transient(error):
                raise_alarm(self._repository.service, Alarm.DELIVERY_FAILED)
            log.error(  # noqa: TRY400 - a message may quote
                "webhook_not_settled",
                webhook=delivery.webhook,
                error=type(error).__name__,
                where=safe_traceback(error),
            )

    async def _deliver(self, delivery: Delivery) -> None:
        webhook, now = (await self._webhooks.recent()).get(delivery.webhook), self._repository.clock.now()
        if webhook is None or not webhook.is_on:
            await self._deliveries.settle(delivery, None, state=DeliveryState.FAILED, reason=OFF)
            return
        if until := self._pauses.until(delivery.webhook, now):
            await self._deliveries.settle(delivery, until)
            return
        endpoint = Endpoint(webhook.settings.url, self._secrets.of(delivery.webhook, webhook, now))
        message = WebhookMessage(delivery.message, now, delivery.body)
        await self._settle(delivery, webhook, await self._sender.send(endpoint, message))

    async def _settle(self, delivery: Delivery, webhook: Webhook, result: WebhookResult) -> None:
        now, attempts = self._repository.clock.now(), delivery.attempts + 1
        match result:
            case Delivered():
                self._pauses.worked(delivery.webhook)
                await self._deliveries.health.delivered(delivery.webhook, now)
                done = {"state": DeliveryState.DELIVERED, "delivered_at": now, "reason": None, "status": None}
                await self._deliveries.settle(delivery, None, attempts=attempts, **done)
            case TryAgain(reason, status, after):
                self._pauses.failed(delivery.webhook, now)
                await self._deliveries.health.failed(delivery.webhook, webhook, now)
                wait = retry_after(attempts, self._jitter)
                failed = {"attempts": attempts, "reason": reason, "status": status}
                if wait is None:
                    await self._deliveries.settle(delivery, None, state=DeliveryState.FAILED, **failed)
                else:
                    await self._deliveries.settle(delivery, now + max(wait, after or wait), **failed)
            case Gone():
                stream, command = WEBHOOK.stream(delivery.webhook), SwitchOff(webhook.settings.url, now)
                await handle(self._repository, WEBHOOK, stream, command)
                gone = {"state": DeliveryState.FAILED, "reason": "gone", "status": 410}
                await self._deliveries.settle(delivery, None, attempts=attempts, **gone)
            case _:
                assert_never(result)
