"""The background tasks of a service: prepared, started, restarted when they crash, and stopped in order."""

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

STEADY_SECONDS = 60.0
LONGEST_BACKOFF_SECONDS = 30.0
ALL_STOP_SECONDS = 12.0
ONE_STOPS_SECONDS = 6.0
RELEASE_SECONDS = 2.0

log = structlog.stdlib.get_logger(__name__)


class BackgroundTask(Protocol):
    """Something that runs as long as the service does: a consumer, the relay, a clock."""

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
    """Runs the background tasks of a service.

    `prepare` (indexes, clock) is repeated until it works; only then the tasks run, in this order. One that
    crashes is started again after 1 to 30 seconds. They stop in reverse order; then `release` is called.
    """

    def __init__(
        self,
        tasks: Sequence[BackgroundTask],
        prepare: Callable[[], Awaitable[None]] = _nothing,
        release: Callable[[], Awaitable[None]] = _nothing,
        *,
        first_backoff: float = 1.0,
    ) -> None:
        self.tasks = tuple(tasks)
        self._prepare = prepare
        self._release = release
        self._first_backoff = first_backoff
        self._running: dict[str, asyncio.Task[None]] = {}
        self._crashed: set[str] = set()
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
        """Each task's name with "ok", or with a sentence on why it makes no progress."""
        if not self.prepared:
            return {"service": "is being prepared: the database has not answered yet"}
        states: dict[str, str] = {}
        for task in self.tasks:
            running = self._running.get(task.name)
            if task.name in self._crashed or running is None or running.done():
                states[task.name] = "crashed, and is being started again"
            else:
                states[task.name] = task.unhealthy_reason() or "ok"
        return states

    @asynccontextmanager
    async def running(self, service: str) -> AsyncIterator[None]:
        """Runs the tasks, and stops them at the end; never waits for the database."""
        self._service, self._stopping = service, False
        starting = asyncio.create_task(self._start(), name="starting")
        try:
            yield
        finally:
            self._stopping = True
            await _end(starting, "starting", RELEASE_SECONDS)
            deadline = time.monotonic() + ALL_STOP_SECONDS
            while self._running:
                name, task = self._running.popitem()
                left = max(0.5, deadline - time.monotonic())
                await _end(task, name, min(ONE_STOPS_SECONDS, left))
            await _end(asyncio.ensure_future(self._release()), "release", RELEASE_SECONDS, cancel=False)
            self._prepared.clear()
            log.info("stopped")

    async def _start(self) -> None:
        first = self._first_backoff
        wait = wait_exponential_jitter(multiplier=first, max=LONGEST_BACKOFF_SECONDS, jitter=first)
        tries = AsyncRetrying(
            wait=wait, before_sleep=lambda attempt: log.warning("not_prepared", **_facts(attempt))
        )
        async for attempt in tries:
            with attempt:
                await self._prepare()
        self._prepared.set()
        log.info("prepared")
        for task in self.tasks:
            self._running[task.name] = asyncio.create_task(self._supervise(task), name=task.name)

    async def _supervise(self, task: BackgroundTask) -> None:
        def crashed(attempt: RetryCallState) -> None:
            self._crashed.add(task.name)
            raise_alarm(self._service, Alarm.TASK_CRASHED)
            log.error("task_crashed", task=task.name, **_facts(attempt))

        restarts = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, Exception) and not self._stopping),
            wait=_Backoff(self._first_backoff),
            before_sleep=crashed,
            reraise=True,
        )
        await restarts(self._run, task)

    async def _run(self, task: BackgroundTask) -> None:
        self._crashed.discard(task.name)
        try:
            await task.run()
        except asyncio.CancelledError as error:
            if not self._stopping:
                raise TaskEnded(f"{task.name} was cancelled from inside") from error
            raise
        if not self._stopping:
            raise TaskEnded(f"{task.name} came to an end")


class _Backoff(wait_base):
    """1, 2, 4 … 30 seconds; from the start again once a task has run for a minute."""

    def __init__(self, first: float) -> None:
        self._first = first
        self._crashes = 0
        self._resumed = time.monotonic()

    def __call__(self, retry_state: RetryCallState) -> float:  # noqa: ARG002 - tenacity's signature
        now = time.monotonic()
        self._crashes = 0 if now - self._resumed > STEADY_SECONDS else self._crashes + 1
        pause = min(LONGEST_BACKOFF_SECONDS, self._first * 2.0 ** min(self._crashes, 10) / 2)
        self._resumed = now + pause
        return pause


async def _end(task: "asyncio.Future[None]", name: str, seconds: float, *, cancel: bool = True) -> None:
    if cancel:
        task.cancel()
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        log.error("task_cut_off", task=name, after_seconds=round(seconds, 1))
        task.cancel()
    elif not task.cancelled() and (error := task.exception()):
        log.error(
            "task_crashed_while_stopping", task=name, error=type(error).__name__, where=safe_traceback(error)
        )


def _facts(attempt: RetryCallState) -> dict[str, object]:
    error = attempt.outcome.exception() if attempt.outcome else None
    return {
        "error": type(error).__name__,
        "where": safe_traceback(error) if error else "",
        "attempt": attempt.attempt_number,
        "again_in_seconds": round(attempt.upcoming_sleep, 1),
    }
