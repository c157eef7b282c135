"""`python -m analytics rebuild`: builds the read models anew from the log, beside those that serve.

The log is projected into the collections of the next generation, partition by partition and side by side in
time, so that nearly each close is written once; indexes come afterwards. What was built is verified by
another folding of the log. Then one transaction takes over: it locks the checkpoints that serve, applies what
is missing up to them, removes them and makes the new generation the one that serves. Numbers never go back,
and whoever still projects the one before loses its checkpoints. Killed, it goes on where it was.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import uuid4

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from analytics.messaging.faults import what_failed
from analytics.messaging.filling import Filling, NotRebuilt, fill_number
from analytics.messaging.inbound import CONSUMED_TOPICS
from analytics.messaging.partition_work import Deployment, InProcesses, InThisProcess, Workers, WorkFailed
from analytics.messaging.verification import verify
from analytics.read_models.documents import FIRST_GENERATION, NAME, LiveChatDocuments
from analytics.read_models.generations import Build, BuiltElsewhere, Generations
from analytics.read_models.views import publish_views
from analytics.settings import AnalyticsSettings
from chassis.errors import CheckpointConflict
from chassis.kafka.checkpoints import COLLECTION, begins_with, stored_offsets
from chassis.mongo import connect, transaction
from chassis.transient import is_transient

AT_ONCE: Final = 20_000
"""Events of a transaction, some ten megabytes."""

NEAR: Final = 2_000
"""Events that may be missing when the last transaction begins."""

TELL_SECONDS: Final = 3.0
PROCESSES: Final = min(4, os.cpu_count() or 1)
MOST_PROCESSES: Final = 32
LEAVE_SECONDS: Final = 60.0
"""How long what served before is left: a query may take 25 seconds, and a comparison some of them."""

Report = Callable[[str], object]


@dataclass(frozen=True)
class Rebuilt:
    """The generation that serves now, and how many closes it holds."""

    generation: int
    closes: int


async def rebuild(
    deployment: Deployment,
    report: Report = lambda _: None,
    *,
    at_once: int = AT_ONCE,
    leave_seconds: float = LEAVE_SECONDS,
    workers: Workers | None = None,
) -> Rebuilt:
    """Builds, verifies, switches, and removes what served before.

    Raises BuiltElsewhere, NotRebuilt, PyMongoError, KafkaError and WorkFailed; then the old one serves on.
    """
    generations = Generations(deployment.database)
    build = await generations.claim(uuid4().hex)
    serving, _ = await generations.read()
    filling = Filling(deployment, build.generation, at_once)
    try:
        async with _telling(generations, build, filling, report):
            for gone in range(FIRST_GENERATION, serving):
                await _drop(deployment, gone)
            if build.is_new:
                await _drop(deployment, build.generation)
            closes = await _built(deployment, build, filling, report, at_once, workers)
            old = LiveChatDocuments.of(deployment.database, serving)
            took = await _Switch(generations, build, old, filling).done()
    except NotRebuilt:
        await generations.renew(build.owner, 0, 0)  # nobody else's is dropped
        await _drop(deployment, build.generation)
        await generations.discard(build.owner)
        raise
    except BaseException:
        with suppress(BuiltElsewhere, PyMongoError):
            await generations.release(build.owner)
        raise
    report(f"generation {build.generation} serves; nothing was projected for {1000 * took:.0f} ms")
    try:
        await publish_views(LiveChatDocuments.of(deployment.database, build.generation))
        await asyncio.sleep(leave_seconds)
        await _drop(deployment, serving)
    except PyMongoError as error:
        report(f"{type(error).__name__}: what served before is left to the next rebuild")
    return Rebuilt(build.generation, closes)


async def _built(
    deployment: Deployment,
    build: Build,
    filling: Filling,
    report: Report,
    at_once: int,
    workers: Workers | None,
) -> int:
    """Fills and verifies; returns how many closes there are. Raises NotRebuilt."""
    shadow = LiveChatDocuments.of(deployment.database, build.generation)
    workers = workers or InThisProcess(deployment)
    await shadow.create()
    await filling.locate()
    work = partial(fill_number, generation=build.generation, at_once=at_once)
    async for _ in workers.done(work, sorted({partition.partition for partition in filling.at})):
        pass
    report("building the indexes")
    await shadow.prepare()
    found = await verify(deployment, build.generation, report, workers=workers)
    if found.first:
        raise NotRebuilt(f"{found.differing} differences; the first: {found.first}")
    await filling.locate()
    return found.closes


class _Switch:
    """Takes over from what serves."""

    def __init__(
        self, generations: Generations, build: Build, serving: LiveChatDocuments, filling: Filling
    ) -> None:
        self._generations, self._build, self._serving, self._filling = generations, build, serving, filling
        self._checkpoints = serving.closes.database[COLLECTION]

    async def done(self) -> float:
        """Catches up, and takes over; returns for how many seconds nothing could be projected."""
        filling = self._filling
        while True:
            ends = await filling.ends()
            near = sum(ends.values()) - sum(each.offset for each in filling.at.values()) < NEAR
            await filling.advance(ends)
            if near:
                try:
                    return await self._take_over()
                except CheckpointConflict:
                    raise BuiltElsewhere from None
                except (PyMongoError, KafkaError) as error:
                    if not is_transient(error):
                        raise
                    if (await self._generations.read())[0] == self._build.generation:
                        return 0.0  # it was committed, and the acknowledgement is what was lost
                    # The projection was about to commit: it comes first, and there is a little more to apply.
                    await asyncio.sleep(0.01)

    async def _take_over(self) -> float:
        filling, theirs = self._filling, begins_with(self._serving.checkpoints)
        client = self._checkpoints.database.client
        async with await client.start_session() as session, transaction(session):
            began = time.monotonic()
            # From here on whoever projects what serves waits, and then finds its checkpoints gone.
            await self._checkpoints.update_many(theirs, {"$set": {"replaced": True}}, session=session)
            offsets = await stored_offsets(self._checkpoints, self._serving.checkpoints, session)
            steps = [step async for some in filling.read(offsets) for step in some]
            await filling.apply_in(session, steps)
            await self._checkpoints.delete_many(theirs, session=session)
            await self._generations.serve(self._build.owner, self._build.generation, session)
        filling.passed(steps)
        return time.monotonic() - began


@asynccontextmanager
async def _telling(
    generations: Generations, build: Build, filling: Filling, report: Report
) -> AsyncIterator[None]:
    """Tells how far it is, again and again, so that nobody else goes on with it."""
    began, before = time.monotonic(), build.done

    async def tell() -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            with suppress(PyMongoError, KafkaError):
                done, total = await filling.done(), sum((await filling.ends()).values())
                await generations.renew(build.owner, done, total)
                if done < total:
                    rate = (done - before) / (time.monotonic() - began)
                    left = f", {rate:.0f}/s, {(total - done) / rate:.0f} s left" if rate else ""
                    report(f"{done} of {total} events{left}")

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError, BuiltElsewhere):
            await telling


async def _drop(deployment: Deployment, generation: int) -> None:
    documents = LiveChatDocuments.of(deployment.database, generation)
    await deployment.database[COLLECTION].delete_many(begins_with(documents.checkpoints))
    await documents.closes.drop()
    await documents.counters.drop()


def command(settings: AnalyticsSettings, argv: Sequence[str]) -> int:
    """Rebuilds; 0 if the new generation serves, 1 if it was refused or differs, 2 if it could not be done.

    130 if it was interrupted.
    """
    parser = argparse.ArgumentParser(prog="python -m analytics rebuild", description=__doc__)
    parser.add_argument("model", nargs="?", default=NAME, choices=[NAME], help=f"which one ({NAME})")
    parser.add_argument(
        "--processes", type=_at_a_time, default=PROCESSES, metavar="N",
        help=f"at a time, from 1 to {MOST_PROCESSES} ({PROCESSES})",
    )  # fmt: skip
    told = parser.parse_args(argv)
    workers = InProcesses(told.processes, settings.mongo, settings.database, settings.kafka)

    async def run() -> Rebuilt:
        # An orchestrator's way to interrupt it.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
        client = connect(settings.mongo)
        try:
            deployment = Deployment(client[settings.database], settings.kafka, CONSUMED_TOPICS)
            return await rebuild(deployment, _say, workers=workers)
        finally:
            client.close()

    try:
        built = asyncio.run(run())
    except KeyboardInterrupt:
        _say("Interrupted. Begin again: it goes on where it was.")
        return 130
    except BuiltElsewhere:
        _say(
            "Somebody else is rebuilding it; see `python -m analytics status`. If that one was killed, begin"
            " again half a minute after it was last heard of."
        )
        return 1
    except NotRebuilt as error:
        _say(f"Nothing was switched: {error}")
        return 1
    except (PyMongoError, KafkaError, WorkFailed) as error:
        _say(f"It could not be done: {what_failed(error, settings)}. Begin again: it goes on where it was.")
        return 2
    _say(f"generation {built.generation} of {NAME} serves with {built.closes} closes")
    return 0


def _at_a_time(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_PROCESSES}")
    return int(text)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
