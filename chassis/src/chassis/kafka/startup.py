"""Starts Kafka's clients so that none of their connections is lost."""

import asyncio
from collections.abc import Coroutine
from typing import Any

GRACE_SECONDS = 2


async def started(start: Coroutine[Any, Any, Any]) -> None:
    """Awaits `start`; cancelled meanwhile, it lets it come to its end first, for up to two seconds.

    aiokafka 0.14 (`AIOKafkaClient.bootstrap`) holds its first connection in a local variable until it
    knows the cluster. Cancelled there, it forgets it, and no `stop` or `close` ever closes it.
    """
    starting = asyncio.ensure_future(start)
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting], timeout=GRACE_SECONDS)
        starting.cancel()
        await asyncio.wait([starting])
        if not starting.cancelled():
            starting.exception()  # looked at, so that asyncio does not call it forgotten
        raise
