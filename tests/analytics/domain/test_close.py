"""A close, folded from its events in every order."""

from itertools import permutations
from random import Random
from typing import get_args

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from analytics.domain.close import Close, CloseEvent, fold_all, happened_at
from analytics.read_models.documents import from_document, to_document
from contracts.ratings import CancelledReason, CloseState, NotOfferedReason
from tests.analytics.builders import NOON, WAYS, ExpectedClose, after

CLOSE = ExpectedClose()


def folded(*events: CloseEvent) -> Close:
    return fold_all(Close("d1", 1), events)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_ends_in_its_state_in_every_order(way: str) -> None:
    events = ExpectedClose(way=way, changes=(2, 4)).events()
    ends = [folded(*order) for order in permutations(events)]
    assert ends[0].state == way.split(maxsplit=1)[0].rstrip(",")
    assert all(end == ends[0] for end in ends)


@pytest.mark.parametrize(
    ("settled", "state"),
    [
        (CLOSE.given(), CloseState.GIVEN),
        (CLOSE.declined(), CloseState.DECLINED),
        (CLOSE.expired(), CloseState.EXPIRED),
        (CLOSE.cancelled(), CloseState.CANCELLED),
        (CLOSE.undeliverable(), CloseState.UNDELIVERABLE),
        (CLOSE.not_offered(), CloseState.NOT_OFFERED),
    ],
)
def test_settled_beats_pending_beats_scheduled(settled: CloseEvent, state: CloseState) -> None:
    assert folded(CLOSE.scheduled()).state == CloseState.SCHEDULED
    assert folded(CLOSE.offered(), CLOSE.scheduled()).state == CloseState.PENDING
    assert folded(settled, CLOSE.offered(), CLOSE.scheduled()).state == state


def test_each_state_beats_all_that_stand_above_it_in_the_table() -> None:
    table: list[CloseEvent] = [
        CLOSE.scheduled(), CLOSE.offered(), CLOSE.not_offered(), CLOSE.undeliverable(), CLOSE.expired(),
        CLOSE.cancelled(), CLOSE.declined(), CLOSE.given(),
    ]  # fmt: skip
    for rows in range(1, len(table) + 1):
        assert folded(*table[:rows]).state == folded(table[rows - 1]).state


def test_an_answer_beats_the_refusal_before_it_and_any_withdrawal() -> None:
    assert (
        folded(CLOSE.given(), CLOSE.declined(), CLOSE.cancelled(), CLOSE.expired()).state == CloseState.GIVEN
    )


def test_what_was_withdrawn_in_time_never_expired() -> None:
    close = folded(CLOSE.expired(), CLOSE.cancelled())
    assert (close.state, close.reason) == (CloseState.CANCELLED, "reopened")


def test_nothing_counts_before_the_closing_is_received() -> None:
    waiting = folded(CLOSE.given())
    assert waiting.closed is None
    assert folded(CLOSE.given(), CLOSE.closed()).closed == CLOSE.closed()


def test_the_last_change_counts_and_the_first_answer_dates_it() -> None:
    close = folded(CLOSE.changed(2, 1), CLOSE.given(), CLOSE.changed(1, 3), CLOSE.changed(2, 1))
    assert close.answer is not None
    assert (close.answer.score, close.given_at) == (1, after(1))


def test_a_change_that_dates_itself_does_not_move_the_answer() -> None:
    late = CLOSE.changed(1, 3).model_copy(update={"given_at": after(9)})
    assert folded(late, CLOSE.given()).given_at == after(1)


def test_a_change_that_overtook_its_answer_is_an_answer() -> None:
    close = folded(CLOSE.changed(1, 3))
    assert (close.state, close.given_at) == (CloseState.GIVEN, after(1))


def test_reasons_belong_to_their_states() -> None:
    assert folded(CLOSE.not_offered(NotOfferedReason.TOO_LATE)).reason == "too_late"
    assert folded(CLOSE.cancelled(CancelledReason.ERASED)).reason == "erased"
    assert folded(CLOSE.cancelled(), CLOSE.given()).reason is None


def test_receiving_an_event_again_changes_nothing_at_all() -> None:
    close = folded(*CLOSE.events())
    assert folded(*CLOSE.events(), *CLOSE.events()) == close
    assert fold_all(close, CLOSE.events()) is close


@pytest.mark.parametrize("changes", [(1,), (1, 3, 2)])
def test_a_close_is_kept_and_read_again(changes: tuple[int, ...]) -> None:
    one = ExpectedClose(way="given, reopened", changes=changes, comment="eyJ9..AA.BB.CC")
    close = folded(*one.events())
    assert from_document(to_document(close, 3, text_of)) == close


def text_of(event: CloseEvent) -> str:
    return event.model_dump_json()


def test_all_answers_are_kept_in_their_order() -> None:
    close = folded(CLOSE.changed(3, 4), CLOSE.changed(1, 3), CLOSE.given(), CLOSE.changed(2, 1))
    assert [answer.score for answer in close.answers] == [5, 3, 1, 4]
    assert close.answer is close.answers[-1]
    assert fold_all(close, [CLOSE.changed(1, 3), CLOSE.changed(3, 4)]) is close


def test_every_event_says_when_it_happened() -> None:
    every = {type(event): event for way in WAYS for event in ExpectedClose(way=way, changes=(2,)).events()}
    assert set(every) == set(get_args(CloseEvent))
    assert all(NOON <= happened_at(event) <= after(180) for event in every.values())


@pytest.mark.parametrize(
    ("way", "minutes"), [("undecided", 0), ("scheduled", 0), ("given", 1), ("given late", 1), ("expired", 0)]
)
def test_a_state_has_a_beginning(way: str, minutes: int) -> None:
    assert folded(*ExpectedClose(way=way).events()).state_since == after(minutes)


EVENTS = st.sampled_from(
    [
        *(event for way in WAYS for event in ExpectedClose(way=way, changes=(2, 4)).events()),
        # What no source should publish: two versions of one event.
        ExpectedClose(channel="course-b").closed(),
        ExpectedClose(operator=None).offered(),
        ExpectedClose(score=1).given(),
        ExpectedClose(score=3).changed(1, 5),
        CLOSE.not_offered(NotOfferedReason.DISABLED),
    ]
)


@for_all(st.lists(EVENTS, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_any_order_and_any_repetition_give_the_same_close(events: list[CloseEvent], random: Random) -> None:
    again = [*events, *random.choices(events, k=len(events))] if events else []
    random.shuffle(again)
    assert to_document(folded(*again), 0, text_of) == to_document(folded(*events), 0, text_of)
