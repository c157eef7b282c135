"""Intervals, against published values, and how often they are wrong."""

from math import sqrt
from random import Random

import pytest

from analytics.domain.intervals import (
    Z_95,
    Z_998,
    Sample,
    newcombe,
    of_mean,
    student,
    welch,
)

ROUNDS = 2_000


@pytest.mark.parametrize(
    ("hits", "n", "hits_before", "n_before", "low", "high"),
    [
        # Published: Newcombe 1998 (see `newcombe`), table II, method 10, examples (a) to (h).
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0000),
        (10, 10, 0, 10, 0.6075, 1.0000),
    ],
)
def test_the_interval_of_a_difference_is_the_published_one(
    hits: int, n: int, hits_before: int, n_before: int, low: float, high: float
) -> None:
    assert [round(bound, 4) for bound in newcombe(hits, n, hits_before, n_before)] == [low, high]
    other_way = [round(-bound, 4) for bound in newcombe(hits_before, n_before, hits, n)]
    assert other_way == [high, low]


@pytest.mark.parametrize(
    ("freedom", "at_95", "at_998"),
    # Any table of Student's distribution.
    [(10, 2.228, 4.144), (20, 2.086, 3.552), (30, 2.042, 3.385), (120, 1.980, 3.160)],
)
def test_students_quantiles_are_those_of_the_tables(freedom: int, at_95: float, at_998: float) -> None:
    found = (student(Z_95, freedom), student(Z_998, freedom))
    assert found == pytest.approx((at_95, at_998), abs=0.0015)
    assert student(Z_95, float("inf")) == Z_95


def test_a_mean_reaches_1_96_standard_errors() -> None:
    interval = of_mean(Sample(412, 4.40, 1.0))
    assert interval == pytest.approx((4.40 - 1.96 / sqrt(412), 4.40 + 1.96 / sqrt(412)), abs=1e-5)
    assert of_mean(Sample(1, 5.0, 0.0)) is None


def test_two_means_by_hand() -> None:
    # Errors 4/16 and 9/36: √0.5; degrees of freedom 0.25 / (0.0625/15 + 0.0625/35) = 42.
    found = welch(Sample(16, 10.0, 4.0), Sample(36, 9.0, 9.0))
    assert found == pytest.approx((1 - 2.0181 * sqrt(0.5), 1 + 2.0181 * sqrt(0.5)), abs=1e-3)
    assert welch(Sample(1, 10.0, 0.0), Sample(36, 9.0, 9.0)) is None
    assert welch(Sample(20, 5.0, 0.0), Sample(20, 4.0, 0.0)) == (1.0, 1.0)


def drawn(random: Random, n: int, share: float) -> int:
    return sum(random.random() < share for _ in range(n))


def stars(random: Random, n: int) -> Sample:
    """Scores as they come: most at the top, some at the bottom."""
    scores = random.choices(range(1, 6), (4, 3, 5, 21, 67), k=n)
    mean = sum(scores) / n
    return Sample(n, mean, sum((score - mean) ** 2 for score in scores) / (n - 1))


@pytest.mark.parametrize(("n", "n_before"), [(40, 60), (120, 120)])
def test_where_nothing_has_changed_one_of_twenty_intervals_says_so(n: int, n_before: int) -> None:
    random = Random(n)
    shares = means = 0
    for _ in range(ROUNDS):
        low, high = newcombe(drawn(random, n, 0.87), n, drawn(random, n_before, 0.87), n_before)
        shares += low > 0 or high < 0
        interval = welch(stars(random, n), stars(random, n_before))
        assert interval
        means += interval[0] > 0 or interval[1] < 0
    assert 0.025 < shares / ROUNDS < 0.065
    assert 0.030 < means / ROUNDS < 0.070
