"""Waiting for what happens elsewhere: in another task, another process, a database."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

WITHIN_SECONDS = 60.0
EVERY_SECONDS = 0.03


@overload
async def until(
    look: Callable[[], Awaitable[T]], seen: Callable[[T], object] = bool, *, within: float = WITHIN_SECONDS
) -> T: ...


@overload
async def until(
    look: Callable[[], T], seen: Callable[[T], object] = bool, *, within: float = WITHIN_SECONDS
) -> T: ...


async def until(
    look: Callable[[], Any], seen: Callable[[Any], object] = bool, *, within: float = WITHIN_SECONDS
) -> Any:
    """What `look` finds, as soon as `seen` holds of it; by default that it is true.

    Looks every 30 ms. Fails after `within` seconds, and tells what was found last.
    """
    __tracebackhide__ = True  # pytest shows the line that waits
    found: Any = "nothing: it was still looking"
    try:
        async with asyncio.timeout(within) as limit:
            while not seen(found := await _found(look)):  # noqa: ASYNC110 - nothing there gives a sign
                await asyncio.sleep(EVERY_SECONDS)
            return found
    except TimeoutError:
        if not limit.expired():
            raise
    raise AssertionError(f"Not so within {within:g} s; found last: {found!r}")


async def _found(look: Callable[[], Any]) -> Any:
    found = look()
    return await found if inspect.isawaitable(found) else found
