"""The read models built anew from the log, beside those that serve."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from aiokafka.structs import TopicPartition
from pydantic import TypeAdapter
from pymongo.errors import OperationFailure

from analytics.api import export
from analytics.messaging import rebuilding
from analytics.messaging.filling import Filling, NotRebuilt
from analytics.messaging.partition_work import Deployment
from analytics.messaging.rebuilding import Rebuilt, rebuild
from analytics.messaging.status import status
from analytics.messaging.verification import verify
from analytics.read_models.documents import NAME, LiveChatDocuments, version_of
from analytics.read_models.generations import KEY, BuiltElsewhere, Generations, ServingDocuments
from analytics.read_models.projection import LiveChatProjection
from analytics.read_models.search import list_page
from analytics.read_models.views import CLOSES, DAYS
from chassis.errors import CheckpointConflict
from chassis.kafka.checkpoints import COLLECTION, Checkpoint, Checkpoints, begins_with, stored_offsets
from chassis.kafka.publisher import ProducerRecord
from chassis.mongo import transaction
from chassis.transient import is_transient
from contracts.dialogs import DIALOG_EVENTS
from contracts.ratings import RATING_EVENTS
from tests.analytics.builders import ExpectedClose, after, many, shuffled
from tests.analytics.harness import EVERYWHERE, Harness
from tests.analytics.kafka_harness import record, running
from tests.analytics.messaging.test_kafka import Scene, scene
from tests.waiting import until

__all__ = ["scene"]
pytestmark = pytest.mark.real


def topics(scene: Scene) -> Mapping[str, TypeAdapter[Any]]:
    return {scene.dialogs: DIALOG_EVENTS, scene.ratings: RATING_EVENTS}


def records(scene: Scene, random: Random, closes: int, name: str = "d") -> list[ProducerRecord]:
    """Closes of all kinds, in any order, some events twice."""
    return [
        record(
            scene.dialogs if event.type.startswith("candor.dialog") else scene.ratings,
            event.dialog, event, number,
        )
        for number, event in enumerate(
            shuffled(random, [replace(each, dialog=name + each.dialog) for each in many(random, closes)])
        )
    ]  # fmt: skip


def deployment_of(scene: Scene) -> Deployment:
    return Deployment(scene.harness.database, scene.kafka, topics(scene))


async def rebuilt(scene: Scene, leave_seconds: float = 0, **how: Any) -> Rebuilt:
    return await rebuild(deployment_of(scene), leave_seconds=leave_seconds, **how)


def serving(scene: Scene) -> ServingDocuments:
    found: ServingDocuments = scene.harness.app.state.serving
    return found


@asynccontextmanager
async def replica(scene: Scene) -> AsyncIterator[None]:
    """Projects what serves; as the service does, it looks which generation that is when others were first."""
    runner = scene.projecting(on_conflict=serving(scene).look)
    database = scene.harness.database
    serving(scene).on_switch = lambda documents: runner.switch(
        LiveChatProjection(database, documents.generation)
    )
    async with running(runner), running(serving(scene)):
        yield


async def everything(documents: LiveChatDocuments) -> dict[str, Any]:
    return {each["_id"]: each async for each in documents.closes.find()}


async def test_it_takes_over_while_events_come_and_questions_are_asked(scene: Scene) -> None:
    random, harness = Random(5), scene.harness
    before, meanwhile, after = (records(scene, random, 60, name) for name in ("a", "b", "c"))
    closed: list[int] = []
    over = asyncio.Event()

    async def ask() -> None:
        while not over.is_set():
            closed.append((await harness.ask("summary"))["closed"])

    async def publish() -> None:
        for each in meanwhile:
            await scene.publisher.publish([each])

    async with replica(scene):
        await scene.publisher.publish(before)
        await until(lambda: harness.ask("summary"), lambda summary: summary["closed"] == 60)
        old = await everything(serving(scene).now)
        done = {"json": {"status": "done"}, "headers": {"If-Match": '"1"'}}
        await harness.send("PUT", "closes/ad0/1/review/status", EVERYWHERE, **done)
        await harness.relayed()
        asking, publishing = asyncio.create_task(ask()), asyncio.create_task(publish())
        built = await rebuilt(scene, at_once=50, leave_seconds=4)
        await publishing
        assert serving(scene).now.generation == built.generation == 2
        await scene.publisher.publish(after)
        await until(lambda: harness.ask("summary"), lambda summary: summary["closed"] == 180)
        over.set()
        await asking
    assert closed == sorted(closed)
    new = await everything(serving(scene).now)
    assert {name: new[name] for name in old} == old
    assert await everything(harness.documents) == {}
    assert await harness.database[CLOSES].count_documents({}) == 180
    days = harness.database[DAYS].find({"axis": "closed_at"})
    assert sum([each["closes"] async for each in days]) == 180
    found = await verify(deployment_of(scene), serving(scene).now.generation)
    assert (found.closes, found.first) == (180, None)
    assert (await harness.ask("reconcile"))["equal"]
    assert [each["dialog"] for each in (await harness.ask("reviews", status="done"))["reviews"]] == ["ad0"]


async def test_killed_it_goes_on_where_it_was_and_two_at_once_are_refused(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.consume(some := records(scene, Random(6), 60), altogether=len(some))
    half, wrote = asyncio.Event(), LiveChatProjection.apply
    applied: list[int] = []

    async def apply(self: LiveChatProjection, session: Any, events: Any) -> None:
        applied.append(len(events))
        await wrote(self, session, events)
        if sum(applied) > len(some) / 2:
            half.set()
            await asyncio.sleep(0)

    monkeypatch.setattr(LiveChatProjection, "apply", apply)
    first = asyncio.create_task(rebuilt(scene, at_once=10))
    await half.wait()
    with pytest.raises(BuiltElsewhere):
        await rebuilt(scene)
    assert (
        "generation 2 is being built" in (await status(scene.harness.database, scene.kafka, topics(scene)))[1]
    )
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    done = sum(applied)
    assert (await rebuilt(scene, at_once=10)).closes == 60
    # What the first one had in hand when it was killed may have been undone.
    assert len(some) - done <= sum(applied) - done < len(some) / 2 + 20
    await serving(scene).look()
    assert (await verify(deployment_of(scene), serving(scene).now.generation)).first is None


async def test_what_nobody_tells_of_any_more_is_gone_on_with_unless_it_is_old(harness: Harness) -> None:
    generations = Generations(harness.database)

    async def passed(field: str, **ago: float) -> None:
        ms = timedelta(**ago) // timedelta(milliseconds=1)
        change = {f"building.{field}": {"$subtract": [f"$building.{field}", ms]}}
        await harness.database["read_models"].update_one({"_id": KEY}, [{"$set": change}])

    assert (first := await generations.claim("ann")).is_new
    await passed("renewed_at", seconds=25)
    with pytest.raises(BuiltElsewhere):
        await generations.claim("bo")
    await passed("renewed_at", seconds=10)
    gone_on = await generations.claim("bo")
    assert (gone_on.generation, gone_on.began_at, gone_on.is_new) == (2, first.began_at, False)
    with pytest.raises(BuiltElsewhere):
        await generations.renew("ann", 1, 2)
    await passed("began_at", days=1)
    await generations.release("bo")
    assert (await generations.claim("ann")).is_new


async def test_a_replica_that_was_away_goes_on_with_the_generation_that_serves_by_now(
    harness: Harness,
) -> None:
    away, switched = ServingDocuments(harness.database), list[LiveChatDocuments]()
    away.on_switch = switched.append
    await harness.database["read_models"].insert_one({"_id": KEY, "serving": 3})
    for _ in range(2):
        await away.look()
    assert switched == [away.now] == [LiveChatDocuments.of(harness.database, 3)]


async def test_what_somebody_else_has_emptied_never_serves(scene: Scene) -> None:
    await scene.consume(some := records(scene, Random(10), 20), altogether=len(some))
    filling = Filling(deployment_of(scene), 2, 1_000)
    await filling.locate()
    await filling.advance(await filling.ends())
    checkpoints = scene.harness.database[COLLECTION]
    await checkpoints.delete_one({"_id": {"$regex": r"^live_chat\.v\d+_2:"}})
    with pytest.raises(CheckpointConflict):
        async with await scene.harness.client.start_session() as session, transaction(session):
            await filling.apply_in(session, [])


async def test_an_export_goes_on_in_the_generation_that_took_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    closes = [ExpectedClose(f"d{number}", closed_at=after(-number)) for number in range(10)]
    some = [record(scene.dialogs, each.dialog, each.closed(), 1) for each in closes]
    await scene.consume(some, altogether=len(some))
    wanted = (await scene.harness.get("export.csv")).text
    read, generations = list_page, list[int]()

    async def page(documents: LiveChatDocuments, *asked: Any) -> Any:
        generations.append(documents.generation)
        found = await read(documents, *asked)
        if len(generations) == 1:
            await rebuilt(scene)
            await serving(scene).look()
        return found

    monkeypatch.setattr(export, "AT_ONCE", 4)
    monkeypatch.setattr(export, "list_page", page)
    assert (await scene.harness.get("export.csv")).text == wanted
    assert generations == [1, 2, 2]


async def test_what_differs_from_the_log_never_serves(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.consume(some := records(scene, Random(7), 20), altogether=len(some))
    shadow, create = LiveChatDocuments.of(scene.harness.database, 2), LiveChatDocuments.create

    async def create_wrong(self: LiveChatDocuments) -> None:
        await create(self)
        await self.closes.insert_one({"_id": "nobody.1", "dialog": "nobody", "partition": 0})

    monkeypatch.setattr(LiveChatDocuments, "create", create_wrong)
    with pytest.raises(NotRebuilt, match=r"close nobody\.1: nothing in the log"):
        await rebuilt(scene)
    assert await Generations(scene.harness.database).read() == (1, None)
    assert await everything(shadow) == {}
    assert (await scene.harness.ask("summary"))["closed"] == 20
    monkeypatch.undo()
    # What somebody has left there a day ago is nothing to go on with.
    await shadow.closes.insert_one({"_id": "nobody.1", "dialog": "nobody", "partition": 0})
    assert (await rebuilt(scene)).generation == 2


async def test_whoever_projects_waits_for_the_switch_and_then_writes_nothing_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.consume(some := records(scene, Random(8), 20), altogether=len(some))
    database = scene.harness.database
    old = Checkpoints(database[COLLECTION], NAME, version_of(1), scene.kafka)
    [(partition, at), *_] = (await old.read([TopicPartition(scene.dialogs, n) for n in range(3)])).items()

    async def project() -> None:
        async with old.fencing.transaction() as session:
            await old.move(session, {partition: (at, Checkpoint(at.offset + 1))})

    async def offsets(*asked: Any) -> dict[TopicPartition, int]:
        with pytest.raises(OperationFailure) as locked:
            await project()
        assert is_transient(locked.value)
        return await stored_offsets(*asked)

    monkeypatch.setattr(rebuilding, "stored_offsets", offsets)
    task = asyncio.create_task(rebuilt(scene, leave_seconds=60))
    await until(Generations(database).read, lambda found: found == (2, None))
    with pytest.raises(CheckpointConflict):
        await project()
    task.cancel()


async def test_a_switch_that_fails_at_its_end_changes_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.consume(some := records(scene, Random(11), 10), altogether=len(some))
    checkpoints, serve = scene.harness.database[COLLECTION], Generations.serve
    serves = begins_with(scene.harness.documents.checkpoints)
    before = await checkpoints.find(serves).to_list(None)

    async def fail(*asked: Any) -> None:
        await serve(*asked)
        raise ZeroDivisionError

    monkeypatch.setattr(Generations, "serve", fail)
    with pytest.raises(ZeroDivisionError):
        await rebuilt(scene)
    assert await checkpoints.find(serves).to_list(None) == before
    generation, build = await Generations(scene.harness.database).read()
    assert (generation, build and build.generation) == (1, 2)


async def test_an_event_that_cannot_be_projected_ends_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.consume(some := records(scene, Random(9), 10), altogether=len(some))

    async def apply(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(LiveChatProjection, "apply", apply)
    with pytest.raises(NotRebuilt, match="the projection raised ZeroDivisionError"):
        await rebuilt(scene)
    assert (await scene.harness.ask("summary"))["closed"] == 10
