"""What happens to each stored event before it is published: forms are written, keys published."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from chassis.crypto_shredding import KeyRing
from chassis.outbox.commit_handler import CommitHandler, PublicEvent, RecordedEvent
from contracts.ratings import RatingChanged, RatingGiven
from rating.domain.cool_down import COOL_DOWN
from rating.domain.form_webhook import FORM_WEBHOOK
from rating.domain.quality_control.decider import DEFAULT, QUALITY_CONTROL
from rating.domain.rating.decider import RATING
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.state import Rating
from rating.domain.webhook import WEBHOOK
from rating.messaging.outbound import to_public
from rating.messaging.webhooks import WebhookOutbox
from rating.read_models.deliveries import Deliveries
from rating.read_models.forms import Forms
from rating.read_models.low_scores import LowScores
from rating.read_models.quality_control import QualityControlSwitches
from rating.read_models.webhooks import Webhooks

Wake = Callable[[Collection[str]], None]


def commit_handlers(
    forms: Forms,
    deliveries: Sequence[Deliveries],
    keys: KeyRing,
    switches: QualityControlSwitches,
    wake: Wake,
    webhooks: Webhooks,
    webhook_outbox: WebhookOutbox,
    low_scores: LowScores,
) -> Sequence[CommitHandler[Any, Any]]:
    """Joins read models, keys, live updates, webhooks and alerts to the relay.

    Settings, reservations of questions and the state of channels' own webhooks concern nobody else.
    """
    return (
        rating_handler(forms, deliveries, keys, wake, webhook_outbox, low_scores),
        CommitHandler(COOL_DOWN, lambda *_: None, _nothing),
        CommitHandler(DEFAULT, lambda *_: None, _nothing),
        CommitHandler(FORM_WEBHOOK, lambda *_: None, _nothing),
        CommitHandler(QUALITY_CONTROL, lambda *_: None, switches.project),
        CommitHandler(WEBHOOK, lambda *_: None, webhooks.project),
    )


def rating_handler(
    forms: Forms,
    deliveries: Sequence[Deliveries],
    keys: KeyRing,
    wake: Wake,
    webhooks: WebhookOutbox,
    low_scores: LowScores,
) -> CommitHandler[Rating, RatingEvent]:
    """What becomes of ratings; `wake` is told the clients whose forms can be seen to have changed."""

    async def project(batch: Sequence[RecordedEvent[Rating, RatingEvent]]) -> None:
        for each in deliveries:
            await each.project(batch)
        wake(await forms.project(batch))
        await webhooks.project(batch)
        await low_scores.project(batch)

    async def publish_keys(public: Sequence[PublicEvent]) -> None:
        events = (each.event for each in public)
        answers = (event for event in events if isinstance(event, RatingGiven | RatingChanged))
        if needed := {answer.dialog for answer in answers if answer.has_words}:
            await keys.publish(needed)

    return CommitHandler(RATING, to_public, project, publish_keys)


async def _nothing(_: Sequence[RecordedEvent[Any, Any]]) -> None:
    pass
