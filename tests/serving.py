"""An app behind the server that services have: on a port, with connections that can break off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from chassis.service import _config, _listen, _Server
from tests.waiting import until


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[tuple[httpx.AsyncClient, _Server]]:
    """A client of the app once it is prepared, and its server."""
    with _listen("listen on", "127.0.0.1", 0) as listening:
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = _Server(_config(app, lifespan="on"))
        async with httpx.AsyncClient(base_url=base, timeout=20) as client:
            running = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                await until(lambda: app.state.parts.prepared and server.started)
                yield client, server
            finally:
                server.should_exit = True
                await running


async def told(response: httpx.Response) -> AsyncIterator[Any]:
    """The data of server-sent events, one after the other."""
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
