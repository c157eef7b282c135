"""The schemas of all that a client answered, as OpenAPI shows them."""

import json
from collections.abc import Mapping

from pydantic import BaseModel, Field

from analytics.api.client_texts import ReviewText, comment, follow_up_words
from analytics.domain.close import Close, happened_at
from analytics.read_models.decryption import DecryptedText, SealedText
from contracts.envelope import Instant
from contracts.ratings import Answer, RatingAnswer, RatingChanged, RatingGiven, Scale


class FollowUpAnswer(BaseModel):
    """What was answered to a follow-up question: options, or words."""

    options: tuple[str, ...] = Field(
        description="The ids of the options that were chosen; none if words were written.", examples=[["yes"]]
    )
    text: ReviewText | None = Field(description="What the client wrote; null if options were chosen.")


FollowUps = Mapping[str, FollowUpAnswer]


class AnswerGiven(BaseModel):
    """One of the answers of a client."""

    at: Instant = Field(description="When it was given, or changed to this.")
    change: int = Field(description="0 for the first answer, 1 for its first change.", examples=[1])
    score: int = Field(description="On its scale.", examples=[2])
    scale: Scale = Field(description="The scores to choose from.")
    satisfied: bool = Field(description="Whether the score is at or above the threshold of its form.")
    with_comment: bool = Field(description="Whether it has a comment.")
    comment: ReviewText | None = Field(description="What the client wrote then; null for nothing.")
    tags: tuple[str, ...] = Field(description="The tags that the client chose then.", examples=[["slow"]])
    follow_ups: FollowUps = Field(
        description="The answers to follow-up questions, by the questions' ids. Their texts, and those of"
        " tags and options, are in rating's story of the close."
    )
    counts: bool = Field(description="Whether it is the one that counts: the last.")

    @classmethod
    def of(
        cls,
        close: Close,
        answer: RatingGiven | RatingChanged,
        opened: Mapping[SealedText, DecryptedText],
    ) -> "AnswerGiven":
        """One of the answers of a close, with what its client wrote."""
        return cls(
            at=happened_at(answer), change=getattr(answer, "change", 0), score=answer.score,
            scale=answer.scale, satisfied=answer.satisfied, with_comment=answer.comment is not None,
            comment=ReviewText.of(comment(close, answer), opened), tags=answer.tags,
            follow_ups=follow_ups(close, answer, opened), counts=answer is close.answer,
        )  # fmt: skip


def chosen(given: Answer) -> tuple[str, ...]:
    """The options of an answer; a number or a yes or no, as the contract allows them too, is one as JSON."""
    match given:
        case str():
            return ()
        case tuple():
            return given
    return (json.dumps(given),)


def follow_ups(
    close: Close, answer: RatingAnswer | None, opened: Mapping[SealedText, DecryptedText]
) -> FollowUps:
    """The answers to follow-up questions; none without an answer."""
    words = follow_up_words(close, answer)
    return {
        question: FollowUpAnswer(options=chosen(given), text=ReviewText.of(words.get(question), opened))
        for question, given in (answer.answers if answer else {}).items()
    }
