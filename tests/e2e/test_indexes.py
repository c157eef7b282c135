"""What services ask their databases stays quick however much there is: nothing reads a whole collection."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pymongo import MongoClient

from analytics.read_models.documents import Axis
from contracts.topics import SERVICES
from deploy.demo.check import settled
from deploy.demo.people import NotYet, at_once, until
from deploy.demo.story import Ledger, Mood
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack
from tests.e2e.conftest import SETTLE_SECONDS
from tests.e2e.test_story import closed, encounter

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

FEW = {"leases", "tombstones"}
"""Collections that hold work in hand, and no more."""


@contextmanager
def noted(stack: Stack) -> Iterator[list[dict[str, Any]]]:
    """Gives what the services' databases did meanwhile, as their profiler tells it, at the end."""
    found: list[dict[str, Any]] = []
    with MongoClient[dict[str, Any]](stack.addresses.mongo) as client:
        databases = [client[f"candor_{service}"] for service in SERVICES]
        for database in databases:
            database.create_collection("system.profile", capped=True, size=64 << 20)
            database.command("profile", 2)
        try:
            yield found
        finally:
            for database in databases:
                database.command("profile", 0)
                found += database["system.profile"].find()
                database.drop_collection("system.profile")


def scans(noted: list[dict[str, Any]]) -> set[str]:
    """Which collections were read as a whole, and by what."""
    return {
        f"{entry['ns']}: {_question(entry['command'])}"
        for entry in noted
        if "COLLSCAN" in entry.get("planSummary", "") and entry["ns"].split(".", 1)[1] not in FEW
    }


def unbounded(noted: list[dict[str, Any]]) -> set[str]:
    """What supervisors' requests ask of MongoDB for as long as it may take."""
    read = ("candor_analytics.closes", "candor_analytics.counters")
    asked = [entry["command"] for entry in noted if entry["ns"].startswith(read)]
    asked = [command for command in asked if "sort" in command or "aggregate" in command]
    assert asked
    return {_question(command) for command in asked if "maxTimeMS" not in command}


def _question(command: dict[str, Any]) -> str:
    return str(
        {name: value for name, value in command.items() if name in {"filter", "pipeline", "q", "query"}}
    )


async def test_no_question_reads_a_whole_collection(stack: Stack, floor: SupportFloor, channel: str) -> None:
    supervisor, ledger = floor.supervisor(), Ledger()
    with noted(stack) as done:
        people = [await encounter(floor, channel, mood, 4, comment="Quick") for mood in Mood]
        await at_once(len(people), [partial(one.play, ledger) for one in people])
        await settled(supervisor, channel, len(ledger.endings), SETTLE_SECONDS, undone=ledger.undone(channel))
        one = await encounter(floor, channel, Mood.IGNORES, 4)
        await one.visitor.form(await closed(one), 1)
        review = (await supervisor.every_review(channel=channel))[0]
        await supervisor.write(review["dialog"], review["close_seq"], "note", "Talk with both", 1)
        await supervisor.write(review["dialog"], review["close_seq"], "status", "done", 2)
        await supervisor.read(f"closes/{review['dialog']}/{review['close_seq']}/review/history")
        await supervisor.read("marks", channel=channel)
        await until(lambda: _listed_as_done(floor, channel), SETTLE_SECONDS)
        assert await supervisor.every_review(channel=channel, status="new")
        for axis in Axis:
            assert await supervisor.read("patterns", channel=channel, axis=axis.value, **lately())
        await floor.erase(one.visitor.client)
        await until(lambda: _cancelled(floor, channel), SETTLE_SECONDS)
    assert {entry["op"] for entry in done} >= {"query", "update", "insert", "command"}
    assert scans(done) == set()
    assert unbounded(done) == set()


def lately() -> dict[str, str]:
    """From yesterday to tomorrow."""
    today = datetime.now(UTC).date()
    return {"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=2))}


async def _listed_as_done(floor: SupportFloor, channel: str) -> None:
    if not await floor.supervisor().every_review(channel=channel, status="done"):
        raise NotYet("the status is still to be relayed")


async def _cancelled(floor: SupportFloor, channel: str) -> None:
    summary = await floor.supervisor().read("summary", channel=channel)
    if not summary["unrated"]["cancelled_by_reason"]["erased"]:
        raise NotYet("the erasure is still to be received")
