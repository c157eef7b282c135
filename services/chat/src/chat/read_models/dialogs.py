"""Answers: which dialogs are an operator's, and which wait for one."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING

from chassis.eventlog.following import Followed
from chassis.eventlog.guarded import newest
from chat.domain.dialog_events import DialogEvent
from chat.domain.dialog_state import Closed, Dialog, Open, talk_of

Document = dict[str, Any]
DialogState = Literal["open", "closed"]
_SEPARATOR = "|"


class NotACursor(ValueError):  # noqa: N818 - what the caller sent
    """Never was the end of a page."""


@dataclass(frozen=True)
class Page:
    """Some dialogs, and the cursor after them if there may be more."""

    dialogs: list[Document]
    next: str | None


class Dialogs:
    """The collection ``dialogs``: ids, times and counts of each dialog as it now is, never a word."""

    def __init__(self, database: "AsyncIOMotorDatabase[Document]") -> None:
        self._dialogs = database["dialogs"]

    async def prepare(self) -> None:
        """Makes the indexes. Can be repeated."""
        await self._dialogs.create_index([("operators", 1), ("state", 1), ("since", 1), ("_id", 1)])
        await self._dialogs.create_index([("waiting", 1), ("state", 1), ("since", 1), ("_id", 1)])

    async def project(self, batch: Sequence[Followed[Dialog, DialogEvent]]) -> None:
        """Takes in events; any part of a batch may come again, and only the last of a stream is written."""
        last = {followed.stream: followed for followed in sorted(batch, key=lambda each: each.position)}
        writes = [
            newest(talk_of(followed.state).dialog, followed.position, _document(followed.state))
            for followed in last.values()
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
    ) -> Page:
        """Own dialogs, and those of `channels` (None: of all) that wait.

        Open ones: the longest open first; closed ones: the last closed first. Raises `NotACursor`.
        """
        waiting: Document = {"waiting": True}
        if channels is not None:
            waiting["channel"] = {"$in": sorted(channels)}
        asked: Document = {"state": state, "$or": [{"operators": operator}, waiting]}
        if cursor is not None:
            asked = {"$and": [asked, _after(cursor, "$gt" if state == "open" else "$lt")]}
        way = ASCENDING if state == "open" else DESCENDING
        found = await self._dialogs.find(asked).sort([("since", way), ("_id", way)]).to_list(limit + 1)
        more = len(found) > limit
        return Page(found[:limit], _cursor(found[limit - 1]) if more else None)


def _document(state: Dialog) -> Document:
    talk = talk_of(state)
    assigned = talk.assigned.id if talk.assigned else None
    since = state.piece.since if isinstance(state, Open) else talk.closed_at[-1]
    return {
        "dialog": talk.dialog,
        "channel": talk.channel,
        "client": talk.client,
        "locale": talk.locale,
        "state": "closed" if isinstance(state, Closed) else "open",
        "waiting": isinstance(state, Open) and assigned is None,
        "operator": assigned,
        "operators": sorted(talk.writers | ({assigned} if assigned else set())),
        "opened_at": talk.opened_at,
        "since": since,
        "closes": talk.closes,
    }


def _cursor(document: Document) -> str:
    plain = f"{document['since'].isoformat()}{_SEPARATOR}{document['_id']}"
    return urlsafe_b64encode(plain.encode()).rstrip(b"=").decode()


def _after(cursor: str, beyond: str) -> Document:
    try:
        plain = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        moment, dialog = plain.split(_SEPARATOR)
        since = datetime.fromisoformat(moment)
    except ValueError:
        raise NotACursor("This is not a cursor") from None
    if since.tzinfo is None:
        raise NotACursor("This is not a cursor")
    return {"$or": [{"since": {beyond: since}}, {"since": since, "_id": {beyond: dialog}}]}
