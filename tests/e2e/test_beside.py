"""A read model is built beside the one that serves: another database, another group, the same numbers."""

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from deploy.demo.check import settled
from deploy.demo.story import Mood
from deploy.demo.support_floor import SupportFloor
from deploy.local.ports import HERE
from deploy.local.process import Process
from deploy.local.stack import Stack, free_port_base, is_ready, port_of
from tests.e2e.conftest import SETTLE_SECONDS
from tests.e2e.test_story import closed, encounter

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


@pytest.fixture
def beside(stack: Stack) -> Iterator[str]:
    """The address of a second analytics, with a database of its own."""
    base = free_port_base()
    port = port_of("analytics", base)
    told = {**stack.environment("analytics", base), "CANDOR_DATABASE": "beside"}
    second = Process(
        name="beside",
        folder=stack.folder,
        command=lambda: [sys.executable, "-m", "analytics"],
        ready=lambda: is_ready(port),
        environment=lambda: told,
    )
    second.start()
    yield f"http://{HERE}:{port}"
    second.stop()


async def test_both_hear_every_close(floor: SupportFloor, channel: str, beside: str) -> None:
    supervisor = floor.supervisor()
    other = replace(supervisor, urls=replace(supervisor.urls, analytics=beside))
    for _ in range(8):  # over several partitions
        await closed(await encounter(floor, channel, Mood.IGNORES, 4))
    for each in (supervisor, other):
        assert (await settled(each, channel, 8, SETTLE_SECONDS))["closed"] == 8
