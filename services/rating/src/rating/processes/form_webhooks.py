"""Sends forms to channels' own systems, which lead their clients to them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.telemetry.metrics import DELIVERIES
from contracts.envelope import rfc3339
from rating.adapters.results import Delivered, TryAgain
from rating.adapters.webhooks import DELAYS, Endpoint, Gone, WebhookMessage, WebhookResult
from rating.domain.form_webhook import FORM_WEBHOOK, FormWebhookState, SwitchFormWebhookOff
from rating.domain.quality_control.texts import shown
from rating.domain.rating.state import Offered
from rating.domain.rating.ways import DeliveryFailureReason, Way, after_of
from rating.processes.delivery_worker import Again, DeliveryWorker
from rating.processes.endpoint_pauses import EndpointPauses
from rating.processes.webhook_deliveries import AT_ONCE, Sender, WebhookSecrets
from rating.read_models.deliveries import Deliveries, Document
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.form_documents import form_id
from rating.read_models.quality_control import QualityControlVersions

TYPE: Final = "candor.form.v1"
SECRETS: Final = "form-webhook"
"""The purpose that secrets of channels' own webhooks are derived for."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class ChannelWebhook:
    """A channel's own system as it can be told of forms now: `url`, by this `version` of its settings."""

    url: str
    version: int
    state: FormWebhookState


@dataclass(frozen=True)
class ChannelWebhooks:
    """The channels' own systems, by their settings and what was heard of their endpoints."""

    repository: Repository
    versions: QualityControlVersions

    async def state(self, channel: str) -> FormWebhookState:
        """What is known beside the settings."""
        return (await self.repository.load(FORM_WEBHOOK, FORM_WEBHOOK.stream(channel))).state

    async def is_gone(self, channel: str, version: int) -> bool:
        """Whether the endpoint that this version of the settings names is gone."""
        return (await self.state(channel)).is_gone(version)

    async def find(self, channel: str) -> ChannelWebhook | None:
        """Where forms go now, whatever the settings were that they were made from; None for nowhere."""
        current, state = await self.versions.current(channel), await self.state(channel)
        settings = current.settings
        is_chosen = after_of(settings.ways, Way.WEBHOOK) is not None
        if settings.form_webhook is None or not is_chosen or state.is_gone(current.version):
            return None
        return ChannelWebhook(settings.form_webhook.url, current.version, state)


@dataclass(frozen=True)
class FormMessages:
    """Messages with links to forms at `url`; `token_of` gives the token of a form, by dialog and close."""

    versions: QualityControlVersions
    url: str
    token_of: Callable[[str, int], str]

    async def write(self, close: Offered, now: datetime) -> WebhookMessage:
        """The message about a form, in the language that its client had in the dialog.

        Shaped as Standard Webhooks 1.0.0 has it: `type`, `timestamp` (of the offer), `data`. Nothing in it is
        a client's word, and the link is the client's alone.
        """
        snapshot, rules = close.form.snapshot, close.form.rules
        settings = (await self.versions.at(snapshot.channel, rules.version)).settings
        wanted = [snapshot.locale] if snapshot.locale else []
        locale, question = shown(settings.texts, wanted, rules.default_locale)["question"]
        data = {
            "channel": snapshot.channel,
            "dialog": snapshot.dialog,
            "external_id": snapshot.external_id,
            "close_seq": snapshot.close_seq,
            "locale": locale,
            "question": question,
            "link": f"{self.url}/form#{self.token_of(snapshot.dialog, snapshot.close_seq)}",
            "expires_at": rfc3339(close.expires_at),
        }
        told = {"type": TYPE, "timestamp": rfc3339(close.offered_at), "data": data}
        form = form_id(snapshot.dialog, snapshot.close_seq)
        return WebhookMessage(f"form:{form}", now, json.dumps(told, ensure_ascii=False))


class FormWebhookDeliveries(DeliveryWorker):
    """Works through the messages that are due; receivers know by its `webhook-id` one that comes again."""

    name = "form webhooks"
    way = Way.WEBHOOK
    pauses = DELAYS[1:]
    at_once = AT_ONCE

    def __init__(
        self,
        repository: Repository,
        deliveries: Deliveries,
        sender: Sender,
        messages: FormMessages,
        webhooks: ChannelWebhooks,
        secrets: WebhookSecrets,
        erased: ErasedClients,
    ) -> None:
        super().__init__(repository, deliveries, erased)
        self._sender = sender
        self._messages = messages
        self._webhooks = webhooks
        self._secrets = secrets
        self._endpoints = EndpointPauses()

    async def _send(self, document: Document, close: Offered, now: datetime) -> Again | None:
        channel = close.form.snapshot.channel
        webhook = await self._webhooks.find(channel)
        if webhook is None:
            await self._fail(document, DeliveryFailureReason.WEBHOOK_OFF)
            return None
        if until := self._endpoints.until(webhook.url, now):
            return Again(until - now, attempt=False)
        endpoint = Endpoint(webhook.url, self._secrets.of(channel, webhook.state, now))
        result = await self._sender.send(endpoint, await self._messages.write(close, now))
        self._count(document, result)
        return await self._after(document, channel, webhook, result)

    async def _after(
        self, document: Document, channel: str, webhook: ChannelWebhook, result: WebhookResult
    ) -> Again | None:
        """What follows from what became of the message."""
        now = self._repository.clock.now()
        match result:
            case Delivered():
                self._endpoints.worked(webhook.url)
                await self._sent(document)
            case Gone():
                command = SwitchFormWebhookOff(webhook.version, now)
                await handle(self._repository, FORM_WEBHOOK, FORM_WEBHOOK.stream(channel), command)
                await self._fail(document, DeliveryFailureReason.WEBHOOK_GONE)
            case TryAgain(after=after):
                self._endpoints.failed(webhook.url, now)
                return Again(after or timedelta(0))
        return None

    def _count(self, document: Document, result: WebhookResult) -> None:
        match result:
            case Delivered():
                outcome = "delivered"
            case Gone():
                outcome = "gone"
            case TryAgain(reason):
                outcome = reason
        DELIVERIES.labels(self._repository.service, document["kind"], outcome).inc()
        if not isinstance(result, Delivered):
            status = result.status if isinstance(result, TryAgain) else None
            log.warning("form_not_taken", delivery=document["_id"], reason=outcome, status=status)
