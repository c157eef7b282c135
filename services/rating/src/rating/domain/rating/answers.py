"""What a client answers, and what becomes of the words that they gave before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

from rating.domain.rating.form_version import FormVersion


@dataclass(frozen=True)
class FollowUpAnswer:
    """The answer to a follow-up question: an option, or words. Words are compared by their fingerprints."""

    option: str | None = None
    fingerprint: str | None = None
    text: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Answer:
    """What a client answered. A comment that is sealed twice gives two texts: fingerprints are compared."""

    score: int
    fingerprint: str | None = None
    comment: str | None = field(default=None, compare=False, repr=False)
    tags: tuple[str, ...] = ()
    follow_ups: Mapping[str, FollowUpAnswer] = field(default_factory=dict)


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


@dataclass(frozen=True)
class ChosenOption:
    """An option of a follow-up question, by its id."""

    option: str


Comment = KeepComment | RemoveComment | WrittenComment
FollowUpChange = RemoveComment | WrittenComment | ChosenOption


def answered(
    rules: FormVersion,
    score: int,
    comment: Comment,
    before: Answer | None = None,
    *,
    tags: Sequence[str] | None = None,
    follow_ups: Mapping[str, FollowUpChange] | None = None,
) -> Answer:
    """The whole answer, `before` being the one that it changes.

    Without `tags` those before stay, as far as they are offered with the score; a question that isn't among
    `follow_ups` keeps its answer.
    """
    kept = before or Answer(score)
    if tags is None:
        tags = [tag.id for tag in rules.tags if tag.id in kept.tags and tag.is_offered_with(score)]
    answers = dict(kept.follow_ups)
    for question, change in (follow_ups or {}).items():
        _put(answers, question, change)
    words = _words(comment, kept)
    return Answer(
        score,
        *words,
        tags=tuple(sorted(set(tags))),
        follow_ups=answers,
    )


def _words(comment: Comment, before: Answer) -> tuple[str | None, str | None]:
    match comment:
        case KeepComment():
            return before.fingerprint, before.comment
        case RemoveComment():
            return None, None
        case WrittenComment():
            return comment.fingerprint, comment.sealed
        case _:
            assert_never(comment)


def _put(answers: dict[str, FollowUpAnswer], question: str, change: FollowUpChange) -> None:
    match change:
        case RemoveComment():
            answers.pop(question, None)
        case WrittenComment():
            answers[question] = FollowUpAnswer(fingerprint=change.fingerprint, text=change.sealed)
        case ChosenOption():
            answers[question] = FollowUpAnswer(option=change.option)
        case _:
            assert_never(change)
