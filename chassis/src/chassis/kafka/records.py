"""Reads one Kafka record: an event, a type that isn't ours, or something unreadable; never an exception."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from aiokafka.structs import ConsumerRecord, TopicPartition
from pydantic import TypeAdapter, ValidationError

from contracts.envelope import Envelope

E = TypeVar("E")
Record: TypeAlias = "ConsumerRecord[bytes | None, bytes | None]"
"""As aiokafka gives it: key, value and header values are bytes or None."""

LEAP_SECOND: Final = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:60(\.\d+)?(Z|[+-]\d\d:\d\d)"
)
ENUM_VALUE: Final = re.compile("[a-z][a-z0-9_]{0,63}")


class ReceivedEvent(NamedTuple, Generic[E]):
    """An event that was consumed, its envelope and key, the record's place, and its value as it came."""

    event: E
    envelope: Envelope
    key: str
    topic: str
    partition: int
    offset: int
    value: bytes


@dataclass(frozen=True, slots=True)
class UnknownType:
    """A record of a type that this release doesn't know, or with a value that only a newer one knows."""

    type: str


@dataclass(frozen=True, slots=True)
class MalformedRecord:
    """Not a valid event; `cause` is a sentence without a word of the payload."""

    cause: str


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A null value: whatever had this key is gone."""

    key: str


ENVELOPE: Final = TypeAdapter(Envelope)
DecodedRecord = ReceivedEvent[Any] | UnknownType | MalformedRecord | Tombstone


class EventDecoder:
    """Decodes the records of `topics`, with the adapter of each topic's events.

    Raises ValueError for an adapter with an event that has no literal `type`.
    """

    def __init__(self, topics: Mapping[str, TypeAdapter[Any]]) -> None:
        self._adapters = dict(topics)
        self._types = {topic: frozenset(known_types(adapter)) for topic, adapter in topics.items()}
        schemas = [_schema(adapter) for adapter in (*topics.values(), ENVELOPE)]
        names = frozenset(name for schema in schemas for name in _names(schema))
        self._names = names.union(*self._types.values())

    def read(self, record: Record) -> DecodedRecord:
        """What `record` is."""
        if record.key is None:
            return MalformedRecord("the record has no key")
        try:
            return self._read(record, record.key.decode())
        except UnicodeDecodeError:
            return MalformedRecord("the key or a header is not UTF-8")
        except ValidationError as error:
            return MalformedRecord(self._cause(error))
        except Exception as error:  # noqa: BLE001 - a validator's own fault must not lose the rest of the batch
            return MalformedRecord(f"reading it raised {type(error).__name__}")

    def _read(self, record: Record, key: str) -> DecodedRecord:
        if record.value is None:
            return Tombstone(key)
        envelope = Envelope.from_headers(record.headers)
        if envelope.type not in self._types[record.topic]:
            return UnknownType(envelope.type)
        try:
            event = self._adapters[record.topic].validate_json(record.value)
        except ValidationError as error:
            if not all(_is_newer(problem) for problem in error.errors(include_url=False)):
                raise
            return UnknownType(envelope.type)
        if event.type != envelope.type:
            return MalformedRecord("the body's type is not the header's")
        # Two keys for one thing would give it two writers. To ask if it is an `Event` takes a microsecond.
        if key != envelope.subject or getattr(event, "about", None) not in {None, key}:
            return MalformedRecord("the record's key is not what the event is about")
        return ReceivedEvent(
            event, envelope, key, record.topic, record.partition, record.offset, record.value
        )

    def _cause(self, error: ValidationError) -> str:
        """Which fields are wrong and how; not what they hold, nor foreign names: those are not ours."""
        problems = error.errors(include_url=False, include_context=False, include_input=False)[:5]
        causes: list[str] = []
        for problem in problems:
            known = (part if isinstance(part, int) or part in self._names else "?" for part in problem["loc"])
            causes.append(f"{'.'.join(map(str, known))}: {problem['type']}")
        what = error.title if error.title.isidentifier() else "event"  # a union's title names all its members
        return f"not a valid {what}: {'; '.join(causes)}"[:500]


def _is_newer(problem: Mapping[str, Any]) -> bool:
    """Whether nothing is wrong with a field but that only a newer release can hold its value."""
    match problem["type"], problem["input"]:
        case "enum", str() as value:
            return ENUM_VALUE.fullmatch(value) is not None
        case "datetime_parsing" | "datetime_from_date_parsing", str() as written:
            return LEAP_SECOND.fullmatch(written) is not None
    return False


def known_types(adapter: TypeAdapter[Any]) -> Iterator[str]:
    """The `type` values that the adapter's model, or union of models (or of unions), can read."""
    schema = _schema(adapter)
    yield from _types(schema, schema.get("$defs", {}))


@cache
def _schema(adapter: TypeAdapter[Any]) -> Mapping[str, Any]:
    # A tenth of a second for a union of events, which every consumer of them asks for.
    return adapter.json_schema()


def _types(variant: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[str]:
    if variants := variant.get("oneOf") or variant.get("anyOf"):
        for one in variants:
            yield from _types(one, models)
        return
    model = models[variant["$ref"].removeprefix("#/$defs/")] if "$ref" in variant else variant
    literal = model.get("properties", {}).get("type", {})
    if not (values := literal.get("enum") or [literal.get("const")])[0]:
        raise ValueError(f"{model.get('title')} has no literal `type`")
    yield from values


def _names(schema: Any) -> Iterator[str]:
    """Every field's name, at any depth of a JSON Schema."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from _names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _names(part)


def partition_of(record: Record) -> TopicPartition:
    """The partition that a record came from."""
    return TopicPartition(record.topic, record.partition)


def location_of(record: Record) -> dict[str, Any]:
    """Topic, partition and offset of a record, as fields of a log line."""
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def by_partition(records: Sequence[Record]) -> dict[TopicPartition, list[Record]]:
    """The records of a batch, which mixes partitions, by partition; in order within each."""
    parts: dict[TopicPartition, list[Record]] = {}
    # They come a partition after another, mostly.
    for (topic, number), part in groupby(records, attrgetter("topic", "partition")):
        parts.setdefault(TopicPartition(topic, number), []).extend(part)
    return parts


def fingerprint(record: Record) -> str:
    """A hash (96 bits in hex) that differs for the record at the same offset of a topic made anew."""
    digest = blake2b(digest_size=12)
    for part in (str(record.timestamp).encode(), record.key, record.value):
        digest.update(b"-" if part is None else b"%d:" % len(part) + part)
    return digest.hexdigest()
