"""Sends forms by e-mail, reminders, and word of low scores, when their time has come."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeGuard

import structlog

from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.telemetry.metrics import DELIVERIES, Alarm, raise_alarm
from chassis.telemetry.tracebacks import safe_traceback
from chassis.transient import is_transient
from rating.adapters.mail import WRONG_SETUP, Mailer, MailResult
from rating.adapters.results import Delivered, Never, TryAgain
from rating.domain.rating.decider import RATING
from rating.domain.rating.delivery import DeliveryCommand, RecordFailure, RecordReminder, RecordSending
from rating.domain.rating.state import CloseToRate, Offered
from rating.domain.rating.ways import DeliveryFailureReason, Way
from rating.personal_data import Addresses, NoAddress
from rating.processes.form_mails import FormMails
from rating.processes.low_score_mails import LowScoreMails
from rating.read_models.deliveries import Deliveries, Document, MailKind
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.low_scores import LOW_SCORE
from rating.read_models.opt_outs import OptOuts

PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240))
"""Before each further attempt, the last one over and over until the form expires, give or take a tenth.

A connection that was lost is back after a minute. Who greylists takes a mail five minutes after they refused
it first (postgrey's default), some after fifteen. RFC 5321 (4.5.4.1) wants half an hour between attempts and
four days of them: forms rarely wait for as long.
"""

AT_ONCE: Final = 8
"""Mails in work, of one replica: each waits for a server, for a minute at most."""

LEASE: Final = timedelta(minutes=2)
"""Longer than one attempt takes, so that no other worker begins a second one meanwhile."""

POLL: Final = timedelta(seconds=1)
AWAITED: Final = timedelta(seconds=30)
"""Until a key that is still to be received, or a database that is away, is asked for again."""

FINISH_SECONDS: Final = 4.0

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Again:
    """The mail is tried again `after`; only an `attempt` makes the next pause longer."""

    after: timedelta
    attempt: bool = True


class MailDeliveries:
    """Works through the mails that are due, first come first served, a few at a time.

    A mail is claimed, its form is looked at as it is now, the mail sent, what became of it stored, and then
    the document settled. A crash in between repeats it: at least once, with the same Message-ID, by which
    mailboxes know it. A form that waits no more is not sent, nor one whose client is erased or opted out.
    """

    name = "deliveries"

    def __init__(
        self,
        repository: Repository,
        deliveries: Deliveries,
        mailer: Mailer,
        mails: FormMails,
        addresses: Addresses,
        opt_outs: OptOuts,
        erased: ErasedClients,
        low_scores: LowScoreMails,
    ) -> None:
        self._repository = repository
        self._deliveries = deliveries
        self._mailer = mailer
        self._mails = mails
        self._addresses = addresses
        self._opt_outs = opt_outs
        self._erased = erased
        self._low_scores = low_scores
        self._room = asyncio.Semaphore(AT_ONCE)
        self._working: set[asyncio.Task[None]] = set()

    def unhealthy_reason(self) -> str | None:
        """Never: mails that can't be sent are an alarm, and no reason to refuse requests."""
        return None

    async def run(self) -> None:
        """Works until cancelled; then stores what became of the mails in hand, if that takes seconds."""
        try:
            while True:
                await self._room.acquire()
                begun = False
                try:
                    begun = await self._begin()
                finally:
                    if not begun:
                        self._room.release()
                if not begun:
                    await asyncio.sleep(POLL.total_seconds())
        finally:
            if self._working:
                await asyncio.wait(self._working, timeout=FINISH_SECONDS)
            for task in self._working:
                task.cancel()

    async def deliver_due(self) -> int:
        """Works through all that is due now, one after the other; returns how many mails that were."""
        done = 0
        while claimed := await self._claim():
            for document in claimed:
                await self._work(document)
                done += 1
        return done

    async def _begin(self) -> bool:
        """Begins with the next mail; False if none is due, or the database is away."""
        try:
            claimed = await self._claim()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("deliveries_wait", error=type(error).__name__)
            return False
        for document in claimed:
            task = asyncio.create_task(self._work(document))
            self._working.add(task)
            task.add_done_callback(self._done)
        return bool(claimed)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self._room.release()

    async def _claim(self) -> list[Document]:
        return await self._deliveries.due.claim(self._repository.clock.now(), LEASE, 1)

    async def _work(self, document: Document) -> None:
        """Delivers a claimed mail, and settles its document: for good, or for another time."""
        attempts = document.get("attempts", 0)
        try:
            again = await self._deliver(document)
            if again is None:
                await self._deliveries.due.settle([(document, None)])
                return
        except Exception as error:  # noqa: BLE001 - one mail must not hold up the others
            again = self._on_error(document, error)
        attempts += again.attempt
        pause = again.after if not again.attempt else max(again.after, _pause(attempts))
        try:
            await self._deliveries.postpone(document, attempts, self._repository.clock.now() + pause)
        except Exception as error:  # noqa: BLE001 - it comes back when the lease is over
            self._on_error(document, error)

    async def _deliver(self, document: Document) -> Again | None:
        """Sends the mail if it is still to be sent; None if there is nothing more to do for it."""
        if document["kind"] == LOW_SCORE:
            return await self._alert(document)
        kind, dialog, close_seq = MailKind(document["kind"]), document["dialog"], document["close_seq"]
        close = (await self._repository.load(RATING, RATING.stream(dialog))).state.close(close_seq)
        now = self._repository.clock.now()
        if not _is_awaited(close, kind, now) or await self._erased.among([close.form.snapshot.client]):
            return None
        snapshot, email = close.form.snapshot, close.form.email or ""
        address = await self._addresses.open(email, client=snapshot.client, dialog=dialog)
        if address is NoAddress.AWAITED:
            return Again(AWAITED, attempt=False)
        if address is NoAddress.GONE:
            await self._fail(document, DeliveryFailureReason.NO_ADDRESS)
            return None
        recipient = await self._opt_outs.recipient(snapshot.channel, address)
        if await self._opt_outs.has(recipient):
            await self._fail(document, DeliveryFailureReason.OPTED_OUT)
            return None
        mail = await self._mails.write(kind, close, address, recipient, now)
        return await self._after(document, await self._mailer.send(mail))

    async def _alert(self, document: Document) -> Again | None:
        """Tells of a low score, and of what else waits for the same recipient."""
        now = self._repository.clock.now()
        due = await self._low_scores.due(document, now)
        if due is None:
            return None
        if isinstance(due, datetime):
            return Again(due - now, attempt=False)
        result = await self._mailer.send(due.mail)
        self._count(document, result)
        if isinstance(result, TryAgain):
            return Again(result.after or timedelta(0))
        await self._low_scores.settle(due.besides)
        return None

    async def _after(self, document: Document, result: MailResult) -> Again | None:
        """What follows from what became of the mail."""
        self._count(document, result)
        match result:
            case Delivered():
                await self._sent(document)
            case Never(reason):
                await self._fail(document, DeliveryFailureReason(reason.value))
            case TryAgain(after=after):
                return Again(after or timedelta(0))
        return None

    async def _sent(self, document: Document) -> None:
        close_seq, now = document["close_seq"], self._repository.clock.now()
        is_reminder = document["kind"] == MailKind.REMINDER
        await self._record(
            document,
            RecordReminder(close_seq, now) if is_reminder else RecordSending(close_seq, Way.EMAIL, now),
        )

    async def _fail(self, document: Document, reason: DeliveryFailureReason) -> None:
        """The form can't be sent; a reminder that can't is left out, as its form was."""
        now = self._repository.clock.now()
        await self._record(document, RecordFailure(document["close_seq"], Way.EMAIL, reason, now))

    async def _record(self, document: Document, command: DeliveryCommand) -> None:
        await handle(self._repository, RATING, RATING.stream(document["dialog"]), command)

    def _count(self, document: Document, result: MailResult) -> None:
        reason = None if isinstance(result, Delivered) else result.reason
        outcome = reason or "delivered"
        DELIVERIES.labels(self._repository.service, document["kind"], outcome).inc()
        if isinstance(result, TryAgain | Never):
            log.warning("mail_not_taken", delivery=document["_id"], reason=outcome, status=result.status)
        if reason in WRONG_SETUP:
            raise_alarm(self._repository.service, Alarm.DELIVERY_FAILED)

    def _on_error(self, document: Document, error: Exception) -> Again:
        about = {"delivery": document["_id"], "error": type(error).__name__}
        if is_transient(error):
            log.warning("delivery_waits", **about)
            return Again(AWAITED, attempt=False)
        log.error("delivery_broken", **about, where=safe_traceback(error))
        raise_alarm(self._repository.service, Alarm.DELIVERY_FAILED)
        return Again(timedelta(0))


def _is_awaited(close: CloseToRate, kind: MailKind, now: datetime) -> TypeGuard[Offered]:
    """Whether the form waits for its client, and the mail was not sent yet, as far as anybody knows."""
    if not isinstance(close, Offered) or Way.EMAIL not in close.ways or now >= close.expires_at:
        return False
    was_sent = Way.EMAIL in close.sent
    return not was_sent if kind is MailKind.INVITATION else was_sent and not close.reminded


def _pause(attempts: int) -> timedelta:
    """How long after so many attempts the next one comes."""
    pause = PAUSES[min(attempts, len(PAUSES)) - 1]
    return pause * random.uniform(0.9, 1.1)  # noqa: S311 - jitter
