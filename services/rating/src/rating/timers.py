"""Offers and expires forms when their time has come."""

import asyncio
from datetime import timedelta

import structlog

from chassis.clock import Clock
from chassis.eventlog.handle import Streams, handle
from chassis.telemetry.metrics import ALARMS
from rating.domain.rating import RATING, ExpireForm, OfferForm
from rating.read_models.cards import Card
from rating.read_models.forms import Forms

log = structlog.stdlib.get_logger(__name__)

BATCH = 500
POLL = timedelta(milliseconds=200)
SHORTEST = timedelta(milliseconds=1)
LEASE = timedelta(seconds=5)


class Timers:
    """Works through the forms that are due.

    Claiming a form moves its time on by `LEASE`: so workers don't do the same twice, what a worker that
    died had claimed comes back, and a form that can't be settled is tried again in a while, not at once.
    """

    name = "timers"

    def __init__(self, forms: Forms, streams: Streams, clock: Clock) -> None:
        self._forms = forms
        self._streams = streams
        self._clock = clock

    def trouble(self) -> str | None:
        """Never: a form that can't be settled is an alarm, and no reason to answer nobody."""
        return None

    async def run(self) -> None:
        """Works until cancelled."""
        while True:
            if not await self.settle_due():
                await self._rest()

    async def settle_due(self) -> int:
        """Offers or expires a batch of the forms that are due; returns how many there were."""
        claimed = await self._forms.claim(self._clock.now(), LEASE, BATCH)
        done = await asyncio.gather(*(self._settle(card) for card in claimed))
        await self._forms.settle([card for card, settled in zip(claimed, done, strict=True) if settled])
        return len(claimed)

    async def _settle(self, card: Card) -> bool:
        kind = OfferForm if card.state == "scheduled" else ExpireForm
        command = kind(card.close_seq, self._clock.now())
        try:
            await handle(self._streams, RATING, RATING.stream(card.dialog), command)
        except Exception as error:  # noqa: BLE001 - one form must not keep the others of its batch waiting
            log.warning("form not settled", form=card.form, error=repr(error))
            ALARMS.labels("rating", "timer").inc()
            return False
        return True

    async def _rest(self) -> None:
        due_at = await self._forms.next_due()
        longest = min(POLL, due_at - self._clock.now()) if due_at else POLL
        await asyncio.sleep(max(longest, SHORTEST).total_seconds())
