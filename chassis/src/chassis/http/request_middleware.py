"""Each request gets an id, a trace, a log line, a measurement, safe headers, and a response."""

import asyncio
import re
import time
import uuid

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http.problems import InternalError, NotFound, Problem, Unavailable, problem_response
from chassis.telemetry import continued
from chassis.telemetry.metrics import REQUEST_SECONDS
from chassis.telemetry.tracebacks import safe_traceback
from chassis.transient import is_transient

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_SAFE = [(name.lower().encode(), value.encode()) for name, value in SAFE_HEADERS.items()]
OPENAPI = "/openapi.json"
_GIVEN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")

log = structlog.stdlib.get_logger(__name__)


class RequestMiddleware:
    """The outermost layer around a service's routes.

    What nobody below it has answered is a 503 if it is transient, else a bug: a 500 without a word of it.
    """

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            # As GET (RFC 9110, 9.3.2): the server, which has the scope as it was, leaves the content out.
            scope = {**scope, "method": "GET", "head": True}
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        scope["request_id"] = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        parents = headers.getlist("traceparent")
        answer = _Response(send, scope["request_id"])
        with (
            structlog.contextvars.bound_contextvars(request_id=scope["request_id"]),
            continued(parents[0] if len(parents) == 1 else None, "http") as span,
        ):
            await self._answered(scope, receive, answer)
            span.update_name(f"{_method(scope)} {_route(scope)}")

    async def _answered(self, scope: Scope, receive: Receive, answer: "_Response") -> None:
        started = time.perf_counter()
        try:
            app = self.app
            # The regular expressions of routes would let it pass: their $ also matches before a line's end.
            if "\n" in scope["path"]:
                app = problem_response(NotFound(), scope["request_id"])
            await app(scope, receive, answer.send)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:  # the service stops, and this took too long
            if answer.status is None:
                await problem_response(Unavailable(), scope["request_id"])(scope, receive, answer.send)
        except Exception as error:  # noqa: BLE001 - the border: nothing passes it unanswered
            problem = _problem_of(error)
            if answer.status is not None:
                raise ConnectionAbortedError("The answer broke off") from None
            await problem_response(problem, scope["request_id"])(scope, receive, answer.send)
        finally:
            status, seconds = answer.status or 499, time.perf_counter() - started
            method, route = _method(scope), _route(scope)
            REQUEST_SECONDS.labels(self.service, method, route, f"{status // 100}xx").observe(seconds)
            # Probes come every second and would drown the rest.
            write = log.debug if route.startswith("/health/") and status < 500 else log.info  # noqa: PLR2004 - HTTP
            write("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1))


class _Response:
    """Sends the answer on with safe headers, unless the route chose its own, and remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [(b"x-request-id", self._request_id.encode()), *message.get("headers", ())]
            given = {name for name, _ in headers}  # by ASGI in lower case
            message["headers"] = [*headers, *(header for header in _SAFE if header[0] not in given)]
        await self._send(message)


def _problem_of(error: Exception) -> Problem:
    if is_transient(error):
        log.warning("request_unavailable", error=type(error).__qualname__)
        return Unavailable()
    log.error("request_broken", error=type(error).__qualname__, where=safe_traceback(error))
    return InternalError()


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "other"


def _route(scope: Scope) -> str:
    """The template of the route, so that no id gets into logs and labels."""
    # FastAPI adds its document as a plain route, which leaves no template behind.
    plain = OPENAPI if scope["path"] == OPENAPI else "unknown"
    return str(getattr(scope.get("route"), "path", plain))
