"""The event catalogue: JSON Schemas and a page for people, both made from the models.

python -m contracts.catalogue [--schemas contracts/schemas] [--page docs/events.md] [--check]
"""

import argparse
import inspect
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import TypeAdapter

from contracts import channels, clients, dialogs, keys, ratings, topics
from contracts.envelope import Event, Sealed

SEALED: Final = TypeAdapter(Sealed).json_schema()["pattern"]


@dataclass(frozen=True)
class CatalogueEntry:
    """An event type the topics it is on, their key, and who writes it."""

    topic: str
    key: str
    writer: str
    model: type[Event]

    @property
    def type(self) -> str:
        """The `ce_type`, which is the body's discriminator too."""
        return str(self.model.model_fields["type"].default)


CATALOGUE = (
    CatalogueEntry(topics.CHANNELS.name, "channel", "chat", channels.ChannelPublished),
    *(
        CatalogueEntry(topics.DIALOGS.name, "dialog", "chat", model)
        for model in get_args(dialogs.DialogEvent)
    ),
    *(
        CatalogueEntry(topics.RATINGS.name, "dialog", "rating", model)
        for model in get_args(ratings.RatingEvent)
    ),
    CatalogueEntry(topics.CLIENTS.name, "client", "chat", clients.ClientErased),
    CatalogueEntry(
        f"{topics.DIALOG_KEYS.name}, {topics.RATING_KEYS.name}", "key id", "chat; rating", keys.KeyPublished
    ),
    CatalogueEntry(
        f"{topics.DIALOG_KEYS.name}, {topics.RATING_KEYS.name}",
        "compaction-nudge",
        "chat; rating",
        keys.CompactionNudge,
    ),
)


def schema_of(entry: CatalogueEntry) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one event type's body, as its readers validate it."""
    schema = entry.model.model_json_schema(mode="validation")
    required = ["type", *(name for name in schema.get("required", ()) if name != "type")]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:candor:{entry.type}",
        **schema,
        "required": required,
    }


def _shape(field: dict[str, Any]) -> str:
    """A field's JSON Schema in words."""
    if "anyOf" in field:
        return " or ".join(_shape(one) for one in field["anyOf"])
    if "$ref" in field:
        name = str(field["$ref"]).rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if field.get("pattern") == SEALED:
        return "sealed words"
    if field.get("type") == "array":
        return f"array (at most {field['maxItems']}) of {_shape(field['items'])}"
    if values := field.get("patternProperties"):
        return f"object (at most {field['maxProperties']}) of {_shape(*values.values())}"
    bounds = f" (at most {field['maxLength']} characters)" if "maxLength" in field else ""
    if "maximum" in field:
        bounds = f" ({field['minimum']} to {field['maximum']})"
    return str(field.get("format", field.get("type", "any"))) + bounds


def _table(schema: dict[str, Any]) -> Iterator[str]:
    yield from ("| field | shape | required |", "|---|---|---|")
    for name, field in schema["properties"].items():
        yield f"| `{name}` | {_shape(field)} | {'yes' if name in schema.get('required', ()) else ''} |"


def _part(name: str, part: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"### {name}", "", inspect.cleandoc(part.get("description", "")), "")
    if "enum" in part:
        yield "One of " + ", ".join(f"`{value}`" for value in part["enum"]) + "."
    else:
        yield from _table(part)


def page() -> str:
    """The catalogue as Markdown."""
    lines = [
        "# Event catalogue",
        "",
        "Made by `make events` from `contracts/`; don't edit. How records are read, what follows what, and",
        "how sealed words are opened: [subscribing.md](subscribing.md).",
        "",
        "| type | topic | key | written by |",
        "|---|---|---|---|",
    ]
    for entry in CATALOGUE:
        anchor = entry.type.replace(".", "")
        lines.append(f"| [`{entry.type}`](#{anchor}) | {entry.topic} | {entry.key} | {entry.writer} |")
    parts: dict[str, dict[str, Any]] = {}
    for entry in CATALOGUE:
        lines += ["", f"## {entry.type}", "", inspect.cleandoc(str(entry.model.__doc__)), ""]
        lines += [f"Schema: [`{entry.type}.json`](../contracts/schemas/{entry.type}.json)", ""]
        schema = schema_of(entry)
        lines += _table(schema)
        parts |= schema.get("$defs", {})
    lines += ["", "## Parts"]
    for name, part in sorted(parts.items()):
        lines += _part(name, part)
    return "\n".join(lines) + "\n"


def files(schemas: Path, page_file: Path) -> dict[Path, str]:
    """Everything the catalogue consists of: path → text."""
    made = {
        schemas / f"{entry.type}.json": json.dumps(schema_of(entry), indent=2) + "\n" for entry in CATALOGUE
    }
    return {**made, page_file: page()}


def main(arguments: list[str] | None = None) -> int:
    """Writes the catalogue, or with ``--check`` tells what is out of date."""
    parser = argparse.ArgumentParser(
        prog="python -m contracts.catalogue", description="Writes the event catalogue."
    )
    parser.add_argument("--schemas", type=Path, default=Path("contracts/schemas"))
    parser.add_argument("--page", type=Path, default=Path("docs/events.md"))
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if something is out of date"
    )
    options = parser.parse_args(arguments)
    wanted = files(options.schemas, options.page)
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if options.check:
        sys.stdout.writelines(f"{path} is out of date: run `make events`\n" for path in stale)
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
