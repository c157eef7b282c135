"""What rating makes of what it consumes, however often and in whatever order."""

import asyncio
from typing import Any

import pytest

from chassis.errors import SubjectErased
from chassis.kafka.connection import KafkaConnection
from contracts.clients import ClientErased
from contracts.dialogs import ClosedBy
from contracts.ratings import RatingNotOffered
from rating.domain.rating.decider import RATING
from rating.domain.rating.form_version import Snapshot
from rating.domain.rating.state import Offered
from rating.messaging.inbound import consumers
from tests.rating.builders import CLOSED_AT, EXPIRY
from tests.rating.harness import Harness, closed, reopened

pytestmark = pytest.mark.real

ERASED = ClientErased(client="c1", erased_at=CLOSED_AT)


async def published(harness: Harness) -> list[str]:
    """The short names of what was published, in order."""
    await harness.relayed()
    return [event.type.removeprefix("candor.rating.").removesuffix(".v1") for event in harness.notes.ratings]


async def state(harness: Harness, form: str = "d1.1") -> Any:
    found = await harness.database["forms"].find_one({"_id": form})
    return found and found["state"]


async def test_a_close_consumed_twice_makes_one_form(harness: Harness) -> None:
    await asyncio.gather(*(harness.inbound.on_dialog_closed(closed()) for _ in range(5)))
    assert await published(harness) == ["offered"]


async def test_the_snapshot_is_taken_as_it_was_published(harness: Harness) -> None:
    await harness.inbound.on_dialog_closed(closed())
    close = (await harness.repository.load(RATING, "rating:d1")).state.close(1)
    assert isinstance(close, Offered)
    assert close.form.snapshot == Snapshot(
        dialog="d1",
        close_seq=1,
        channel="shop",
        client="c1",
        operator="o1",
        team="north",
        locale="en",
        closed_at=CLOSED_AT,
        opened_at=CLOSED_AT,
    )


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"spam": True}, "spam"),
        ({"operator_messages": 0}, "no_reply"),
        ({"closed_by": ClosedBy.IDLE}, "kind_of_close"),
        ({"closed_by": ClosedBy.SYSTEM}, "kind_of_close"),
    ],
)
async def test_some_closes_get_no_form(harness: Harness, more: dict[str, Any], reason: str) -> None:
    await harness.inbound.on_dialog_closed(closed(**more))
    await harness.relayed()
    (event,) = harness.notes.ratings
    assert isinstance(event, RatingNotOffered)
    assert event.reason == reason


async def test_a_client_who_closes_is_asked(harness: Harness) -> None:
    await harness.inbound.on_dialog_closed(closed(closed_by=ClosedBy.CLIENT))
    assert await published(harness) == ["offered"]


async def test_reopening_withdraws_and_the_next_close_asks_again(harness: Harness) -> None:
    await harness.inbound.on_dialog_closed(closed())
    for _ in range(2):
        await harness.inbound.on_dialog_reopened(reopened())
    await harness.inbound.on_dialog_closed(closed(close_seq=2))
    assert await published(harness) == ["offered", "cancelled", "offered"]


async def test_a_reopening_before_the_deadline_takes_the_expiry_back_when_it_is_consumed_late(
    harness: Harness,
) -> None:
    await harness.inbound.on_dialog_closed(closed())
    await harness.relayed()
    harness.clock.advance(EXPIRY)
    await harness.timers.settle_due()
    await harness.inbound.on_dialog_reopened(reopened())
    assert await published(harness) == ["offered", "expired", "cancelled"]
    assert await state(harness) == "cancelled"


async def test_a_reopening_consumed_first_answers_its_close(harness: Harness) -> None:
    await harness.inbound.on_dialog_reopened(reopened())
    await harness.inbound.on_dialog_closed(closed())
    assert await published(harness) == ["not-offered"]


async def test_erasing_withdraws_what_waits_and_nothing_is_asked_later(harness: Harness) -> None:
    await harness.inbound.on_dialog_closed(closed("d1"))
    await harness.inbound.on_dialog_closed(closed("d2", client="c2"))
    await harness.relayed()
    for _ in range(2):
        await harness.inbound.on_client_erased(ERASED)
    await harness.inbound.on_dialog_closed(closed("d3"))
    await harness.erasures_done()
    assert sorted(await published(harness)) == ["cancelled", "not-offered", "offered", "offered"]
    assert [await state(harness, f"{dialog}.1") for dialog in ("d1", "d2", "d3")] == [
        "cancelled",
        "pending",
        "not_offered",
    ]
    with pytest.raises(SubjectErased):
        await harness.keys.seal("a word", subject="c1", scope="d1", purpose="comment")


def test_what_is_replayed_is_consumed_in_the_group_of_dialogs(harness: Harness) -> None:
    dialogs, clients, channels = consumers(
        harness.inbound, KafkaConnection(servers="nowhere:1"), harness.notes, "candor_rating"
    )
    assert set(dialogs._subscription._wanted.topics) == {"candor.dialogs", "candor.rating.replay"}
    assert set(clients._subscription._wanted.topics) == {"candor.clients"}
    assert set(channels._subscription._wanted.topics) == {"candor.channels"}
    types = dialogs._decoder._types | clients._decoder._types | channels._decoder._types
    others = (types[topic] for topic in ("candor.dialogs", "candor.clients", "candor.channels"))
    assert types["candor.rating.replay"] >= set[str]().union(*others)
