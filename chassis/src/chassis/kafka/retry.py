"""What to try again, and how often: transient faults for ever, a record's own five times."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from chassis.errors import PartitionsRevoked
from chassis.transient import is_transient

T = TypeVar("T")

TRIES = 5


class InterruptibleSleep:
    """Waits between tries; ends at once, with PartitionsRevoked, when it is interrupted."""

    def __init__(self) -> None:
        self._interrupted = asyncio.Event()

    def interrupt(self) -> None:
        """Every wait, now and later, raises PartitionsRevoked."""
        self._interrupted.set()

    def resume(self) -> None:
        """Waits are waits again."""
        self._interrupted.clear()

    async def sleep(self, seconds: float) -> None:
        """Waits so long. Raises PartitionsRevoked."""
        try:
            async with asyncio.timeout(seconds):
                await self._interrupted.wait()
        except TimeoutError:
            return
        raise PartitionsRevoked


async def retry_forever(
    work: Callable[[], Awaitable[T]],
    backoff: InterruptibleSleep,
    *,
    longest: float = 10.0,
    also: tuple[type[Exception], ...] = (),
) -> T:
    """Does `work`, again while the fault is transient or it raises one of `also`.

    Waits are jittered, up to `longest` seconds. Raises PartitionsRevoked, and whatever else `work` raises.
    """
    tries = AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, also) or is_transient(error)),
        wait=wait_random_exponential(multiplier=0.05, max=longest),
        sleep=backoff.sleep,
        reraise=True,
    )
    return await tries(_awaited, work)


async def retry_limited(
    work: Callable[[], Awaitable[T]], backoff: InterruptibleSleep, *final: type[Exception], tries: int = TRIES
) -> T:
    """Does `work` up to `tries` times, with short waits.

    Raises PartitionsRevoked, `final` at once, or the last error.
    """

    def again(error: BaseException) -> bool:
        return isinstance(error, Exception) and not isinstance(error, (PartitionsRevoked, *final))

    trying = AsyncRetrying(
        retry=retry_if_exception(again),
        wait=lambda _: random.uniform(0.02, 0.1),  # noqa: S311 - jitter
        stop=stop_after_attempt(tries),
        sleep=backoff.sleep,
        reraise=True,
    )
    return await trying(_awaited, work)


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    # tenacity awaits only what it recognises as a coroutine function.
    return await work()
