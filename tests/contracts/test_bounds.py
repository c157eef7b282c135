"""What a contract allows, every reader can hold: types are strict, and all is bounded."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts.access import SubjectId
from contracts.catalogue import CATALOGUE, schema_of
from contracts.dialogs import DIALOG_EVENTS, DialogClosed
from contracts.envelope import HIGHEST

SAMPLE = Path(__file__).parent / "samples" / "candor.dialog.closed.v1.complete.json"
SUBJECTS: TypeAdapter[str] = TypeAdapter(SubjectId)
PARTICIPANT = {"id": "ann", "name": "Ann Lee", "messages": 1}


def closed(**changed: Any) -> DialogClosed:
    """The sample, as it is read after some fields were changed."""
    event = DIALOG_EVENTS.validate_json(json.dumps({**json.loads(SAMPLE.read_text())["body"], **changed}))
    assert isinstance(event, DialogClosed)
    return event


@pytest.mark.parametrize(
    "wrong",
    [
        {"closed_at": "9999-12-31T23:59:59.999Z"},
        {"closed_at": "0001-01-01T00:00:00.000Z"},
        {"closed_at": "1965-03-29T00:00:00.000Z"},
        {"closed_at": "1999-12-31T23:59:59.999Z"},
        {"closed_at": "2200-01-01T00:00:00.000Z"},
        {"closed_at": "2200-01-01T00:00:00.000+14:00", "opened_at": "2200-01-01T00:00:00.000-14:00"},
        {"closed_at": 0},
        {"closed_at": 1_780_000_000},
        {"closed_at": "1780000000"},
        {"closed_at": "2026-03-29"},
        {"closed_at": "2026-03-29T00:59Z"},
        {"closed_at": "2026-03-29T00:59:59"},
        {"closed_at": "yesterday"},
        {"close_seq": 2**63},
        {"close_seq": 2**31},
        {"close_seq": 10**400},
        {"close_seq": 0},
        {"close_seq": True},
        {"close_seq": "1"},
        {"client_messages": 2**31},
        {"client_messages": -1},
        {"client_messages": True},
        {"spam": 1},
        {"spam": "true"},
        {"team": 7},
        {"team": ""},
        {"team": "x" * 201},
        {"locale": "x" * 65},
        {"external_id": 7},
        {"operator": ""},
        {"operator": "ann "},
        {"operator": "ann\n"},
        {"operator": "é"},
        {"operator": "x" * 256},
        {"labels": "refund"},
        {"labels": [7]},
        {"labels": ["x"] * 101},
        {"participants": [{**PARTICIPANT, "messages": "1"}]},
        {"participants": [PARTICIPANT] * 5_001},
        {"contact": {"email": "x" * 100_001}},
        {"operator_name": "\ud800"},
    ],
    ids=lambda wrong: str(wrong)[:60],
)
def test_refuses_what_a_reader_could_not_hold(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        closed(**wrong)


def test_takes_the_ends_of_each_range() -> None:
    event = closed(
        opened_at="2000-01-01T00:00:00.000Z",
        closed_at="2199-12-31T23:59:59.999Z",
        close_seq=HIGHEST,
        client_messages=0,
        labels=["x" * 200] * 100,
        operator="x" * 255,
    )
    assert event.close_seq == HIGHEST
    assert event.closed_at == datetime.fromisoformat("2199-12-31T23:59:59.999+00:00")


@pytest.mark.parametrize(
    "subject", ["auth0|5f7c", "samlp|CN=Ann Lee", "_AAAA", "ann@school.example", "f:uuid:ann", "x" * 255]
)
def test_an_operator_is_whoever_the_issuer_says(subject: str) -> None:
    assert SUBJECTS.validate_python(subject) == subject
    assert closed(operator=subject, participants=[{**PARTICIPANT, "id": subject}]).operator == subject


@pytest.mark.parametrize("kind", ["bot", "system"])
def test_a_close_never_counts_for_what_is_no_person(kind: str) -> None:
    greeter = {**PARTICIPANT, "id": "greeter", "kind": kind}
    assert closed(operator="ann", participants=[greeter]).participants[0].kind == kind
    with pytest.raises(ValidationError, match="for a person, or for nobody"):
        closed(operator="greeter", participants=[greeter])


def test_a_record_of_wrong_items_costs_no_more_than_one() -> None:
    with pytest.raises(ValidationError) as refused:
        closed(participants=[{**PARTICIPANT, "messages": 2**63}] * 60)
    assert refused.value.error_count() == 1


def unbounded(schema: Any, at: str = "body") -> list[str]:
    """The places of a JSON Schema at which there is no upper bound."""
    if isinstance(schema, list):
        return [found for one in schema for found in unbounded(one, at)]
    if not isinstance(schema, dict):
        return []
    enough = {
        "string": {"maxLength", "pattern", "enum", "const", "format"},
        "integer": {"maximum"},
        "array": {"maxItems"},
        "object": {"properties", "maxProperties"},
    }.get(str(schema.get("type")))
    here = [at] if enough is not None and not enough & schema.keys() else []
    return here + [found for name, part in schema.items() for found in unbounded(part, f"{at}.{name}")]


@pytest.mark.parametrize("said", CATALOGUE, ids=lambda said: said.type)
def test_every_field_of_every_event_is_bounded(said: Any) -> None:
    assert unbounded(schema_of(said)) == []
