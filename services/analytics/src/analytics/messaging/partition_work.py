"""Does a piece of work for each partition number: here, one after another, or in processes of their own."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from typing import Any, Protocol, TypeVar

from aiokafka.errors import KafkaError
from motor.motor_asyncio import AsyncIOMotorDatabase
from pydantic import TypeAdapter
from pymongo.errors import PyMongoError

from analytics.messaging.inbound import CONSUMED_TOPICS
from analytics.read_models.documents import Document
from chassis.kafka.connection import KafkaConnection
from chassis.mongo import connect
from chassis.service import collect_rarely

T = TypeVar("T")


@dataclass(frozen=True)
class Deployment:
    """The database, and the topics that are projected into it."""

    database: AsyncIOMotorDatabase[Document]
    connection: KafkaConnection
    topics: Mapping[str, TypeAdapter[Any]]


Work = Callable[[Deployment, int], Awaitable[T]]


class WorkFailed(Exception):
    """Database or broker failed in another process; the type of the fault."""


class Workers(Protocol):
    """Who does the work."""

    def done(self, work: Work[T], numbers: Iterable[int]) -> AsyncIterator[T]:
        """What the work for each of the numbers results in, as it is done."""
        ...


class InThisProcess:
    """One number after another."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    async def done(self, work: Work[T], numbers: Iterable[int]) -> AsyncIterator[T]:
        """What the work for each of the numbers results in."""
        for number in numbers:
            yield await work(self._deployment, number)


@dataclass(frozen=True)
class InProcesses:
    """Some numbers at a time, each in a process; `work` has to be one that can be pickled.

    What raises there raises here: WorkFailed in the place of PyMongoError and KafkaError.
    """

    processes: int
    mongo: str
    database: str
    connection: KafkaConnection

    async def done(self, work: Work[T], numbers: Iterable[int]) -> AsyncIterator[T]:
        """What the work for each of the numbers results in, as it is done."""
        loop, context = asyncio.get_running_loop(), get_context("spawn")
        pool = ProcessPoolExecutor(self.processes, mp_context=context, initializer=_prepare)
        try:
            working = [loop.run_in_executor(pool, self.work_alone, work, number) for number in numbers]
            for each in working:
                each.add_done_callback(_looked_at)
            for each in asyncio.as_completed(working):
                yield await each
        except BaseException:
            # They may have minutes to go, and Python waits for them when it exits.
            for child in active_children():
                child.terminate()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def work_alone(self, work: Work[T], number: int) -> T:
        """Does it in a process that has no other work."""

        async def run() -> T:
            client = connect(self.mongo)
            try:
                return await work(Deployment(client[self.database], self.connection, CONSUMED_TOPICS), number)
            finally:
                client.close()

        try:
            return asyncio.run(run())
        except (PyMongoError, KafkaError) as error:
            # Not all of them can be pickled, and a message may hold what is nobody's business.
            raise WorkFailed(type(error).__name__) from None


def _looked_at(work: asyncio.Future[Any]) -> None:
    """Of many that fail together one is raised; asyncio complains of the others when they are collected."""
    if not work.cancelled():
        work.exception()


def _prepare() -> None:
    collect_rarely()
    # The parent alone is interrupted; whatever ends it ends its children.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
