"""Sampling: the same answer for the same close, the share that was asked for, and nothing to be computed."""

from itertools import pairwise

import pytest

from rating.domain.rating.eligibility import EVERYBODY, draw_of

SECRET = b"k" * 32
DRAWS = [draw_of(f"d{number}.1", SECRET) for number in range(20_000)]


def test_the_same_form_draws_the_same() -> None:
    assert DRAWS[:100] == [draw_of(f"d{number}.1", SECRET) for number in range(100)]
    assert draw_of("d1.2", SECRET) != draw_of("d1.1", SECRET) != draw_of("d1.1", b"x" * 32)


@pytest.mark.parametrize("share", [1, 10, 50, 99, 100])
def test_so_many_percent_are_asked(share: int) -> None:
    asked = sum(draw < share for draw in DRAWS)
    four_sigma = 4 * (share / 100 * (1 - share / 100) * len(DRAWS)) ** 0.5
    assert abs(asked - share / 100 * len(DRAWS)) <= four_sigma


def test_a_larger_share_asks_everybody_whom_a_smaller_one_asks() -> None:
    asked = [{number for number, draw in enumerate(DRAWS) if draw < share} for share in range(0, 101, 10)]
    assert all(fewer < more for fewer, more in pairwise(asked))
    assert len(asked[-1]) == len(DRAWS)


def test_the_last_of_all_is_still_asked_where_everybody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmac.digest", lambda *_: b"\xff" * 32)
    assert draw_of("d1.1", SECRET) < EVERYBODY
