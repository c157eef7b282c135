"""Dependencies that ask for nothing but the request: resolved here, FastAPI takes 50 µs for each."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from functools import wraps
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant

Known = dict[Callable[..., Any], Any]
Resolve = Callable[[Request, Known], Awaitable[Any]]

RESOLVED = "candor.resolved"
"""Where a request's scope has the values of its plain dependencies, by their parameters' names."""

_BEYOND_THE_REQUEST = (
    "path_params", "query_params", "header_params", "cookie_params", "body_params", "websocket_param_name",
    "response_param_name", "background_tasks_param_name", "security_scopes_param_name", "concurrency",
)  # fmt: skip


def without_plain(dependant: Dependant) -> tuple[Dependant, Resolve | None]:
    """What is left of a route's dependencies for FastAPI, and what resolves the plain ones into the scope.

    Documents are made from the whole; None if there is nothing plain in it.
    """
    plain = {id(each): found for each in dependant.dependencies if (found := _resolver(each))}
    if not plain or dependant.call is None or not inspect.iscoroutinefunction(dependant.call):
        return dependant, None
    rest, endpoint = copy(dependant), dependant.call
    rest.dependencies = [each for each in dependant.dependencies if id(each) not in plain]
    named = [(each.name, plain[id(each)]) for each in dependant.dependencies if id(each) in plain]
    kept, rest.request_param_name = dependant.request_param_name, dependant.request_param_name or "_request"

    @wraps(endpoint)
    async def call(**values: Any) -> Any:
        resolved = (values[kept] if kept else values.pop("_request")).scope[RESOLVED]
        return await endpoint(**values, **resolved)

    async def resolve(request: Request, known: Known) -> None:
        request.scope[RESOLVED] = await _values(named, request, known)

    rest.call = call
    return rest, resolve


def _resolver(dependant: Dependant) -> Resolve | None:
    """Gives the value of a dependency, once for a request; None if it asks for more than that."""
    call, below = dependant.call, [(each.name, _resolver(each)) for each in dependant.dependencies]
    named = [(name, found) for name, found in below if found is not None]
    asks_for_more = any(getattr(dependant, what) for what in _BEYOND_THE_REQUEST)
    if call is None or asks_for_more or len(named) < len(below) or not dependant.use_cache:
        return None
    if not inspect.iscoroutinefunction(call if inspect.isroutine(call) else type(call).__call__):
        return None
    requests = [name for name in (dependant.request_param_name, dependant.http_connection_param_name) if name]

    async def resolve(request: Request, known: Known) -> Any:
        if call not in known:
            values = await _values(named, request, known)
            known[call] = await call(**dict.fromkeys(requests, request), **values)
        return known[call]

    return resolve


async def _values(
    named: "list[tuple[str | None, Resolve]]", request: Request, known: Known
) -> Mapping[str, Any]:
    found = [(name, await resolve(request, known)) for name, resolve in named]
    return {name: value for name, value in found if name is not None}
