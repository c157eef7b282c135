"""Every service and server is killed (-9) in turn while dialogs flow: nothing lost, nothing counted twice.

The default run is a short one; `make chaos` plays 2,000 dialogs.
"""

import asyncio
import itertools
import os
import random
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import httpx
import pytest

from deploy.demo.check import differences, settled
from deploy.demo.people import NotYet, ServiceUrls, Supervisor, at_once, until
from deploy.demo.story import COMMENTS, Encounter, Ledger, moods
from deploy.demo.support_floor import SupportFloor
from deploy.local.servers import Server
from deploy.local.stack import Stack, free_port_base
from deploy.local.tokens import token
from tests.closings import ready_dialogs

DIALOGS = int(os.environ.get("CANDOR_CHAOS_DIALOGS", "80"))
AT_ONCE = 24
EXPIRY_SECONDS = 20
TIMEOUT = 120.0
BEFORE_MONGODB = 45.0  # ends what a killed member left open, which it does after 60 s
VICTIMS = ("rating", "kafka", "analytics", "mongo", "chat")
BURSTS = ("rating", "analytics") * (1 if DIALOGS < 1000 else 5)
BURST = 30 if DIALOGS < 1000 else 60

pytestmark = [pytest.mark.real, pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    rules = {"CANDOR_RATING_EXPIRY": str(EXPIRY_SECONDS)}
    with Stack(tmp_path_factory.mktemp("chaos"), base=free_port_base(), extra=rules) as up:
        yield up


def victim(stack: Stack, name: str) -> Server:
    return {"kafka": stack.kafka, "mongo": stack.mongo, **stack.services}[name]


async def cast(floor: SupportFloor, channel: str, dice: random.Random) -> list[Encounter]:
    await floor.channel(channel)
    encounters = []
    for index, mood in enumerate(moods(DIALOGS, dice)):
        operator = f"operator-{index % 7}"
        person, visitor = floor.operator(operator), await floor.visitor(channel)
        comment = COMMENTS[index % len(COMMENTS)] if index % 3 == 0 else None
        score = dice.randint(1, 5)
        encounters.append(
            Encounter(visitor, person, operator, channel, mood, score, comment, looks_for=2 * EXPIRY_SECONDS)
        )
    return encounters


async def kill_in_turn(stack: Stack, ledger: Ledger) -> dict[str, float]:
    """Kills one after the other while dialogs are closed; returns the seconds until each was back."""
    back: dict[str, float] = {}
    for number, name in enumerate(VICTIMS, start=1):
        await until(partial(_closes, ledger, number * DIALOGS // (len(VICTIMS) + 1)), TIMEOUT * 3)
        start = time.monotonic()
        await asyncio.to_thread(victim(stack, name).kill)
        await asyncio.to_thread(victim(stack, name).start)
        back[name] = round(time.monotonic() - start, 1)
    return back


async def _closes(ledger: Ledger, wanted: int) -> None:
    if len(ledger.endings) < wanted:
        raise NotYet(f"{len(ledger.endings)} of {wanted} closes")


def player(one: Encounter, ledger: Ledger) -> Callable[[], Awaitable[None]]:
    return lambda: one.play(ledger)


async def test_killing_everything_in_turn_loses_nothing_and_counts_nothing_twice(stack: Stack) -> None:
    ledger, channel, dice = Ledger(), f"chaos-{secrets.token_hex(4)}", random.Random(7)
    async with httpx.AsyncClient(
        timeout=15, trust_env=False, limits=httpx.Limits(max_connections=64)
    ) as http:
        floor = SupportFloor(http, ServiceUrls.at(stack.base), partial(token, stack.folder), TIMEOUT)
        encounters = await cast(floor, channel, dice)
        start = time.monotonic()
        killing = asyncio.create_task(kill_in_turn(stack, ledger))
        await at_once(AT_ONCE, [player(one, ledger) for one in encounters])
        back = await killing
        played = time.monotonic() - start

        supervisor = floor.supervisor()
        summary = await settled(
            supervisor, channel, len(ledger.endings), TIMEOUT, undone=ledger.undone(channel)
        )

        assert await differences(supervisor, summary, ledger, channel, TIMEOUT) == []
        assert (await supervisor.read("reconcile"))["equal"]
        closes = len(ledger.endings)
        print(f"{DIALOGS} dialogs, {closes} closes, played in {played:.0f} s; back after (s): {back}")
        print(Counter(ending.state for ending in ledger.endings.values()))


async def test_killing_a_service_with_a_batch_in_hand_loses_nothing_and_counts_nothing_twice(
    stack: Stack,
) -> None:
    channel = f"bursts-{secrets.token_hex(4)}"
    async with httpx.AsyncClient(
        timeout=15, trust_env=False, limits=httpx.Limits(max_connections=128)
    ) as http:
        floor = SupportFloor(http, ServiceUrls.at(stack.base), partial(token, stack.folder), TIMEOUT)
        supervisor = floor.supervisor()
        for number, name in enumerate(BURSTS, start=1):
            ready = await ready_dialogs(floor, channel, BURST)
            closing = [asyncio.create_task(dialog.close()) for dialog in ready]
            # Once some of them are acknowledged, all are on their way through the services.
            await asyncio.gather(*itertools.islice(asyncio.as_completed(closing), BURST // 3))
            await asyncio.to_thread(stack.services[name].kill)
            await asyncio.gather(*closing)
            await asyncio.to_thread(stack.services[name].start)
            await until(partial(_received, supervisor, channel, number * BURST), BEFORE_MONGODB)
        summary = await supervisor.read("summary", channel=channel)
        assert (summary["closed"], summary["offered_total"]) == (len(BURSTS) * BURST,) * 2
        assert (await supervisor.read("reconcile"))["equal"]


async def _received(supervisor: Supervisor, channel: str, closes: int) -> None:
    summary = await supervisor.read("summary", channel=channel)
    if (summary["closed"], summary["offered_total"]) != (closes, closes):
        raise NotYet(f"{summary['closed']} closed, {summary['offered_total']} offered of {closes}")
