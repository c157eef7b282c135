"""Folds the counters of days that are over into one document per channel and day.

Whoever reads a month then reads a document per day, not one per day and partition.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import PyMongoError

from analytics.read_models.counters import CounterKey, folding
from analytics.read_models.documents import Document, LiveChatDocuments
from chassis.clock import Clock
from chassis.mongo import transaction
from chassis.transient import is_transient

log = structlog.stdlib.get_logger(__name__)

EVERY_SECONDS: Final = 60.0
SOON_SECONDS: Final = 1.0
AT_ONCE: Final = 2_000
"""Documents that are looked for at once; what is left is folded in the next round."""

LATE: Final = timedelta(hours=1)
"""How long after its end a day is left alone, because its closes are still being rated."""

BEHIND_SECONDS: Final = 10.0
"""A projection that catches up writes to the same documents, and would have to do its batches again."""


class DayFolding:
    """Folds again and again, in any number of replicas, as long as this one's projection is not behind."""

    name = "folding days"

    def __init__(
        self,
        serving: Callable[[], LiveChatDocuments],
        clock: Clock,
        behind: Callable[[], float | None],
    ) -> None:
        self._serving, self._clock, self._behind = serving, clock, behind

    async def run(self) -> None:
        """Folds until cancelled."""
        while True:
            behind, folded = self._behind(), 0
            if behind is not None and behind < BEHIND_SECONDS:
                folded = await self.fold()
            # There may be more: after a rebuild nothing is folded yet.
            await asyncio.sleep(SOON_SECONDS if folded else EVERY_SECONDS)

    def unhealthy_reason(self) -> str | None:
        """Nothing waits for it: what is not folded is counted all the same."""
        return None

    async def fold(self) -> int:
        """Folds the days that are over, each in a transaction; returns how many."""
        over = {"_id.partition": {"$gte": 0}, "end": {"$lt": self._clock.now() - LATE}}
        found: defaultdict[CounterKey, list[Document]] = defaultdict(list)
        counters = self._serving().counters
        async for document in counters.find(over, {"_id": 1}).limit(AT_ONCE):
            found[CounterKey(**{**document["_id"], "partition": None})].append(document["_id"])
        folded = 0
        for key, parts in found.items():
            try:
                await self._fold_day(counters, key, parts)
            except PyMongoError as error:
                if not is_transient(error):
                    raise
                log.info("day_not_folded", error=type(error).__name__)
            else:
                folded += 1
        return folded

    async def _fold_day(
        self, counters: AsyncIOMotorCollection[Document], key: CounterKey, parts: Sequence[Document]
    ) -> None:
        wanted = {"_id": {"$in": parts}}
        async with await counters.database.client.start_session() as session, transaction(session):
            documents: list[dict[str, Any]] = await counters.find(wanted, session=session).to_list(None)
            if documents:
                update = folding(documents)
                await counters.update_one({"_id": key._asdict()}, update, upsert=True, session=session)
                await counters.delete_many(wanted, session=session)
