"""Offers and expires forms when their time has come."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from chassis.clock import Clock
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.telemetry.metrics import Alarm, raise_alarm
from chassis.telemetry.tracebacks import safe_traceback
from chassis.transient import is_transient
from rating.domain.rating.decider import RATING, ExpireForm, OfferForm
from rating.read_models.form_documents import FormDocument, due_at
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

    def __init__(self, forms: Forms, streams: Repository, clock: Clock) -> None:
        self._forms = forms
        self._streams = streams
        self._clock = clock

    def unhealthy_reason(self) -> str | None:
        """Never: a form that can't be settled is an alarm, and no reason to answer nobody."""
        return None

    async def run(self) -> None:
        """Works until cancelled; waits while the database is away."""
        while True:
            try:
                if not await self.settle_due():
                    await self._rest()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("timers wait", error=type(error).__name__)
                await asyncio.sleep(AWAY.total_seconds())

    async def settle_due(self) -> int:
        """Offers or expires a batch of the forms that are due; returns how many there were."""
        claimed = await self._forms.claim(self._clock.now(), LEASE, BATCH)
        done = await asyncio.gather(*(self._settle(card) for card in claimed))
        await self._forms.settle({card: moment for settled in done for card, moment in settled.items()})
        return len(claimed)

    async def _settle(self, card: FormDocument) -> Mapping[FormDocument, datetime | None]:
        """When the form is due next, if ever; nothing if it could not be settled now."""
        kind = OfferForm if card.state == "scheduled" else ExpireForm
        command = kind(card.close_seq, self._clock.now())
        try:
            outcome = await handle(self._streams, RATING, RATING.stream(card.dialog), command)
        except Exception as error:  # noqa: BLE001 - one form must not keep the others of its batch waiting
            self._note(card, error)
            return {}
        return {card: due_at(outcome.state.close(card.close_seq))}

    def _note(self, card: FormDocument, error: Exception) -> None:
        if is_transient(error):
            log.warning("form waits", form=card.form, error=type(error).__name__)
            return
        log.error("form not settled", form=card.form, error=type(error).__name__, where=safe_traceback(error))
        raise_alarm(self._streams.service, Alarm.TIMER_FAILED)

    async def _rest(self) -> None:
        due = await self._forms.next_due()
        longest = min(POLL, due - self._clock.now()) if due else POLL
        await asyncio.sleep(max(longest, SHORTEST).total_seconds())
