"""What webhooks are told of the forms of closes: the public events, without a word that a client wrote."""

import json
from collections.abc import Sequence
from typing import Any, Final

from chassis.outbox.commit_handler import PublicEvent, RecordedEvent
from contracts.envelope import rfc3339
from contracts.ratings import RatingAnswer, RatingEvent
from rating.domain.rating.events import RatingEvent as StoredEvent
from rating.domain.rating.state import Rating
from rating.domain.webhook import Webhook, WebhookEvent
from rating.messaging.outbound import to_public
from rating.read_models.webhooks import DeliveryState, WebhookDeliveries, Webhooks, delivery_id

TYPES: Final = {
    "candor.rating.not-offered.v1": WebhookEvent.NOT_OFFERED,
    "candor.rating.offered.v1": WebhookEvent.OFFERED,
    "candor.rating.given.v1": WebhookEvent.GIVEN,
    "candor.rating.changed.v1": WebhookEvent.CHANGED,
    "candor.rating.expired.v1": WebhookEvent.EXPIRED,
}


class WebhookOutbox:
    """Writes a delivery for each webhook that wants to know of an event, before the event is published."""

    def __init__(self, webhooks: Webhooks, deliveries: WebhookDeliveries) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries

    async def project(self, batch: Sequence[RecordedEvent[Rating, StoredEvent]]) -> None:
        """Takes in events; any part of a batch may come again."""
        webhooks = {name: each for name, each in (await self._webhooks.recent()).items() if each.is_on}
        if not webhooks:
            return
        told = [(recorded, to_public(recorded.state, recorded.event)) for recorded in batch]
        await self._deliveries.add(
            _delivery(name, recorded, public)
            for recorded, public in told
            if public is not None
            for name, webhook in webhooks.items()
            if is_wanted(webhook, public.event)
        )


def is_wanted(webhook: Webhook, event: Any) -> bool:
    """Whether a webhook is told of a public event."""
    settings = webhook.settings
    if TYPES.get(event.type) not in settings.events:
        return False
    if settings.channels and event.channel not in settings.channels:
        return False
    limit = settings.score_at_or_below
    return limit is None or not isinstance(event, RatingAnswer) or event.score <= limit


def body_of(event: RatingEvent, at: str) -> str:
    """The message of a public event: its type, its moment, and what it says but for sealed words.

    Of these only whether there are any: `commented`, and `answered`, the ids of the questions that were
    answered in words. Shaped as Standard Webhooks 1.0.0 has it: `type`, `timestamp`, `data`.
    """
    data = event.model_dump(mode="json", exclude={"type", "comment", "answers"})
    if isinstance(event, RatingAnswer):
        words = [name for name, each in event.answers.items() if isinstance(each, str)]
        chosen = {name: each for name, each in event.answers.items() if name not in words}
        data |= {"commented": event.comment is not None, "answers": chosen, "answered": words}
    return json.dumps({"type": event.type, "timestamp": at, "data": data}, ensure_ascii=False)


def _delivery(
    webhook: str, recorded: RecordedEvent[Rating, StoredEvent], public: PublicEvent
) -> dict[str, Any]:
    event: Any = public.event
    message = f"{recorded.stream}:{recorded.position}"  # the event's `ce_id` on Kafka
    return {
        "_id": delivery_id(webhook, message),
        "webhook": webhook,
        "message": message,
        "type": TYPES[event.type],
        "channel": event.channel,
        "dialog": event.dialog,
        "close_seq": event.close_seq,
        "created_at": recorded.at,
        "due_at": recorded.at,
        "state": DeliveryState.WAITING,
        "attempts": 0,
        "body": body_of(event, rfc3339(recorded.at)),
    }
