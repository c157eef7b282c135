"""An API with a few routes, and people who call it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import APIRouter

from chassis.background import Supervisor
from chassis.http.app import create
from chassis.http.health import Check
from chassis.kafka.connection import KafkaConnection
from chassis.settings import ServiceSettings

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class ShopSettings(ServiceSettings):
    """A service that exists in tests only."""

    service: ClassVar[str] = "shop"
    offset: ClassVar[int] = 9


@pytest.fixture
def settings() -> ShopSettings:
    return ShopSettings(
        env="development",
        kafka=KafkaConnection(servers="127.0.0.1:1"),
        mongo="mongodb://127.0.0.1:1",
        staff_issuer="https://staff.test",
        staff_jwks="https://staff.test/keys",
    )


@pytest.fixture
def calling(settings: ShopSettings) -> Caller:
    """Starts an app of the given routers, waits until it is prepared, and gives a client of it."""

    @asynccontextmanager
    async def calling(
        *routers: APIRouter,
        parts: Supervisor | None = None,
        checks: dict[str, Check] | None = None,
        **more: Any,
    ) -> AsyncIterator[httpx.AsyncClient]:
        parts = parts or Supervisor([])
        app = create(settings, title="Shop", routers=routers, parts=parts, checks=checks or {}, **more)
        async with app.router.lifespan_context(app):
            await parts.wait_prepared()
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
                yield client

    return calling
