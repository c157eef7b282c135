"""Every route of the services, and what an operator may learn from it: the table of operator-blindness.

Rating and analytics refuse whoever has the role operator, on each route that stands in their documents. What
answers anybody is in `OPEN`, with the reason. What chat tells operators is in `CHAT`: it must be the same
whatever became of a form.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from chassis.http.app import operations
from deploy import openapi
from tests.declared import committed

METRICS_PORT: Final = "metrics"


class Told(Enum):
    """What an operator is told."""

    NOTHING = auto()
    """403, and always the same one."""
    WHAT_CHAT_KNOWS = auto()
    """What their rights in chat are; a form changes nothing of it."""
    WHAT_ANYBODY_IS = auto()
    """What needs no token."""


@dataclass(frozen=True)
class Route:
    """One method of one path, on the port of the API or on that of the metrics."""

    service: str
    method: str
    path: str
    port: str = "api"
    documented: bool = True

    def __str__(self) -> str:
        port = f" on the {self.port} port" if self.port != "api" else ""
        return f"{self.service}{port}: {self.method} {self.path}"

    @property
    def told(self) -> Told | None:
        """What the matrix says of it; None if it says nothing."""
        if str(self) in OPEN:
            return Told.WHAT_ANYBODY_IS
        if self.service == "chat":
            return Told.WHAT_CHAT_KNOWS if f"{self.method} {self.path}" in CHAT else None
        return Told.NOTHING if self.documented else None


@dataclass(frozen=True)
class Request:
    """What is sent to a route. The names in braces are those of the story, as ``{reply}``."""

    query: str = ""
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


CHAT: Final[Mapping[str, Sequence[Request]]] = {
    "GET /v1/dialogs": [Request(), Request("?state=closed"), Request("?state=closed&limit=1")],
    "GET /v1/dialogs/{dialog}": [Request(), Request("?after=3"), Request("?limit=2")],
    "GET /v1/dialogs/{dialog}/client": [Request()],
    "GET /v1/changes": [Request()],
    "PUT /v1/dialogs/{dialog}": [Request(body={})],
    # These were done before, by the operator of the dialog: done again, they change nothing.
    "PUT /v1/dialogs/{dialog}/messages/{message}": [Request(body={"text": "{reply}"})],
    "PUT /v1/dialogs/{dialog}/operator": [Request()],
    "POST /v1/dialogs/{dialog}/close": [Request(body={"close_seq": 2})],
    "POST /v1/dialogs/{dialog}/reopen": [Request(body={"close_seq": 1})],
    "GET /v1/channels": [Request()],
    "PUT /v1/channels/{channel}": [Request(body={"name": "{channel}"}, headers={"If-None-Match": "*"})],
    "GET /v1/channels/{channel}/widget": [Request()],
    "POST /v1/channels/{channel}/visitors": [Request(body={})],
    "DELETE /v1/clients/{client}": [Request()],
    "GET /.well-known/jwks.json": [Request()],
    "GET /v1/visitors/me/dialogs": [Request()],
    "GET /v1/visitors/me/changes": [Request()],
    "POST /v1/visitors/me/token": [Request()],
    "GET /pages/chat/me": [Request()],
}
"""What each route of chat is sent."""

_HEALTH = "health tells which parts of a service are well, nothing of a dialog"
_DOCUMENT = "the document of the service's release: the same before the first form and after the last"
_PAGE = "a page without data, for whoever may sign in to it; what it asks for is refused to operators"
_FILES = "the files of those pages, made with the release"

OPEN: Final[Mapping[str, str]] = {
    **{f"{service}: GET /health/{what}": _HEALTH for service in openapi.apps() for what in ("live", "ready")},
    **{
        f"{service} on the metrics port: GET /health/{what}": _HEALTH
        for service in openapi.apps()
        for what in ("live", "ready")
    },
    **{f"{service}: GET /openapi.json": _DOCUMENT for service in openapi.apps()},
    **{f"{service}: GET /pages/{service}/assets/{{name}}": _FILES for service in openapi.apps()},
    **{
        f"{service} on the metrics port: GET /metrics": "for the platform team; it has a test of its own"
        for service in openapi.apps()
    },
    "chat: GET /console": "the operators' own page",
    "chat: GET /channels": _PAGE,
    "chat: GET /transcript": _PAGE,
    "chat: GET /widget.js": "the clients' script, on the sites of channels",
    "rating: GET /form": "the clients' page; which form it shows is in the link, which no operator has",
    "rating: GET /unsubscribe": "the clients' page behind the link in their mails; it holds nothing",
    "rating: GET /quality-control": _PAGE,
    "rating: GET /webhooks": _PAGE,
    "analytics: GET /live-chat": _PAGE,
}
"""What answers whoever asks, with or without a token, and why that tells an operator nothing."""


@cache
def routes() -> tuple[Route, ...]:
    """All routes of the services, on both of their ports; HEAD is answered as GET is."""
    return tuple(
        route
        for service, api in openapi.apps().items()
        for port, app in (("api", api), (METRICS_PORT, operations(api)))
        for route in _routes(service, app, port)
    )


def _routes(service: str, app: FastAPI, port: str) -> Iterator[Route]:
    document = committed(app.title) if port == "api" else {"paths": {}}
    known = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    found = {
        (method, context.path_format or str(context.path))
        for context in iter_route_contexts(app.routes)
        # What has no methods, such as a mounted app, answers all of them.
        for method in (context.methods or {"any method"}) - {"HEAD"}
    }
    for method, path in sorted(known | found):
        yield Route(service, method, path, port, (method, path) in known)


def requests(route: Route) -> Sequence[Request]:
    """What is sent to a route; where operators are refused, it is what a supervisor could send."""
    if route.told is Told.WHAT_CHAT_KNOWS:
        return CHAT[f"{route.method} {route.path}"]
    if route.told is Told.WHAT_ANYBODY_IS:
        return [Request()]
    document = committed(f"Candor {route.service}")
    body = document["paths"][route.path][route.method.lower()].get("requestBody")
    schema = body and body["content"]["application/json"]["schema"]
    return [Request(body=example(document, schema) if schema else None, headers={"If-Match": '"1"'})]


def example(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    """A value of the schema, by its examples; a form's token is the story's."""
    if "$ref" in schema:
        return example(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for name in ("examples", "enum"):
        if name in schema:
            return schema[name][0]
    if "anyOf" in schema:
        return example(document, schema["anyOf"][0])
    properties = {name: schema["properties"][name] for name in schema.get("required", ())}
    made = {name: example(document, each) for name, each in properties.items()}
    return {**made, "token": "{form}"} if "token" in made else made


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """`value` with what the story calls each name in braces. AssertionError for one that it has not."""
    if isinstance(value, dict):
        return {name: filled(each, names) for name, each in value.items()}
    if not isinstance(value, str):
        return value
    try:
        return value.format_map(names)
    except KeyError as missing:
        raise AssertionError(f"{value}: the story of tests/blindness/story.py has no {missing}.") from None
