"""Which mails are to be sent, and when: a document for each, written by the relay."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

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
from rating.domain.rating.ways import Way
from rating.read_models.form_documents import form_id

Document = dict[str, Any]


class MailKind(StrEnum):
    """The mails that a form can have, one of each."""

    INVITATION = "invitation"
    REMINDER = "reminder"


class Deliveries:
    """The collection `deliveries`: {_id: form and kind, dialog, close_seq, kind, due_at, attempts, position}.

    A document is replaced only by what is later in its stream (`position`); `attempts` are those that failed.
    """

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self._deliveries = database["deliveries"]
        self.due = DueDocuments(self._deliveries)

    async def prepare(self) -> None:
        """Makes the index; can be repeated."""
        await self.due.prepare()

    async def project(self, batch: Sequence[RecordedEvent[Rating, RatingEvent]]) -> None:
        """Writes when the mails are due of the forms that the events touched; can be repeated."""
        documents: dict[str, Document] = {}
        for recorded in batch:
            close, close_seq = recorded.state.close(recorded.event.close_seq), recorded.event.close_seq
            if not _is_mailed(close):
                continue
            dialog = recorded.stream.partition(":")[2]
            for kind, due_at in _due(close).items():
                documents[f"{form_id(dialog, close_seq)}:{kind}"] = {
                    "dialog": dialog, "close_seq": close_seq, "kind": kind, "due_at": due_at,
                    "position": recorded.position,
                }  # fmt: skip
        if documents:
            writes = [upsert_if_newer(name, each["position"], each) for name, each in documents.items()]
            await self._deliveries.bulk_write(writes, ordered=False)

    async def postpone(self, document: Document, attempts: int, due_at: datetime) -> None:
        """A claimed mail is tried again then, unless it was claimed again or written since."""
        await self._deliveries.update_one(
            {"_id": document["_id"], "claim": document["claim"]},
            {
                "$set": {"due_at": due_at, "attempts": attempts},
                "$unset": {"claim": "", "claimed_until": ""},
            },
        )


def _is_mailed(close: CloseToRate) -> bool:
    """Whether the form of a close is, or was, sent by e-mail; not of one that is still to be offered."""
    match close:
        case Unregistered() | ReopenedFirst() | Registered() | NotOffered() | Scheduled():
            return False
        case _:
            return Way.EMAIL in close.form.ways


def _due(close: CloseToRate) -> Mapping[MailKind, datetime | None]:
    """When each mail of a form is due; None for one that isn't, or isn't any more."""
    if not isinstance(close, Offered) or Way.EMAIL not in close.ways:
        return dict.fromkeys(MailKind)
    rules, sent_at = close.form.rules, close.sent.get(Way.EMAIL)
    if sent_at is None:
        after = next(each.after for each in rules.ways if each.way is Way.EMAIL)
        return {MailKind.INVITATION: close.offered_at + after, MailKind.REMINDER: None}
    reminds_at = None
    if rules.reminder is not None and not close.reminded:
        reminds_at = close.offered_at + rules.reminder
    # An invitation that was late reminds by itself.
    is_late = reminds_at is not None and reminds_at <= sent_at
    return {MailKind.INVITATION: None, MailKind.REMINDER: None if is_late else reminds_at}
