"""How far each stream was followed: found by reading it once, then remembered and folded on."""

from collections.abc import Mapping, Sequence
from typing import Any

from cachetools import LRUCache

from chassis.outbox.commit_handler import CommitHandler, CommitPlan, StreamPosition
from chassis.outbox.pending import PendingCommit, PendingCommits


class PositionCache:
    """Turns unfollowed commits into steps; a stream's category, the text before the first colon, says how."""

    def __init__(
        self,
        service: str,
        outbox: PendingCommits,
        following: Sequence[CommitHandler[Any, Any]],
        cache_size: int,
    ) -> None:
        self._service = service
        self._outbox = outbox
        self._following: Mapping[str, CommitHandler[Any, Any]] = {
            one.decider.category: one for one in following
        }
        self._places: LRUCache[str, StreamPosition[Any]] = LRUCache(cache_size)

    def following(self, stream: str) -> CommitHandler[Any, Any]:
        """How the stream is followed. Raises LookupError if nobody said."""
        category = stream.partition(":")[0]
        if category not in self._following:
            raise LookupError(f"nothing follows {category!r}")
        return self._following[category]

    async def steps(self, stream: str, entries: Sequence[PendingCommit]) -> list[CommitPlan[Any, Any]]:
        """What follows from `entries` or, if they don't go on where the stream was left, from what does.

        Raises LookupError, `UnknownStoredEvent`, PyMongoError, and what the following raises.
        """
        following = self.following(stream)
        if entries and entries[0].commit.number <= self._place(stream).number:
            del self._places[stream]  # a database that was restored knows less than we remember
        if not _go_on(self._place(stream).number, entries):
            entries = await self.unfollowed(stream)
        place = self._place(stream)
        steps: list[CommitPlan[Any, Any]] = []
        for entry in entries:
            steps.append(following.step(self._service, place, entry.commit))
            place = steps[-1].place
        return steps

    async def unfollowed(self, stream: str) -> Sequence[PendingCommit]:
        """Reads the stream on, past what another replica followed, and gives the next that none did."""
        following = self.following(stream)
        while page := await self._outbox.page(stream, self._place(stream).number):
            for index, entry in enumerate(page):
                if not entry.followed:
                    return page[index:]
                self._places[stream] = following.passed(self._place(stream), entry.commit, entry.said)
        return []

    def reach(self, steps: Sequence[CommitPlan[Any, Any]]) -> None:
        """These steps were done, and are marked."""
        self._places.update({step.stream: step.place for step in steps})

    def _place(self, stream: str) -> StreamPosition[Any]:
        return self._places.get(stream) or self.following(stream).start


def _go_on(number: int, entries: Sequence[PendingCommit]) -> bool:
    """True if `entries` are the commits right after `number`, without a gap."""
    expected = range(number + 1, number + 1 + len(entries))
    return bool(entries) and [entry.commit.number for entry in entries] == list(expected)
