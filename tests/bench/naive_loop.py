"""What anybody would write first: workers that claim one form each, insert a document, and decide nothing."""

import asyncio
from datetime import timedelta

from bson import decode

from chassis.clock import Clock
from chassis.eventstore.serialization import commit_id, to_document, to_stored
from chassis.eventstore.store import Commit
from chassis.mongo import CODEC
from chassis.timers import DATE, DueDocuments
from rating.domain.rating.events import FormExpired
from tests.bench.pending_forms import Database

WORKERS = 32


class NaiveLoop:
    """The loop on collections of its own, on the same mongod."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def arm(self, forms: int) -> None:
        """Copies the forms that are due first, and makes all of them due."""
        copied = await self._database["forms"].find().sort("due_at", 1).limit(forms).to_list(None)
        due = {"due_at": self._clock.now() - timedelta(days=1)}
        naive = self._database["naive_forms"]
        await naive.insert_many([one | due for one in copied])
        await DueDocuments(naive).prepare()

    async def fire(self, forms: int) -> None:
        """Settles so many forms."""
        event = to_stored(FormExpired(close_seq=1, expired_at=self._clock.now()))
        pattern = decode(to_document(Commit("rating:naive", 2, 3, (event,), self._clock.now())).raw, CODEC)
        left = forms

        async def worker() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                due = {"due_at": DATE | {"$lte": self._clock.now()}}
                form = await self._database["naive_forms"].find_one_and_update(
                    due, {"$set": {"due_at": None}}, sort=[("due_at", 1)]
                )
                assert form is not None
                stream = f"rating:{form['dialog']}"
                own = {"_id": commit_id(stream, 2), "stream": stream}
                await self._database["naive_commits"].insert_one({**pattern, **own})

        await asyncio.gather(*(worker() for _ in range(WORKERS)))
