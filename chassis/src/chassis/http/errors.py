"""What becomes of an error over HTTP: always problem details (RFC 9457)."""

from http import HTTPStatus

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from chassis.errors import CommandRejected, InvalidCursor
from chassis.http.etags import NotModified
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


async def respond(request: Request, error: Exception) -> Response:
    """What an error of one of the kinds in `HANDLERS` is: a problem, or that nothing has changed."""
    instance = str(request.scope.get("request_id", "unknown"))
    match error:
        case CommandRejected():
            catalogue: ProblemCatalogue = request.app.state.problems
            return coded_response(error.code, catalogue.kinds[error.code], error.facts, instance)
        case NotModified():
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=error.headers)
        case Problem():
            problem: Problem = error
        case RequestValidationError():
            problem = WrongShape(field_errors(error.errors()))
        case InvalidCursor():
            wrong = {"type": error.code, "loc": ("query", "cursor"), "msg": str(error)}
            problem = WrongShape(field_errors([wrong]))
        case HTTPException(status_code=HTTPStatus.NOT_FOUND):
            problem = NotFound()
        case HTTPException(status_code=HTTPStatus.METHOD_NOT_ALLOWED):
            problem = MethodNotAllowed({"Allow": ", ".join(sorted(_methods(request)))})
        case _:
            problem = InternalError()
    return problem_response(problem, instance)


def _methods(request: Request) -> set[str]:
    """All methods of the address; Starlette names those of the first route alone."""
    routes = (each.original_route for each in documented(request.app))
    matching = [each for each in routes if each.matches(dict(request.scope))[0] != Match.NONE]
    methods = {method for route in matching for method in getattr(route, "methods", ())}
    return methods | {"HEAD"} if "GET" in methods else methods


HANDLERS = dict.fromkeys(
    (Problem, NotModified, CommandRejected, RequestValidationError, InvalidCursor, HTTPException), respond
)
"""What an app is given as `exception_handlers`; every other error is left to `RequestMiddleware`."""
