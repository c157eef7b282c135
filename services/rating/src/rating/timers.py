"""Offers and expires forms when their time has come."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from chassis.blame import where
from chassis.clock import Clock
from chassis.eventlog.handle import Streams, handle
from chassis.messaging.patience import is_the_worlds
from chassis.telemetry.metrics import ALARMS
from rating.domain.rating import RATING, ExpireForm, OfferForm
from rating.read_models.cards import Card, due_at
from rating.read_models.forms import Forms

log = structlog.stdlib.get_logger(__name__)

BATCH = 500
POLL = timedelta(milliseconds=200)
SHORTEST = timedelta(milliseconds=1)
LEASE = timedelta(seconds=5)
AWAY = timedelta(seconds=1)


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
        """Works until cancelled; waits while the database is away."""
        while True:
            try:
                if not await self.settle_due():
                    await self._rest()
            except Exception as error:
                if not is_the_worlds(error):
                    raise
                log.warning("timers wait", error=type(error).__name__)
                await asyncio.sleep(AWAY.total_seconds())

    async def settle_due(self) -> int:
        """Offers or expires a batch of the forms that are due; returns how many there were."""
        claimed = await self._forms.claim(self._clock.now(), LEASE, BATCH)
        done = await asyncio.gather(*(self._settle(card) for card in claimed))
        await self._forms.settle({card: moment for settled in done for card, moment in settled.items()})
        return len(claimed)

    async def _settle(self, card: Card) -> Mapping[Card, datetime | None]:
        """When the form is due next, if ever; nothing if it could not be settled now."""
        kind = OfferForm if card.state == "scheduled" else ExpireForm
        command = kind(card.close_seq, self._clock.now())
        try:
            outcome = await handle(self._streams, RATING, RATING.stream(card.dialog), command)
        except Exception as error:  # noqa: BLE001 - one form must not keep the others of its batch waiting
            self._note(card, error)
            return {}
        return {card: due_at(outcome.state.close(card.close_seq))}

    def _note(self, card: Card, error: Exception) -> None:
        if is_the_worlds(error):
            log.warning("form waits", form=card.form, error=type(error).__name__)
            return
        log.error("form not settled", form=card.form, error=type(error).__name__, where=where(error))
        ALARMS.labels(self._streams.service, "timer_failed").inc()

    async def _rest(self) -> None:
        due = await self._forms.next_due()
        longest = min(POLL, due - self._clock.now()) if due else POLL
        await asyncio.sleep(max(longest, SHORTEST).total_seconds())
