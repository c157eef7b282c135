"""Forms are offered and expire when their time has come, by whichever worker, once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chassis.eventlog.handle import handle
from contracts.ratings import RatingExpired, RatingOffered
from rating.domain.rating import RATING, GiveRating, OfferForm
from rating.timers import LEASE, Timers
from tests.rating.house import House, closed, until
from tests.rating.story import CLOSED_AT, DELAY, EXPIRY, LATER, at

pytestmark = pytest.mark.real


async def document(house: House, form: str = "d1.1") -> dict[str, Any]:
    found = await house.database["forms"].find_one({"_id": form})
    assert found is not None
    return found


async def hear_later(house: House, *dialogs: str) -> None:
    """Closes with a form five minutes later."""
    inbound = replace(house.inbound, rules_of=lambda _: LATER)
    for dialog in dialogs:
        await inbound.on_dialog_closed(closed(dialog))
    await house.followed()


async def test_offers_and_then_expires_without_a_second_before_its_time(house: House) -> None:
    await hear_later(house, "d1")
    assert await house.timers.settle_due() == 0

    house.clock.advance(DELAY)
    assert await house.timers.settle_due() == 1
    await house.followed()
    assert (await document(house))["state"] == "pending"

    house.clock.advance(EXPIRY - timedelta(milliseconds=1))
    assert await house.timers.settle_due() == 0
    house.clock.advance(timedelta(milliseconds=1))
    assert await house.timers.settle_due() == 1
    await house.followed()
    assert (await document(house))["state"] == "expired"
    offered, expired = house.notes.ratings[-2:]
    assert isinstance(offered, RatingOffered)
    assert isinstance(expired, RatingExpired)
    assert expired.expired_at == offered.expires_at == at(5) + EXPIRY


async def test_nothing_is_due_of_a_form_that_is_settled(house: House) -> None:
    await house.inbound.on_dialog_closed(closed())
    await handle(house.streams, RATING, "dialog:d1", GiveRating(1, 5, CLOSED_AT))
    await house.followed()
    house.clock.advance(2 * EXPIRY)
    assert await house.timers.settle_due() == 0


async def test_a_stale_document_makes_a_timer_look_and_find_nothing_to_do(house: House) -> None:
    await house.inbound.on_dialog_closed(closed())
    await house.followed()
    stale = await document(house)
    await handle(house.streams, RATING, "dialog:d1", GiveRating(1, 5, CLOSED_AT))
    await house.followed()
    await house.database["forms"].replace_one({"_id": "d1.1"}, stale)
    house.clock.advance(EXPIRY)
    assert await house.timers.settle_due() == 1
    await house.followed()
    assert [event.type for event in house.notes.ratings] == [
        "candor.rating.offered.v1",
        "candor.rating.given.v1",
    ]
    assert (await document(house))["due_at"] is None


async def test_workers_that_overlap_do_each_form_once(house: House) -> None:
    await hear_later(house, *(f"d{number}" for number in range(30)))
    house.clock.advance(DELAY)
    workers = [Timers(house.forms, house.streams, house.clock) for _ in range(3)]
    done = await asyncio.gather(*(worker.settle_due() for worker in workers))
    await house.followed()
    assert sum(done) == 30
    assert sum(isinstance(event, RatingOffered) for event in house.notes.ratings) == 30


async def test_a_form_whose_worker_died_comes_back_after_the_lease(house: House) -> None:
    await hear_later(house, "d1")
    house.clock.advance(DELAY)
    assert len(await house.forms.claim(house.clock.now(), LEASE, 10)) == 1
    assert await house.timers.settle_due() == 0
    house.clock.advance(LEASE)
    assert await house.timers.settle_due() == 1


async def test_a_form_that_cannot_be_settled_is_left_for_a_while_and_holds_up_no_other(house: House) -> None:
    await hear_later(house, "d1", "d2")
    # A newer release wrote this event.
    await house.database["commits"].update_one(
        {"_id": "dialog:d1:0000000001"}, {"$set": {"events.1.type": "new"}}
    )
    house.clock.advance(DELAY)
    fresh = House(house.database, house.clock)
    assert await fresh.timers.settle_due() == 2
    assert await fresh.timers.settle_due() == 0
    house.streams.wake()
    await house.followed()
    assert (await document(house, "d2.1"))["state"] == "pending"
    assert (await document(house, "d1.1"))["state"] == "scheduled"
    assert (await document(house, "d1.1"))["due_at"] == house.clock.now() + LEASE


async def test_a_worker_that_is_slow_to_clear_forgets_no_later_time(house: House) -> None:
    await hear_later(house, "d1")
    house.clock.advance(DELAY)
    claimed = await house.forms.claim(house.clock.now(), LEASE, 10)
    await handle(house.streams, RATING, "dialog:d1", OfferForm(1, house.clock.now()))
    await house.followed()
    await house.forms.settle(claimed)
    assert (await document(house))["due_at"] == at(5) + EXPIRY


async def test_the_running_part_notices_by_itself(house: House) -> None:
    await hear_later(house, "d1")
    working = asyncio.create_task(house.timers.run())
    house.clock.advance(DELAY)

    async def offered() -> bool:
        return bool((await document(house))["state"] == "pending")

    await until(offered)
    working.cancel()
    await asyncio.wait([working])
