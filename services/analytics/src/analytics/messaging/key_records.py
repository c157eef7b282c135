"""What the key topics say: keys of sealed words, and which of them their owner has forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter

from chassis.kafka.records import EventDecoder, MalformedRecord, ReceivedEvent, Record, Tombstone, UnknownType
from contracts.keys import KEY_EVENTS, KeyPublished
from contracts.topics import DIALOG_KEYS, RATING_KEYS

TOPICS: Final = (DIALOG_KEYS.name, RATING_KEYS.name)


@dataclass
class KeyRecords:
    """What some records of one partition say; of each key the last word.

    Dead letters are not heard again here: one from before its tombstone would bring forgotten words back.
    """

    keys: dict[str, KeyPublished | None] = field(default_factory=dict)
    dead: list[tuple[Record, str]] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)


class KeyRecordDecoder:
    """Reads records of the key topics; what is wrong with one never matters to another."""

    def __init__(self, topics: Sequence[str] = TOPICS) -> None:
        adapters: Mapping[str, TypeAdapter[Any]] = dict.fromkeys(topics, KEY_EVENTS)
        self._reader = EventDecoder(adapters)

    def read(self, records: Sequence[Record]) -> KeyRecords:
        """What `records` say, in their order."""
        said = KeyRecords()
        for record in records:
            said.outcomes.append(self._one(record, said))
        return said

    def _one(self, record: Record, said: KeyRecords) -> str:
        match self._reader.read(record):
            case Tombstone(kid):
                said.keys[kid] = None
            case ReceivedEvent(event=KeyPublished() as key, key=kid):
                said.keys[kid] = key
            case MalformedRecord(cause):
                said.dead.append((record, cause))
                return "dead"
            case UnknownType():
                return "unknown"
            case _:
                return "handled"  # a nudge says nothing
        return "handled"
