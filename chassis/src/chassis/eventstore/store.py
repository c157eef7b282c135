"""What an event store keeps and promises; `InMemoryEventStore` and `MongoEventStore` pass one suite."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Commit:
    """The events of one decision: stored whole or not at all.

    `number` counts the commits of a stream from 1. `first` is the position of its first event in the
    stream, from 1. `events` are JSON-like documents with a ``type``.
    """

    stream: str
    number: int
    first: int
    events: tuple[dict[str, Any], ...]
    at: datetime
    traceparent: str | None = None

    @property
    def last(self) -> int:
        """The position of the last event."""
        return self.first + len(self.events) - 1


class EventStore(Protocol):
    """Streams of commits with an optimistic lock on the number."""

    async def read(self, stream: str, after: int = 0, *, limit: int) -> Sequence[Commit]:
        """The first `limit` commits of a stream with a number over `after`, in order.

        Only what is stored for good. Fewer than `limit` means that there are no more.
        """
        ...

    async def append(self, commit: Commit) -> None:
        """Stores a commit for good.

        Raises `VersionConflict` if its number is taken, `CommitTooLarge`, `PermanentWriteError`, and
        `WriteOutcomeUnknown`.
        """
        ...
