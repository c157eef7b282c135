"""Makes Kafka's clients: connected alike, started so that no connection is lost, and always stopped.

A producer is `chassis.kafka.publisher`'s, a member of a group `chassis.kafka.batch_subscriber`'s.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaTimeoutError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.structs import TopicPartition

from chassis.kafka.connection import KafkaConnection

GRACE_SECONDS = 2
FETCH_WAIT_MS = 250
"""How long the broker keeps a fetch that finds nothing; what arrives meanwhile is sent at once.

Whoever has nothing to do asks four times a second. aiokafka fetches other partitions after 100 ms while one's
records are still in work; that partition's next ones may then wait for as long as this.
"""

C = TypeVar("C")


def admin(connection: KafkaConnection, **options: Any) -> AbstractAsyncContextManager[AIOKafkaAdminClient]:
    """A started admin client. Raises KafkaError."""
    made = AIOKafkaAdminClient(**connection.options(), **options)
    return _running(made, made.start, made.close)


def plain_client(connection: KafkaConnection, **options: Any) -> AbstractAsyncContextManager[AIOKafkaClient]:
    """A client for requests that no other client makes, which knows the cluster. Raises KafkaError."""
    made = AIOKafkaClient(**connection.options(), **options)
    return _running(made, made.bootstrap, made.close)


def reader(connection: KafkaConnection, **options: Any) -> AbstractAsyncContextManager[AIOKafkaConsumer]:
    """A started consumer outside of any group, with nothing assigned. Raises KafkaError.

    aiokafka asks a thousand times a second for a topic that it was assigned and has no right to: look with
    `partitions_of` before.
    """
    outside = {"group_id": None, "enable_auto_commit": False, "fetch_max_wait_ms": FETCH_WAIT_MS}
    made = AIOKafkaConsumer(**connection.options(), **outside, **options)
    return _running(made, made.start, made.stop)


async def partitions_of(connection: KafkaConnection, topics: Collection[str]) -> list[TopicPartition]:
    """The partitions of all `topics`.

    Raises KafkaError: TopicAuthorizationFailedError without the right to see one of them, and
    UnknownTopicOrPartitionError if one is not there.
    """
    async with admin(connection) as asked:
        described = await asked.describe_topics(list(topics))
    for topic in described:
        if topic["error_code"]:
            raise for_code(topic["error_code"])(topic["topic"])
    return [
        TopicPartition(topic["topic"], part["partition"])
        for topic in described
        for part in topic["partitions"]
    ]


async def reason_of(error: BaseException, connection: KafkaConnection) -> str:
    """Why Kafka can't be used, for people: no right, no topic, no login, else the error's type."""
    match error:
        case TopicAuthorizationFailedError(args=[name, *_]) | GroupAuthorizationFailedError(args=[name, *_]):
            return f"no right to {name}"
        case UnknownTopicOrPartitionError(args=[topic, *_]):
            return f"there is no topic {topic}"
        case KafkaConnectionError():
            return await connection.refusal() or type(error).__name__
        case KafkaTimeoutError() | OSError():  # TimeoutError is one
            return "the broker doesn't answer"
        case _:
            return type(error).__name__


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


@asynccontextmanager
async def _running(
    client: C, start: Callable[[], Coroutine[Any, Any, Any]], stop: Callable[[], Coroutine[Any, Any, Any]]
) -> AsyncIterator[C]:
    try:
        await started(start())
        yield client
    finally:
        await stop()  # after a failed start too: what it opened by then stays open otherwise
