"""What stands out, and how often by chance alone."""

from itertools import accumulate
from math import comb
from random import Random

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from analytics.domain.funnel import FunnelPosition, lower_tail, position

SCREENS = 1_500
OUTSIDE = {FunnelPosition.BELOW_998, FunnelPosition.ABOVE_998}


@pytest.mark.parametrize(
    ("hits", "n", "share", "chance"),
    # 638/1024 by counting; the others are in the tables of every textbook.
    [(5, 10, 0.5, 0.6230), (2, 20, 0.1, 0.6769), (0, 20, 0.1, 0.1216), (11, 15, 0.8, 0.3518), (3, 3, 0.4, 1)],
)
def test_tails_are_those_of_the_tables(hits: int, n: int, share: float, chance: float) -> None:
    assert lower_tail(hits, n, share) == pytest.approx(chance, abs=5e-5)


@settings(deadline=None)
@for_all(st.integers(1, 200), st.integers(1, 99))
def test_tails_are_sums_of_binomial_terms(n: int, percent: int) -> None:
    share = percent / 100
    terms = (comb(n, hits) * share**hits * (1 - share) ** (n - hits) for hits in range(n + 1))
    for hits, chance in enumerate(accumulate(terms)):
        assert lower_tail(hits, n, share) == pytest.approx(min(1.0, chance), rel=1e-9, abs=1e-12)


def test_it_is_quick_for_a_million_too() -> None:
    assert lower_tail(868_000, 1_000_000, 0.87) == pytest.approx(1.44e-9, rel=0.05)


@pytest.mark.parametrize(
    ("hits", "n", "expected"),
    [
        # Around 0.8, of 20: at most 9 has 0.0006 as its chance, 10 0.0026, 12 0.0321, all 0.0115.
        (9, 20, FunnelPosition.BELOW_998),
        (10, 20, FunnelPosition.BELOW_95),
        (12, 20, FunnelPosition.INSIDE),
        (16, 20, FunnelPosition.INSIDE),
        (20, 20, FunnelPosition.ABOVE_95),
        (40, 40, FunnelPosition.ABOVE_998),
    ],
)
def test_positions(hits: int, n: int, expected: FunnelPosition) -> None:
    assert position(hits, n, 0.8) == expected


@for_all(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.integers(0, 20))
def test_what_is_mirrored_lies_on_the_other_side(case: tuple[int, int], twentieths: int) -> None:
    hits, n = case
    one, other = position(hits, n, twentieths / 20), position(n - hits, n, 1 - twentieths / 20)
    mirrored = {"below_998": "above_998", "below_95": "above_95", "inside": "inside"}
    assert one == {**mirrored, **{far: near for near, far in mirrored.items()}}[other]


def test_where_all_are_satisfied_or_none_nobody_stands_out() -> None:
    assert position(30, 30, 1.0) == position(0, 30, 0.0) == FunnelPosition.INSIDE


def screen(
    random: Random, share: float, *others: float, n: int = 40, equal: int = 20
) -> list[FunnelPosition]:
    """Twenty equal operators, and others; each with `n` ratings, around what they are together."""
    shares = [*[share] * equal, *others]
    hits = [sum(random.random() < each for _ in range(n)) for each in shares]
    whole = sum(hits) / (n * len(hits))
    return [position(each, n, whole) for each in hits]


def test_of_screens_with_twenty_equal_operators_one_of_a_hundred_has_a_colour() -> None:
    random = Random(7)
    screens = [screen(random, 0.87) for _ in range(SCREENS)]
    coloured = sum(any(each in OUTSIDE for each in one) for one in screens) / SCREENS
    outlined = sum(each is not FunnelPosition.INSIDE for one in screens for each in one) / (20 * SCREENS)
    assert coloured < 0.015
    assert outlined < 0.05


@pytest.mark.parametrize(("n", "least", "most"), [(40, 0.03, 0.12), (100, 0.22, 0.48), (200, 0.60, 0.85)])
def test_ten_points_below_is_found_as_often_as_the_help_says(n: int, least: float, most: float) -> None:
    random = Random(n)
    rounds = 400
    found = [screen(random, 0.87, 0.77, n=n, equal=19)[-1] for _ in range(rounds)]
    assert least < sum(each is FunnelPosition.BELOW_998 for each in found) / rounds < most
