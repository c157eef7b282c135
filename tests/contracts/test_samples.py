"""Old messages are guests for ever: every sample ever published still reads."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts.catalogue import CATALOGUE, CatalogueEntry
from contracts.envelope import Envelope, rfc3339, to_milliseconds

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.json"))
MODELS: dict[str, CatalogueEntry] = {said.type: said for said in CATALOGUE}


def sample(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def ids(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", SAMPLES, ids=ids)
def test_a_sample_still_reads(path: Path) -> None:
    record = sample(path)
    said = MODELS[record["headers"]["ce_type"]]
    event = TypeAdapter(said.model).validate_json(json.dumps(record["body"]))
    written = json.loads(event.model_dump_json(exclude_unset=True))
    assert written == record["body"], "what was read is what was written"


@pytest.mark.parametrize("path", SAMPLES, ids=ids)
def test_a_sample_with_unknown_fields_reads_the_same(path: Path) -> None:
    record = sample(path)
    model = MODELS[record["body"]["type"]].model
    later = {**record["body"], "a_later_field": {"x": 1}}
    assert model.model_validate_json(json.dumps(later)) == model.model_validate_json(
        json.dumps(record["body"])
    )


@pytest.mark.parametrize("path", SAMPLES, ids=ids)
def test_the_headers_of_a_sample_read_and_are_written_alike(path: Path) -> None:
    record = sample(path)
    headers = [(name, value.encode()) for name, value in record["headers"].items()]
    assert Envelope.from_headers(headers).to_headers() == headers


@pytest.mark.parametrize("path", [path for path in SAMPLES if path.stem.endswith(".required")], ids=ids)
def test_every_field_of_a_required_sample_is_needed(path: Path) -> None:
    body = sample(path)["body"]
    model = MODELS[body["type"]].model
    for field in body.keys() - {"type"}:
        with pytest.raises(ValidationError):
            model.model_validate_json(json.dumps({name: body[name] for name in body if name != field}))


@pytest.mark.parametrize("said", CATALOGUE, ids=lambda said: said.type)
def test_every_type_has_both_samples_and_the_complete_one_has_every_field(said: CatalogueEntry) -> None:
    kinds = {
        path.stem.removeprefix(f"{said.type}."): path for path in SAMPLES if path.stem.startswith(said.type)
    }
    assert kinds.keys() >= {"complete", "required"}
    assert sample(kinds["complete"])["body"].keys() == said.model.model_fields.keys()


@pytest.mark.parametrize("path", SAMPLES, ids=ids)
def test_a_sample_is_keyed_by_what_it_is_about(path: Path) -> None:
    record = sample(path)
    event = MODELS[record["body"]["type"]].model.model_validate_json(json.dumps(record["body"]))
    assert event.about in {record["key"], None}
    assert record["headers"]["ce_subject"] == record["key"]


def test_foreign_headers_are_ignored_whatever_they_hold() -> None:
    ours = [(name, value.encode()) for name, value in sample(SAMPLES[0])["headers"].items()]
    foreign = [("x-null", None), ("x-bytes", b"\xff\xfe"), ("ce_x", b"\xff"), ("ce_null", None)]
    assert Envelope.from_headers([*foreign, *ours]) == Envelope.from_headers(ours)


TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    "value", [None, b"", b"\xff\xfe", b"00", TRACE.upper(), TRACE + b"\n", TRACE[:36] + bytes(19)]
)
def test_a_trace_context_that_is_none_is_ignored(value: bytes | None) -> None:
    ours = {name: value.encode() for name, value in sample(SAMPLES[0])["headers"].items()}
    assert Envelope.from_headers({**ours, "traceparent": TRACE}.items()).traceparent == TRACE.decode()
    assert Envelope.from_headers({**ours, "traceparent": value}.items()).traceparent is None


@pytest.mark.parametrize("value", [None, b"\xff\xfe", b""])
def test_a_null_or_unreadable_header_of_ours_is_a_value_error(value: bytes | None) -> None:
    ours = [(name, value.encode()) for name, value in sample(SAMPLES[0])["headers"].items()]
    broken = [(name, value if name == "ce_type" else old) for name, old in ours]
    with pytest.raises(ValueError, match=r"."):
        Envelope.from_headers(broken)


def test_times_are_cut_to_milliseconds_never_rounded_up() -> None:
    moment = Envelope.from_headers(
        [
            (n, v.encode())
            for n, v in {
                **sample(SAMPLES[0])["headers"],
                "ce_time": "2026-01-01T01:59:59.999999+02:00",
            }.items()
        ]
    ).time
    assert rfc3339(moment) == "2025-12-31T23:59:59.999Z"
    assert to_milliseconds(moment) == moment
