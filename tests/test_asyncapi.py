"""The AsyncAPI documents say what is published and consumed, as a subscriber's tools need it."""

from typing import Any

import pytest

from contracts.catalogue import CATALOGUE
from contracts.envelope import Envelope
from deploy import asyncapi
from tests.analytics.builders import NOON

DOCUMENTS = asyncapi.documents()
SAMPLE = Envelope(
    id="d1:1", type="candor.dialog.opened.v1", source="/candor/chat", time=NOON, subject="d1", sequence=1,
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)  # fmt: skip
each_service = pytest.mark.parametrize("service", DOCUMENTS)


def topics_of(service: str, action: str) -> set[str]:
    operations: dict[str, Any] = DOCUMENTS[service]["operations"]
    return {name.partition(":")[2] for name, each in operations.items() if each["action"] == action}


def test_the_documents_are_those_that_are_committed() -> None:
    assert [str(path) for path, text in asyncapi.files(DOCUMENTS).items() if path.read_text() != text] == []


@each_service
def test_a_service_sends_what_the_catalogue_says_that_it_writes(service: str) -> None:
    written = {
        (topic, entry.type)
        for entry in CATALOGUE if service in entry.writer.split("; ")
        for topic in entry.topic.split(", ") if topic in topics_of(service, "send")
    }  # fmt: skip
    channels = DOCUMENTS[service]["channels"]
    sent = {(topic, name) for topic in topics_of(service, "send") for name in channels[topic]["messages"]}
    assert sent == written
    assert {entry.type for entry in CATALOGUE if service in entry.writer} == {name for _, name in sent}


def test_operators_systems_are_told_of_no_form() -> None:
    assert topics_of("chat", "receive") == set()
    assert not any("rating" in topic for topic in DOCUMENTS["chat"]["channels"])


@each_service
def test_everything_received_is_sent_by_somebody(service: str) -> None:
    sent = set[str]().union(*(topics_of(name, "send") for name in DOCUMENTS))
    assert topics_of(service, "receive") - {f"candor.{service}.replay"} <= sent


@each_service
def test_a_message_has_its_key_its_headers_and_no_reference_that_leads_nowhere(service: str) -> None:
    document = DOCUMENTS[service]
    for name, message in document["components"]["messages"].items():
        assert message["bindings"]["kafka"]["key"]["description"]
        assert message["headers"]["allOf"][1]["properties"]["ce_type"]["const"] == name
    assert set(asyncapi.HEADERS["properties"]) == {name for name, _ in SAMPLE.to_headers()}
    assert set(asyncapi.HEADERS["required"]) == set(asyncapi.HEADERS["properties"]) - {"traceparent"}
    for path in references(document):
        found = document
        for part in path.removeprefix("#/").split("/"):
            found = found[part]


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return [*own, *(each for value in part.values() for each in references(value))]
    return [each for value in part for each in references(value)] if isinstance(part, list) else []
