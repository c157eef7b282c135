"""The documents of the live-chat projection: one per close, and counters per day of a channel."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase
from pydantic import Field, TypeAdapter
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import CollectionInvalid

from analytics.domain.close import Close, CloseEvent, fold_all
from analytics.domain.counting import ScaleKey, outcome_of
from chassis.kafka.checkpoints import prefix_of

VERSION: Final = 5
"""Storage format: another shape of documents is another version, in collections of its own, by replay."""

NAME: Final = "live_chat"
FIRST_GENERATION: Final = 1

LONGEST_READ_MS: Final = 25_000
"""What a request may cost MongoDB; an ingress waits 30 s for a response."""

INDEXED_IF_TEXT: Final[Sequence[str]] = ("tags", "team")
"""Fields of closes with an index that holds those that have them; queries have to say that they want text."""

Document = dict[str, Any]
CLOSE_EVENTS: TypeAdapter[CloseEvent] = TypeAdapter(Annotated[CloseEvent, Field(discriminator="type")])


class Axis(StrEnum):
    """Which of its moments places a close in time: a field of its document, null without that moment."""

    CLOSED_AT = "closed_at"
    RATED_AT = "rated_at"

    @property
    def day(self) -> str:
        """The field that says when the day of that moment starts, in the close's `zone`."""
        return {Axis.CLOSED_AT: "closed_day", Axis.RATED_AT: "rated_day"}[self]

    @property
    def newest_first(self) -> list[tuple[str, int]]:
        """How lists are sorted."""
        return [(self.value, DESCENDING), ("_id", DESCENDING)]


@dataclass(frozen=True)
class LiveChatDocuments:
    """The collections of one generation of this release's version of the projection."""

    generation: int
    closes: AsyncIOMotorCollection[Document]
    counters: AsyncIOMotorCollection[Document]

    @classmethod
    def of(
        cls, database: AsyncIOMotorDatabase[Document], generation: int = FIRST_GENERATION
    ) -> "LiveChatDocuments":
        """The collections of a generation."""
        version = version_of(generation)
        return cls(generation, database[f"closes_v{version}"], database[f"counters_v{version}"])

    @property
    def checkpoints(self) -> str:
        """What the ids of its checkpoints begin with."""
        return prefix_of(NAME, version_of(self.generation))

    async def create(self) -> None:
        """Creates the collections; repeatable. Transactions that did so at the same time would conflict."""
        for each in (self.closes, self.counters):
            with suppress(CollectionInvalid):
                await each.database.create_collection(each.name)

    async def prepare(self) -> None:
        """Creates the collections and their indexes; repeatable."""
        for head in ([], ["channel"], ["state"], ["operator"]):
            await self.closes.create_index(
                [*((name, ASCENDING) for name in head), *Axis.CLOSED_AT.newest_first]
            )
        await self.closes.create_index(
            Axis.RATED_AT.newest_first, partialFilterExpression={Axis.RATED_AT: {"$type": "date"}}
        )
        # By its own name: another index has the same keys.
        await self.closes.create_index(
            Axis.CLOSED_AT.newest_first, name="commented", partialFilterExpression={"commented": True}
        )
        # Without them a rare tag, or the closes of a small team, are looked for among all.
        for name in INDEXED_IF_TEXT:
            await self.closes.create_index(
                [(name, ASCENDING), *Axis.CLOSED_AT.newest_first],
                partialFilterExpression={name: {"$type": "string"}},
            )
        for head in ([], ["_id.channel"]):
            await self.counters.create_index(
                [("_id.axis", ASCENDING), *((name, ASCENDING) for name in head), ("_id.start", ASCENDING)]
            )
        await self.counters.create_index("_id.partition")


def version_of(generation: int) -> str:
    """What a generation's collections and checkpoints are named by: ``5``, then ``5_2`` and so on."""
    return f"{VERSION}" if generation == FIRST_GENERATION else f"{VERSION}_{generation}"


def close_id(dialog: str, close_seq: int) -> str:
    """The id of a close; the same as its form's."""
    return f"{dialog}.{close_seq}"


def to_document(close: Close, partition: int, text_of: Callable[[CloseEvent], str]) -> Document:
    """A close as it is stored: the events about it and, once it counts, the fields that queries ask for.

    Events are stored as the JSON texts they came as: their fields may have names that MongoDB reads as paths.
    """
    return {
        "_id": close_id(close.dialog, close.close_seq),
        "dialog": close.dialog,
        "close_seq": close.close_seq,
        "partition": partition,
        "events": sorted(map(text_of, (*close.events.values(), *close.replaced))),
        **derived(close),
    }


def derived(close: Close) -> Document:
    """The fields that follow from the events; none before the close counts."""
    closed, answer, reason = close.closed, close.answer, close.reason
    if closed is None:
        return {}
    return {
        "channel": closed.channel,
        "operator": closed.operator,
        "operator_name": closed.operator_name,
        "team": closed.team,
        "locale": closed.locale,
        "client": closed.client,
        "closed_at": closed.closed_at,
        "outcome": outcome_of(close),
        "state": close.state.value,
        "reason": reason and reason.value,
        "scale": None if answer is None else ScaleKey.of(answer.scale).name,
        "score": None if answer is None else answer.score,
        "satisfied": None if answer is None else answer.satisfied,
        "commented": None if answer is None else answer.comment is not None,
        # The sealed text, so that a search need not read the events.
        "comment": None if answer is None else answer.comment,
        "tags": None if answer is None else list(answer.tags),
        "rated_at": close.given_at,
        "form_version": close.form_version,
        "people": [{"id": each.id, "name": each.name} for each in close.people],
    }


def events_of(document: Mapping[str, Any]) -> list[CloseEvent]:
    """The events of a stored close, in the order of its `events`."""
    return [CLOSE_EVENTS.validate_json(text) for text in document["events"]]


def from_document(document: Mapping[str, Any]) -> Close:
    """The close that `to_document` stored."""
    return close_of(document, events_of(document))


def close_of(document: Mapping[str, Any], events: list[CloseEvent]) -> Close:
    """The close of a document whose events were read."""
    by_type = {type(event): event for event in events}
    if len(by_type) == len(events):
        return Close(document["dialog"], document["close_seq"], by_type)
    return fold_all(Close(document["dialog"], document["close_seq"]), events)
