"""Cursors: ours, of this list and unchanged, or refused."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from chassis.cursors import _sum, decode, encode
from chassis.errors import InvalidCursor

VALUES = st.lists(st.integers() | st.text(st.characters(codec="utf-8")), max_size=4)


@for_all(VALUES)
def test_what_was_written_is_read(values: list[str | int]) -> None:
    text = encode("list", values)
    assert decode("list", text) == values
    assert text.isascii()
    assert set(text) & set("+/=?&%# ") == set()


@for_all(st.data())
def test_what_was_changed_is_refused(data: st.DataObject) -> None:
    text = encode("list", [1_774_749_599_999, "d-7f3a.2"])
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda each: each != text[place]))
    for wrong in (text[:place] + letter + text[place + 1 :], text[:place], text[:place] + text[place + 1 :]):
        with pytest.raises(InvalidCursor):
            decode("list", wrong)


def test_another_lists_cursor_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        decode("chat.dialogs", encode("analytics.reviews", [1, "d1"]))


@pytest.mark.parametrize("text", ["", "=", "é", "AAAA", "[1]", "\x00", "\ud800", "W" * 9_999])
def test_no_text_breaks_it(text: str) -> None:
    with pytest.raises(InvalidCursor):
        decode("list", text)


@pytest.mark.parametrize(
    "body",
    [b"{}", b"null", b"[null]", b"[true]", b"[1.5]", b"[[1]]", b"[1, 2]", b"[" * 5_000, b'["\\ud800"]'],
)
def test_what_encode_never_writes_is_refused_even_with_the_right_sum(body: bytes) -> None:
    with pytest.raises(InvalidCursor):
        decode("list", base64.urlsafe_b64encode(_sum("list", body) + body).rstrip(b"=").decode())


@for_all(st.text(max_size=60))
def test_whatever_is_read_was_written(text: str) -> None:
    with suppress(InvalidCursor):
        assert encode("list", decode("list", text)) == text
