"""What a client answers, and what becomes of the comment that they gave before."""

from dataclasses import dataclass, field
from typing import Final, assert_never
from unicodedata import category

UNSEEN: Final = ("Cc", "Cf")
"""Categories of letters that show nothing: controls, and formats such as the zero-width space."""

FILLERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\ufe0e\ufe0f\uffa0")
"""Letters that show nothing, although their category says otherwise."""


@dataclass(frozen=True)
class Answer:
    """What a client said. Words that are sealed twice give two texts: their fingerprints are compared."""

    score: int
    fingerprint: str | None = None
    comment: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class KeepComment:
    """The client says nothing of a comment: the one before stays, if there is one."""


KEEP_COMMENT: Final = KeepComment()


@dataclass(frozen=True)
class RemoveComment:
    """The client wants no comment."""


NOT_SEALED: Final = ""
"""Stands for a comment that isn't sealed yet, and for its fingerprint."""


@dataclass(frozen=True)
class WrittenComment:
    """The client's words: sealed, what tells whether two are the same, and their length in code points.

    Whether they are taken is decided before they are sealed: then they, and their fingerprint unless it is
    known already, are `NOT_SEALED`.
    """

    sealed: str = field(repr=False)
    fingerprint: str
    length: int


Comment = KeepComment | RemoveComment | WrittenComment


def is_blank(text: str) -> bool:
    """Whether nobody would see anything in the text: there are no letters, or only white and unseen ones."""
    return all(letter.isspace() or letter in FILLERS or category(letter) in UNSEEN for letter in text)


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
