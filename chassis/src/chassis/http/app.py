"""Joins routes, parts and everything that each HTTP API here has in common into one app."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.telemetry import TelemetryConfig

from chassis.background import Supervisor
from chassis.http.body_limit import BodyLimit
from chassis.http.crowd import Crowd
from chassis.http.errors import add_handlers, errors
from chassis.http.health import Check, Readiness, routes
from chassis.http.problems import ProblemDetails, Unavailable
from chassis.http.request_middleware import RequestMiddleware
from chassis.settings import ServiceSettings

# Its spans would hold paths with ids in them, its logs what callers wrote, its context a stranger's baggage.
SILENT = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            schemas = super().openapi().setdefault("components", {}).setdefault("schemas", {})
            problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= problem.pop("$defs", {}) | {"ProblemDetails": problem}
        return super().openapi()


def create(
    settings: ServiceSettings,
    *,
    title: str,
    routers: Sequence[APIRouter],
    parts: Supervisor,
    checks: Mapping[str, Check],
    version: str = "0.1.0",
    description: str = "",
) -> FastAPI:
    """A service's API: its routes answer 503 until `parts` are prepared; health answers always.

    `checks` are what readiness needs besides the parts, by name: ``{"database": database_answers(client)}``.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with parts.running(settings.service):
            yield

    async def prepared() -> None:
        if not parts.prepared:
            raise Unavailable("The service is starting. Try again in a moment.")

    app = _Api(
        title=title,
        version=version,
        description=description,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        telemetry=SILENT,
        responses=errors(422, 500, 503),
    )
    for router in routers:
        app.include_router(router, dependencies=[Depends(prepared)])
    app.include_router(routes(Readiness(checks, parts.health)))
    add_handlers(app)
    app.add_middleware(Crowd)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestMiddleware, service=settings.service)
    return app
