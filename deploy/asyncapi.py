"""The AsyncAPI document of each service, as it is committed: python -m deploy.asyncapi [--check].

FastStream says what the service's own subscribers and publishers are declared for. What it does not know of
their records is added from the contracts: one message for each type, its headers, and the key. AsyncAPI's own
parser reads the result in asyncapi.test.ts.
"""

import inspect
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI
from pydantic import TypeAdapter

from chassis.kafka.consumer import Consumer
from chassis.kafka.records import known_types
from chassis.outbox.commit_handler import Publication
from chat.messaging import outbound as chat
from contracts import topics
from contracts.catalogue import CATALOGUE, CatalogueEntry, schema_of
from contracts.envelope import CONTENT_TYPE, TRACEPARENT, Envelope
from deploy import openapi
from rating.messaging import outbound as rating

FOLDER: Final = Path(__file__).parent.parent / "docs" / "asyncapi"
PUBLISHED: Final[Mapping[str, Iterable[Publication[Any]]]] = {
    "chat": chat.PUBLISHED,
    "rating": rating.PUBLISHED,
    "analytics": (),
}
DESCRIPTION: Final = """\
CloudEvents 1.0 in Kafka's binary mode; how a subscriber reads them is in docs/subscribing.md. \
On topics that are compacted a null value says that what had this key is gone. \
Left out is what no other system reads: dead letters, and chat's wake-ups of its own replicas."""

BINDING: Final = "0.5.0"
TIMES: Final = ("retention.ms", "delete.retention.ms")
TEXT: Final = {"type": "string"}
HEADERS: Final = {
    "description": "Headers, each a text in UTF-8; others may be there, of any bytes or null.",
    "type": "object",
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {**TEXT, "description": "The same whenever the event is published again."},
        "ce_type": {**TEXT, "description": "The body's `type`."},
        "ce_source": {**TEXT, "description": "Who published it, such as `/candor/chat`."},
        "ce_time": {**TEXT, "format": "date-time", "description": "When it was decided."},
        "ce_subject": {**TEXT, "description": "The record's key."},
        "ce_sequence": {
            **TEXT,
            "pattern": "^[1-9][0-9]*$",
            "description": "Counts the events of this subject by this source, without gaps.",
        },
        "content-type": {"type": "string", "const": CONTENT_TYPE},
        "traceparent": {**TEXT, "pattern": f"^{TRACEPARENT.pattern}$"},
    },
    "required": [
        *(f"ce_{name}" for name, field in Envelope.model_fields.items() if field.is_required()),
        "ce_specversion", "content-type",
    ],
}  # fmt: skip

Document = dict[str, Any]


def documents() -> dict[str, Document]:
    """By service."""
    return {name: _document(name, app.state.parts.tasks) for name, app in openapi.apps().items()}


def _document(service: str, tasks: Iterable[object]) -> Document:
    broker, events = KafkaBroker(), dict[str, list[CatalogueEntry]]()
    consumers = [task for task in tasks if isinstance(task, Consumer)]
    for consumer in consumers:
        consumer.declare(broker)
        for topic, adapter in consumer.topics.items():
            events.setdefault(topic, []).extend(_entries(adapter))  # one topic may have two consumers
    for published in PUBLISHED[service]:
        broker.publisher(published.topic, title=published.topic)
        events[published.topic] = list(_entries(published.events))
    made = AsyncAPI(broker, title=f"Candor {service}", version="1", description=DESCRIPTION)
    frame = json.loads(made.to_specification().to_json())
    addresses = {key: each["address"] for key, each in frame["channels"].items()}
    operations = sorted(
        (each["action"], addresses[unquote(each["channel"]["$ref"].removeprefix("#/channels/"))])
        for each in frame["operations"].values()
    )
    return {
        **{name: frame[name] for name in ("asyncapi", "info", "defaultContentType")},
        "channels": {topic: _channel(topic, events[topic]) for topic in sorted(events)},
        "operations": {
            f"{action}:{topic}": {
                "action": action,
                "channel": _ref("channels", topic),
                "messages": [_ref("channels", topic, "messages", entry.type) for entry in events[topic]],
            }
            for action, topic in operations
        },
        "components": _components({entry.type: entry for each in events.values() for entry in each}),
    }


def _entries(adapter: TypeAdapter[Any]) -> Iterator[CatalogueEntry]:
    """What the catalogue says of the events that the adapter reads."""
    types = frozenset(known_types(adapter))
    return (entry for entry in CATALOGUE if entry.type in types)


def _channel(name: str, entries: Iterable[CatalogueEntry]) -> Document:
    topic = next(each for each in topics.ALL if each.name == name)
    limits: Document = {key: int(topic.config[key]) for key in TIMES if key in topic.config}
    configuration: Document = {"cleanup.policy": [topic.kept.value], **limits}
    return {
        "address": name,
        "messages": {entry.type: _ref("components", "messages", entry.type) for entry in entries},
        "bindings": {
            "kafka": {"topic": name, "topicConfiguration": configuration, "bindingVersion": BINDING}
        },
    }


def _components(entries: Mapping[str, CatalogueEntry]) -> Document:
    schemas: Document = {"CloudEvent": HEADERS}
    messages: Document = {}
    for name, entry in sorted(entries.items()):
        schema = json.loads(json.dumps(schema_of(entry)).replace("#/$defs/", "#/components/schemas/"))
        schemas |= schema.pop("$defs", {})
        payload = {key: value for key, value in schema.items() if not key.startswith("$")}
        schemas[entry.model.__name__] = payload
        of_this_type: Document = {"properties": {"ce_type": {"const": name}}}
        messages[name] = {
            "name": name,
            "title": entry.model.__name__,
            "summary": inspect.cleandoc(str(entry.model.__doc__)),
            "headers": {"allOf": [_ref("components", "schemas", "CloudEvent"), of_this_type]},
            "payload": _ref("components", "schemas", entry.model.__name__),
            "bindings": {
                "kafka": {"key": {"type": "string", "description": entry.key}, "bindingVersion": BINDING}
            },
        }
    return {"messages": messages, "schemas": dict(sorted(schemas.items()))}


def _ref(*path: str) -> Document:
    return {"$ref": "#/" + "/".join(path)}


def files(made: Mapping[str, Document]) -> dict[Path, str]:
    """Path → text, of documents by service."""
    return {
        FOLDER / f"{name}.json": json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        for name, document in made.items()
    }


if __name__ == "__main__":
    raise SystemExit(openapi.write(files(documents()), sys.argv[1:]))
