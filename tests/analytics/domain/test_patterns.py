"""What is odd about how ratings came about, how often by chance alone, and whether attacks are found."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from math import log, log1p
from random import Random

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from analytics.domain.patterns import (
    BURST,
    BURST_MINUTES,
    Part,
    Pattern,
    PatternCounts,
    highest,
    is_odd,
    pattern_numbers,
    total,
    whole_numbers,
)

SCREENS = 100
WEEKS = 20 * 8.0
"""The hours that somebody works in four weeks."""


def counted(times: Iterable[float], first: int, withdrawn: int, offered: int) -> PatternCounts:
    """The patterns of an operator whose ratings came at these minutes."""
    at = sorted(times)
    near = [bisect_right(at, t + BURST_MINUTES) - bisect_left(at, t - BURST_MINUTES) for t in at]
    return {
        Pattern.WITHDRAWN: Part(withdrawn, offered),
        Pattern.FIRST_CONTACTS: Part(first, len(at)),
        Pattern.BURSTS: Part(sum(n >= BURST for n in near), len(at)),
    }


def some(random: Random, n: int, share: float) -> int:
    """How many of n have what each has with this chance, from one that has it to the next."""
    found, at = -1, -1
    while at < n:
        found, at = found + 1, at + 1 + int(log(1 - random.random()) / log1p(-share))
    return found


def honest(
    random: Random, per_hour: float, hours: float = WEEKS, *, cheats: int = 0, every: float = 1.0
) -> PatternCounts:
    """Ratings by chance; and `cheats` given oneself, one after another, as one's own visitors."""
    times: list[float] = []
    while (last := (times[-1] if times else 0.0) + random.expovariate(per_hour / 60)) < 60 * hours:
        times.append(last)
    first, offered = some(random, len(times), 0.6), int(2.5 * len(times))
    own = [30 * hours + every * number for number in range(cheats)]
    return counted([*times, *own], first + cheats, some(random, offered, 0.04), offered + cheats)


def odd(operators: Sequence[PatternCounts]) -> list[tuple[Pattern, ...]]:
    whole = total(operators)
    return [pattern_numbers(each, whole).odd for each in operators]


@pytest.mark.parametrize(("per_hour", "hours"), [(0.25, WEEKS), (1, WEEKS), (5, 20), (12, 5)])
def test_of_screens_with_twenty_honest_operators_one_of_fifty_has_a_mark(
    per_hour: float, hours: float
) -> None:
    random = Random(31)
    screens = [odd([honest(random, per_hour, hours) for _ in range(20)]) for _ in range(SCREENS)]
    assert sum(any(screen) for screen in screens) <= 0.02 * SCREENS


def test_who_has_four_times_as_many_ratings_is_not_odd_for_it() -> None:
    random = Random(31)
    screens = [odd([honest(random, 3 if number % 4 else 12) for number in range(20)]) for _ in range(5)]
    assert not any(any(screen) for screen in screens)


@pytest.mark.parametrize("per_hour", [0.1, 0.25, 0.6])
@pytest.mark.parametrize("every", [0.5, 1.0])
def test_who_rates_himself_25_times_in_a_row_is_found(per_hour: float, every: float) -> None:
    random = Random(31)
    for _ in range(5):
        others = [honest(random, per_hour) for _ in range(19)]
        shown = odd([*others, honest(random, per_hour, cheats=25, every=every)])
        assert Pattern.BURSTS in shown[-1]


def test_who_takes_the_time_is_found_by_the_clients_where_most_come_back() -> None:
    ordinary = counted(range(0, 4_000, 100), first=12, withdrawn=4, offered=100)
    slow = counted(range(0, 4_000, 61), first=12 + 25, withdrawn=4, offered=125)
    assert odd([ordinary] * 19 + [slow])[-1] == (Pattern.FIRST_CONTACTS,)


def test_who_closes_and_reopens_at_once_is_found() -> None:
    random = Random(31)
    for _ in range(20):
        others = [honest(random, 0.25) for _ in range(19)]
        one = dict(honest(random, 0.25))
        hits, n = one[Pattern.WITHDRAWN]
        one[Pattern.WITHDRAWN] = Part(hits + 25, n + 25)
        assert Pattern.WITHDRAWN in odd([*others, one])[-1]


def test_nothing_is_said_of_few() -> None:
    ordinary = counted(range(0, 4_000, 100), first=20, withdrawn=4, offered=100)
    new = counted(range(19), first=19, withdrawn=19, offered=19)
    numbers = pattern_numbers(new, total([*[ordinary] * 19, new]))
    assert numbers.odd == ()
    assert (numbers.bursts.value, numbers.bursts.too_few, numbers.bursts.limit) == (100, True, None)
    assert pattern_numbers(new, total([*[ordinary] * 19, new]), minimum=19).odd == tuple(Pattern)


def test_without_closes_there_is_nothing_to_divide_by() -> None:
    nothing = counted([], 0, 0, 0)
    assert pattern_numbers(nothing, total([nothing]), minimum=0).withdrawn.value is None
    assert whole_numbers(total([])).bursts.value is None


def test_of_thousands_a_few_points_more_are_not_worth_a_question() -> None:
    assert not is_odd(1_390, 10_000, 0.04)
    assert is_odd(1_410, 10_000, 0.04)
    assert is_odd(3_000, 10_000, 0.2)  # ten points, whatever 0.2 + 0.1 is


def test_each_of_three_looks_leaves_out_a_third_of_what_one_would() -> None:
    # 11 of 20 where all have a fifth come by chance once in 1,775 times, 12 once in 9,830.
    assert not is_odd(11, 20, 0.2)
    assert is_odd(12, 20, 0.2)


def test_a_group_that_is_not_whole_is_none() -> None:
    # Four groups and a rest of four: three of them by chance 1 in 270, all four 1 in 10,000.
    assert highest(24, Part(1, 10), BURST) == 19


@for_all(st.integers(1, 300), st.integers(0, 20), st.sampled_from([1, BURST]))
def test_the_limit_is_the_highest_share_that_is_not_odd(n: int, twentieths: int, at_once: int) -> None:
    limit = highest(n, Part(twentieths, 20), at_once)
    found = [hits for hits in range(n + 1) if is_odd(hits, n, twentieths / 20, at_once)]
    assert found == [*range(limit + 1, n + 1)]
