"""What goes in and out of rating's API."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, Field, StringConstraints

from chassis.crypto_shredding.opened_text import OpenedText
from chassis.http.bodies import KIB, RequestBody
from chassis.validation.numbers import WholeNumber
from chassis.validation.text import Text
from contracts.envelope import Instant
from contracts.ratings import FormState
from rating.domain.rating.state import MOST_CHANGES

TOKEN = "d1.1.3q2-7wQ5jYk0m0p8b1nQyWgGm0S9yq0mBv3c1JfZ0nE"  # noqa: S105 - an example
WORDS = "Quick and friendly."


class FormTokenBody(RequestBody):
    """Names a form."""

    largest: ClassVar[int] = 32 * KIB

    token: Annotated[str, StringConstraints(max_length=1_000)] = Field(examples=[TOKEN])


class AnswerBody(FormTokenBody):
    """A client's answer, or a change of it."""

    score: WholeNumber = Field(examples=[5], description="a number on the form's scale")
    comment: Text | None = Field(
        default=None,
        examples=[WORDS],
        description="The client's own words, at most the form's `comment.max_length`. Absent or null: the "
        "comment given before stays, if there is one. Empty, or with nothing in it that can be seen, "
        "such as white space alone: the comment given before is removed, and none is kept.",
    )


class ScaleField(BaseModel):
    """The scores to choose from, both ends included. What counts as satisfied isn't the client's concern."""

    name: str = Field(examples=["stars"])
    lowest: int = Field(examples=[1])
    highest: int = Field(examples=[5])


class CommentField(BaseModel):
    """The field for words of the client's own; they are never required."""

    max_length: int = Field(description="in characters, counted as Unicode code points", examples=[2000])


class AnswerView(BaseModel):
    """What a client answered, for themselves alone."""

    score: int = Field(examples=[5])
    comment: OpenedText | None = Field(description="Null if there is none.")


class FormView(BaseModel):
    """A form as its client sees it."""

    form: str = Field(examples=["d1.1"])
    token: str = Field(examples=[TOKEN])
    dialog: str = Field(examples=["d1"])
    close_seq: int = Field(examples=[1])
    question: str = Field(examples=["How was your conversation with us?"])
    scale: ScaleField
    comment: CommentField
    state: FormState = Field(description="As it is now.")
    expires_at: Instant | None = Field(
        description="Until just before, the form can be answered. Null if no answer is taken any more."
    )
    editable_until: Instant | None = Field(
        description="Until just before, the answer can be changed. Null before there is one, after "
        f"{MOST_CHANGES} changes, and when the client was erased."
    )
    answer: AnswerView | None = Field(description="Null before the client has answered.")


class FormList(BaseModel):
    """What a client can answer now, or still change; newest first."""

    forms: list[FormView]


class AnsweredView(BaseModel):
    """What is now kept of the client's answer."""

    state: FormState = Field(examples=["given"])
    answer: AnswerView
    editable_until: Instant | None = Field(
        description=f"Until just before, the answer can be changed. Null after {MOST_CHANGES} changes."
    )


class DeclinedView(BaseModel):
    """The form is declined; until it expires, the client can think better of it."""

    state: FormState = Field(examples=["declined"])
    expires_at: Instant
