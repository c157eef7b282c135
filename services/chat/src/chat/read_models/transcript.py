"""Answers: what was said in a dialog, a page at a time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chassis.crypto_shredding import KeyRing
from chassis.errors import InvalidCursor
from chassis.eventstore.serialization import read_events
from chassis.eventstore.store import Commit, EventStore
from chassis.http.cursors import decode, encode
from chat.domain.dialog.decider import DIALOG
from chat.domain.dialog.events import MessagePosted
from contracts.keys import Purpose

CURSOR: Final = "chat.messages"
MOST_COMMITS: Final = 9_999_999_999
SLICE = 20
"""How many messages are read or opened before others get their turn."""


@dataclass(frozen=True)
class TranscriptMessage:
    """A message; `text` is None if it was erased."""

    posted: MessagePosted
    text: str | None


@dataclass(frozen=True)
class Transcript:
    """Some messages in the order in which they were written, and the cursor after them if there are more."""

    messages: list[TranscriptMessage]
    next: str | None


@dataclass(frozen=True)
class _StoredMessage:
    commit: int
    posted: MessagePosted


async def transcript_of(
    log: EventStore, keys: KeyRing, dialog: str, client: str, cursor: str | None, limit: int
) -> Transcript:
    """Reads a dialog's stream after the cursor, and opens `limit` messages for this one answer.

    Raises `InvalidCursor`.
    """
    after = 0 if cursor is None else _commit(cursor)
    found = await _messages(await log.read(DIALOG.stream(dialog), after), limit + 1)
    page = found[:limit]
    more = encode(CURSOR, [page[-1].commit]) if len(found) > limit else None
    return Transcript(await _opened(keys, dialog, client, [each.posted for each in page]), more)


def _commit(cursor: str) -> int:
    match decode(CURSOR, cursor):
        case [int(commit)] if 0 < commit <= MOST_COMMITS:
            return commit
    raise InvalidCursor


async def _messages(commits: Sequence[Commit], most: int) -> list[_StoredMessage]:
    # A commit is what came of one request, so it holds one message at most.
    found: list[_StoredMessage] = []
    for count, commit in enumerate(commits, 1):
        events = read_events(DIALOG, commit)
        found += [
            _StoredMessage(commit.number, event) for event in events if isinstance(event, MessagePosted)
        ]
        if len(found) >= most:
            break
        await _give_way(count)
    return found


async def _opened(
    keys: KeyRing, dialog: str, client: str, posted: Sequence[MessagePosted]
) -> list[TranscriptMessage]:
    said: list[TranscriptMessage] = []
    for count, each in enumerate(posted, 1):
        text = await keys.open(each.text, subject=client, scope=dialog, purpose=Purpose.MESSAGE)
        said.append(TranscriptMessage(each, text))
        await _give_way(count)
    return said


async def _give_way(count: int) -> None:
    # Opening needs no network once the key is here: without a pause nobody else would be served meanwhile.
    if count % SLICE == 0:
        await asyncio.sleep(0)
