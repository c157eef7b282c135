"""What a client answers, and what becomes of the comment that they gave before."""

from dataclasses import dataclass, field
from typing import Final, assert_never


@dataclass(frozen=True)
class Answer:
    """What a client answered. A comment that is sealed twice gives two texts: fingerprints are compared."""

    score: int
    fingerprint: str | None = None
    comment: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class KeepComment:
    """The client sends no comment: the one before stays, if there is one."""


KEEP_COMMENT: Final = KeepComment()


@dataclass(frozen=True)
class RemoveComment:
    """The client wants no comment."""


NOT_SEALED: Final = ""
"""Stands for a comment that isn't sealed yet, and for its fingerprint."""


@dataclass(frozen=True)
class WrittenComment:
    """The client's words: sealed, their fingerprint, and their length in code points.

    Whether they are taken is decided before they are sealed: then they, and their fingerprint unless it is
    known already, are `NOT_SEALED`.
    """

    sealed: str = field(repr=False)
    fingerprint: str
    length: int


Comment = KeepComment | RemoveComment | WrittenComment


def answered(score: int, comment: Comment, before: Answer | None = None) -> Answer:
    """The whole answer, `before` being the one that it changes."""
    match comment:
        case KeepComment():
            return Answer(score, before.fingerprint, before.comment) if before else Answer(score)
        case RemoveComment():
            return Answer(score)
        case WrittenComment():
            return Answer(score, comment.fingerprint, comment.sealed)
        case _:
            assert_never(comment)
