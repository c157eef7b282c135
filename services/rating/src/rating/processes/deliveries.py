"""Sends forms by e-mail, reminders, and word of low scores, when their time has come."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from chassis.eventstore.repository import Repository
from chassis.telemetry.metrics import DELIVERIES, Alarm, raise_alarm
from rating.adapters.mail import WRONG_SETUP, Mailer, MailResult
from rating.adapters.results import Delivered, Never, TryAgain
from rating.domain.rating.delivery import RecordReminder
from rating.domain.rating.state import Offered
from rating.domain.rating.ways import DeliveryFailureReason, Way
from rating.personal_data import Addresses, NoAddress
from rating.processes.delivery_worker import AWAITED, Again, DeliveryWorker
from rating.processes.form_mails import FormMails
from rating.processes.low_score_mails import LowScoreMails
from rating.read_models.deliveries import Deliveries, DeliveryKind, Document
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.low_scores import LOW_SCORE
from rating.read_models.opt_outs import OptOuts

PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240))
"""Before each further attempt.

A connection that was lost is back after a minute. Who greylists takes a mail five minutes after they refused
it first (postgrey's default), some after fifteen. RFC 5321 (4.5.4.1) wants half an hour between attempts and
four days of them: forms rarely wait for as long.
"""

AT_ONCE: Final = 8
"""Mails in work, of one replica: each waits for a server, for a minute at most."""

log = structlog.stdlib.get_logger(__name__)


class MailDeliveries(DeliveryWorker):
    """Works through the mails that are due: by their Message-ID mailboxes know one that comes again.

    Nobody who has opted out is sent any.
    """

    name = "deliveries"
    way = Way.EMAIL
    pauses = PAUSES
    at_once = AT_ONCE

    def __init__(
        self,
        repository: Repository,
        deliveries: Deliveries,
        mailer: Mailer,
        mails: FormMails,
        low_scores: LowScoreMails,
        addresses: Addresses,
        opt_outs: OptOuts,
        erased: ErasedClients,
    ) -> None:
        super().__init__(repository, deliveries, erased)
        self._mailer = mailer
        self._mails = mails
        self._addresses = addresses
        self._opt_outs = opt_outs
        self._low_scores = low_scores

    async def _deliver(self, document: Document) -> Again | None:
        if document["kind"] == LOW_SCORE:
            return await self._alert(document)
        return await super()._deliver(document)

    def _is_awaited(self, document: Document, close: Offered) -> bool:
        if document["kind"] == DeliveryKind.REMINDER:
            return self.way in close.sent and not close.reminded
        return super()._is_awaited(document, close)

    async def _send(self, document: Document, close: Offered, now: datetime) -> Again | None:
        snapshot, email = close.form.snapshot, close.form.email or ""
        address = await self._addresses.open(email, client=snapshot.client, dialog=snapshot.dialog)
        if address is NoAddress.AWAITED:
            return Again(AWAITED, attempt=False)
        if address is NoAddress.GONE:
            await self._fail(document, DeliveryFailureReason.NO_ADDRESS)
            return None
        recipient = await self._opt_outs.recipient(snapshot.channel, address)
        if await self._opt_outs.has(recipient):
            await self._fail(document, DeliveryFailureReason.OPTED_OUT)
            return None
        mail = await self._mails.write(DeliveryKind(document["kind"]), close, address, recipient, now)
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
                # A reminder that can't be sent is left out, as its form was.
                await self._fail(document, DeliveryFailureReason(reason.value))
            case TryAgain(after=after):
                return Again(after or timedelta(0))
        return None

    async def _sent(self, document: Document) -> None:
        if document["kind"] == DeliveryKind.REMINDER:
            now = self._repository.clock.now()
            await self._record(document, RecordReminder(document["close_seq"], now))
        else:
            await super()._sent(document)

    def _count(self, document: Document, result: MailResult) -> None:
        reason = None if isinstance(result, Delivered) else result.reason
        outcome = reason or "delivered"
        DELIVERIES.labels(self._repository.service, document["kind"], outcome).inc()
        if isinstance(result, TryAgain | Never):
            log.warning("mail_not_taken", delivery=document["_id"], reason=outcome, status=result.status)
        if reason in WRONG_SETUP:
            raise_alarm(self._repository.service, Alarm.DELIVERY_FAILED)
