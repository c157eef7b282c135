"""The records of the key topics: published keys of sealed texts, and tombstones of erased ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter

from chassis.kafka.records import EventDecoder, MalformedRecord, ReceivedEvent, Record, Tombstone, UnknownType
from contracts.keys import KEY_EVENTS, KeyPublished
from contracts.topics import DIALOG_KEYS, RATING_KEYS

KEY_TOPICS: Final = (DIALOG_KEYS.name, RATING_KEYS.name)


@dataclass
class KeyRecords:
    """Decoded records of one partition.

    `keys` holds the last record of each key, None for a tombstone; `malformed` what becomes a dead letter,
    with its cause; `outcomes` one word per record, for the metric. Dead letters are not replayed here: one
    from before its tombstone would bring erased texts back.
    """

    keys: dict[str, KeyPublished | None] = field(default_factory=dict)
    malformed: list[tuple[Record, str]] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)


class KeyRecordDecoder:
    """Decodes records of the key topics; a malformed one never matters to another."""

    def __init__(self, topics: Sequence[str]) -> None:
        adapters: Mapping[str, TypeAdapter[Any]] = dict.fromkeys(topics, KEY_EVENTS)
        self._decoder = EventDecoder(adapters)

    def decode(self, records: Sequence[Record]) -> KeyRecords:
        """The records, decoded in their order."""
        decoded = KeyRecords()
        for record in records:
            decoded.outcomes.append(self._decode_one(record, decoded))
        return decoded

    def _decode_one(self, record: Record, decoded: KeyRecords) -> str:
        match self._decoder.read(record):
            case Tombstone(kid):
                decoded.keys[kid] = None
            case ReceivedEvent(event=KeyPublished() as key, key=kid):
                decoded.keys[kid] = key
            case MalformedRecord(cause):
                decoded.malformed.append((record, cause))
                return "dead"
            case UnknownType():
                return "unknown"
            case _:
                return "handled"  # a nudge carries nothing
        return "handled"
