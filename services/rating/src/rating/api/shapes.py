"""What goes in and out of rating's API."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt

from contracts.envelope import Instant
from rating.api.tokens import FormKey, FormTokens
from rating.read_models.cards import Card

TOKEN = "d1.1.3q2-7wQ5jYk0m0p8b1nQyWgGm0S9yq0mBv3c1JfZ0nE"  # noqa: S105 - an example


def _letters(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be text: it holds half of a character") from None
    return text


Text = Annotated[str, AfterValidator(_letters)]
"""Any text that can be written down, kept as it is."""


class Shape(BaseModel):
    """What a request may hold: nothing that isn't known."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Token(Shape):
    """Names a form."""

    token: str = Field(examples=[TOKEN])


class Answer(Token):
    """A client's answer; a comment that is empty is none."""

    score: StrictInt = Field(examples=[5], description="a number on the form's scale")
    comment: Text | None = Field(default=None, examples=["Quick and friendly."])


class ScaleField(BaseModel):
    """The scores to choose from, both ends included. What counts as satisfied isn't the client's concern."""

    name: str = Field(examples=["stars"])
    lowest: int = Field(examples=[1])
    highest: int = Field(examples=[5])


class CommentField(BaseModel):
    """The field for words of the client's own; they are never required."""

    max_length: int = Field(description="in characters", examples=[2000])


class FormView(BaseModel):
    """A form as its client sees it. `expires_at` while it can be answered, `score` once it is."""

    form: str = Field(examples=["d1.1"])
    token: str = Field(examples=[TOKEN])
    dialog: str = Field(examples=["d1"])
    close_seq: int = Field(examples=[1])
    question: str = Field(examples=["How was your conversation with us?"])
    scale: ScaleField
    comment: CommentField
    state: str = Field(examples=["pending"], description="pending, given, declined, expired or cancelled")
    expires_at: Instant | None = None
    editable_until: Instant | None = None
    score: int | None = None


class Mine(BaseModel):
    """What a client can answer now, or still change; newest first."""

    forms: list[FormView]


class Answered(BaseModel):
    """What is now kept of the client's answer."""

    state: str = Field(examples=["given"])
    score: int = Field(examples=[5])
    editable_until: Instant


class Declined(BaseModel):
    """The form is declined; until it expires, the client can think better of it."""

    state: str = Field(examples=["declined"])
    expires_at: Instant


def view(card: Card, tokens: FormTokens) -> FormView:
    """A card with the token to answer it."""
    known = card.model_dump(include=set(FormView.model_fields))
    token = tokens.issue(FormKey(card.dialog, card.close_seq))
    return FormView.model_validate({**known, "token": token, "comment": {"max_length": card.comment_limit}})
