"""How far has the projection come? Its position, and how old what it shows is."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase

from analytics.read_models.documents import Document, LiveChatDocuments
from chassis.kafka.checkpoints import COLLECTION, begins_with

LEAST_PAUSE_SECONDS: Final = 0.25
"""Between two looks of a process, however many ask: at most four events a second."""


@dataclass(frozen=True)
class Progress:
    """How far the projection has come.

    `position` is opaque, and another one whenever anything was projected. `as_of` is when the newest record
    was published that was projected; None before the first. `behind` is by how many seconds what is projected
    may be older than what was published, as far as this replica knows; None if it doesn't know.
    """

    position: str
    as_of: datetime | None
    behind: float | None


class ProgressReader:
    """Reads the progress from the checkpoints, which move in one transaction with what is projected.

    They are those of the documents that `serving` gives.
    """

    def __init__(
        self,
        database: AsyncIOMotorDatabase[Document],
        serving: Callable[[], LiveChatDocuments],
        behind: Callable[[], float | None],
    ) -> None:
        self._checkpoints = database[COLLECTION]
        self._serving, self._behind = serving, behind
        self._next: asyncio.Task[Progress] | None = None
        self._read_at = 0.0

    async def read(self, session: AsyncIOMotorClientSession | None = None) -> Progress:
        """The progress as the session sees it, or as it is now."""
        wanted = begins_with(self._serving().checkpoints)
        found = self._checkpoints.find(wanted, {"offset": 1, "published": 1}, session=session).sort("_id")
        checkpoints = await found.to_list(None)
        newest = max((each.get("published") or 0 for each in checkpoints), default=0)
        as_of = datetime.fromtimestamp(newest / 1000, UTC) if newest else None
        return Progress(position_of(checkpoints), as_of, self._behind())

    async def look(self) -> Progress:
        """The progress as of after this call; whoever asks at the same time shares one read."""
        if self._next is None:
            self._next = asyncio.create_task(self._read_soon())
        return await asyncio.shield(self._next)

    async def _read_soon(self) -> Progress:
        now = asyncio.get_running_loop().time
        await asyncio.sleep(self._read_at + LEAST_PAUSE_SECONDS - now())
        # Whoever asks from here on needs a later read: this one may miss what they were woken for.
        self._read_at, self._next = now(), None
        return await self.read()


def position_of(checkpoints: list[Document]) -> str:
    """A short text that differs whenever a checkpoint does; it tells nobody how much there is."""
    offsets: Mapping[str, Any] = {each["_id"]: each["offset"] for each in checkpoints}
    return blake2b(repr(offsets).encode(), digest_size=9).hexdigest()
