"""Reading a record never raises, never quotes, and takes nothing for an event that isn't one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from chassis.kafka.records import (
    DecodedRecord,
    EventDecoder,
    MalformedRecord,
    ReceivedEvent,
    Tombstone,
    UnknownType,
    fingerprint,
    known_types,
)
from contracts.clients import CLIENT_EVENTS
from contracts.dialogs import DIALOG_EVENTS
from contracts.keys import KEY_EVENTS
from tests.chassis.kafka.harness import Notes, RecordedProgress, headers

SAMPLES = Path(__file__).parents[2] / "contracts" / "samples"
reader = EventDecoder({"notes": Notes})
BODY = b'{"type":"test.noted.v1","number":7,"new":"field"}'
HEADERS: list[tuple[str, bytes | None]] = [*headers("test.noted.v1", "k", 7)]


def record(
    value: bytes | None = BODY,
    key: bytes | None = b"k",
    said: list[tuple[str, bytes | None]] = HEADERS,
    at: int = 7,
) -> Any:
    return ConsumerRecord("notes", 3, at, 1_700_000_000_000, 0, key, value, None, 0, 0, tuple(said))


def test_reads_an_event_and_where_it_was() -> None:
    received = reader.read(record())
    assert isinstance(received, ReceivedEvent)
    assert received.event == RecordedProgress(number=7)
    assert (received.topic, received.partition, received.offset, received.key) == ("notes", 3, 7, "k")
    assert received.envelope.id == "k:7"


def test_knows_an_unknown_type_without_reading_its_body() -> None:
    assert reader.read(record(b"?", said=[*headers("test.new.v1", "k", 1)])) == UnknownType("test.new.v1")


@pytest.mark.parametrize("key", [b"another", b"", b"K"])
def test_a_key_that_is_not_the_subject_would_give_a_thing_two_writers(key: bytes) -> None:
    assert reader.read(record(key=key)) == MalformedRecord("the record's key is not what the event is about")


def test_a_body_about_another_thing_than_its_key_is_refused() -> None:
    body = b'{"type":"candor.client.erased.v1","client":"c-1","erased_at":"2026-03-29T00:00:00.000Z"}'
    clients = EventDecoder({"notes": CLIENT_EVENTS})
    for key, kind in ((b"c-1", ReceivedEvent), (b"c-2", MalformedRecord)):
        said: list[tuple[str, bytes | None]] = [*headers("candor.client.erased.v1", key.decode(), 1)]
        assert isinstance(clients.read(record(body, key, said)), kind)


def test_tells_a_tombstone_whatever_its_headers_are() -> None:
    assert reader.read(record(None, said=[])) == Tombstone("k")


CLOSED = json.loads((SAMPLES / "candor.dialog.closed.v1.complete.json").read_text())


def read_close(more: Mapping[str, bytes | None] | None = None, **changed: Any) -> DecodedRecord:
    """What the sample is read as, after its headers and fields were changed."""
    said = {**{name: value.encode() for name, value in CLOSED["headers"].items()}, **(more or {})}
    body = json.dumps({**CLOSED["body"], **changed}).encode()
    return EventDecoder({"notes": DIALOG_EVENTS}).read(record(body, CLOSED["key"].encode(), [*said.items()]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("traceparent", b"\xff\xfe"), ("traceparent", None), ("traceparent", b"00-none"),
        ("tracestate", b"\xff"), ("ce_x", b"\xff"), ("ce_x", None), ("x-bin", b"\xff\xfe"), ("", b"\xff"),
    ],
)  # fmt: skip
def test_a_header_that_means_nothing_for_the_event_decides_nothing(name: str, value: bytes | None) -> None:
    received = read_close({name: value})
    assert isinstance(received, ReceivedEvent)
    assert received.event == DIALOG_EVENTS.validate_python(received.event)
    assert (received.envelope.traceparent is None) == (name == "traceparent")


@pytest.mark.parametrize(
    "newer",
    [
        {"closed_by": "bot"},
        {"closed_by": "bot", "attributed_by": "first_reply"},
        {"participants": [{"id": "x", "name": "X", "messages": 1, "kind": "crowd"}]},
        {"closed_at": "2026-06-30T23:59:60Z"},
        {"closed_at": "2026-07-01T01:59:60.500+02:00"},
    ],
)
def test_a_value_that_only_a_newer_release_knows_is_like_an_unknown_type(newer: dict[str, Any]) -> None:
    assert read_close(**newer) == UnknownType("candor.dialog.closed.v1")


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"closed_by": 7}, "closed_by: enum"),
        ({"closed_by": ""}, "closed_by: enum"),
        ({"closed_by": "x" * 100_000}, "closed_by: enum"),
        ({"closed_at": "9999-99-99T99:99:60Z"}, "closed_at: datetime_from_date_parsing"),
        (
            {"closed_by": "bot", "close_seq": 0},
            "close_seq: greater_than_equal; candor.dialog.closed.v1.closed_by: enum",
        ),
        ({"closed_at": "2026-06-30T23:59:61Z"}, "closed_at: datetime_from_date_parsing"),
        ({"closed_at": "9999-12-31T23:59:59.999Z"}, "closed_at: less_than"),
        ({"close_seq": 2**63}, "close_seq: less_than_equal"),
        ({"close_seq": True}, "close_seq: int_type"),
    ],
)
def test_a_value_that_no_release_could_hold_is_malformed(wrong: dict[str, Any], cause: str) -> None:
    assert read_close(**wrong) == MalformedRecord(f"not a valid event: candor.dialog.closed.v1.{cause}")


def test_a_validator_that_breaks_costs_that_record_alone() -> None:
    class Broken:
        def json_schema(self) -> Any:
            return Notes.json_schema()

        def validate_json(self, _: bytes) -> Any:
            raise RecursionError

    broken: Any = Broken()
    assert EventDecoder({"notes": broken}).read(record()) == MalformedRecord(
        "reading it raised RecursionError"
    )


def test_a_cause_does_not_tell_the_names_that_a_client_chose() -> None:
    class Labelled(BaseModel):
        type: Literal["test.noted.v1"]
        labels: dict[str, int]

    said = EventDecoder({"notes": TypeAdapter(Labelled)}).read(
        record(b'{"type":"test.noted.v1","labels":{"canary":"x"}}')
    )
    assert said == MalformedRecord("not a valid Labelled: labels.?: int_parsing")


@given(st.binary(), st.one_of(st.none(), st.binary()), st.one_of(st.none(), st.binary()))
def test_whatever_comes_it_reads_and_never_raises(
    header: bytes, key: bytes | None, value: bytes | None
) -> None:
    reader.read(record(value, key, [*HEADERS, ("ce_id", header), ("ce_time", header)]))


def test_known_types_are_those_of_the_union() -> None:
    assert set(known_types(DIALOG_EVENTS)) == {
        "candor.dialog.opened.v1",
        "candor.dialog.closed.v1",
        "candor.dialog.reopened.v1",
    }
    assert set(known_types(KEY_EVENTS)) == {"candor.key.published.v1", "candor.key.compaction-nudge.v1"}
    assert set(known_types(TypeAdapter(RecordedProgress))) == {"test.noted.v1"}


def test_an_adapter_without_types_is_refused() -> None:
    class Nameless(BaseModel):
        number: int

    with pytest.raises(ValueError, match="no literal `type`"):
        EventDecoder({"notes": TypeAdapter(Nameless)})


def test_fingerprints_tell_records_apart() -> None:
    prints = {
        fingerprint(record(value, key)) for value in (None, b"", b"ab", b"a") for key in (None, b"", b"b")
    }
    assert len(prints) == 12
