"""Estimates and places: by hand, and whether the last place is deserved."""

from random import Random

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from analytics.domain.intervals import wilson
from analytics.domain.ranking import Answers, estimates, ranks, weight


def test_the_weight_by_hand() -> None:
    # p = 0.5 and each n = 10: spread 2·10·0.3²/0.25 = 7.2, 1 of it by chance; between 2·½·9 = 9.
    assert weight([Answers(8, 10), Answers(2, 10)]) == pytest.approx(9 / 6.2 - 1)


def test_where_all_differ_by_chance_alone_it_is_as_large_as_may_be() -> None:
    assert weight([Answers(9, 10), Answers(8, 10), Answers(9, 10)]) == 30
    assert weight([Answers(10, 10), Answers(3, 3)]) == 13
    assert weight([]) == weight([Answers(0, 0)]) == 0
    assert weight([Answers(3, 5)]) == 5


def test_where_each_is_all_or_nothing_the_shares_are_believed() -> None:
    assert weight([Answers(50, 50), Answers(0, 50)]) == 0


def test_few_answers_are_drawn_to_the_whole_and_many_stay() -> None:
    parts = {
        "many": Answers(190, 200), "few": Answers(3, 3), "low": Answers(60, 100), "none": Answers(0, 0),
    }  # fmt: skip
    found, overall = estimates(parts), 253 / 303
    assert set(found) == {"many", "few", "low"}
    assert overall < found["few"] < found["many"] < 0.95
    assert 0.60 < found["low"] < 0.64


@for_all(
    st.lists(st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), max_size=12)
)
def test_an_estimate_lies_between_its_own_share_and_that_of_all(cases: list[tuple[int, int]]) -> None:
    parts = {number: Answers(*case) for number, case in enumerate(cases)}
    total = sum(part.n for part in parts.values())
    for key, value in estimates(parts).items():
        own, overall = parts[key].hits / parts[key].n, sum(part.hits for part in parts.values()) / total
        assert min(own, overall) - 1e-9 <= value <= max(own, overall) + 1e-9


def test_places_go_from_the_highest_and_equal_ones_share() -> None:
    assert ranks({"a": 0.8, "b": 0.9, "c": 0.8, "d": 0.7, "e": 0.1}) == {
        "b": 1,
        "a": 2,
        "c": 2,
        "d": 4,
        "e": 5,
    }


def test_under_five_there_is_no_order() -> None:
    assert ranks({"a": 0.8, "b": 0.9, "c": 0.8, "d": 0.7}) == {}


def test_the_last_place_is_deserved_more_often_than_by_the_lower_bound() -> None:
    """Twenty operators, newcomers among them: is the last one truly of the last quarter?"""
    random, rounds = Random(3), 300
    by_estimate = by_bound = 0
    for _ in range(rounds):
        truth = [random.betavariate(26, 4) for _ in range(20)]
        sizes = [random.choice((20, 25, 60, 150, 300)) for _ in truth]
        parts = {
            each: Answers(sum(random.random() < truth[each] for _ in range(n)), n)
            for each, n in enumerate(sizes)
        }
        last_quarter = sorted(parts, key=lambda each: truth[each])[:5]
        found = estimates(parts)
        by_estimate += min(found, key=lambda each: found[each]) in last_quarter
        by_bound += min(parts, key=lambda each: wilson(*parts[each])[0]) in last_quarter
    assert by_estimate / rounds > 0.75
    assert by_estimate - by_bound > rounds * 0.08
