"""Arms forms that wait for their client, as rating's own code stores them, in bulk."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from bson import decode
from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.eventstore.serialization import commit_id, shard_of, to_document, to_stored
from chassis.eventstore.store import Commit
from chassis.mongo import CODEC
from chassis.outbox.commit_handler import RecordedEvent
from contracts.envelope import to_milliseconds
from rating.domain.rating.decider import RATING, RegisterClose
from rating.domain.rating.state import Rating
from rating.read_models.form_documents import FormDocument, form_id
from rating.read_models.forms import Forms
from tests.rating.builders import RULES, facts, snapshot

Document = dict[str, Any]
Database = AsyncIOMotorDatabase[Document]

TOGETHER, MOST = 2_000, 4
"""Forms in an insert, and inserts at a time."""

LOOK = 20
"""The first form of so many inserts is compared with what rating stores."""


@dataclass(frozen=True)
class Waiting:
    """What is stored of a form that waits: its commit, as it is once it was relayed, and its document."""

    commit: Document
    form: Document

    @classmethod
    async def stored(cls, database: Database, forms: Forms, dialog: str, due: datetime) -> Self:
        """As rating itself makes it, relays it and checks its client; it is taken away again."""
        now = due - RULES.expiry
        command = RegisterClose(
            snapshot=snapshot(dialog=dialog, client=_client(dialog), closed_at=now), rules=RULES,
            facts=facts(), erased=False, now=now,
        )  # fmt: skip
        events = RATING.decide(Rating(), command)
        commit = Commit(RATING.stream(dialog), 1, 1, tuple(map(to_stored, events)), now)
        state = RATING.fold(RATING.initial, events)
        await forms.project([RecordedEvent(commit.stream, 1, commit.last, state, events[-1], now, None)])
        form = FormDocument.model_validate(await database["forms"].find_one({"dialog": dialog}))
        await forms.mark_checked([form])
        document = await database["forms"].find_one_and_delete({"dialog": dialog})
        assert document is not None
        relayed = {"relayed": True, "published": 1}
        return cls(decode(to_document(commit).raw, CODEC) | relayed, document)

    def of(self, dialog: str, due: datetime) -> Self:
        """The same of another dialog, without all the work."""
        now, client = due - RULES.expiry, _client(dialog)
        at, until = _text(now), _text(due)
        registered, offered = self.commit["events"]
        whose = {**registered["snapshot"], "dialog": dialog, "client": client, "closed_at": at}
        events = [
            {**registered, "snapshot": whose, "registered_at": at},
            {**offered, "offered_at": at, "expires_at": until},
        ]
        stream = RATING.stream(dialog)
        own = {"_id": commit_id(stream, 1), "stream": stream, "shard": shard_of(stream)}
        form = {"_id": form_id(dialog, 1), "dialog": dialog, "client": client}
        times = {"closed_at": now, "registered_at": now, "expires_at": due, "due_at": due}
        return replace(
            self,
            commit={**self.commit, **own, "events": events, "at": now},
            form={**self.form, **form, **times},
        )


def _client(dialog: str) -> str:
    return f"client-of-{dialog}"


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def arm(database: Database, forms: Forms, count: int, first: datetime, every: timedelta) -> None:
    """Stores `count` forms that wait, each due `every` after the one before, the first at `first`."""
    await forms.prepare()
    pattern = await Waiting.stored(database, forms, "pattern", first)
    inserts: set[asyncio.Future[object]] = set()
    for start in range(0, count, TOGETHER):
        dues = [
            (f"dialog-{number:08}", to_milliseconds(first + number * every))
            for number in range(start, min(start + TOGETHER, count))
        ]
        batch = [pattern.of(*each) for each in dues]
        if start % (LOOK * TOGETHER) == 0:
            assert batch[0] == await Waiting.stored(database, forms, *dues[0])
        inserts |= {
            asyncio.ensure_future(
                database["commits"].insert_many([one.commit for one in batch], ordered=False)
            ),
            asyncio.ensure_future(database["forms"].insert_many([one.form for one in batch], ordered=False)),
        }
        if len(inserts) > MOST:
            _, inserts = await asyncio.wait(inserts, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait(inserts)
