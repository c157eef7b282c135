"""`python -m analytics rebuild` is killed again and again under load, and begun again until it is done.

Only `make chaos` plays it: what a killed one holds is let go after half a minute.
"""

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import httpx
import pytest

from analytics.messaging.inbound import CONSUMED_TOPICS
from analytics.messaging.partition_work import Deployment
from analytics.messaging.verification import verify
from analytics.read_models.documents import LiveChatDocuments
from analytics.read_models.generations import Generations
from chassis.mongo import connect
from contracts.access import Role
from deploy.local.stack import Stack, free_port_base
from deploy.local.tokens import token
from tests.chaos.test_replicas import CAUGHT_UP_SECONDS, FAULTS, SEED, loading, waiting
from tests.waiting import until

CLOSES = 10_000
KILLED_AT = (
    "",
    "events, ",
    "events, ",
    "building the indexes",
    "as the log says",
    "as the log says",
    "serves",
)
"""What it has said last: nothing, that it fills, builds indexes, verifies, or waits to remove what served."""

THEN_SECONDS = (0.0, 3.0)
"""How long it goes on then: from verifying it may come to switching."""

pytestmark = [
    pytest.mark.real,
    pytest.mark.long,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not FAULTS, reason="minutes: make chaos"),
]


class Reads:
    """Asks for the summary again and again, and counts the responses by their status."""

    def __init__(self, stack: Stack) -> None:
        self.statuses = Counter[int]()
        self.closed: list[int] = []
        self._stack = stack

    async def run(self) -> None:
        """Until cancelled."""
        address = self._stack.addresses.services["analytics"]
        bearer = token(self._stack.folder, Role.SUPERVISOR)
        async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {bearer}"}) as http:
            while True:
                response = await http.get("/v1/live-chat/summary", timeout=60)
                self.statuses[response.status_code] += 1
                if response.is_success:
                    self.closed.append(response.json()["closed"])
                await asyncio.sleep(0.05)


def begun(stack: Stack) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "analytics", "rebuild"],
        env=stack.environment("analytics", stack.base), start_new_session=True, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def has_members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def said(running: subprocess.Popen[str], wanted: str) -> bool:
    """Waits until it has said something; whether it did."""
    return not wanted or any(wanted in line for line in running.stderr or ())


async def is_killed(stack: Stack, moment: str, dice: random.Random) -> bool:
    """Whether it came so far and was killed then; all that it had started ends with it.

    It is refused as long as what was killed before holds the build.
    """
    with begun(stack) as running:
        if not await asyncio.to_thread(said, running, moment):
            assert running.wait() == 1
            return False
        await asyncio.sleep(dice.uniform(*THEN_SECONDS))
        if running.poll() is not None:
            return False
        running.kill()
    await until(lambda: has_members(running.pid), lambda there: not there)
    return True


async def is_done(stack: Stack) -> bool:
    """Whether it came to its end; refused as long as what was killed before holds the build."""
    with begun(stack) as running:
        done = await asyncio.to_thread(said, running, "live_chat serves with")
    assert running.returncode == (0 if done else 1)
    return done


async def test_killed_at_any_moment_it_is_done_in_the_end_and_nobody_notices(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    with Stack(tmp_path, names=("analytics",), base=free_port_base()) as stack:
        client = connect(stack.servers.mongo_address)
        deployment = Deployment(client["candor_analytics"], stack.servers.kafka_connection, CONSUMED_TOPICS)
        generations, reads = Generations(deployment.database), Reads(stack)
        async with loading(stack, random.Random(SEED)) as load:
            await until(lambda: load.closes, lambda closes: closes >= CLOSES, within=CAUGHT_UP_SECONDS)
            # Killed so often, it would never come to the end of a log that grows as fast as it reads.
            load.pause_seconds = 1.0
            reading = asyncio.create_task(reads.run())
            for moment in KILLED_AT:
                await until(partial(is_killed, stack, moment, dice), within=CAUGHT_UP_SECONDS)
            await until(partial(is_done, stack), within=CAUGHT_UP_SECONDS)
        serving, building = await generations.read()
        documents = LiveChatDocuments.of(deployment.database, serving)
        await until(lambda: waiting(deployment, documents), lambda left: left == 0, within=CAUGHT_UP_SECONDS)
        found = await verify(deployment, serving)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        client.close()
    print(
        f"{len(KILLED_AT)} kills, generation {serving}: {found.closes} closes, reads {dict(reads.statuses)}"
    )
    assert building is None
    assert found.first is None
    assert found.closes >= load.closes
    assert set(reads.statuses) == {200}
    assert reads.closed == sorted(reads.closed)
