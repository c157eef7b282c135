"""What goes in and out of rating's API."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, Field, StringConstraints

from chassis.crypto_shredding.opened_text import OpenedText
from chassis.http.bodies import KIB, RequestBody
from chassis.validation.numbers import WholeNumber
from chassis.validation.text import LocaleHint, Text
from contracts.envelope import Id, Instant
from contracts.ratings import CancelledReason, FormState
from rating.domain.form_colours import Moved
from rating.domain.rating.form_version import CommentMode
from rating.domain.rating.state import MOST_CHANGES

MOST_TAGS = 12
MOST_FOLLOW_UPS = 3
TOKEN = "d1.1.3q2-7wQ5jYk0m0p8b1nQyWgGm0S9yq0mBv3c1JfZ0nE"  # noqa: S105 - an example
WORDS = "Quick and friendly."
HINT = (
    "A language tag (BCP 47), as in fr-CA: for texts that aren't written in the language that the client had "
    "in the dialog; what is none is dropped."
)


class FormTokenBody(RequestBody):
    """Names a form."""

    largest: ClassVar[int] = 32 * KIB

    token: Annotated[str, StringConstraints(max_length=1_000)] = Field(examples=[TOKEN])


class FormReadBody(FormTokenBody):
    """Names a form, and what its client's browser speaks."""

    locale: LocaleHint | None = Field(default=None, description=HINT)


class AnswerBody(FormReadBody):
    """A client's answer, or a change of it."""

    score: WholeNumber = Field(examples=[5], description="a number on the form's scale")
    comment: Text | None = Field(
        default=None,
        examples=[WORDS],
        description="The client's own words, at most the form's `comment.max_length`. Absent or null: the "
        "comment given before stays, if there is one. Empty, or with nothing in it that can be seen, "
        "such as white space alone: the answer has none any more. Answers that are changed are kept.",
    )
    tags: Annotated[list[Id], Field(max_length=MOST_TAGS)] | None = Field(
        default=None,
        examples=[["slow"]],
        description="Of the form's `tags` those that it offers with this score. Absent or null: those "
        "before stay, as far as they are offered with this score.",
    )
    follow_ups: Annotated[dict[Id, Text], Field(max_length=MOST_FOLLOW_UPS)] = Field(
        default_factory=dict,
        examples=[{"solved": "yes"}],
        description="By a question's id the id of an option, or the client's own words, at most as many as a "
        "comment may have. Empty: the answer given before is removed; absent: it stays.",
    )


class ScaleField(BaseModel):
    """The scores to choose from, both ends included. What counts as satisfied isn't the client's concern."""

    name: str = Field(examples=["stars"])
    lowest: int = Field(examples=[1])
    highest: int = Field(examples=[5])


class CommentField(BaseModel):
    """The field for words of the client's own."""

    mode: CommentMode = Field(description="`off`: there is none.", examples=["required"])
    required_at_or_below: int | None = Field(
        description="The highest score that needs a comment. Null unless the mode is `required`.",
        examples=[2],
    )
    max_length: int = Field(description="in characters, counted as Unicode code points", examples=[2000])


class TagField(BaseModel):
    """A reason to choose, with scores from `lowest` to `highest`."""

    id: str = Field(examples=["slow"])
    text: str = Field(examples=["slow"])
    lowest: int = Field(examples=[1])
    highest: int = Field(examples=[3])


class OptionField(BaseModel):
    """An answer to choose."""

    id: str = Field(examples=["yes"])
    text: str = Field(examples=["Yes"])


class FollowUpField(BaseModel):
    """A follow-up question that may be left unanswered."""

    id: str = Field(examples=["solved"])
    text: str = Field(examples=["Was the matter solved?"])
    options: list[OptionField] = Field(description="None: words of the client's own.")


class FollowUpAnswerView(BaseModel):
    """The client's answer to a follow-up question: one of both."""

    option: str | None = Field(examples=["yes"])
    text: OpenedText | None


class AnswerView(BaseModel):
    """What a client answered, for themselves alone."""

    score: int = Field(examples=[5])
    comment: OpenedText | None = Field(description="Null if there is none.")
    tags: list[str] = Field(description="By their ids.", examples=[["slow"]])
    follow_ups: dict[str, FollowUpAnswerView] = Field(description="By the questions' ids.")


