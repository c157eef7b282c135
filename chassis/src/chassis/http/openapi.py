"""The OpenAPI document of a service: each operation with the codes of every problem it can answer with."""

from collections import defaultdict
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.routing import RouteContext

from chassis.http.problems import (
    CODES,
    FIELD_CODES,
    MEDIA_TYPE,
    PREFIX,
    ProblemCatalogue,
    ProblemDetails,
    title,
)
from chassis.http.routes import calls, documented

EVERYWHERE = ("method-not-allowed", "query-too-long", "wrong-shape", "internal-error", "unavailable")
WITH_BODY = ("body-too-slow", "body-too-large", "unsupported-media-type")
INSTANCE = "0b5e3f5f2f1c4f8e9a7d6c5b4a392817"


class Api(FastAPI):
    """An app whose document shows its problems; `state.problems` is its `ProblemCatalogue`.

    That is the shape of problems, every code with its sentence's template, and every code of a field.
    """

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is not None:
            return self.openapi_schema
        document = super().openapi()
        catalogue: ProblemCatalogue = self.state.problems
        for route in documented(self):
            for method in route.methods or ():
                _declare(document["paths"][route.path_format][method.lower()], route, catalogue)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs", {}) | {"ProblemDetails": problem}
        schemas["FieldError"]["properties"]["code"]["enum"] = sorted(catalogue.field_sentences)
        document[FIELD_CODES] = dict(sorted(catalogue.field_sentences.items()))
        document[CODES] = {code: kind._asdict() for code, kind in sorted(catalogue.kinds.items())}
        return document


def _declare(operation: dict[str, Any], route: RouteContext, catalogue: ProblemCatalogue) -> None:
    responses = operation["responses"]
    codes = [code for response in responses.values() for code in response.get(CODES, ())]
    codes += [code for call in calls(route.dependant) for code in getattr(call, "problems", ())]
    codes += [*(WITH_BODY if route.body_field else ()), *EVERYWHERE]
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in dict.fromkeys(codes):
        by_status[catalogue.kinds[code].status].append(code)
    others = {status: response for status, response in responses.items() if CODES not in response}
    for status, codes in by_status.items():
        shown = _response(status, codes, catalogue)
        # Readiness has a 503 of its own beside; FastAPI's own 422 never happens.
        if status != HTTPStatus.UNPROCESSABLE_ENTITY:
            shown["content"] |= others.get(str(status), {}).get("content", {})
        others[str(status)] = shown
    for media in (media for response in others.values() for media in response.get("content", {}).values()):
        if "$ref" in media.get("schema", {}):  # FastAPI adds that what is no JSON is a string
            media["schema"].pop("type", None)
    operation["responses"] = dict(sorted(others.items()))


def _response(status: int, codes: list[str], catalogue: ProblemCatalogue) -> dict[str, Any]:
    kinds = {code: catalogue.kinds[code].sentence for code in codes}
    types = {"type": {"enum": [PREFIX + code for code in codes]}}
    schema = {"allOf": [{"$ref": "#/components/schemas/ProblemDetails"}, {"properties": types}]}
    example = {
        "type": PREFIX + codes[0],
        "title": title(status),
        "status": status,
        "detail": kinds[codes[0]],
        "instance": INSTANCE,
    }
    description = "\n".join(f"- `{code}`: {sentence}" for code, sentence in kinds.items())
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}
