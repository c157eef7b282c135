"""Is it alive, and is it ready? Needs no token and tells no business."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import structlog
from aiokafka.errors import KafkaConnectionError
from fastapi import Request, Response
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel, Field

from chassis.errors import NotReady
from chassis.http.routes import Router
from chassis.kafka.clients import plain_client
from chassis.kafka.connection import KafkaConnection

CHECK_WITHIN = 2.0
FRESH_FOR = 1.0
OK = "ok"

Check = Callable[[], Awaitable[None]]
"""Returns if the thing answers, raises otherwise: NotReady if it knows why."""

log = structlog.stdlib.get_logger(__name__)


class Health(BaseModel):
    """`status` is "ok" or "not ready"; each part is "ok" or a sentence."""

    status: Literal["ok", "not ready"] = Field(description="ok, or not ready.")
    parts: dict[str, str] = Field(default={}, description='Each part by its name: "ok", or a sentence.')


class Readiness:
    """Runs all checks at once, two seconds each at most, and keeps their results for a second."""

    def __init__(self, checks: Mapping[str, Check], parts: Callable[[], Mapping[str, str]]) -> None:
        self._checks = checks
        self._parts = parts
        self._states: dict[str, str] = {}
        self._checked_at: float | None = None
        self._lock = asyncio.Lock()

    async def report(self) -> Health:
        """What is ready and what isn't."""
        async with self._lock:
            if self._checked_at is None or time.monotonic() - self._checked_at > FRESH_FOR:
                states = await asyncio.gather(*(_state(name, check) for name, check in self._checks.items()))
                self._states = dict(zip(self._checks, states, strict=True))
                self._checked_at = time.monotonic()
        parts = {**self._states, **self._parts()}
        ready = all(state == OK for state in parts.values())
        return Health(status=OK if ready else "not ready", parts=parts)


async def _state(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_WITHIN):
            await check()
    except TimeoutError:
        return f"didn't answer within {CHECK_WITHIN:.0f} seconds"
    except NotReady as error:
        log.warning("check_failed", check=name, reason=str(error))
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is "not ready"
        log.warning("check_failed", check=name, error=type(error).__name__)
        return "doesn't answer"
    return OK


router = Router(prefix="/health", tags=["health"])


@router.get("/live")
async def check_liveness() -> Health:
    """Whether the process works at all: 200 as long as its loop turns."""
    return Health(status=OK)


@router.get("/ready", responses={503: {"model": Health, "description": "Not ready"}})
async def check_readiness(request: Request, response: Response) -> Health:
    """Whether requests and events are worked on: 200, or 503 with the reasons."""
    readiness: Readiness = request.app.state.readiness
    report = await readiness.report()
    response.status_code = 200 if report.status == OK else 503
    return report


def database_answers(client: AsyncIOMotorClient[dict[str, Any]]) -> Check:
    """A check that the database has a primary that answers."""

    async def check() -> None:
        await client.admin.command("ping")

    return check


def broker_answers(connection: KafkaConnection) -> Check:
    """A check that a broker can be used and tells who is in the cluster."""

    async def check() -> None:
        try:
            async with plain_client(connection, request_timeout_ms=int(CHECK_WITHIN * 1000)):
                pass
        except KafkaConnectionError as error:
            raise NotReady(await connection.refusal() or "doesn't answer") from error

    return check
