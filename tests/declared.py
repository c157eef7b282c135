"""Each problem that a service answers with must be one that its OpenAPI document says of the route."""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.routing import Match

from chassis.http.problems import MEDIA_TYPE
from chassis.http.routes import documented
from deploy.openapi import FOLDER


def problems_of(operation: Mapping[str, Any]) -> dict[str, set[str]]:
    """The problem types that an operation declares, by status."""
    return {
        status: set(said["content"][MEDIA_TYPE]["schema"]["allOf"][1]["properties"]["type"]["enum"])
        for status, said in operation["responses"].items()
        if MEDIA_TYPE in said.get("content", {})
    }


@cache
def committed(title: str) -> Any:
    """The document of a service as it is committed, which another test compares with it; else None."""
    path = FOLDER / f"{title.removeprefix('Candor ')}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def check_declared(app: FastAPI) -> Callable[[httpx.Response], Awaitable[None]]:
    """A hook for an httpx client of `app`: it fails on a response that the document knows nothing of."""

    async def check(response: httpx.Response) -> None:
        path = _template(app, response.request)
        if path is None:
            return
        document = committed(app.title) or app.openapi()  # to make one takes a quarter of a second
        operation = document["paths"][path][response.request.method.lower()]
        what = f"{response.request.method} {path} answered {response.status_code}"
        assert str(response.status_code) in operation["responses"], what
        if response.headers.get("content-type") == MEDIA_TYPE:
            kind = (await response.aread()) and response.json()["type"]
            assert kind in problems_of(operation)[str(response.status_code)], f"{what} {kind}"
            fields = {each["code"] for each in response.json().get("errors", ())}
            assert fields <= set(document["x-field-problems"]), f"{what} {fields}"

    return check


def _template(app: FastAPI, request: httpx.Request) -> str | None:
    scope = {"type": "http", "method": request.method, "path": request.url.path, "headers": []}
    for route in documented(app):
        if route.original_route.matches(dict(scope))[0] == Match.FULL:
            return route.path_format
    return None


def client_of(app: FastAPI, base_url: str) -> httpx.AsyncClient:
    """A client that calls `app` without a network, and checks every response against the document."""
    transport, hooks = (
        httpx.ASGITransport(app=app, raise_app_exceptions=False),
        {"response": [check_declared(app)]},
    )
    return httpx.AsyncClient(transport=transport, base_url=base_url, timeout=30, event_hooks=hooks)
