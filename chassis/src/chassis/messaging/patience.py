"""What to try again, and how often: the world's faults for ever, a record's own five times."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiokafka.errors import KafkaError
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from chassis.clock import ClockNotSet
from chassis.eventlog.handle import Busy
from chassis.eventlog.stored import UnknownStoredEvent
from chassis.messaging.publisher import NotPublished

T = TypeVar("T")

TRIES = 5
TRANSIENT_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")
WORLD = (
    ConnectionFailure,  # AutoReconnect, NotPrimaryError and NetworkTimeout are kinds of it
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
    ExecutionTimeout,
    KafkaError,
    NotPublished,
    OSError,
    TimeoutError,
    Busy,
    ClockNotSet,
    UnknownStoredEvent,  # a newer release wrote it, and will read it
)


class LetGo(Exception):  # noqa: N818
    """The partitions go to somebody else, or the service stops: leave the work undone and unacknowledged."""


def is_the_worlds(error: BaseException) -> bool:
    """True for a fault that says nothing about the record in hand: of database, broker, network, release."""
    if isinstance(error, WORLD):
        return True
    if isinstance(error, OperationFailure) and error.code in RETRYABLE_CODES:
        return True
    return isinstance(error, PyMongoError) and any(error.has_error_label(label) for label in TRANSIENT_LABELS)


RETRYABLE_CODES = frozenset(
    {6, 7, 89, 91, 112, 133, 189, 9001, 10107, 11600, 11602, 13435, 13436, 50, 262, 11601}
)
"""What MongoDB itself calls transient: host, network, shutdown, stepped down, write conflict, time limits;
and, the last one, what a successor or an administrator ended."""


class Pause:
    """Waits between tries; ends at once, with LetGo, when told to let go."""

    def __init__(self) -> None:
        self._let_go = asyncio.Event()

    def let_go(self) -> None:
        """Every wait, now and later, raises LetGo."""
        self._let_go.set()

    def carry_on(self) -> None:
        """Waits are waits again."""
        self._let_go.clear()

    async def sleep(self, seconds: float) -> None:
        """Waits so long. Raises LetGo."""
        try:
            async with asyncio.timeout(seconds):
                await self._let_go.wait()
        except TimeoutError:
            return
        raise LetGo


async def for_ever(
    work: Callable[[], Awaitable[T]],
    pause: Pause,
    *,
    longest: float = 10.0,
    also: tuple[type[Exception], ...] = (),
) -> T:
    """Does `work`, again while the world is at fault or it raises one of `also`.

    Waits are jittered, up to `longest` seconds. Raises LetGo, and whatever else `work` raises.
    """
    tries = AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, also) or is_the_worlds(error)),
        wait=wait_random_exponential(multiplier=0.05, max=longest),
        sleep=pause.sleep,
        reraise=True,
    )
    return await tries(_awaited, work)


async def a_few_times(
    work: Callable[[], Awaitable[T]], pause: Pause, *final: type[Exception], tries: int = TRIES
) -> T:
    """Does `work` up to `tries` times, with short waits. Raises LetGo, `final` at once, or the last error."""

    def again(error: BaseException) -> bool:
        return isinstance(error, Exception) and not isinstance(error, (LetGo, *final))

    trying = AsyncRetrying(
        retry=retry_if_exception(again),
        wait=lambda _: random.uniform(0.02, 0.1),  # noqa: S311 - jitter
        stop=stop_after_attempt(tries),
        sleep=pause.sleep,
        reraise=True,
    )
    return await trying(_awaited, work)


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    # tenacity awaits only what it recognises as a coroutine function.
    return await work()
