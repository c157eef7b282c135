"""Cursors: ours or refused."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from analytics.read_models.reviews import Place
from tests.analytics.story import NOON


def cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@for_all(st.integers(0, 10**13))
def test_a_place_is_found_again(milliseconds: int) -> None:
    text = cursor([milliseconds, "d1.2"])
    assert Place.from_cursor(text).to_cursor() == text


@pytest.mark.parametrize(
    "value",
    [
        [1],
        [True, "d1.2"],
        [1.5, "d1.2"],
        ["1", "d1.2"],
        [1, {"$gt": ""}],
        {"a": 1, "b": 2},
        None,
        [10**30, "d"],
    ],
)
def test_what_we_did_not_write_is_no_cursor(value: object) -> None:
    with pytest.raises(ValueError, match="not one of ours"):
        Place.from_cursor(cursor(value))


@for_all(st.text(max_size=60))
def test_no_text_at_all_breaks_it(text: str) -> None:
    with suppress(ValueError):
        assert Place.from_cursor(text).to_cursor() == text


def test_a_cursor_that_was_tampered_with_is_not_ours() -> None:
    text = Place(NOON, "d1.2").to_cursor()
    for wrong in (text[:-1], text + "A", text + "=", text[1:], "!" + text):
        with pytest.raises(ValueError, match="not one of ours"):
            Place.from_cursor(wrong)
