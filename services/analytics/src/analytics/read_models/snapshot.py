"""Reads several things as they were at one moment."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pymongo.errors import OperationFailure
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_exponential

T = TypeVar("T")

# SnapshotUnavailable and SnapshotTooOld: a collection was just made, or the read took minutes.
PASSING: Final = frozenset({246, 239})


def _passes(error: BaseException) -> bool:
    return isinstance(error, OperationFailure) and error.code in PASSING


@retry(
    retry=retry_if_exception(_passes), wait=wait_exponential(0.05), stop=stop_after_attempt(5), reraise=True
)
async def in_one_snapshot(
    client: AsyncIOMotorClient[Any], read: Callable[[AsyncIOMotorClientSession], Awaitable[T]]
) -> T:
    """What `read` answers; all its reads in the session see one moment. `read` may be called again."""
    async with await client.start_session(snapshot=True) as session:
        return await read(session)
