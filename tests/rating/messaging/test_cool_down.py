"""Within the cool-down a client is asked once in a channel, whatever races and whatever comes of it."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chassis.eventstore.decider import Decider
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository, StreamState
from contracts.dialogs import ClosedBy
from rating.domain.cool_down import COOL_DOWN, AskingClose, QuestionReserved, ReserveQuestion
from rating.domain.rating.decider import RATING, GiveRating
from rating.domain.rating.state import CloseToRate, NotOffered
from rating.messaging.inbound import Inbound
from tests.chassis.decider_spec import DeciderSpec
from tests.rating.builders import CLOSED_AT, DELAY, MINUTE, RULES, at, just_before
from tests.rating.harness import Harness, always, closed, reopened

given = DeciderSpec(COOL_DOWN).given
HOUR = timedelta(hours=1)
ONE, TWO = AskingClose("d1", 1), AskingClose("d2", 1)
COOL = RULES.model_copy(update={"cool_down": HOUR})


def reserve(close: AskingClose, minutes: float = 0, *given_back: AskingClose) -> ReserveQuestion:
    return ReserveQuestion(close, at(minutes), HOUR, frozenset(given_back))


def reserved(close: AskingClose, minutes: float = 0) -> QuestionReserved:
    return QuestionReserved(
        dialog=close.dialog, close_seq=close.close_seq, asks_at=at(minutes), cool_down=HOUR
    )


class TestReserving:
    def test_the_first_close_gets_the_question(self) -> None:
        given().when(reserve(ONE)).then(reserved(ONE))

    def test_another_one_does_not_until_the_cool_down_is_over(self) -> None:
        soon = replace(reserve(TWO), asks_at=just_before(60))
        given(reserved(ONE)).when(soon).then_nothing()
        given(reserved(ONE)).when(reserve(TWO, 60)).then(reserved(TWO, 60))

    def test_not_before_a_question_that_is_asked_later_either(self) -> None:
        given(reserved(ONE, 5)).when(reserve(TWO, 0)).then_nothing()

    def test_one_that_was_given_back_is_free(self) -> None:
        given(reserved(ONE)).when(reserve(TWO, 1, ONE)).then(reserved(TWO, 1))

    def test_one_that_was_given_back_frees_no_other(self) -> None:
        given(reserved(ONE), reserved(TWO, 1)).when(reserve(AskingClose("d3", 1), 2, TWO)).then_nothing()

    def test_the_same_again_is_nothing_new_and_keeps_it(self) -> None:
        given(reserved(ONE)).when(reserve(ONE, 7)).then_nothing()
        assert COOL_DOWN.fold(COOL_DOWN.initial, [reserved(ONE)]).holds(ONE)
        assert not COOL_DOWN.fold(COOL_DOWN.initial, [reserved(ONE)]).holds(TWO)

    def test_what_is_long_over_is_not_remembered(self) -> None:
        assert len(COOL_DOWN.fold(COOL_DOWN.initial, [reserved(ONE), reserved(TWO, 120)]).reserved) == 1

    def test_what_is_over_for_a_question_that_is_given_back_is_not_over_for_an_earlier_one(self) -> None:
        given(reserved(ONE), reserved(TWO, 60)).when(reserve(AskingClose("d3", 1), 58, TWO)).then_nothing()


def inbound(harness: Harness, delay: timedelta = timedelta(0)) -> Inbound:
    """One of a replica of its own."""
    repository = Repository(harness.store, harness.clock, wake=harness.relay.wake, service="rating")
    rules = COOL.model_copy(update={"delay": delay})
    return replace(harness.inbound, repository=repository, form_version_of=always(rules))


async def close_of(harness: Harness, dialog: str, close_seq: int = 1) -> CloseToRate:
    return (await harness.repository.load(RATING, RATING.stream(dialog))).state.close(close_seq)


async def result(harness: Harness, dialog: str, close_seq: int = 1) -> str:
    close = await close_of(harness, dialog, close_seq)
    return close.reason if isinstance(close, NotOffered) else type(close).__name__


async def reservations(harness: Harness) -> int:
    return await harness.database["commits"].count_documents({"stream": {"$regex": "^asked:"}})


pytestmark = pytest.mark.real


async def test_one_of_ten_closes_at_once_asks(harness: Harness) -> None:
    dialogs = [f"d{number}" for number in range(10)]
    await asyncio.gather(*(inbound(harness).on_dialog_closed(closed(dialog)) for dialog in dialogs))
    outcomes = Counter([await result(harness, dialog) for dialog in dialogs])
    assert outcomes == {"Offered": 1, "cool_down": 9}
    await harness.relayed()
    assert Counter(event.type for event in harness.notes.ratings) == {
        "candor.rating.offered.v1": 1,
        "candor.rating.not-offered.v1": 9,
    }


async def test_one_load_of_the_dialog_decides(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    asking, loaded = inbound(harness), list[str]()
    load = asking.repository.load

    async def noted(decider: Decider[Any, Any, Any], stream: str) -> StreamState[Any]:
        loaded.append(stream)
        return await load(decider, stream)

    monkeypatch.setattr(asking.repository, "load", noted)
    await asking.on_dialog_closed(closed("d1"))
    assert loaded.count(RATING.stream("d1")) == 1
    assert await result(harness, "d1") == "Offered"


async def test_other_clients_and_other_channels_are_asked(harness: Harness) -> None:
    register = inbound(harness).on_dialog_closed
    await register(closed("d1"))
    await register(closed("d2", client="c2"))
    await register(closed("d3", channel="school"))
    assert [await result(harness, dialog) for dialog in ("d1", "d2", "d3")] == ["Offered"] * 3


async def test_it_counts_from_the_offer(harness: Harness) -> None:
    await inbound(harness, DELAY).on_dialog_closed(closed("d1"))
    harness.clock.advance(HOUR)
    await inbound(harness).on_dialog_closed(closed("d2", closed_at=at(60)))
    harness.clock.advance(DELAY)
    await inbound(harness).on_dialog_closed(closed("d3", closed_at=at(65)))
    assert [await result(harness, dialog) for dialog in ("d2", "d3")] == ["cool_down", "Offered"]


async def test_a_close_that_was_consumed_before_keeps_its_question(harness: Harness) -> None:
    register = inbound(harness).on_dialog_closed
    await register(closed("d1"))
    await register(closed("d1"))
    assert await result(harness, "d1") == "Offered"
    # It had reserved, and rating was killed before it decided.
    stream = COOL_DOWN.stream("shop:c9")
    await handle(harness.repository, COOL_DOWN, stream, reserve(AskingClose("d9", 1)))
    await register(closed("d8", client="c9"))
    await register(closed("d9", client="c9"))
    assert [await result(harness, dialog) for dialog in ("d8", "d9")] == ["cool_down", "Offered"]


async def test_a_replica_that_is_behind_reserves_nothing_for_a_close_that_was_asked_long_ago(
    harness: Harness,
) -> None:
    here, there = inbound(harness), inbound(harness)
    await here.on_dialog_closed(closed("d1", spam=True))  # from then on remembered here
    await there.on_dialog_closed(again := closed("d1", 2))
    for minutes in (60, 120):
        harness.clock.advance(HOUR)
        await there.on_dialog_closed(closed(f"d{minutes}", closed_at=at(minutes)))
    harness.clock.advance(HOUR)
    before = await reservations(harness)
    await here.on_dialog_closed(again)
    assert (await result(harness, "d1", 2), await reservations(harness)) == ("Offered", before)


@pytest.mark.parametrize("more", [{"spam": True}, {"operator_messages": 0}, {"closed_by": ClosedBy.IDLE}])
async def test_a_close_that_is_not_asked_reserves_nothing(harness: Harness, more: dict[str, Any]) -> None:
    await inbound(harness).on_dialog_closed(closed("d1", **more))
    assert await reservations(harness) == 0
    await inbound(harness).on_dialog_closed(closed("d2"))
    assert await result(harness, "d2") == "Offered"


async def test_without_a_cool_down_nothing_is_reserved(harness: Harness) -> None:
    for dialog in ("d1", "d2"):
        await harness.inbound.on_dialog_closed(closed(dialog))
    assert await result(harness, "d2") == "Offered"
    assert await reservations(harness) == 0


async def test_a_form_that_was_withdrawn_before_it_was_offered_gives_the_question_back(
    harness: Harness,
) -> None:
    await inbound(harness, DELAY).on_dialog_closed(closed("d1"))
    await inbound(harness).on_dialog_reopened(reopened("d1"))
    await inbound(harness).on_dialog_closed(closed("d2"))
    assert await result(harness, "d2") == "Offered"


async def test_a_close_that_reserved_the_question_and_got_no_form_gives_it_back(
    harness: Harness,
) -> None:
    await handle(harness.repository, COOL_DOWN, COOL_DOWN.stream("shop:c1"), reserve(ONE))
    await inbound(harness).on_dialog_reopened(reopened("d1"))  # before the close was stored
    await inbound(harness).on_dialog_closed(closed("d1"))
    assert await result(harness, "d1") == "reopened"
    await inbound(harness).on_dialog_closed(closed("d2"))
    assert await result(harness, "d2") == "Offered"


async def test_a_form_that_was_withdrawn_after_it_was_offered_does_not(harness: Harness) -> None:
    await inbound(harness).on_dialog_closed(closed("d1"))
    await inbound(harness).on_dialog_reopened(reopened("d1"))
    await inbound(harness).on_dialog_closed(closed("d2"))
    assert await result(harness, "d2") == "cool_down"


@pytest.mark.parametrize("more", [{}, {"closed_by": ClosedBy.SYSTEM, "resumes": 1}])
async def test_a_dialog_that_is_reopened_takes_its_question_along(
    harness: Harness, more: dict[str, Any]
) -> None:
    register = inbound(harness).on_dialog_closed
    await register(closed("d1"))
    await inbound(harness).on_dialog_reopened(reopened("d1"))
    harness.clock.advance(10 * MINUTE)
    await register(closed("d1", 2, closed_at=at(10), **more))
    assert await result(harness, "d1", 2) == "Offered"
    harness.clock.advance(HOUR - MINUTE)
    await register(closed("d2", closed_at=at(69)))
    assert await result(harness, "d2") == "cool_down"


async def test_a_dialog_that_was_rated_asks_no_more_when_it_is_closed_again(harness: Harness) -> None:
    register = inbound(harness).on_dialog_closed
    await register(closed("d1"))
    await handle(harness.repository, RATING, RATING.stream("d1"), GiveRating(1, 5, CLOSED_AT))
    await inbound(harness).on_dialog_reopened(reopened("d1"))
    await register(closed("d1", 2))
    assert await result(harness, "d1", 2) == "cool_down"
