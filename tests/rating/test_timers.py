"""Forms are offered and expire when their time has come, by whichever worker, once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY
from pymongo.errors import ServerSelectionTimeoutError

from chassis.errors import RetriesExhausted
from chassis.eventstore.handle import handle
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.eventstore.store import Commit
from chassis.outbox.commit_handler import CommitPlan
from chassis.timers import LEASE, Document
from contracts.ratings import RatingExpired, RatingOffered
from rating.domain.rating.decider import RATING, GiveRating, OfferForm
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.state import Rating
from rating.messaging.commit_handlers import rating_handler
from rating.processes.timers import form_timers
from tests.rating.builders import CLOSED_AT, DELAY, EXPIRY, LATER, RULES, at
from tests.rating.harness import Harness, closed, open_harness
from tests.waiting import until

pytestmark = pytest.mark.real


ODD = timedelta(microseconds=500)
CANARY = "kanarienvogel"


def alarms() -> float:
    labels = {"service": "rating", "kind": "timer_failed"}
    return REGISTRY.get_sample_value("candor_alarms_total", labels) or 0


async def document(house: Harness, form: str = "d1.1") -> dict[str, Any]:
    found = await house.database["forms"].find_one({"_id": form})
    assert found is not None
    return found


async def hear_later(house: Harness, *dialogs: str) -> None:
    """Closes with a form five minutes later."""
    inbound = replace(house.inbound, rules_of=lambda _: LATER)
    for dialog in dialogs:
        await inbound.on_dialog_closed(closed(dialog))
    await house.relayed()


async def test_offers_and_then_expires_without_a_second_before_its_time(house: Harness) -> None:
    await hear_later(house, "d1")
    assert await house.timers.settle_due() == 0

    house.clock.advance(DELAY)
    assert await house.timers.settle_due() == 1
    await house.relayed()
    assert (await document(house))["state"] == "pending"

    house.clock.advance(EXPIRY - timedelta(milliseconds=1))
    assert await house.timers.settle_due() == 0
    house.clock.advance(timedelta(milliseconds=1))
    assert await house.timers.settle_due() == 1
    await house.relayed()
    assert (await document(house))["state"] == "expired"
    offered, expired = house.notes.ratings[-2:]
    assert isinstance(offered, RatingOffered)
    assert isinstance(expired, RatingExpired)
    assert expired.expired_at == offered.expires_at == at(5) + EXPIRY


async def test_nothing_is_due_of_a_form_that_is_settled(house: Harness) -> None:
    await house.inbound.on_dialog_closed(closed())
    await handle(house.streams, RATING, "dialog:d1", GiveRating(1, 5, CLOSED_AT))
    await house.relayed()
    house.clock.advance(2 * EXPIRY)
    assert await house.timers.settle_due() == 0


async def test_a_stale_document_makes_a_timer_look_and_find_nothing_to_do(house: Harness) -> None:
    await house.inbound.on_dialog_closed(closed())
    await house.relayed()
    stale = await document(house)
    await handle(house.streams, RATING, "dialog:d1", GiveRating(1, 5, CLOSED_AT))
    await house.relayed()
    await house.database["forms"].replace_one({"_id": "d1.1"}, stale)
    house.clock.advance(EXPIRY)
    assert await house.timers.settle_due() == 1
    await house.relayed()
    assert [event.type for event in house.notes.ratings] == [
        "candor.rating.offered.v1",
        "candor.rating.given.v1",
    ]
    assert (await document(house))["due_at"] is None


async def test_a_relay_that_lags_makes_nothing_due_again(mongo: str, database: str) -> None:
    async with open_harness(mongo, database, relaying=False) as house:
        await house.inbound.on_dialog_closed(closed())
        await handle(house.streams, RATING, "dialog:d1", GiveRating(1, 5, CLOSED_AT))
        own, plans = (
            rating_handler(house.forms, house.keys),
            list[CommitPlan[Rating, RatingEvent]](),
        )
        for commit in await house.log.read("dialog:d1", limit=100):
            plans.append(own.plan("rating", plans[-1].after if plans else own.start, commit))
        for plan in (*plans, *reversed(plans)):
            await house.forms.project(plan.recorded)
        found = await document(house)
        assert (found["state"], found["score"], found["due_at"]) == ("given", 5, None)


async def test_workers_that_overlap_do_each_form_once(house: Harness) -> None:
    await hear_later(house, *(f"d{number}" for number in range(30)))
    house.clock.advance(DELAY)
    workers = [form_timers(house.forms, house.streams, house.clock) for _ in range(3)]
    done = await asyncio.gather(*(worker.settle_due() for worker in workers))
    await house.relayed()
    assert sum(done) == 30
    assert sum(isinstance(event, RatingOffered) for event in house.notes.ratings) == 30


async def test_a_form_whose_worker_died_comes_back_after_the_lease(house: Harness) -> None:
    await hear_later(house, "d1")
    house.clock.advance(DELAY)
    assert len(await house.forms.due.claim(house.clock.now(), LEASE, 10)) == 1
    assert await house.timers.settle_due() == 0
    house.clock.advance(LEASE)
    assert await house.timers.settle_due() == 1


async def test_a_form_that_cannot_be_settled_is_left_for_a_while_and_holds_up_no_other(
    house: Harness, mongo: str, database: str
) -> None:
    await hear_later(house, "d1", "d2")
    # A newer release wrote this event.
    await house.database["commits"].update_one(
        {"_id": "dialog:d1:0000000001"}, {"$set": {"events.1.type": "new"}}
    )
    house.clock.advance(DELAY)
    async with open_harness(mongo, database, relaying=False, clock=house.clock) as fresh:
        assert await fresh.timers.settle_due() == 2
        assert await fresh.timers.settle_due() == 0
    house.streams.wake()
    await house.relayed()
    assert (await document(house, "d2.1"))["state"] == "pending"
    assert (await document(house, "d1.1"))["state"] == "scheduled"
    assert (await document(house, "d1.1"))["due_at"] == house.clock.now() + LEASE


async def test_a_worker_that_is_slow_to_clear_forgets_no_later_time(house: Harness) -> None:
    await hear_later(house, "d1")
    house.clock.advance(DELAY)
    claimed = await house.forms.due.claim(house.clock.now(), LEASE, 10)
    await handle(house.streams, RATING, "dialog:d1", OfferForm(1, house.clock.now()))
    await house.relayed()
    await house.forms.due.settle([(form, None) for form in claimed])
    assert (await document(house))["due_at"] == at(5) + EXPIRY


async def test_a_form_is_never_forgotten_before_its_time_is_over(house: Harness) -> None:
    # Rules of long ago may have times that the database can't keep: it cuts them to milliseconds.
    odd = RULES.model_copy(update={"delay": DELAY + ODD, "expiry": EXPIRY + ODD})
    await replace(house.inbound, rules_of=lambda _: odd).on_dialog_closed(closed())
    await house.relayed()
    for wait, state in ((DELAY, "pending"), (EXPIRY, "expired")):
        house.clock.advance(wait)
        while (await document(house))["due_at"] > house.clock.now():
            house.clock.advance(timedelta(milliseconds=1))
        assert await house.timers.settle_due() == 1
        assert (await document(house))["due_at"] is not None
        house.clock.advance(timedelta(milliseconds=1))
        assert await house.timers.settle_due() == 1
        await house.relayed()
        assert (await document(house))["state"] == state


class Away(MongoEventStore):
    """A log whose database doesn't answer, or which breaks with a client's words."""

    error: Exception

    async def read(self, stream: str, after: int = 0, *, limit: int) -> Sequence[Commit]:
        if self.error:
            raise self.error
        return await super().read(stream, after, limit=limit)


@pytest.mark.parametrize(
    ("error", "raised"),
    [(ServerSelectionTimeoutError("away"), 0), (RetriesExhausted("busy"), 0), (KeyError(CANARY), 1)],
)
async def test_a_database_that_is_away_is_no_alarm_and_no_log_quotes_an_error(
    house: Harness, error: Exception, raised: int
) -> None:
    await hear_later(house, "d1")
    house.clock.advance(DELAY)
    log = Away(house.database)
    log.error = error
    timers = form_timers(house.forms, Repository(log, house.clock, service="rating"), house.clock)
    before = alarms()
    with structlog.testing.capture_logs() as logs:
        assert await timers.settle_due() == 1
    assert alarms() - before == raised
    assert [line["error"] for line in logs] == [type(error).__name__]
    assert CANARY not in str(logs)
    assert (await document(house))["due_at"] == house.clock.now() + LEASE


async def test_the_part_waits_while_the_database_is_away(
    house: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hear_later(house, "d1")
    house.clock.advance(DELAY)
    claim, tries = house.forms.due.claim, list[int]()

    async def away_at_first(*asked: Any) -> list[Document]:
        tries.append(len(tries))
        if len(tries) < 3:
            raise ServerSelectionTimeoutError("away")
        return await claim(*asked)

    monkeypatch.setattr(house.forms.due, "claim", away_at_first)
    monkeypatch.setattr("chassis.timers.AWAY", timedelta(milliseconds=1))
    working = asyncio.create_task(house.timers.run())

    async def offered() -> bool:
        return working.done() or bool((await document(house))["state"] == "pending")

    await until(offered)
    assert not working.done()
    working.cancel()
    await asyncio.wait([working])


async def test_the_running_part_notices_by_itself(house: Harness) -> None:
    await hear_later(house, "d1")
    working = asyncio.create_task(house.timers.run())
    house.clock.advance(DELAY)

    async def offered() -> bool:
        return bool((await document(house))["state"] == "pending")

    await until(offered)
    working.cancel()
    await asyncio.wait([working])
