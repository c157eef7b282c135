"""Rating without Kafka: the real service on a real database, joined to a publisher that only takes notes."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.clock import ManualClock
from chassis.crypto_shredding import KeyRing
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.kafka.connection import KafkaConnection
from chassis.outbox.relay import OutboxRelay
from chassis.timers import Timers
from contracts.dialogs import AttributedBy, ClosedBy, DialogClosed, DialogReopened
from contracts.ratings import RATING_EVENTS, RatingEvent
from rating.api.tokens import FormTokens
from rating.app import build
from rating.domain.rating.form_version import FormVersion
from rating.messaging.inbound import Inbound
from rating.messaging.webhooks import WebhookOutbox
from rating.processes.deliveries import MailDeliveries
from rating.processes.erasure import ClientErasure
from rating.processes.form_webhooks import FormWebhookDeliveries
from rating.processes.timers import form_timers
from rating.read_models.channels import Channels
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.forms import Forms
from rating.read_models.low_scores import LowScores
from rating.read_models.opt_outs import OptOuts
from rating.read_models.webhooks import WebhookDeliveries, Webhooks
from rating.settings import RatingSettings
from tests.notes import Notes
from tests.rating.builders import CLOSED_AT, RULES
from tests.tokens import STAFF_ISSUER, STAFF_KEY, VISITOR_ISSUER, VISITOR_KEY, jwks
from tests.waiting import until

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()

SETTINGS: dict[str, Any] = {
    "env": "development",
    "kafka": KafkaConnection(servers="127.0.0.1:9092"),
    "mongo": "mongodb://127.0.0.1:27017",
    "staff_issuer": STAFF_ISSUER,
    "staff_jwks": jwks(STAFF_KEY),
    "visitor_issuer": VISITOR_ISSUER,
    "visitor_jwks": jwks(VISITOR_KEY),
    "master_key": KEY,
    "readers_key": KEY,
    "form_secret": KEY,
}
KEYS = "candor.ratings.keys"


def always(rules: FormVersion) -> Callable[[str], Awaitable[FormVersion]]:
    """These rules for every channel."""

    async def form_version_of(_: str) -> FormVersion:
        return rules

    return form_version_of


class RatingNotes(Notes):
    """The public events of rating."""

    @property
    def ratings(self) -> list[RatingEvent]:
        """The public events, read as a stranger would."""
        return [
            RATING_EVENTS.validate_json(record.value or b"")
            for record in self.records
            if record.topic != KEYS
        ]


class Harness:
    """Rating as it is joined, without background tasks; its clock stands still until it is moved on.

    Closes go by `rules`, or by Quality control if there are none. `more` are settings.
    """

    def __init__(
        self,
        mongo: str,
        database: str,
        clock: ManualClock | None = None,
        rules: FormVersion | None = RULES,
        **more: Any,
    ) -> None:
        self.clock = clock or ManualClock(CLOSED_AT)
        self.notes = RatingNotes()
        settings = RatingSettings(**{**SETTINGS, "mongo": mongo, "database": database, **more})
        self.app = build(
            settings,
            clock=self.clock,
            publisher=self.notes,
            form_version_of=always(rules) if rules else None,
            only=(),
        )
        state = self.app.state
        self.repository: Repository = state.repository
        self.store: MongoEventStore = state.repository.store
        self.database: AsyncIOMotorDatabase[dict[str, Any]] = self.store.database
        self.forms: Forms = state.forms
        self.keys: KeyRing = state.key_ring
        self.inbound: Inbound = state.inbound
        self.channels: Channels = self.inbound.channels
        self.erased: ErasedClients = self.inbound.erased
        self.erasure: ClientErasure = self.inbound.erasure
        self.timers: Timers = form_timers(self.forms, self.repository)
        self.relay: OutboxRelay = state.relay
        self.tokens: FormTokens = state.form_tokens
        self.webhooks: Webhooks = state.webhooks
        self.webhook_deliveries: WebhookDeliveries = state.webhook_deliveries
        self.webhook_outbox = WebhookOutbox(self.webhooks, self.webhook_deliveries)
        self.low_scores: LowScores = state.low_scores
        self.opt_outs: OptOuts = state.opt_outs
        self.mailing: MailDeliveries | None = state.mailing
        self.form_messaging: FormWebhookDeliveries = state.form_messaging

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """The relay runs, and the erasure of clients."""
        tasks = [asyncio.create_task(part.run()) for part in (self.relay, self.erasure)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def relayed(self) -> None:
        """Waits until every commit is relayed."""
        await until(self._all_relayed)

    async def erasures_done(self) -> None:
        """Waits until nothing is left to erase, and all that came of it is relayed."""
        await self.relayed()
        await until(self._all_erased)
        await self.relayed()

    async def _all_erased(self) -> bool:
        pending = await self.database["erased"].count_documents({"pending": True})
        unchecked = await self.database["forms"].count_documents({"unchecked": True})
        return not pending and not unchecked

    async def _all_relayed(self) -> bool:
        return await self.database["commits"].count_documents({"relayed": False}) == 0


@asynccontextmanager
async def open_harness(
    mongo: str,
    database: str,
    *,
    relaying: bool = True,
    clock: ManualClock | None = None,
    rules: FormVersion | None = RULES,
    **more: Any,
) -> AsyncIterator[Harness]:
    """A harness, with its relay and erasure at work unless asked otherwise.

    Closes go by `rules`, or by Quality control if there are none. `more` are settings.
    """
    harness = Harness(mongo, database, clock, rules, **more)
    async with harness.app.router.lifespan_context(harness.app):
        await harness.app.state.parts.wait_prepared()
        async with harness.at_work() if relaying else nullcontext():
            yield harness


def closed(dialog: str = "d1", close_seq: int = 1, client: str = "c1", **more: Any) -> DialogClosed:
    """A close as chat publishes it."""
    fields: dict[str, Any] = {
        "dialog": dialog,
        "channel": "shop",
        "client": client,
        "operator": "o1",
        "team": "north",
        "locale": "en",
        "close_seq": close_seq,
        "closed_at": CLOSED_AT,
        "opened_at": CLOSED_AT,
        "closed_by": ClosedBy.OPERATOR,
        "attributed_by": AttributedBy.LAST_REPLY,
        "client_messages": 2,
        "operator_messages": 2,
        "longest_client_text": 40,
    }
    return DialogClosed(**{**fields, **more})


def reopened(dialog: str = "d1", close_seq: int = 1, client: str = "c1") -> DialogReopened:
    """The reopening, as chat publishes it."""
    return DialogReopened(
        dialog=dialog, channel="shop", client=client, close_seq=close_seq, reopened_at=CLOSED_AT
    )
