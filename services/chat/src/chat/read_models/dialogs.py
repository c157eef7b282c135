"""Answers: which dialogs are an operator's, and which wait for one."""

from collections.abc import Collection, Mapping, Sequence
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
from chat.domain.dialog.events import DialogEvent, MessagePosted
from chat.domain.dialog.state import Closed, Dialog, Open, details_of
from contracts.dialogs import DialogState

Document = dict[str, Any]
CURSOR: Final = "chat.dialogs."
"""With the state behind it: a page of open dialogs has no next one among the closed."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOST_OF_A_CLIENT: Final = 50
MOST_WATCHED: Final = 200
MOST_CLOSED_WATCHED: Final = 20
VERSION: Final[Document] = {"version": 1}
LATEST: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True)
class DialogPage:
    """Some dialogs, and the cursor after them if there may be more."""

    dialogs: list[Document]
    next: str | None


class Dialogs:
    """The collection ``dialogs``: ids, times and counts of each dialog as it now is, its last text sealed.

    `version` is the number of the dialog's last commit; that of the last event but messages is in `moved`.
    A reopening in which nobody writes is `due` to be closed again after `silent_for`; never, if that is None.
    """

    def __init__(self, database: "AsyncIOMotorDatabase[Document]", silent_for: timedelta | None) -> None:
        self._dialogs = database["dialogs"]
        self._silent_for = silent_for
        self.due = DueDocuments(self._dialogs, "dialog")

    async def prepare(self) -> None:
        """Makes the indexes. Can be repeated."""
        await self._dialogs.create_index([("operators", 1), ("state", 1), ("since", 1), ("_id", 1)])
        await self._dialogs.create_index([("waiting", 1), ("state", 1), ("since", 1), ("_id", 1)])
        await self._dialogs.create_index([("client", 1), ("opened_at", 1)])
        await self.due.prepare()

    async def project(self, batch: Sequence[RecordedEvent[Dialog, DialogEvent]]) -> None:
        """Takes in events; any part of a batch may come again, and only the last of a stream is written."""
        in_order = sorted(batch, key=lambda each: each.position)
        last = {recorded.stream: recorded for recorded in in_order}
        messages = {each.stream: each for each in in_order if isinstance(each.event, MessagePosted)}
        others = {each.stream: each for each in in_order if not isinstance(each.event, MessagePosted)}
        writes = []
        for stream, recorded in last.items():
            document = {**_document(recorded.state, self._silent_for), "version": recorded.number}
            latest = {"last_message": _message(messages.get(stream)), "moved": _moved(others.get(stream))}
            writes.append(upsert_if_newer(document["dialog"], recorded.position, document, latest))
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
        asked = _for_operator(operator, channels, state)
        if cursor is not None:
            asked = {"$and": [asked, _after(state, cursor)]}
        way = ASCENDING if state is DialogState.OPEN else DESCENDING
        found = await self._dialogs.find(asked).sort([("since", way), ("_id", way)]).to_list(limit + 1)
        if len(found) <= limit:
            return DialogPage(found, None)
        last = found[limit - 1]
        milliseconds = (last["since"] - EPOCH) // timedelta(milliseconds=1)
        return DialogPage(found[:limit], encode(CURSOR + state, [milliseconds, last["_id"]]))

    async def watched_by_operator(
        self, operator: str, channels: Collection[str] | None
    ) -> Mapping[str, Mapping[str, int]]:
        """The versions of the first open dialogs of an operator's list, and of their own that closed last."""
        opened = self._dialogs.find(_for_operator(operator, channels, DialogState.OPEN), VERSION)
        asked = {**_for_operator(operator, channels, DialogState.CLOSED), "waiting": False}
        closed = self._dialogs.find(asked, VERSION)
        found = await opened.sort([("since", 1), ("_id", 1)]).to_list(MOST_WATCHED)
        found += await closed.sort([("since", -1), ("_id", -1)]).to_list(MOST_CLOSED_WATCHED)
        return versions_of(found)

    async def of_client(self, client: str, fields: Document | None = None) -> list[Document]:
        """A client's dialogs, the newest first: the last fifty. `fields` None: all of them."""
        found = self._dialogs.find({"client": client}, fields).sort([("opened_at", -1), ("_id", -1)])
        documents: list[Document] = await found.to_list(MOST_OF_A_CLIENT)
        return documents

    async def watched_by_client(self, client: str) -> Mapping[str, Mapping[str, int]]:
        """The versions of a client's last dialogs."""
        return versions_of(await self.of_client(client, VERSION))

    async def concerned(self, dialogs: Collection[str]) -> list[Document]:
        """Whom these dialogs concern: their client, channel, operators, whether they wait, and `moved`."""
        fields = dict.fromkeys(("client", "channel", "operators", "waiting", "moved"), 1)
        found: list[Document] = await self._dialogs.find({"_id": {"$in": list(dialogs)}}, fields).to_list(
            None
        )
        return found


def versions_of(documents: Sequence[Document]) -> Mapping[str, Mapping[str, int]]:
    """What a stream tells of dialogs."""
    return {"dialogs": {document["_id"]: document["version"] for document in documents}}


def _for_operator(operator: str, channels: Collection[str] | None, state: DialogState) -> Document:
    asked: Document = {"state": state.value, "$or": [{"operators": operator}, {"waiting": True}]}
    return asked if channels is None else {**asked, "channel": {"$in": sorted(channels)}}


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
        "operator_name": details.assigned.name if details.assigned else None,
        "operators": sorted(details.writers | ({assigned} if assigned else set())),
        "opened_at": details.opened_at,
        "since": since,
        "closed_at": details.closed_at[-1] if isinstance(state, Closed) else None,
        "closes": details.closes,
        "replies": details.replies,
        "unanswered": details.unanswered,
        "waiting_since": details.waiting_since,
        "due_at": silent_until(state, silent_for),
    }


def _message(recorded: RecordedEvent[Dialog, DialogEvent] | None) -> Document | None:
    if recorded is None or not isinstance(recorded.event, MessagePosted):
        return None
    posted = recorded.event.model_dump(include={"author", "operator", "name", "posted_at", "text"})
    return {**posted, "author": recorded.event.author.value, "position": recorded.position}


def _moved(recorded: RecordedEvent[Dialog, DialogEvent] | None) -> Document | None:
    return {"position": recorded.position, "version": recorded.number} if recorded else None


def _after(state: DialogState, cursor: str) -> Document:
    beyond = "$gt" if state is DialogState.OPEN else "$lt"
    match decode(CURSOR + state, cursor):
        case [int(milliseconds), str(dialog)] if 0 <= milliseconds <= LATEST:
            since = EPOCH + timedelta(milliseconds=milliseconds)
            return {"$or": [{"since": {beyond: since}}, {"since": since, "_id": {beyond: dialog}}]}
    raise InvalidCursor
