"""Generated values that are picked by the bytes of one draw.

Nested strategies draw some two hundred times for a history, which takes ten times as long as to play it.
There is one such draw for a test: of two, Hypothesis copies one over the other, and what doesn't fit is 0.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Pick:
    """Picks one option after the other, each by the next of its bytes."""

    def __init__(self, drawn: bytes) -> None:
        self._left = drawn

    def __call__(self, options: Sequence[T]) -> T:
        """One of at most 256 options, nearly evenly; the first by a byte of 0, which all bytes shrink to."""
        assert len(options) <= 256
        return options[self.take(1)[0] * len(options) // 256]

    def part(self, make: "Make[T]", *, size: int) -> T:
        """What `make` builds with at most `size` picks, of bytes that are no others'."""
        return make(Pick(self.take(size)))

    def up_to(self, most: int, make: "Make[T]", *, size: int) -> list[T]:
        """As many parts, all lengths up to `most` equally likely.

        One in 256 is left out: so a list shrinks in its midst, too.
        """
        parts = [(self(range(256)), self.take(size)) for _ in range(self(range(most + 1)))]
        return [make(Pick(part)) for kept, part in parts if kept]

    def take(self, size: int) -> bytes:
        """The next so many bytes."""
        assert len(self._left) >= size, "more picks than bytes"
        taken, self._left = self._left[:size], self._left[size:]
        return taken


Make = Callable[[Pick], T]
"""What builds a value of what it picks."""


def picked(make: Make[T], *, size: int) -> st.SearchStrategy[T]:
    """What `make` builds with at most `size` picks."""
    return st.binary(min_size=size, max_size=size).map(lambda drawn: make(Pick(drawn)))


def up_to(most: int, make: Make[T], *, size: int) -> st.SearchStrategy[list[T]]:
    """Lists of what `make` builds with at most `size` picks each."""
    return picked(lambda pick: pick.up_to(most, make, size=size), size=1 + most * (size + 1))
