"""What is stored against what the log says: nothing differs, or what does is named."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from pydantic import TypeAdapter

from analytics.messaging.partition_work import Deployment
from analytics.messaging.verification import Verification, verify
from contracts.dialogs import DIALOG_EVENTS
from contracts.ratings import RATING_EVENTS
from tests.analytics.builders import ExpectedClose, many, shuffled
from tests.analytics.kafka_harness import record
from tests.analytics.messaging.test_kafka import Scene, scene

__all__ = ["scene"]
pytestmark = pytest.mark.real

CLOSES = 60


async def verified(scene: Scene, at_once: int = 200_000) -> Verification:
    topics: Mapping[str, TypeAdapter[Any]] = {scene.dialogs: DIALOG_EVENTS, scene.ratings: RATING_EVENTS}
    deployment = Deployment(scene.harness.database, scene.kafka, topics)
    return await verify(deployment, scene.harness.documents.generation, at_once=at_once)


async def played(scene: Scene) -> None:
    """Closes of all kinds, in any order, some events twice; and a record that is none."""
    random = Random(12)
    events = shuffled(random, many(random, CLOSES))
    records = [
        record(
            scene.dialogs if event.type.startswith("candor.dialog") else scene.ratings,
            event.dialog, event, number,
        )
        for number, event in enumerate(events)
    ]  # fmt: skip
    broken = replace(record(scene.dialogs, "d1", ExpectedClose("d1").closed(), 10_000), value=b"{}")
    await scene.consume([*records, broken], altogether=len(records) + 1)


async def test_what_was_projected_is_as_the_log_says(scene: Scene) -> None:
    await played(scene)
    for at_once in (200_000, 20):
        found = await verified(scene, at_once)
        assert (found.closes, found.differing, found.first) == (CLOSES, 0, None)


@pytest.mark.parametrize("at_once", [200_000, 20], ids=["all at once", "some at a time"])
async def test_what_differs_is_named(scene: Scene, at_once: int) -> None:
    await played(scene)
    closes, counters = scene.harness.documents.closes, scene.harness.documents.counters
    lost = await closes.find_one({"state": "given"})
    assert lost
    await closes.delete_one({"_id": lost["_id"]})
    found = await verified(scene, at_once)
    assert (found.closes, found.first) == (CLOSES - 1, f"close {lost['_id']}: not stored")
    await closes.insert_one({**lost, "state": "expired", "score": None})
    found = await verified(scene, at_once)
    assert (found.differing, found.first) == (
        1, f"close {lost['_id']}: score, state not as in the log"
    )  # fmt: skip
    await closes.replace_one({"_id": lost["_id"]}, lost)
    await closes.insert_one({**lost, "_id": "nobody.1", "dialog": "nobody"})
    assert "close nobody.1: nothing in the log" in str((await verified(scene, at_once)).first)
    await closes.delete_one({"_id": "nobody.1"})
    await counters.update_one({"_id.axis": "closed_at"}, {"$inc": {"whole.expired": 1}})
    assert "the counters of its day say" in str((await verified(scene, at_once)).first)
    await counters.update_one({"_id.axis": "closed_at"}, {"$inc": {"whole.expired": -1}})
    ann = {"_id.axis": "closed_at", "names.=ann": {"$exists": True}}
    await counters.update_many(ann, {"$set": {"names.=ann.name": "Somebody"}})
    assert "is called 'Ann Lee', by the counters 'Somebody'" in str((await verified(scene, at_once)).first)
