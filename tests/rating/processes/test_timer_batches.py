"""Forms that are due together are settled together, and each as if it were alone."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import structlog
from bson.raw_bson import RawBSONDocument

from chassis.errors import CommandRejected
from chassis.eventstore.handle import handle
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.timers import LEASE, Timers
from contracts.ratings import RatingExpired
from rating.domain.rating.decider import RATING, GiveRating
from rating.processes.timers import form_timers
from rating.read_models.forms import Forms
from tests.rating.builders import CLOSED_AT, EXPIRY
from tests.rating.harness import Harness, closed
from tests.waiting import until

pytestmark = pytest.mark.real

MANY = 60


class Between:
    """Stands before the commits, notes the streams of each insert, and may hold inserts back."""

    def __init__(self, store: MongoEventStore) -> None:
        self._commits = store.commits
        self.inserted: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = self.ended = 0
        store.commits = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commits, name)

    async def insert_many(self, documents: Sequence[RawBSONDocument], *, ordered: bool) -> None:
        self.waiting += 1
        await self.open.wait()
        try:
            await self._commits.insert_many(documents, ordered=ordered)
            self.inserted.append([document["stream"] for document in documents])
        finally:
            self.ended += 1


def replica(harness: Harness) -> tuple[Timers, Between]:
    """The timers of another replica, with a cache of its own."""
    store = MongoEventStore(harness.database)
    between = Between(store)
    repository = Repository(store, harness.clock, wake=harness.repository.wake, service="rating")
    return form_timers(Forms(harness.database), repository), between


async def offered(harness: Harness, count: int = MANY) -> list[str]:
    """So many dialogs whose forms wait, all until one time."""
    dialogs = [f"d{number:02}" for number in range(count)]
    await asyncio.gather(*(harness.inbound.on_dialog_closed(closed(dialog)) for dialog in dialogs))
    await harness.relayed()
    return dialogs


async def settled(harness: Harness, dialog: str) -> list[str]:
    """The events of a dialog that settle its form."""
    commits = await harness.store.read(RATING.stream(dialog), limit=100)
    kinds = [event["type"] for commit in commits for event in commit.events]
    return [kind for kind in kinds if kind in {"given", "expired"}]


async def answer(harness: Harness, dialog: str) -> bool:
    """Whether the answer of the last millisecond is taken."""
    command = GiveRating(1, 5, CLOSED_AT + EXPIRY - timedelta(milliseconds=1))
    try:
        await handle(harness.repository, RATING, RATING.stream(dialog), command)
    except CommandRejected:
        return False
    return True


async def answered(harness: Harness, dialogs: Sequence[str]) -> list[bool]:
    """Of dialogs that are answered at once, whether each answer is taken."""
    return await asyncio.gather(*(answer(harness, dialog) for dialog in dialogs))


async def due_at(harness: Harness, dialog: str, close_seq: int = 1) -> Any:
    found = await harness.database["forms"].find_one({"_id": f"{dialog}.{close_seq}"})
    return found and found["due_at"]


async def test_of_each_answer_and_each_expiry_of_a_batch_exactly_one_wins(harness: Harness) -> None:
    dialogs = await offered(harness)
    harness.clock.advance(EXPIRY)
    timers, between = replica(harness)
    between.open.clear()
    settling = asyncio.create_task(timers.settle_due())
    await until(lambda: between.waiting)  # the whole batch is decided, and nothing of it stored
    early, racing, late = dialogs[::3], dialogs[1::3], dialogs[2::3]
    taken = dict(zip(early, await answered(harness, early), strict=True))
    between.open.set()
    taken |= zip(racing, await answered(harness, racing), strict=True)
    assert await settling == MANY
    taken |= zip(late, await answered(harness, late), strict=True)
    assert all(taken[dialog] for dialog in early)
    assert not any(taken[dialog] for dialog in late)
    winners = {dialog: await settled(harness, dialog) for dialog in dialogs}
    assert winners == {dialog: ["given"] if taken[dialog] else ["expired"] for dialog in dialogs}
    await harness.relayed()
    assert [await due_at(harness, dialog) for dialog in dialogs] == [None] * MANY


async def test_replicas_and_answers_at_once_settle_each_form_once(harness: Harness) -> None:
    dialogs = await offered(harness)
    harness.clock.advance(EXPIRY)
    replicas = [replica(harness)[0] for _ in range(3)]
    answers = (answer(harness, dialog) for dialog in dialogs[::2])
    results = await asyncio.gather(*(timers.settle_due() for timers in replicas), *answers)
    # A form whose answer is relayed just then is nobody's any more; of the others each is one replica's.
    assert MANY - len(dialogs[::2]) <= sum(results[:3]) <= MANY
    for dialog in dialogs:
        assert len(await settled(harness, dialog)) == 1


async def test_a_backlog_is_worked_off_in_the_order_of_due(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.timers.BATCH", 10)
    dialogs = [f"d{number:02}" for number in reversed(range(MANY))]  # not in the order of their ids
    for dialog in dialogs:
        await harness.inbound.on_dialog_closed(closed(dialog))
        harness.clock.advance(timedelta(milliseconds=1))
    await harness.relayed()
    harness.clock.advance(EXPIRY)
    timers, between = replica(harness)
    working = asyncio.create_task(timers.run())
    await until(lambda: sum(map(len, between.inserted)) == MANY)
    working.cancel()
    await asyncio.wait([working])
    stored = [stream.removeprefix("rating:") for insert in between.inserted for stream in insert]
    assert sorted(stored) == sorted(dialogs)
    # Two batches are in work at a time, and nothing overtakes more than those.
    assert all(abs(place - dialogs.index(dialog)) < 20 for place, dialog in enumerate(stored))


async def test_nothing_of_a_batch_expires_before_its_time(harness: Harness) -> None:
    dialogs = [f"d{number:02}" for number in range(MANY)]
    for dialog in dialogs:
        await harness.inbound.on_dialog_closed(closed(dialog))
        harness.clock.advance(timedelta(milliseconds=1))
    await harness.relayed()
    harness.clock.advance(EXPIRY - timedelta(milliseconds=MANY // 2))
    assert await harness.timers.settle_due() == MANY // 2 + 1
    await harness.relayed()
    expired = [event for event in harness.notes.ratings if isinstance(event, RatingExpired)]
    assert sorted(event.dialog for event in expired) == dialogs[: MANY // 2 + 1]
    assert all(event.expired_at <= harness.clock.now() for event in expired)


async def test_what_a_killed_worker_had_in_hand_is_done_by_another_once(harness: Harness) -> None:
    dialogs = await offered(harness)
    harness.clock.advance(EXPIRY)
    killed, between = replica(harness)
    between.open.clear()
    settling = asyncio.create_task(killed.settle_due())
    await until(lambda: between.waiting)
    settling.cancel()
    await asyncio.wait([settling])
    survivor, _ = replica(harness)
    assert await survivor.settle_due() == 0
    harness.clock.advance(LEASE)
    assert await survivor.settle_due() == MANY
    between.open.set()  # what was sent before the end may arrive after it
    await until(lambda: between.ended)
    await harness.relayed()
    assert [await settled(harness, dialog) for dialog in dialogs] == [["expired"]] * MANY
    assert sum(isinstance(event, RatingExpired) for event in harness.notes.ratings) == MANY


async def test_one_that_cannot_be_settled_waits_and_its_batch_does_not(harness: Harness) -> None:
    dialogs = await offered(harness, 8)
    await harness.database["forms"].update_one({"_id": "d02.1"}, {"$unset": {"close_seq": ""}})
    await harness.database["commits"].update_one({"stream": "rating:d04"}, {"$set": {"events.1.type": "new"}})
    rule = {"$or": [{"stream": {"$ne": "rating:d06"}}, {"number": 1}]}
    await harness.database.command("collMod", "commits", validator=rule)
    harness.clock.advance(EXPIRY)
    timers, _ = replica(harness)
    with structlog.testing.capture_logs() as logs:
        assert await timers.settle_due() == 8
        assert await timers.settle_due() == 0
    broken = {"d02": "KeyError", "d04": "UnknownStoredEvent", "d06": "PermanentWriteError"}
    own = [line for line in logs if line.get("timers")]
    assert {line["document"][:3]: line["error"] for line in own} == broken
    assert len(own) == 3
    for dialog in dialogs:
        expired = dialog not in broken
        assert await settled(harness, dialog) == (["expired"] if expired else [])
        assert await due_at(harness, dialog) == (None if expired else harness.clock.now() + LEASE)


async def test_forms_of_one_dialog_that_are_due_together_are_both_settled(harness: Harness) -> None:
    for close_seq in (1, 2):
        await harness.inbound.on_dialog_closed(closed("d1", close_seq))
    await harness.inbound.on_dialog_closed(closed("d2"))
    await harness.relayed()
    # As it is while the relay is behind: the second close has withdrawn this form already.
    now = harness.clock.now()
    await harness.database["forms"].update_one({"_id": "d1.1"}, {"$set": {"due_at": now + EXPIRY}})
    harness.clock.advance(EXPIRY)
    assert await harness.timers.settle_due() == 3
    await harness.relayed()
    expired = [event for event in harness.notes.ratings if isinstance(event, RatingExpired)]
    assert sorted((event.dialog, event.close_seq) for event in expired) == [("d1", 2), ("d2", 1)]
    for form in (("d1", 1), ("d1", 2), ("d2", 1)):
        assert await due_at(harness, *form) is None


async def test_what_is_written_with_a_time_that_was_passed_is_found(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.timers.SWEEP_SECONDS", 0.2)
    [first, late] = await offered(harness, 2)
    passed = harness.clock.now()
    await harness.database["forms"].update_one({"_id": f"{late}.1"}, {"$set": {"due_at": None}})
    harness.clock.advance(EXPIRY)
    assert await harness.timers.settle_due() == 1
    await harness.database["forms"].update_one({"_id": f"{late}.1"}, {"$set": {"due_at": passed}})
    await until(harness.timers.settle_due)
    assert [await settled(harness, dialog) for dialog in (first, late)] == [["expired"]] * 2
