"""What becomes of an error over HTTP: always problem details (RFC 9457)."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from chassis.errors import CommandRejected, InvalidCursor
from chassis.http.problems import (
    InternalError,
    MethodNotAllowed,
    NotFound,
    Problem,
    ProblemCatalogue,
    WrongShape,
    coded_response,
    problem_response,
)
from chassis.http.routes import documented
from chassis.validation.messages import field_errors

ExceptionHandler = Callable[[Request, Any], Awaitable[Response]]


def _id(request: Request) -> str:
    return str(request.scope.get("request_id", "unknown"))


async def _on_problem(request: Request, error: Problem) -> Response:
    return problem_response(error, _id(request))


async def _on_rejected(request: Request, error: CommandRejected) -> Response:
    catalogue: ProblemCatalogue = request.app.state.problems
    return coded_response(error.code, catalogue.kinds[error.code], error.facts, _id(request))


async def _on_wrong_shape(request: Request, error: RequestValidationError) -> Response:
    return problem_response(WrongShape(field_errors(error.errors())), _id(request))


async def _on_invalid_cursor(request: Request, error: InvalidCursor) -> Response:
    wrong = {"type": error.code, "loc": ("query", "cursor"), "msg": str(error)}
    return problem_response(WrongShape(field_errors([wrong])), _id(request))


async def _on_http_error(request: Request, error: HTTPException) -> Response:
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            problem: Problem = NotFound()
        case HTTPStatus.METHOD_NOT_ALLOWED:
            # All methods of the address; Starlette names those of the first route alone.
            routes = (each.original_route for each in documented(request.app))
            matching = [each for each in routes if each.matches(dict(request.scope))[0] != Match.NONE]
            methods = {method for route in matching for method in getattr(route, "methods", ())}
            if "GET" in methods:
                methods.add("HEAD")
            problem = MethodNotAllowed({"Allow": ", ".join(sorted(methods))})
        case _:
            problem = InternalError()
    return problem_response(problem, _id(request))


_HANDLERS: Mapping[type[Exception], ExceptionHandler] = {
    Problem: _on_problem,
    CommandRejected: _on_rejected,
    RequestValidationError: _on_wrong_shape,
    InvalidCursor: _on_invalid_cursor,
    HTTPException: _on_http_error,
}


def add_handlers(app: FastAPI) -> None:
    """Makes every error of `app` a problem; what has no handler is left to `RequestMiddleware`."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
