"""Runs asynchronous code for callers that may or may not be inside an event loop."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


def run_detached(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of the coroutine, run to its end in a thread and an event loop of its own."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(asyncio.run(make()))
        except BaseException as error:  # noqa: BLE001 - it is raised again where it was asked for
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return outcome.result()
