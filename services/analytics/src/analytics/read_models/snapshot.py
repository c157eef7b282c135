"""Reads several things as they were at one moment."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo.errors import OperationFailure
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_exponential

from analytics.read_models.documents import LiveChatDocuments
from chassis.transient import SNAPSHOT_CODES

T = TypeVar("T")


def is_retried(error: BaseException) -> bool:
    """Whether another snapshot may be had at once; whatever else is transient, the caller asks again."""
    return isinstance(error, OperationFailure) and error.code in SNAPSHOT_CODES


@retry(
    retry=retry_if_exception(is_retried),
    wait=wait_exponential(0.05),
    stop=stop_after_attempt(5),
    reraise=True,
)
async def in_one_snapshot(
    documents: LiveChatDocuments, read: Callable[[AsyncIOMotorClientSession], Awaitable[T]]
) -> T:
    """The result of `read`, whose reads in the session all see one moment. `read` may be called again."""
    async with await documents.closes.database.client.start_session(snapshot=True) as session:
        return await read(session)
