"""Which mails and messages are to be sent of forms, and when: a document for each, written by the relay."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.upsert import upsert_if_newer
from chassis.timers import DueDocuments
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.state import (
    CloseToRate,
    NotOffered,
    Offered,
    Rating,
    Registered,
    ReopenedFirst,
    Scheduled,
    Unregistered,
)
from rating.domain.rating.ways import Way, after_of
from rating.read_models.form_documents import form_id

Document = dict[str, Any]


class DeliveryKind(StrEnum):
    """What is sent of a form, one of each: two mails, and a message to the channel's own system."""

    INVITATION = "invitation"
    REMINDER = "reminder"
    WEBHOOK = "webhook"


COLLECTIONS: Final = {Way.EMAIL: "deliveries", Way.WEBHOOK: "form_webhook_deliveries"}
"""By the way: where nothing can be sent by e-mail, mails wait, and no message waits behind them."""


class Deliveries:
    """What is sent by one way: {_id: form and kind, dialog, close_seq, kind, due_at, attempts, position}.

    A document is replaced only by what is later in its stream (`position`); `attempts` are those that failed.
    """

    def __init__(self, database: AsyncIOMotorDatabase[Document], way: Way) -> None:
        self._deliveries = database[COLLECTIONS[way]]
        self._due = {Way.EMAIL: _mails_due, Way.WEBHOOK: _message_due}[way]
        self._way = way
        self.due = DueDocuments(self._deliveries)

    async def prepare(self) -> None:
        """Makes the index; can be repeated."""
        await self.due.prepare()

    async def project(self, batch: Sequence[RecordedEvent[Rating, RatingEvent]]) -> None:
        """Writes when what is sent is due of the forms that the events touched; can be repeated."""
        documents: dict[str, Document] = {}
        for recorded in batch:
            close, close_seq = recorded.state.close(recorded.event.close_seq), recorded.event.close_seq
            if not _is_sent(close, self._way):
                continue
            dialog = recorded.stream.partition(":")[2]
            for kind, due_at in self._due(close).items():
                documents[f"{form_id(dialog, close_seq)}:{kind}"] = {
                    "dialog": dialog, "close_seq": close_seq, "kind": kind, "due_at": due_at,
                    "position": recorded.position,
                }  # fmt: skip
        if documents:
            writes = [upsert_if_newer(name, each["position"], each) for name, each in documents.items()]
            await self._deliveries.bulk_write(writes, ordered=False)

    async def postpone(self, document: Document, attempts: int, due_at: datetime) -> None:
        """A claimed one is tried again then, unless it was claimed again or written since."""
        await self._deliveries.update_one(
            {"_id": document["_id"], "claim": document["claim"]},
            {
                "$set": {"due_at": due_at, "attempts": attempts},
                "$unset": {"claim": "", "claimed_until": ""},
            },
        )


def _is_sent(close: CloseToRate, way: Way) -> bool:
    """Whether the form of a close is, or was, sent by this way; not of one that is still to be offered."""
    match close:
        case Unregistered() | ReopenedFirst() | Registered() | NotOffered() | Scheduled():
            return False
        case _:
            return way in close.form.ways


def _sent_first_at(close: CloseToRate, way: Way) -> datetime | None:
    """When the form is due by this way; None if it was sent, or isn't any more."""
    if not isinstance(close, Offered) or way not in close.ways or way in close.sent:
        return None
    after = after_of(close.form.rules.ways, way)
    return None if after is None else close.offered_at + after


def _message_due(close: CloseToRate) -> Mapping[DeliveryKind, datetime | None]:
    return {DeliveryKind.WEBHOOK: _sent_first_at(close, Way.WEBHOOK)}


def _mails_due(close: CloseToRate) -> Mapping[DeliveryKind, datetime | None]:
    """When each mail of a form is due; None for one that isn't, or isn't any more."""
    return {
        DeliveryKind.INVITATION: _sent_first_at(close, Way.EMAIL),
        DeliveryKind.REMINDER: _reminds_at(close),
    }


def _reminds_at(close: CloseToRate) -> datetime | None:
    if not isinstance(close, Offered) or Way.EMAIL not in close.ways:
        return None
    reminder, sent_at = close.form.rules.reminder, close.sent.get(Way.EMAIL)
    if sent_at is None or reminder is None or close.reminded:
        return None
    # An invitation that was late reminds by itself.
    reminds_at = close.offered_at + reminder
    return reminds_at if sent_at < reminds_at else None
