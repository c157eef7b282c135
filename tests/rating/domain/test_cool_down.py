"""A client is asked once within a cool-down, which counts from the offer and ends with its last moment."""

from datetime import datetime, timedelta
from itertools import combinations

from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from rating.domain.cool_down import COOL_DOWN, AskingClose, QuestionReserved, ReserveQuestion
from tests.chassis.decider_spec import DeciderSpec
from tests.rating.builders import at

given = DeciderSpec(COOL_DOWN).given

FIRST, SECOND = AskingClose("d1", 1), AskingClose("d2", 1)
HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)
ASKED = at(0)


def reserved(close: AskingClose, asks_at: datetime) -> QuestionReserved:
    return QuestionReserved(dialog=close.dialog, close_seq=close.close_seq, asks_at=asks_at, cool_down=HOUR)


def test_nothing_else_is_asked_until_the_cool_down_is_over() -> None:
    before = given(reserved(FIRST, ASKED))
    before.when(ReserveQuestion(SECOND, ASKED + HOUR - MOMENT, HOUR)).then_nothing()
    before.when(ReserveQuestion(SECOND, ASKED + HOUR, HOUR)).then(reserved(SECOND, ASKED + HOUR))


def test_a_question_that_came_to_nothing_is_in_nobodys_way() -> None:
    again = ReserveQuestion(SECOND, ASKED + MOMENT, HOUR, given_back=frozenset({FIRST}))
    given(reserved(FIRST, ASKED)).when(again).then(reserved(SECOND, ASKED + MOMENT))


def test_a_close_reserves_once() -> None:
    given(reserved(FIRST, ASKED)).when(ReserveQuestion(FIRST, ASKED + 2 * HOUR, HOUR)).then_nothing()


CLOSES = st.tuples(st.integers(0, 40), st.sampled_from([0, 5, 30]), st.booleans())
"""Minutes since the one before was consumed, minutes until its form comes, and whether that is withdrawn."""


@settings(max_examples=500)
@any_of(st.lists(CLOSES, max_size=12))
def test_whatever_is_withdrawn_nobody_is_asked_twice_within_the_cool_down(
    closes: list[tuple[int, int, bool]],
) -> None:
    questions, now, asked, withdrawn = COOL_DOWN.initial, 0, list[datetime](), set[AskingClose]()
    for number, (passed, delay, withdraws) in enumerate(closes):
        now += passed
        close = AskingClose(f"d{number}", 1)
        command = ReserveQuestion(close, at(now + delay), HOUR, frozenset(withdrawn))
        questions = COOL_DOWN.fold(questions, COOL_DOWN.decide(questions, command))
        if withdraws:
            withdrawn.add(close)
        elif questions.holds(close):
            asked.append(command.asks_at)
    assert all(abs(one - other) >= HOUR for one, other in combinations(asked, 2))
