"""A small service that the tests run as a process: one slow route, one part with a batch in hand."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, ClassVar

from fastapi import FastAPI
from pydantic import Field

from chassis.background import Supervisor
from chassis.http.app import create
from chassis.http.bodies import KIB, RequestBody
from chassis.http.routes import Router
from chassis.service import main
from chassis.settings import ServiceSettings

HAPPENED = Path(os.environ["HAPPENED"])


class ShopSettings(ServiceSettings):
    """What the shop is told."""

    service: ClassVar[str] = "shop"
    offset: ClassVar[int] = 0


def happened(what: str) -> None:
    """Tells the test."""
    with HAPPENED.open("a") as told:
        told.write(what + "\n")


class Batches:
    """Works on a batch, and ends it before it stops."""

    name = "batches"

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.1)
            happened("batch finished")

    def unhealthy_reason(self) -> str | None:
        """None."""
        return None


class Form(RequestBody):
    """What strangers send."""

    largest: ClassVar[int] = 32 * KIB

    text: str = ""
    items: tuple[Annotated[str, Field(pattern="^[a-z]{2}$")], ...] = ()


def routes() -> Router:
    """A slow route, and one for strangers."""
    router = Router()

    @router.post("/form")
    async def form(body: Form, limit: int = 1) -> int:
        return len(body.text) + len(body.items) + limit

    @router.get("/slow")
    async def slow() -> str:
        happened("request begun")
        await asyncio.sleep(0.5)
        return "done"

    return router


async def release() -> None:
    """The last thing."""
    happened("released")


def build(settings: ShopSettings) -> FastAPI:
    """The shop."""
    parts = Supervisor([Batches()], release=release)
    return create(settings, title="Shop", routers=[routes()], parts=parts, checks={})


if __name__ == "__main__":
    sys.exit(main(ShopSettings, build))
