"""What becomes of an error over HTTP, and how it stands in OpenAPI: always problem details (RFC 9457)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pymongo.errors import ConnectionFailure, ExecutionTimeout, WTimeoutError
from starlette.exceptions import HTTPException

from chassis.errors import ClockNotSet, CommandRejected, RetriesExhausted, UnknownStoredEvent
from chassis.http.problems import (
    MEDIA_TYPE,
    Forbidden,
    Problem,
    Unauthenticated,
    Unavailable,
    problem_response,
    problem_type,
    title,
)
from chassis.validation.known_fields import known_fields
from chassis.validation.messages import FieldError, field_errors

__all__ = [
    "ERRORS",
    "Forbidden",
    "Unauthenticated",
    "add_handlers",
    "errors",
    "internal_error",
    "wrong_shape",
]

_SENTENCES = {
    400: "The request could not be read.",
    404: "There is nothing at this address.",
    405: "This address doesn't know that method.",
    415: "Send the body as JSON, with Content-Type: application/json.",
    422: "The request doesn't have the shape that is expected.",
    500: "Something went wrong on our side; the request's id helps us to find out what.",
}

Handler = Callable[[Request, Any], Awaitable[Response]]


def _id(request: Request) -> str:
    return str(request.scope.get("request_id", "unknown"))


async def _on_problem(request: Request, error: Problem) -> Response:
    return problem_response(error.status, error.sentence, _id(request), error.headers)


async def _on_refused(request: Request, error: CommandRejected) -> Response:
    return problem_response(409, str(error), _id(request))


async def _on_wrong_shape(request: Request, error: RequestValidationError) -> Response:
    found = error.errors()
    if any(_was_not_read(each) for each in found):
        return problem_response(415, _SENTENCES[415], _id(request), {"Accept": "application/json"})

    def known(place: tuple[int | str, ...]) -> Sequence[str]:
        path = getattr(request.scope.get("route"), "path", "")
        return known_fields(request.app.openapi(), path, request.method, place)

    return wrong_shape(_id(request), field_errors(found, known))


def _was_not_read(error: Mapping[str, Any]) -> bool:
    # FastAPI hands on the bytes of a body whose Content-Type is missing or another one.
    return tuple(error["loc"]) == ("body",) and isinstance(error.get("input"), bytes)


def wrong_shape(instance: str, errors: Sequence[FieldError]) -> Response:
    """The answer to a request that can't be understood, field by field."""
    return problem_response(422, _SENTENCES[422], instance, errors=errors)


async def _on_http_error(request: Request, error: HTTPException) -> Response:
    sentence = _SENTENCES.get(error.status_code) or str(error.detail)
    return problem_response(error.status_code, sentence, _id(request), error.headers)


async def _on_unavailable(request: Request, _: Exception) -> Response:
    return await _on_problem(request, Unavailable())


def internal_error(instance: str) -> Response:
    """The answer to a bug: says nothing about it."""
    return problem_response(500, _SENTENCES[500], instance)


_HANDLERS: Mapping[type[Exception], Handler] = {
    Problem: _on_problem,
    CommandRejected: _on_refused,
    RequestValidationError: _on_wrong_shape,
    HTTPException: _on_http_error,
    RetriesExhausted: _on_unavailable,
    UnknownStoredEvent: _on_unavailable,
    ClockNotSet: _on_unavailable,
    ConnectionFailure: _on_unavailable,
    ExecutionTimeout: _on_unavailable,
    WTimeoutError: _on_unavailable,
}


def add_handlers(app: FastAPI) -> None:
    """Makes every error of `app` a problem."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)


def _documented(status: int) -> dict[str, Any]:
    details: dict[str, Any] = {
        "type": problem_type(status),
        "title": title(status),
        "status": status,
        "detail": _EXAMPLES.get(status) or _SENTENCES[status],
        "instance": "0b5e3f5f2f1c4f8e9a7d6c5b4a392817",
    }
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        details["errors"] = [{"field": "body.locale", "sentence": "must be a text"}]
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {"description": title(status), "content": {MEDIA_TYPE: {"schema": schema, "example": details}}}


_EXAMPLES = {
    401: "A valid token is needed.",
    403: "You may not do this.",
    404: "There is no such dialog.",
    409: "It is too late for that.",
    410: "This was forgotten.",
    413: "The body may be 256 KiB at most.",
    503: "This doesn't work right now. Try again in a moment.",
}

ERRORS: Mapping[int | str, dict[str, Any]] = {
    status: _documented(status) for status in (401, 403, 404, 409, 410, 413, 415, 422, 500, 503)
}
"""How each problem looks in OpenAPI; `errors` picks those that a route can answer with."""


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route gives to ``responses=``; 422, 500 and 503 are there already."""
    return {status: ERRORS[status] for status in statuses}
