"""A reopening in which nobody writes is closed again when its time has come, by whichever worker, once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.clock import ManualClock
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.kafka.connection import KafkaConnection
from chassis.timers import LEASE, Timers
from chat.app import build
from chat.domain.dialog.decider import DIALOG, DialogCommand
from chat.domain.dialog.state import Closed, Dialog, Open
from chat.processes.silent_reopenings import silent_reopenings
from chat.read_models.dialogs import Dialogs
from chat.settings import ChatSettings
from contracts.dialogs import DIALOG_EVENTS, ClosedBy, DialogClosed
from tests.chat.builders import ANN, BO, START, close_it, give_to, open_it, reopen_it, take, write
from tests.chat.harness import done, running, settings_for
from tests.notes import Notes
from tests.waiting import until

pytestmark = pytest.mark.real

SILENT = timedelta(minutes=10)
MILLISECOND = timedelta(milliseconds=1)


class DialogNotes(Notes):
    """The closes that chat publishes."""

    def closes(self) -> list[DialogClosed]:
        events = [DIALOG_EVENTS.validate_json(record.value or b"") for record in self.records]
        return [event for event in events if isinstance(event, DialogClosed)]


class Room:
    """Chat as it is joined, of whose tasks only the relay runs; its clock stands until it is moved on."""

    def __init__(self, mongo: str, database: str) -> None:
        self.clock, self.notes = ManualClock(START), DialogNotes()
        settings = settings_for(KafkaConnection(servers="nowhere:1"), mongo, database)
        self.app = build(settings, clock=self.clock, publisher=self.notes, only=("relay",))
        self.repository: Repository = self.app.state.repository
        self.dialogs: Dialogs = self.app.state.dialogs
        self.database: AsyncIOMotorDatabase[dict[str, Any]] = self.app.state.repository.store.database
        self.timers = self.worker()

    def worker(self) -> Timers:
        """One of another replica."""
        repository = Repository(self.repository.store, self.clock, wake=self.repository.wake, service="chat")
        return silent_reopenings(self.dialogs, repository, SILENT)

    async def does(self, *commands: DialogCommand, dialog: str = "d1") -> Dialog:
        for command in commands:
            result = await handle(self.repository, DIALOG, DIALOG.stream(dialog), command)
        return result.state

    async def relayed(self) -> None:
        waiting = {"relayed": False}
        await until(lambda: self.database["commits"].count_documents(waiting), lambda count: count == 0)

    async def reopened(self, *dialogs: str) -> None:
        """Dialogs of which Ann closed the first part, and which are open again since six past."""
        for dialog in dialogs:
            await self.does(replace(open_it(), dialog=dialog), write("m1"), take(ANN), dialog=dialog)
            await self.does(write("m2", ANN), close_it(1, by=ANN), reopen_it(1, by=ANN), dialog=dialog)
        self.clock.advance(timedelta(minutes=6))
        await self.relayed()

    async def state(self, dialog: str = "d1") -> Dialog:
        return (await self.repository.load(DIALOG, DIALOG.stream(dialog))).state


@pytest.fixture
async def room(mongo: str, database: str) -> AsyncIterator[Room]:
    room = Room(mongo, database)
    async with room.app.router.lifespan_context(room.app):
        await room.app.state.parts.wait_prepared()
        yield room


async def test_it_is_closed_as_before_and_not_a_millisecond_early(room: Room) -> None:
    await room.reopened("d1")
    await room.does(give_to(BO))
    await room.relayed()
    room.clock.advance(SILENT - MILLISECOND)
    assert await room.timers.settle_due() == 0
    room.clock.advance(MILLISECOND)
    assert await room.timers.settle_due() == 1
    await room.relayed()
    first, second = room.notes.closes()
    own = {"close_seq": 2, "closed_at": room.clock.now(), "closed_by": ClosedBy.SYSTEM, "resumes": 1}
    assert second == first.model_copy(update=own)
    assert (second.operator, second.operator_name, second.operator_messages) == ("ann", "Ann Lee", 1)
    room.clock.advance(SILENT)
    assert await room.timers.settle_due() == 0


async def test_a_message_before_it_is_due_makes_it_nothing(room: Room) -> None:
    await room.reopened("d1")
    await room.does(write("m3"))
    await room.relayed()
    room.clock.advance(2 * SILENT)
    assert await room.timers.settle_due() == 0


async def test_a_stale_document_makes_a_worker_look_and_find_nothing_to_do(room: Room) -> None:
    await room.reopened("d1")
    stale = await room.database["dialogs"].find_one({"_id": "d1"})
    assert stale is not None
    await room.does(write("m3"))
    await room.relayed()
    await room.database["dialogs"].replace_one({"_id": "d1"}, stale)
    room.clock.advance(2 * SILENT)
    assert await room.timers.settle_due() == 1
    assert isinstance(await room.state(), Open)
    assert await room.timers.settle_due() == 0


async def test_a_reopening_that_comes_later_has_its_own_time(room: Room) -> None:
    await room.reopened("d1")
    stale = await room.database["dialogs"].find_one({"_id": "d1"})
    assert stale is not None
    later = 14
    await room.does(close_it(2, 13, by=ANN), reopen_it(2, later, by=ANN))
    await room.relayed()
    await room.database["dialogs"].replace_one({"_id": "d1"}, stale)
    room.clock.advance(SILENT)
    assert await room.timers.settle_due() == 1
    assert isinstance(await room.state(), Open)
    room.clock.advance(timedelta(minutes=later) + SILENT - (room.clock.now() - START))
    assert await room.timers.settle_due() == 1
    assert isinstance(await room.state(), Closed)


async def test_workers_that_overlap_close_each_dialog_once(room: Room) -> None:
    await room.reopened(*(f"d{number}" for number in range(20)))
    room.clock.advance(SILENT)
    workers = [room.worker() for _ in range(3)]
    assert sum(await asyncio.gather(*(worker.settle_due() for worker in workers))) == 20
    # What a worker that was cut off had claimed is due once more, and closed already.
    await room.database["dialogs"].update_many({}, {"$set": {"due_at": room.clock.now()}})
    await asyncio.gather(*(worker.settle_due() for worker in workers))
    await room.relayed()
    assert sum(close.resumes == 1 for close in room.notes.closes()) == 20


async def test_what_a_dead_worker_had_claimed_comes_back(room: Room) -> None:
    await room.reopened("d1")
    room.clock.advance(SILENT)
    assert len(await room.dialogs.due.claim(room.clock.now(), LEASE, 10)) == 1
    assert await room.timers.settle_due() == 0
    room.clock.advance(LEASE)
    assert await room.timers.settle_due() == 1


async def test_the_running_part_notices_by_itself(room: Room) -> None:
    await room.reopened("d1")
    working = asyncio.create_task(room.timers.run())
    room.clock.advance(SILENT)
    await until(room.state, lambda state: isinstance(state, Closed))
    working.cancel()


@pytest.mark.parametrize(("setting", "closes"), [("PT1S", 2), ("none", 1)])
async def test_chat_does_so_as_it_is_set(
    kafka: KafkaConnection, mongo: str, database: str, setting: str, closes: int
) -> None:
    settings = settings_for(kafka, mongo, database)
    known = settings.model_dump() | {"chat_silent_reopening": setting}
    async with running(ChatSettings(**known)) as harness:
        zoe = await harness.visitor(await harness.channel())
        path = await harness.dialog(zoe)
        for what in ("close", "reopen"):
            done(await zoe.post(f"{path}/{what}"))

        async def listed() -> Any:
            return await harness.database["dialogs"].find_one({"dialog": path.rpartition("/")[2]})

        await until(listed, lambda document: document and document["closes"] == closes)
        assert (await listed())["due_at"] is None
        if closes == 2:
            seen = done(await zoe.get(path))
            assert (seen["state"], seen["closes"][1]["closed_by"]) == ("closed", "system")
