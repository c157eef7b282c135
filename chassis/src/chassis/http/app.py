"""Joins routes, parts and everything that each HTTP API here has in common into one app."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import State

from chassis.background import Supervisor
from chassis.http.errors import HANDLERS
from chassis.http.health import Check, Readiness
from chassis.http.health import router as health
from chassis.http.live import LiveUpdates
from chassis.http.openapi import Api
from chassis.http.problems import COMMON, ProblemCatalogue, ServiceStarting, raises
from chassis.http.request_middleware import RequestMiddleware
from chassis.settings import ServiceSettings

PLAIN: Mapping[str, Any] = {
    "docs_url": None,  # FastAPI's pages load scripts from elsewhere
    "redoc_url": None,
    "redirect_slashes": False,
    "exception_handlers": HANDLERS,
    # Its spans would hold paths with ids in them, its logs what callers wrote, its context foreign baggage.
    "telemetry": TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False),
}


def create(
    settings: ServiceSettings,
    *,
    title: str,
    routers: Sequence[APIRouter],
    parts: Supervisor,
    checks: Mapping[str, Check],
    state: Mapping[str, Any] | None = None,
    problems: ProblemCatalogue = COMMON,
    description: str = "",
) -> FastAPI:
    """A service's API: its routes answer 503 until `parts` are prepared; health answers always.

    By name, `checks` are what readiness needs besides the parts, `state` what routes find in ``app.state``.
    `live` among these are the streams, which are made unless given.
    """
    app = Api(
        title=title, description=description, lifespan=lambda _: parts.running(settings.service), **PLAIN
    )
    readiness = Readiness(checks, parts.health)
    joined = {"live": LiveUpdates(), **(state or {})}
    app.state = State({**joined, "problems": problems, "parts": parts, "readiness": readiness})
    for router in routers:
        app.include_router(router, dependencies=[Depends(_prepared)])
    app.include_router(health)
    app.add_middleware(RequestMiddleware, service=settings.service)
    return app


@raises(ServiceStarting)
async def _prepared(request: Request) -> None:
    if not request.app.state.parts.prepared:
        raise ServiceStarting


def operations(api: FastAPI) -> FastAPI:
    """What the platform asks of a service, for a port of its own: health and Prometheus' metrics."""
    app = Api(openapi_url=None, **PLAIN)
    app.state = api.state
    app.include_router(health)
    app.add_api_route("/metrics", _metrics)
    return app


async def _metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
