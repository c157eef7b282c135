"""Which fields there are, as a JSON Schema tells them: for whoever gave one that isn't among them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]
Place = Sequence[int | str]
"""As pydantic names a field: ``("body", "pet", "name")``."""


def known_fields(document: Schema, path: str, method: str, place: Place) -> Sequence[str]:
    """The names that may stand where the last part of `place` does in a request; none if that can't be told.

    `document` is OpenAPI's.
    """
    operation = document["paths"].get(path, {}).get(method.lower(), {})
    match place:
        case ["query", _]:
            return [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
        case ["body", *inside]:
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            return names_in(document, inside, content.get("schema", {}))
    return ()


def names_in(document: Schema, place: Place, schema: Schema | None = None) -> Sequence[str]:
    """The names that may stand where the last part of `place` does, in `schema` or else in the document."""
    shapes = list(_shapes(document, document if schema is None else schema))
    for step in place[:-1]:
        # A step that leads nowhere is the name of one of several shapes.
        shapes = [found for shape in shapes for found in _inner(document, shape, step)] or shapes
    return list(dict.fromkeys(name for shape in shapes for name in shape.get("properties", ())))


def _shapes(document: Schema, schema: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        yield from _shapes(document, found)
        return
    yield schema
    for word in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(word, ()):
            yield from _shapes(document, each)


def _inner(document: Schema, shape: Schema, step: int | str) -> Iterator[Schema]:
    found = shape.get("properties", {}).get(step)
    found = found or shape.get("items" if isinstance(step, int) else "additionalProperties")
    if isinstance(found, Mapping):
        yield from _shapes(document, found)
