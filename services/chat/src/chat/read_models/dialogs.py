"""Answers: which dialogs are an operator's, and which wait for one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING

from chassis.cursors import decode, encode
from chassis.errors import InvalidCursor
from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.upsert import upsert_if_newer
from chassis.timers import DueDocuments
from chat.domain.dialog.decider import silent_until
from chat.domain.dialog.events import DialogEvent
from chat.domain.dialog.state import Closed, Dialog, Open, details_of
from contracts.dialogs import DialogState

Document = dict[str, Any]
CURSOR: Final = "chat.dialogs."
"""With the state behind it: a page of open dialogs has no next one among the closed."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True)
class DialogPage:
    """Some dialogs, and the cursor after them if there may be more."""

    dialogs: list[Document]
    next: str | None


class Dialogs:
    """The collection ``dialogs``: ids, times and counts of each dialog as it now is, never a word.

    A reopening in which nobody writes is `due` to be closed again after `silent_for`; never, if that is None.
    """

    def __init__(self, database: "AsyncIOMotorDatabase[Document]", silent_for: timedelta | None) -> None:
        self._dialogs = database["dialogs"]
        self._silent_for = silent_for
        self.due = DueDocuments(self._dialogs)

    async def prepare(self) -> None:
        """Makes the indexes. Can be repeated."""
        await self._dialogs.create_index([("operators", 1), ("state", 1), ("since", 1), ("_id", 1)])
        await self._dialogs.create_index([("waiting", 1), ("state", 1), ("since", 1), ("_id", 1)])
        await self.due.prepare()

    async def project(self, batch: Sequence[RecordedEvent[Dialog, DialogEvent]]) -> None:
        """Takes in events; any part of a batch may come again, and only the last of a stream is written."""
        last = {recorded.stream: recorded for recorded in sorted(batch, key=lambda each: each.position)}
        writes = [
            upsert_if_newer(document["dialog"], recorded.position, document)
            for recorded in last.values()
            for document in [_document(recorded.state, self._silent_for)]
        ]
        if writes:
            await self._dialogs.bulk_write(writes, ordered=False)

    async def of_operator(
        self,
        operator: str,
        channels: Collection[str] | None,
        state: DialogState,
        cursor: str | None,
        limit: int,
    ) -> DialogPage:
        """Own dialogs and those that wait, of `channels` (None: of all).

        Open ones: the longest open first; closed ones: the last closed first. Raises `InvalidCursor`.
        """
        asked: Document = {"state": state.value, "$or": [{"operators": operator}, {"waiting": True}]}
        if channels is not None:
            asked["channel"] = {"$in": sorted(channels)}
        if cursor is not None:
            asked = {"$and": [asked, _after(state, cursor)]}
        way = ASCENDING if state is DialogState.OPEN else DESCENDING
        found = await self._dialogs.find(asked).sort([("since", way), ("_id", way)]).to_list(limit + 1)
        if len(found) <= limit:
            return DialogPage(found, None)
        last = found[limit - 1]
        milliseconds = (last["since"] - EPOCH) // timedelta(milliseconds=1)
        return DialogPage(found[:limit], encode(CURSOR + state, [milliseconds, last["_id"]]))


def _document(state: Dialog, silent_for: timedelta | None) -> Document:
    details = details_of(state)
    assigned = details.assigned.id if details.assigned else None
    since = state.episode.since if isinstance(state, Open) else details.closed_at[-1]
    return {
        "dialog": details.dialog,
        "channel": details.channel,
        "client": details.client,
        "locale": details.locale,
        "state": (DialogState.CLOSED if isinstance(state, Closed) else DialogState.OPEN).value,
        "waiting": isinstance(state, Open) and assigned is None,
        "operator": assigned,
        "operators": sorted(details.writers | ({assigned} if assigned else set())),
        "opened_at": details.opened_at,
        "since": since,
        "closes": details.closes,
        "due_at": silent_until(state, silent_for),
    }


def _after(state: DialogState, cursor: str) -> Document:
    beyond = "$gt" if state is DialogState.OPEN else "$lt"
    match decode(CURSOR + state, cursor):
        case [int(milliseconds), str(dialog)] if 0 <= milliseconds <= LATEST:
            since = EPOCH + timedelta(milliseconds=milliseconds)
            return {"$or": [{"since": {beyond: since}}, {"since": since, "_id": {beyond: dialog}}]}
    raise InvalidCursor
