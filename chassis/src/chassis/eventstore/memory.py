"""The event store in memory: a real one, for tests and tools; it forgets everything with the process."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from bson import decode

from chassis.errors import VersionConflict
from chassis.eventstore.serialization import from_document, to_document
from chassis.eventstore.store import Commit
from chassis.mongo import CODEC


class InMemoryEventStore:
    """Keeps commits as the bytes that MongoDB would keep, so that nothing reads back differently there."""

    def __init__(self) -> None:
        self._streams: defaultdict[str, dict[int, bytes]] = defaultdict(dict)

    async def read(self, stream: str, after: int = 0, *, limit: int) -> Sequence[Commit]:
        """See `EventStore.read`."""
        await asyncio.sleep(0)  # gives way as a network would, so that callers really race
        commits = self._streams[stream]
        numbers = sorted(number for number in commits if number > after)[:limit]
        return [from_document(decode(commits[number], CODEC)) for number in numbers]

    async def append(self, commit: Commit) -> None:
        """See `EventStore.append`."""
        document = bytes(to_document(commit).raw)
        await asyncio.sleep(0)
        if self._streams[commit.stream].setdefault(commit.number, document) is not document:
            raise VersionConflict(f"{commit.stream} has a commit {commit.number} already")
