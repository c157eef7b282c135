"""Changes against another period: their intervals, what is said of them, and how often it is said wrongly."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest

from analytics.domain.changes import changes
from analytics.domain.counting import Counts, ScaleKey
from analytics.domain.intervals import newcombe

STARS = ScaleKey("stars", 1, 5)
DAYS = 28
PAGES = 150


def answers(satisfied: int, others: int, **more: int) -> Counts:
    """Fives and ones."""
    given = satisfied + others
    counts: Counts = Counter(closed=given, given=given, satisfied=satisfied)
    for score, n in ((5, satisfied), (1, others)):
        for _ in range(n):
            counts[STARS.name_of(score)] += 1
    return counts + Counter(more)


def test_a_clear_change_of_everything() -> None:
    found = changes(answers(90, 10), answers(60, 40, closed=100), running=False)
    assert found.csat
    assert found.csat.value == pytest.approx(30)
    assert (found.csat.confidence, found.csat.clear) == (95, True)
    low, high = newcombe(90, 100, 60, 100)
    assert (found.csat.low, found.csat.high) == pytest.approx((100 * low, 100 * high))
    [stars] = found.scales
    assert stars.average.value == pytest.approx(1.2)
    assert (stars.name, stars.average.clear) == ("stars", True)
    assert found.average_normalised
    assert found.average_normalised.value == pytest.approx(30)
    assert (found.closed.value, found.closed.percent) == (-100, -50)


def test_the_change_on_the_page() -> None:
    """358 of 412 now, 311 of 368 before: two points, which may be chance."""
    found = changes(answers(358, 54, declined=60, expired=540), answers(311, 57, expired=500), running=False)
    assert found.csat
    assert found.csat.value == pytest.approx(2.38, abs=0.01)
    assert (round(found.csat.low or 0), round(found.csat.high or 0), found.csat.clear) == (-3, 7, False)
    assert found.response_rate
    assert not found.response_rate.clear


def test_of_a_running_period_only_much_is_clear() -> None:
    now, before = answers(52, 48), answers(68, 32)
    over, running = (changes(now, before, running=each).csat for each in (False, True))
    assert over
    assert running
    assert (over.clear, running.clear, running.confidence) == (True, False, 99.8)


def test_few_answers_are_no_clear_change() -> None:
    found = changes(answers(0, 19), answers(100, 0), running=False).csat
    assert found
    assert (found.too_few, found.clear) == (True, False)
    found = changes(answers(0, 19), answers(100, 0), running=False, minimum=19).csat
    assert found
    assert (found.too_few, found.clear) == (False, True)


def test_nothing_to_divide_by_is_no_change() -> None:
    found = changes(answers(5, 5), Counter(), running=False)
    assert (found.csat, found.response_rate, found.average_normalised, found.scales) == (None, None, None, ())
    assert (found.closed.value, found.closed.percent) == (10, None)


def test_pages_that_are_looked_at_daily_seldom_say_clear_where_nothing_changed() -> None:
    """Ninety looks at the last four weeks beside the four before, with fifteen ratings a day."""
    random, clear = Random(1), Counter[bool]()
    for _ in range(PAGES):
        days = [sum(random.random() < 0.87 for _ in range(15)) for _ in range(2 * DAYS + 90)]
        for running in (False, True):
            clear[running] += any(
                said_clear(sum(days[end - DAYS : end]), sum(days[end - 2 * DAYS : end - DAYS]), running)
                for end in range(2 * DAYS, 2 * DAYS + 90)
            )
    assert clear[False] / PAGES > 0.4
    assert clear[True] / PAGES < 0.1


def test_forms_that_are_still_open_make_no_clear_change_of_the_response_rate() -> None:
    """Nothing changes: a third answers at once, the others are known to be silent after a week."""
    random, clear = Random(2), Counter[bool]()
    for _ in range(PAGES):
        answered = [sum(random.random() < 0.34 for _ in range(40)) for _ in range(3 * 7)]
        for end in range(2 * 7, 3 * 7):
            now, before = answered[end - 7 : end], answered[end - 2 * 7 : end - 7]
            found = changes(
                asked(now, pending=True), asked(before, pending=False), running=True
            ).response_rate
            assert found
            assert found.value > 0
            clear[True] += found.clear
        over = changes(asked(now, pending=True), asked(before, pending=False), running=False).response_rate
        assert over
        clear[False] += over.clear
    assert clear[True] / (7 * PAGES) < 0.002
    assert clear[False] / PAGES < 0.05
    settled = changes(
        answers(300, 0, expired=100), answers(100, 0, expired=300, pending=20), running=False
    ).response_rate
    assert settled
    assert settled.clear


def test_whatever_becomes_of_open_forms_of_both_periods_lies_in_the_interval() -> None:
    now = answers(30, 0, expired=30, pending=20, scheduled=5, undecided=5)
    before = answers(40, 0, expired=40, pending=4, scheduled=3, undecided=3)
    found = changes(now, before, running=False).response_rate
    assert found
    low, _ = newcombe(30, 90, 50, 90)
    _, high = newcombe(60, 90, 40, 90)
    assert (found.low, found.high) == pytest.approx((100 * low, 100 * high))


def asked(answered: Sequence[int], *, pending: bool) -> Counts:
    """Days with 40 forms each: those without an answer are open yet, or have expired."""
    silent = 40 * len(answered) - sum(answered)
    return answers(sum(answered), 0, **{"pending" if pending else "expired": silent})


def said_clear(satisfied: int, before: int, running: bool) -> bool:  # noqa: FBT001 - a parameter of the test
    given = 15 * DAYS
    now, then = (Counter(given=given, satisfied=n) for n in (satisfied, before))
    change = changes(now, then, running=running).csat
    return change is not None and change.clear
