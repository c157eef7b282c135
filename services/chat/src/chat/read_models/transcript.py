"""Answers: what was written in a dialog, a page at a time."""

import asyncio
from dataclasses import dataclass
from typing import Final, NamedTuple

from chassis.crypto_shredding.opened_text import OpenedText, OpensText
from chassis.cursors import decode, encode
from chassis.errors import InvalidCursor
from chassis.eventstore.serialization import read_events
from chassis.eventstore.store import EventStore
from chat.domain.dialog.decider import DIALOG
from chat.domain.dialog.events import MessagePosted
from contracts.keys import Purpose

CURSOR: Final = "chat.messages"
MOST_COMMITS: Final = 9_999_999_999
SLICE = 20
"""How many messages are read or opened before others get their turn."""
LARGEST_PAGE = 1_000_000
"""With how many characters of sealed text a page ends: what is sent at once is written at once."""


@dataclass(frozen=True)
class TranscriptMessage:
    """A message, and its text as it can be read now."""

    posted: MessagePosted
    text: OpenedText


@dataclass(frozen=True)
class Transcript:
    """Some messages in the order in which they were written, and the cursor after them if there are more."""

    messages: list[TranscriptMessage]
    next: str | None


class _StoredMessage(NamedTuple):
    commit: int
    posted: MessagePosted


async def transcript_of(
    store: EventStore, keys: OpensText, dialog: str, client: str, after: int, until: int, limit: int
) -> Transcript:
    """Reads commits after number `after` up to `until`, and opens `limit` messages, fewer of long ones."""
    found = await _messages(store, DIALOG.stream(dialog), after, until, limit + 1)
    messages: list[TranscriptMessage] = []
    size = 0
    for count, (_, posted) in enumerate(found[:limit], 1):
        text = await OpenedText.of(keys, posted.text, subject=client, scope=dialog, purpose=Purpose.MESSAGE)
        messages.append(TranscriptMessage(posted, text))
        size += len(posted.text)
        if size >= LARGEST_PAGE:
            break
        if count % SLICE == 0:
            # Opening needs no network once the key is here: nobody else would be served meanwhile.
            await asyncio.sleep(0)
    more = len(found) > len(messages)
    return Transcript(messages, encode(CURSOR, [found[len(messages) - 1].commit]) if more else None)


def commit_of(cursor: str) -> int:
    """The number of the commit that a page begins after. Raises `InvalidCursor`."""
    match decode(CURSOR, cursor):
        case [int(commit)] if 0 < commit <= MOST_COMMITS:
            return commit
    raise InvalidCursor


async def _messages(
    store: EventStore, stream: str, after: int, until: int, wanted: int
) -> list[_StoredMessage]:
    """The messages after commit `after` up to `until`: `wanted` or a few more, fewer if there are no more."""
    # A commit is what came of one request, so it holds one message at most.
    found: list[_StoredMessage] = []
    while len(found) < wanted and after < until:
        if not (commits := await store.read(stream, after, limit=min(SLICE, until - after))):
            break
        for commit in commits:
            posted = (event for event in read_events(DIALOG, commit) if isinstance(event, MessagePosted))
            found += [_StoredMessage(commit.number, event) for event in posted]
        after = commits[-1].number
        await asyncio.sleep(0)
    return found