class FormTexts(BaseModel):
    """What is written on the form."""

    question: str = Field(examples=["How was your conversation with us?"])
    low_end: str = Field(description="At the lowest score.", examples=["Very bad"])
    high_end: str = Field(description="At the highest score.", examples=["Very good"])
    comment: str = Field(
        description="Over the field for a comment.", examples=["Would you like to add anything?"]
    )
    thanks: str = Field(description="Once the client has answered.", examples=["Thank you for your answer."])
    expired: str | None = Field(
        default=None, description="Where the time to answer is over. Null: the page's own words."
    )


class SchemeColoursView(BaseModel):
    """The colours of one scheme, and how well they can be told apart (WCAG 2.2, from 1 to 21)."""

    accent: str = Field(description="Of controls and stars.", examples=["#a59400"])
    hover: str = Field(description="The same under a pointer.", examples=["#a59400"])
    soft: str = Field(description="A background with a touch of it.", examples=["#f4f2e6"])
    on_accent: str = Field(description="Of text on it.", examples=["#15181b"])
    page_ratio: float = Field(description="The accent on the page: 3 at least.", examples=[3.07])
    text_ratio: float = Field(description="Text on the accent: 4.5 at least.", examples=[5.8])
    moved: Moved | None = Field(
        description="Where the colour that was chosen had to go to be readable; null if nowhere.",
        examples=["darker"],
    )


class FormColoursView(BaseModel):
    """The colours of a form in both schemes."""

    light: SchemeColoursView
    dark: SchemeColoursView


class Direction(StrEnum):
    """The direction of a script."""

    LEFT_TO_RIGHT = "ltr"
    RIGHT_TO_LEFT = "rtl"


class FormView(BaseModel):
    """A form as its client sees it."""

    form: str = Field(examples=["d1.1"])
    token: str = Field(examples=[TOKEN])
    dialog: str = Field(examples=["d1"])
    close_seq: int = Field(examples=[1])
    channel_name: str = Field(description="What people call the channel.", examples=["Course A"])
    opened_at: Instant | None = Field(description="When the dialog began. Null if that wasn't kept.")
    closed_at: Instant = Field(description="When the dialog was closed.")
    locale: str = Field(description="The language of the question (BCP 47).", examples=["fr"])
    direction: Direction = Field(description="How that language is written.")
    texts: FormTexts
    colours: FormColoursView | None = Field(description="The channel's own. Null: Candor's.")
    scale: ScaleField
    comment: CommentField
    tags: list[TagField]
    follow_ups: list[FollowUpField]
    operator_name: str | None = Field(
        description="Whom the client talked to. Null unless the channel's forms say it.", examples=[None]
    )
    state: FormState = Field(description="As it is now.")
    expires_at: Instant | None = Field(
        description="Until just before, the form can be answered. Null if no answer is taken any more."
    )
    editable_until: Instant | None = Field(
        description="Until just before, the answer can be changed. Null before there is one, after "
        f"{MOST_CHANGES} changes, and when the client was erased."
    )
    edit_window: float | None = Field(
        description="How long an answer can be changed, in seconds.", examples=[900]
    )
    expired_at: Instant | None = Field(description="Until just before, it could be answered; if it expired.")
    cancelled_reason: CancelledReason | None = Field(description="Why it was withdrawn, if it was.")
    answer: AnswerView | None = Field(description="Null before the client has answered.")
    test: bool = Field(default=False, description="Staff look at it: what is answered is stored nowhere.")


class FormList(BaseModel):
    """What a client can answer now, or still change; newest first."""

    forms: list[FormView]


class AnsweredView(BaseModel):
    """What is now kept of the client's answer."""

    state: FormState = Field(examples=["given"])
    answer: AnswerView
    thanks: str = Field(description="For this answer.", examples=["Thank you for your answer."])
    editable_until: Instant | None = Field(
        description=f"Until just before, the answer can be changed. Null after {MOST_CHANGES} changes."
    )


class DeclinedView(BaseModel):
    """The form is declined; until it expires, the client can think better of it."""

    state: FormState = Field(examples=["declined"])
    expires_at: Instant
