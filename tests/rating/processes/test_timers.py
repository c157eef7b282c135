"""Forms are offered and expire when their time has come, by whichever worker, once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import structlog
from motor.motor_asyncio import AsyncIOMotorCollection
from prometheus_client import REGISTRY
from pymongo.errors import ServerSelectionTimeoutError

from chassis.errors import RetriesExhausted
from chassis.eventstore.handle import handle
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.eventstore.store import Commit
from chassis.outbox.commit_handler import CommitPlan
from chassis.timers import LEASE, Document, DueDocuments
from contracts.ratings import RatingExpired, RatingOffered
from rating.domain.rating.decider import RATING, GiveRating, OfferForm
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.state import Rating
from rating.messaging.commit_handlers import rating_handler
from rating.processes.timers import form_timers
from tests.rating.builders import CLOSED_AT, DELAY, EXPIRY, LATER, RULES, at
from tests.rating.harness import Harness, always, closed, open_harness
from tests.waiting import until

pytestmark = pytest.mark.real


ODD = timedelta(microseconds=500)
CANARY = "kanarienvogel"


def alarms() -> float:
    labels = {"service": "rating", "kind": "timer_failed"}
    return REGISTRY.get_sample_value("candor_alarms_total", labels) or 0


async def document(harness: Harness, form: str = "d1.1") -> dict[str, Any]:
    found = await harness.database["forms"].find_one({"_id": form})
    assert found is not None
    return found


async def hear_later(harness: Harness, *dialogs: str) -> None:
    """Closes with a form five minutes later."""
    inbound = replace(harness.inbound, form_version_of=always(LATER))
    for dialog in dialogs:
        await inbound.on_dialog_closed(closed(dialog))
    await harness.relayed()


async def test_offers_and_then_expires_without_a_second_before_its_time(harness: Harness) -> None:
    await hear_later(harness, "d1")
    assert await harness.timers.settle_due() == 0

    harness.clock.advance(DELAY)
    assert await harness.timers.settle_due() == 1
    await harness.relayed()
    assert (await document(harness))["state"] == "pending"

    harness.clock.advance(EXPIRY - timedelta(milliseconds=1))
    assert await harness.timers.settle_due() == 0
    harness.clock.advance(timedelta(milliseconds=1))
    assert await harness.timers.settle_due() == 1
    await harness.relayed()
    assert (await document(harness))["state"] == "expired"
    offered, expired = harness.notes.ratings[-2:]
    assert isinstance(offered, RatingOffered)
    assert isinstance(expired, RatingExpired)
    assert expired.expired_at == offered.expires_at == at(5) + EXPIRY


async def test_nothing_is_due_of_a_form_that_is_settled(harness: Harness) -> None:
    await harness.inbound.on_dialog_closed(closed())
    await handle(harness.repository, RATING, "rating:d1", GiveRating(1, 5, CLOSED_AT))
    await harness.relayed()
    harness.clock.advance(2 * EXPIRY)
    assert await harness.timers.settle_due() == 0


async def test_a_stale_document_makes_a_timer_look_and_find_nothing_to_do(harness: Harness) -> None:
    await harness.inbound.on_dialog_closed(closed())
    await harness.relayed()
    stale = await document(harness)
    await handle(harness.repository, RATING, "rating:d1", GiveRating(1, 5, CLOSED_AT))
    await harness.relayed()
    await harness.database["forms"].replace_one({"_id": "d1.1"}, stale)
    harness.clock.advance(EXPIRY)
    assert await harness.timers.settle_due() == 1
    await harness.relayed()
    assert [event.type for event in harness.notes.ratings] == [
        "candor.rating.offered.v1",
        "candor.rating.given.v1",
    ]
    assert (await document(harness))["due_at"] is None


async def test_a_relay_that_lags_makes_nothing_due_again(mongo: str, database: str) -> None:
    async with open_harness(mongo, database, relaying=False) as harness:
        await harness.inbound.on_dialog_closed(closed())
        await handle(harness.repository, RATING, "rating:d1", GiveRating(1, 5, CLOSED_AT))
        own, plans = (
            rating_handler(
                harness.forms,
                [],
                harness.keys,
                lambda _: None,
                harness.webhook_outbox,
                harness.low_scores,
            ),
            list[CommitPlan[Rating, RatingEvent]](),
        )
        for commit in await harness.store.read("rating:d1", limit=100):
            plans.append(own.plan("rating", plans[-1].after if plans else own.start, commit))
        for plan in (*plans, *reversed(plans)):
            await harness.forms.project(plan.recorded)
        found = await document(harness)
        assert (found["state"], found["score"], found["due_at"]) == ("given", 5, None)


async def test_workers_that_overlap_do_each_form_once(harness: Harness) -> None:
    await hear_later(harness, *(f"d{number}" for number in range(30)))
    harness.clock.advance(DELAY)
    workers = [form_timers(harness.forms, harness.repository) for _ in range(3)]
    done = await asyncio.gather(*(worker.settle_due() for worker in workers))
    await harness.relayed()
    assert sum(done) == 30
    assert sum(isinstance(event, RatingOffered) for event in harness.notes.ratings) == 30


class Overtaken:
    """A collection whose reader is overtaken between finding and claiming."""

    def __init__(
        self, documents: AsyncIOMotorCollection[dict[str, Any]], overtake: Callable[[], Awaitable[object]]
    ) -> None:
        self._documents, self._overtake = documents, overtake

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)

    async def update_many(self, *arguments: Any) -> object:
        await self._overtake()
        return await self._documents.update_many(*arguments)


async def test_what_another_worker_claims_meanwhile_is_left_to_it(harness: Harness) -> None:
    await hear_later(harness, "d1")
    harness.clock.advance(DELAY)
    claimed: list[dict[str, Any]] = []

    async def overtake() -> None:
        claimed.extend(await harness.forms.due.claim(harness.clock.now(), LEASE, 10))

    slow: Any = Overtaken(harness.database["forms"], overtake)
    assert await DueDocuments(slow).claim(harness.clock.now(), LEASE, 10) == []
    assert [form["_id"] for form in claimed] == ["d1.1"]


async def test_a_form_whose_worker_died_comes_back_after_the_lease(harness: Harness) -> None:
    await hear_later(harness, "d1")
    harness.clock.advance(DELAY)
    assert len(await harness.forms.due.claim(harness.clock.now(), LEASE, 10)) == 1
    assert await harness.timers.settle_due() == 0
    harness.clock.advance(LEASE)
    assert await harness.timers.settle_due() == 1


async def test_a_form_that_cannot_be_settled_is_left_for_a_while_and_holds_up_no_other(
    harness: Harness, mongo: str, database: str
) -> None:
    await hear_later(harness, "d1", "d2")
    # A newer release wrote this event.
    await harness.database["commits"].update_one(
        {"_id": "rating:d1:0000000001"}, {"$set": {"events.1.type": "new"}}
    )
    harness.clock.advance(DELAY)
    async with open_harness(mongo, database, relaying=False, clock=harness.clock) as fresh:
        assert await fresh.timers.settle_due() == 2
        assert await fresh.timers.settle_due() == 0
    harness.repository.wake()
    await harness.relayed()
    assert (await document(harness, "d2.1"))["state"] == "pending"
    assert (await document(harness, "d1.1"))["state"] == "scheduled"
    assert (await document(harness, "d1.1"))["due_at"] == harness.clock.now() + LEASE


async def test_a_worker_that_is_slow_to_clear_forgets_no_later_time(harness: Harness) -> None:
    await hear_later(harness, "d1")
    harness.clock.advance(DELAY)
    claimed = await harness.forms.due.claim(harness.clock.now(), LEASE, 10)
    await handle(harness.repository, RATING, "rating:d1", OfferForm(1, harness.clock.now()))
    await harness.relayed()
    await harness.forms.due.settle([(form, None) for form in claimed])
    assert (await document(harness))["due_at"] == at(5) + EXPIRY


async def test_a_form_is_never_forgotten_before_its_time_is_over(harness: Harness) -> None:
    # Rules of long ago may have times that the database can't keep: it cuts them to milliseconds.
    odd = RULES.model_copy(update={"delay": DELAY + ODD, "expiry": EXPIRY + ODD})
    await replace(harness.inbound, form_version_of=always(odd)).on_dialog_closed(closed())
    await harness.relayed()
    for wait, state in ((DELAY, "pending"), (EXPIRY, "expired")):
        harness.clock.advance(wait)
        while (await document(harness))["due_at"] > harness.clock.now():
            harness.clock.advance(timedelta(milliseconds=1))
        assert await harness.timers.settle_due() == 1
        assert (await document(harness))["due_at"] is not None
        harness.clock.advance(timedelta(milliseconds=1))
        assert await harness.timers.settle_due() == 1
        await harness.relayed()
        assert (await document(harness))["state"] == state


class Away(MongoEventStore):
    """A store whose database doesn't answer, or which breaks with a client's words."""

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
    harness: Harness, error: Exception, raised: int
) -> None:
    await hear_later(harness, "d1")
    harness.clock.advance(DELAY)
    store = Away(harness.database)
    store.error = error
    timers = form_timers(harness.forms, Repository(store, harness.clock, service="rating"))
    before = alarms()
    with structlog.testing.capture_logs() as logs:
        assert await timers.settle_due() == 1
    assert alarms() - before == raised
    assert [line["error"] for line in logs] == [type(error).__name__]
    assert CANARY not in str(logs)
    assert (await document(harness))["due_at"] == harness.clock.now() + LEASE


async def test_the_part_waits_while_the_database_is_away(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hear_later(harness, "d1")
    harness.clock.advance(DELAY)
    claim, tries = harness.forms.due.claim, list[int]()

    async def away_at_first(*asked: Any) -> list[Document]:
        tries.append(len(tries))
        if len(tries) < 3:
            raise ServerSelectionTimeoutError("away")
        return await claim(*asked)

    monkeypatch.setattr(harness.forms.due, "claim", away_at_first)
    monkeypatch.setattr("chassis.timers.AWAY", timedelta(milliseconds=1))
    working = asyncio.create_task(harness.timers.run())

    async def offered() -> bool:
        return working.done() or bool((await document(harness))["state"] == "pending")

    await until(offered)
    assert not working.done()
    working.cancel()
    await asyncio.wait([working])


async def test_the_running_part_notices_by_itself(harness: Harness) -> None:
    await hear_later(harness, "d1")
    working = asyncio.create_task(harness.timers.run())
    harness.clock.advance(DELAY)

    async def offered() -> bool:
        return bool((await document(harness))["state"] == "pending")

    await until(offered)
    working.cancel()
    await asyncio.wait([working])
