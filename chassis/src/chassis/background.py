"""The parts of a service: prepared, started, started again when they fall, and stopped in order."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_exponential_jitter
from tenacity.wait import wait_base

from chassis.errors import TaskEnded
from chassis.telemetry.metrics import Alarm, raise_alarm
from chassis.telemetry.tracebacks import safe_traceback

STEADY = 60.0
LONGEST_BACKOFF = 30.0
PARTS_END_WITHIN = 12.0
PART_ENDS_WITHIN = 6.0
RELEASED_WITHIN = 2.0

log = structlog.stdlib.get_logger(__name__)


class BackgroundTask(Protocol):
    """Something that runs as long as the service does: a consumer, the follower, a clock."""

    name: str

    async def run(self) -> None:
        """Works until it is cancelled; then finishes what it has in hand, within seconds."""
        ...

    def unhealthy_reason(self) -> str | None:
        """A sentence on why it makes no progress, None if all is well."""
        ...


async def _nothing() -> None:
    return


class Supervisor:
    """Supervises the parts of a service.

    `prepare` (indexes, clock) is repeated until it works; only then the parts run, in this order. A part that
    falls is started again after 1 to 30 seconds. They stop in reverse order; `release` closes what they used.
    """

    def __init__(
        self,
        parts: Sequence[BackgroundTask],
        prepare: Callable[[], Awaitable[None]] = _nothing,
        release: Callable[[], Awaitable[None]] = _nothing,
        *,
        first_backoff: float = 1.0,
    ) -> None:
        self._parts = tuple(parts)
        self._prepare = prepare
        self._release = release
        self._first_backoff = first_backoff
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._fallen: set[str] = set()
        self._prepared = asyncio.Event()
        self._stopping = False
        self._service = ""

    @property
    def prepared(self) -> bool:
        """Whether `prepare` has worked, so that requests can be answered."""
        return self._prepared.is_set()

    async def wait_prepared(self) -> None:
        """Returns once `prepare` has worked."""
        await self._prepared.wait()

    def health(self) -> Mapping[str, str]:
        """Each part's name with "ok", or with a sentence on its trouble."""
        if not self.prepared:
            return {"service": "is being prepared: the database has not answered yet"}
        return {part.name: self._state_of(part) for part in self._parts}

    def _state_of(self, part: BackgroundTask) -> str:
        task = self._tasks.get(part.name)
        if part.name in self._fallen or task is None or task.done():
            return "fell, and is being started again"
        return part.unhealthy_reason() or "ok"

    @asynccontextmanager
    async def running(self, service: str) -> AsyncIterator[None]:
        """Runs the parts in the background, and stops them at the end; never waits for the database."""
        self._service, self._stopping = service, False
        starting = asyncio.create_task(self._start(), name="starting")
        try:
            yield
        finally:
            self._stopping = True
            await self._stop(starting)

    async def _start(self) -> None:
        first = self._first_backoff
        wait = wait_exponential_jitter(multiplier=first, max=LONGEST_BACKOFF, jitter=first)
        await AsyncRetrying(wait=wait, before_sleep=self._not_prepared)(self._prepare_once)
        self._prepared.set()
        log.info("prepared")
        for part in self._parts:
            self._tasks[part.name] = asyncio.create_task(self._supervise(part), name=part.name)

    async def _prepare_once(self) -> None:
        # A coroutine function of our own: tenacity would take a lambda's coroutine for its result.
        await self._prepare()

    def _not_prepared(self, attempt: RetryCallState) -> None:
        log.warning("not_prepared", **_told(attempt))

    async def _supervise(self, part: BackgroundTask) -> None:
        def fell(attempt: RetryCallState) -> None:
            self._fallen.add(part.name)
            raise_alarm(self._service, Alarm.TASK_CRASHED)
            log.error("task_crashed", part=part.name, **_told(attempt))

        restarts = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, Exception) and not self._stopping),
            wait=_Backoff(self._first_backoff),
            before_sleep=fell,
            reraise=True,
        )
        await restarts(self._run, part)

    async def _run(self, part: BackgroundTask) -> None:
        self._fallen.discard(part.name)
        try:
            await part.run()
        except asyncio.CancelledError as error:
            if not self._stopping:
                raise TaskEnded(f"{part.name} was cancelled from inside") from error
            raise
        if not self._stopping:
            raise TaskEnded(f"{part.name} came to an end")

    async def _stop(self, starting: "asyncio.Task[None]") -> None:
        await _end(starting, "starting", RELEASED_WITHIN)
        deadline = time.monotonic() + PARTS_END_WITHIN
        while self._tasks:
            name, task = self._tasks.popitem()
            left = max(0.5, deadline - time.monotonic())
            await _end(task, name, min(PART_ENDS_WITHIN, left))
        await _end(asyncio.ensure_future(self._release()), "release", RELEASED_WITHIN, cancel=False)
        self._prepared.clear()
        log.info("stopped")


class _Backoff(wait_base):
    """1, 2, 4 … 30 seconds; from the start again once a part has run steadily."""

    def __init__(self, first: float) -> None:
        self._first = first
        self._falls = 0
        self._resumed = time.monotonic()

    def __call__(self, retry_state: RetryCallState) -> float:  # noqa: ARG002 - tenacity's signature
        now = time.monotonic()
        self._falls = 0 if now - self._resumed > STEADY else self._falls + 1
        pause = min(LONGEST_BACKOFF, self._first * 2.0 ** min(self._falls, 10) / 2)
        self._resumed = now + pause
        return pause


async def _end(task: "asyncio.Future[None]", name: str, seconds: float, *, cancel: bool = True) -> None:
    if cancel:
        task.cancel()
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        log.error("task_cut_off", part=name, after_seconds=round(seconds, 1))
        task.cancel()
    elif not task.cancelled() and (error := task.exception()):
        log.error(
            "task_crashed_while_stopping", part=name, error=type(error).__name__, where=safe_traceback(error)
        )


def _told(attempt: RetryCallState) -> dict[str, object]:
    error = attempt.outcome.exception() if attempt.outcome else None
    return {
        "error": type(error).__name__,
        "where": safe_traceback(error) if error else "",
        "attempt": attempt.attempt_number,
        "again_in_seconds": round(attempt.upcoming_sleep, 1),
    }
