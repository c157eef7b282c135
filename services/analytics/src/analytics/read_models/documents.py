"""The documents of the live-chat projection: one per close, and counters per cell and partition."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase
from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING

from analytics.domain.close import Close, CloseEvent
from analytics.domain.counting import CounterKey, ScaleKey

VERSION: Final = 1
"""Storage format: another shape of documents is another version, in collections of its own, by replay."""

Document = dict[str, Any]
CLOSE_EVENTS: TypeAdapter[CloseEvent] = TypeAdapter(CloseEvent)
NEWEST_FIRST: Final = [("closed_at", DESCENDING), ("_id", DESCENDING)]


@dataclass(frozen=True)
class LiveChatDocuments:
    """The collections of one version of the projection."""

    closes: AsyncIOMotorCollection[Document]
    counters: AsyncIOMotorCollection[Document]

    @classmethod
    def of(cls, database: AsyncIOMotorDatabase[Document]) -> "LiveChatDocuments":
        """Those that this release reads and writes."""
        return cls(database[f"closes_v{VERSION}"], database[f"counters_v{VERSION}"])

    async def prepare(self) -> None:
        """Makes the collections and what their queries need; repeatable."""
        for head in ([], ["channel"], ["channel", "state"], ["operator"]):
            await self.closes.create_index([*((name, ASCENDING) for name in head), *NEWEST_FIRST])
        for head in ([], ["_id.channel"], ["_id.operator"]):
            await self.counters.create_index(
                [*((name, ASCENDING) for name in head), ("_id.quarter", ASCENDING)]
            )


def close_id(dialog: str, close_seq: int) -> str:
    """The id of a close; the same as its form's."""
    return f"{dialog}.{close_seq}"


def to_document(close: Close, partition: int) -> Document:
    """A close as it is kept: what was said about it, and what queries ask for once it counts.

    Events are kept as JSON texts, because their fields may have names that MongoDB reads as paths.
    """
    said = sorted(event.model_dump_json(exclude_none=True) for event in close.said.values())
    return {
        "_id": close_id(close.dialog, close.close_seq),
        "dialog": close.dialog,
        "close_seq": close.close_seq,
        "partition": partition,
        "said": said,
        **derived(close),
    }


def derived(close: Close) -> Document:
    """The fields that follow from what was said; none before the close counts."""
    closed, answer = close.closed, close.answer
    if closed is None:
        return {}
    return {
        "channel": closed.channel,
        "operator": closed.operator,
        "team": closed.team,
        "closed_at": closed.closed_at,
        "state": close.state.value,
        "reason": close.reason,
        "scale": None if answer is None else asdict(ScaleKey.of(answer.scale)),
        "score": None if answer is None else answer.score,
        "satisfied": None if answer is None else answer.satisfied,
        "given_at": close.given_at,
    }


def from_document(document: Mapping[str, Any]) -> Close:
    """The close that `to_document` kept."""
    events = [CLOSE_EVENTS.validate_json(text) for text in document["said"]]
    return Close(document["dialog"], document["close_seq"], {type(event): event for event in events})


def counter_id(partition: int, cell: CounterKey) -> Document:
    """Whom a counter counts for; of one partition, so that counters have one writer each."""
    return {"partition": partition, **asdict(cell)}
