"""How a commit is stored: one document, its events as pydantic's JSON form. Storage format: only add."""

from collections.abc import Mapping
from typing import Any, TypeVar
from zlib import crc32

from bson import encode
from bson.raw_bson import RawBSONDocument
from pydantic import BaseModel, ValidationError

from chassis.errors import CommitTooLarge, UnknownStoredEvent
from chassis.eventstore.decider import Decider
from chassis.eventstore.store import Commit

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=BaseModel)

MAX_BYTES = 1_000_000
SHARDS = 16


def commit_id(stream: str, number: int) -> str:
    """The ``_id`` of a commit; within a stream ids sort as numbers do."""
    return f"{stream}:{number:010d}"


def shard_of(stream: str) -> int:
    """The shard, 0 to 15, that a stream belongs to for good."""
    return crc32(stream.encode()) % SHARDS


def to_document(commit: Commit) -> RawBSONDocument:
    """The document of a commit, encoded once. Raises `CommitTooLarge` over 1 MB."""
    raw = encode(
        {
            "_id": commit_id(commit.stream, commit.number),
            "stream": commit.stream,
            "number": commit.number,
            "first": commit.first,
            "events": commit.events,
            "at": commit.at,
            "traceparent": commit.traceparent,
            "shard": shard_of(commit.stream),
            "relayed": False,
        }
    )
    if len(raw) > MAX_BYTES:
        raise CommitTooLarge(f"A commit of {commit.stream} has {len(raw)} bytes; {MAX_BYTES} is the most")
    return RawBSONDocument(raw)


def from_document(document: Mapping[str, Any]) -> Commit:
    """Reads what `to_document` wrote, decoded as `durable` collections do."""
    return Commit(
        stream=document["stream"],
        number=document["number"],
        first=document["first"],
        events=tuple(document["events"]),
        at=document["at"],
        traceparent=document["traceparent"],
    )


def to_stored(event: BaseModel) -> dict[str, Any]:
    """An event as plain JSON values: times are RFC 3339 strings, enums their values."""
    return event.model_dump(mode="json")


def read_events(decider: Decider[S, C, E], commit: Commit) -> list[E]:
    """The events of a commit. Raises `UnknownStoredEvent` if one of them can't be read."""
    events: list[E] = []
    for event in commit.events:
        try:
            events.append(decider.events.validate_python(event))
        except ValidationError as error:
            # What the event holds stays out of the message: it goes to logs.
            causes = ", ".join(f"{problem['type']} at {problem['loc']}" for problem in error.errors())
            which = f"{event.get('type')!r} in commit {commit.number} of {commit.stream}"
            raise UnknownStoredEvent(f"Can't read {which}: {causes}") from None
    return events
