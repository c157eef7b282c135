"""Joins the start page and the sample site: one process, a port for each."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
from fastapi import Depends, FastAPI
from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.http import pages
from chassis.http.app import PLAIN
from chassis.http.openapi import Api
from chassis.http.request_middleware import RequestMiddleware
from deploy.demo.channels import ensure_channels
from deploy.demo.people import ServiceUnavailable
from deploy.demo.support_floor import SupportFloor
from deploy.demo.traffic import Traffic
from deploy.local.start_page import api
from deploy.local.start_page.problems import PROBLEMS
from deploy.local.start_page.same_origin import require_local_host
from deploy.local.start_page.sample_site import sample_site
from deploy.local.start_page.setup import Setup
from deploy.local.tokens import token

BUILT = Path(__file__).parents[1] / "static"


def build(setup: Setup) -> ASGIApp:
    """What answers on both ports."""
    start, sample = start_page(setup), sample_site(setup)

    async def by_port(scope: Scope, receive: Receive, send: Send) -> None:
        on_sample_port = scope["type"] == "http" and scope["server"][1] == setup.sample_port
        await (sample if on_sample_port else start)(scope, receive, send)

    return by_port


def start_page(setup: Setup) -> FastAPI:
    """The start page and its API."""

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=15, trust_env=False) as http:
            floor = SupportFloor(http, setup.urls, partial(token, setup.folder))
            app.state.http, app.state.traffic = http, Traffic(floor)
            await _channels_if_possible(floor, setup)
            yield
            await app.state.traffic.end()

    app = Api(title="Start page", openapi_url=None, lifespan=running, **PLAIN)
    app.state = State({"setup": setup, "problems": PROBLEMS, "started_at": datetime.now(UTC)})
    app.include_router(api.router)
    page = pages.Page("/", "start.html", {})
    app.include_router(pages.router("start", BUILT, [page]), dependencies=[Depends(require_local_host)])
    app.add_middleware(RequestMiddleware, service="start-page")
    return app


async def _channels_if_possible(floor: SupportFloor, setup: Setup) -> None:
    try:
        await ensure_channels(floor, setup.sample_origins)
    except (ServiceUnavailable, httpx.HTTPStatusError) as error:
        print(f"The demo's channels could not be made yet: {error}", flush=True)
