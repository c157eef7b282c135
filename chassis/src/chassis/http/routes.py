"""How each route reads a request: who calls is known first, then query and body are read within limits."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar, get_args, get_origin

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import (
    APIRoute,
    RouteContext,
    _effective_route_context_var,
    iter_route_contexts,
)
from pydantic import BaseModel

from chassis.http.bodies import JsonRequest, RequestBody
from chassis.http.plain_dependencies import Known, Resolve, without_plain
from chassis.http.queries import check_query

Guard = Callable[[Request], Awaitable[object]]
F = TypeVar("F", bound=Callable[..., Any])


class Route(APIRoute):
    """A route that runs its guards, then looks at query and body, then does what FastAPI does.

    FastAPI alone would read a stranger's body before it asks who they are, and tell an operator what is
    wrong with it.
    """

    def get_route_handler(self) -> Callable[[Request], Any]:
        """The handler of requests."""
        answer, resolve = self._lean_handler()
        guards = [(call, call.guard) for call in calls(self.dependant) if hasattr(call, "guard")]
        parameters = dict(query_parameters(self.dependant))
        repeatable = [name for name, annotation in parameters.items() if get_origin(annotation) is list]

        async def within_limits(request: Request) -> Response:
            known: Known = {call: await guard(request) for call, guard in guards}
            if query := request.scope["query_string"]:
                check_query(query, parameters, repeatable)
            if self.body_field is not None:
                request = JsonRequest(request.scope, request.receive)
                await request.read(largest_body(self))
            if resolve is not None:
                await resolve(request, known)
            response: Response = await answer(request)
            return response

        return within_limits

    def _lean_handler(self) -> tuple[Callable[[Request], Any], Resolve | None]:
        """FastAPI's handler without the plain dependencies, and what resolves these."""
        # Where a router is included, FastAPI builds the route's handler from what the inclusion adds to it.
        context = _effective_route_context_var.get()
        route = self if context is None or context.original_route is not self else context
        whole = route.dependant
        route.dependant, resolve = without_plain(whole)
        try:
            return super().get_route_handler(), resolve
        finally:
            route.dependant = whole


class Router(APIRouter):
    """A router of such routes. Their functions' names are the operations' ids."""

    def __init__(self, **how: Any) -> None:
        super().__init__(route_class=Route, generate_unique_id_function=lambda route: route.name, **how)


def guarding(guard: Guard) -> Callable[[F], F]:
    """Marks a dependency: where it is used, `guard` is called before anything else of a request is read.

    It gives what the dependency would.
    """

    def mark(dependency: F) -> F:
        dependency.guard = guard  # type: ignore[attr-defined]
        return dependency

    return mark


def from_state(name: str) -> Any:
    """A dependency that gives what the app was joined with under this name; see `create`."""

    async def found(request: Request) -> Any:
        return getattr(request.app.state, name)

    return Depends(found)


def calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """What a route calls: its dependencies, theirs, and itself."""
    for each in dependant.dependencies:
        yield from calls(each)
    if dependant.call is not None:
        yield dependant.call


def query_parameters(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    """All query parameters that a route has, with their types; those in models and dependencies too."""
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from ((each.alias or name, each.annotation) for name, each in model.model_fields.items())
        else:
            yield field.alias, model
    for each in dependant.dependencies:
        yield from query_parameters(each)


def largest_body(route: APIRoute | RouteContext) -> int:
    """How many bytes the body of a route may have, as its model says."""
    annotation = route.body_field.field_info.annotation if route.body_field else None
    models = [each for each in (annotation, *get_args(annotation)) if isinstance(each, type)]
    return max(
        (each.largest for each in models if issubclass(each, RequestBody)), default=RequestBody.largest
    )


def documented(app: FastAPI) -> Iterator[RouteContext]:
    """The routes of an app that stand in its document, with what their routers add to them."""
    for each in iter_route_contexts(app.routes):
        if isinstance(each.original_route, APIRoute) and each.include_in_schema:
            yield each
