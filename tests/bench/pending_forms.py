"""Arms forms that wait for their client, as rating's own code stores them, in bulk."""

import asyncio
import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from bson import decode, encode
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.eventstore.serialization import to_document, to_stored
from chassis.eventstore.store import Commit
from chassis.mongo import CODEC
from chassis.outbox.commit_handler import RecordedEvent
from rating.domain.rating.decider import RATING, RegisterClose
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.state import Rating
from rating.read_models.form_documents import FormDocument
from rating.read_models.forms import Forms
from tests.rating.builders import RULES, snapshot

Database = AsyncIOMotorDatabase[dict[str, Any]]
Recorded = RecordedEvent[Rating, RatingEvent]

TOGETHER = 2_000
PUBLISHED = {"relayed": True, "published": 1}
"""What the relay writes into the commit of a form that was offered."""


def offered(dialog: str, due: datetime) -> tuple[Commit, Recorded]:
    """The first commit of a dialog whose form expires at `due`, and its last event."""
    now = due - RULES.expiry
    command = RegisterClose(
        snapshot=snapshot(dialog=dialog, client=f"client-of-{dialog}", closed_at=now), rules=RULES,
        by_people=True, spam=False, replied=True, erased=False, now=now,
    )  # fmt: skip
    events = RATING.decide(Rating(), command)
    stored = tuple(to_stored(event) for event in events)
    commit = Commit(RATING.stream(dialog), 1, 1, stored, now)
    state = RATING.fold(RATING.initial, events)
    return commit, RecordedEvent(commit.stream, 1, commit.last, state, events[-1], now, None)


async def arm(database: Database, forms: Forms, count: int, first: datetime, every: timedelta) -> None:
    """Stores `count` forms that wait, each due `every` after the one before, the first at `first`."""
    await forms.prepare()
    pattern = await _as_projected(database, forms, first)
    waits = (offered(f"dialog-{number:08}", first + number * every) for number in range(count))
    pending: set[asyncio.Task[object]] = set()
    for batch in _batches(waits):
        commits = [
            RawBSONDocument(encode(decode(to_document(commit).raw, CODEC) | PUBLISHED)) for commit, _ in batch
        ]
        documents = [_document(recorded, pattern) for _, recorded in batch]
        pending |= {
            asyncio.ensure_future(database["commits"].insert_many(commits, ordered=False)),
            asyncio.ensure_future(database["forms"].insert_many(documents, ordered=False)),
        }
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait(pending)


def _batches(waits: Iterator[tuple[Commit, Recorded]]) -> Iterator[list[tuple[Commit, Recorded]]]:
    while batch := list(itertools.islice(waits, TOGETHER)):
        yield batch


async def _as_projected(database: Database, forms: Forms, due: datetime) -> dict[str, Any]:
    """The document that the relay and the erasure leave of such a form; it is taken away again."""
    _, recorded = offered("pattern", due)
    await forms.project([recorded])
    found = await database["forms"].find_one({"_id": "pattern.1"}) or {}
    await forms.mark_checked([FormDocument.model_validate(found)])
    found = await database["forms"].find_one_and_delete({"_id": "pattern.1"})
    assert found is not None
    return dict(found)


def _document(recorded: Recorded, pattern: dict[str, Any]) -> dict[str, Any]:
    """The pattern for another dialog."""
    snapshot = recorded.state.close(1).form.snapshot  # type: ignore[union-attr]  # it was offered just now
    return {
        **pattern,
        "_id": f"{snapshot.dialog}.1",
        "dialog": snapshot.dialog,
        "client": snapshot.client,
        "closed_at": snapshot.closed_at,
        "expires_at": snapshot.closed_at + RULES.expiry,
        "due_at": snapshot.closed_at + RULES.expiry,
    }
