"""Two versions of a form, compared where their answers mean the same."""

import pytest

from analytics.domain.form_versions import mean_the_same, two_of, version_changes


def given(score: int, n: int, *, enough: int = 4, scale: str = "stars:1:5") -> dict[str, int]:
    return {f"given:{scale}:{score}:{'satisfied' if score >= enough else 'unsatisfied'}": n}


def test_a_clear_difference_is_told_with_its_interval() -> None:
    now, before = (
        given(5, 180) | given(1, 20) | {"expired": 40},
        given(5, 140) | given(1, 60) | {"expired": 300},
    )
    found, comparable = version_changes(now, before, running=False)
    assert comparable
    assert found.csat is not None
    assert found.csat.clear
    assert found.csat.value == pytest.approx(20)
    assert found.csat.low is not None
    assert 12 < found.csat.low < 20
    assert found.response_rate is not None
    assert found.response_rate.value == pytest.approx(100 * (200 / 240 - 200 / 500))


@pytest.mark.parametrize(
    "before",
    [
        given(3, 50, enough=3) | given(1, 50, enough=3),
        given(5, 50, enough=5) | given(4, 50, enough=5),
        given(1, 50, enough=0, scale="faces:-1:1"),
    ],
    ids=["a lower threshold", "a higher threshold", "another scale"],
)
def test_what_means_something_else_is_not_compared(before: dict[str, int]) -> None:
    now = given(5, 50) | given(4, 50) | given(3, 50)
    found, comparable = version_changes(now, before, running=False)
    assert (comparable, found.csat, found.average_normalised) == (False, None, None)
    assert found.response_rate is not None


def test_before_the_first_answer_nothing_is_said_to_be_another_measure() -> None:
    found, comparable = version_changes({"pending": 2}, given(5, 50), running=True)
    assert (comparable, found.csat) == (True, None)


@pytest.mark.parametrize(
    ("asked", "compared"),
    [
        ((None, None), (7, 4)), ((4, None), (4, 2)), ((2, None), (2, 4)), ((2, 7), (2, 7)),
        ((None, 2), (7, 2)), ((7, 7), None), ((3, None), None), ((None, 3), None),
    ],
)  # fmt: skip
def test_the_newest_is_compared_with_the_one_before_unless_others_are_asked_for(
    asked: tuple[int | None, int | None], compared: tuple[int, int] | None
) -> None:
    assert two_of([2, 4, 7], *asked) == compared
    assert two_of([], *asked) is None
    assert two_of([7], None, None) is None


def test_scores_that_only_one_version_got_don_t_make_it_another_measure() -> None:
    assert mean_the_same(given(5, 1) | given(2, 1), given(4, 1) | given(3, 1))
    assert not mean_the_same(given(3, 1), given(2, 1, enough=2) | given(5, 1))
