"""What goes in and out of Quality control."""

from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BaseModel, Field, StrictBool, StringConstraints, model_validator

from chassis.http.bodies import KIB, RequestBody
from chassis.validation.messages import FIELD_SENTENCES, Shaped, wrong
from chassis.validation.numbers import WholeNumber
from chassis.validation.text import Email, Locale, Name, is_blank
from contracts.envelope import Id, Instant
from contracts.ratings import NotOfferedReason
from rating.api.schemas import MOST_FOLLOW_UPS, MOST_TAGS, FormTexts, ScaleField
from rating.api.webhook_schemas import WebhookUrl
from rating.domain.quality_control.settings import ScaleName
from rating.domain.rating.eligibility import EVERYBODY, KindOfClose, ReopenedPolicy
from rating.domain.rating.form_version import CommentMode
from rating.domain.rating.ways import Way
from rating.settings import TEN_YEARS

MOST_LOCALES = 32
MOST_LABELS = 32
MOST_OPTIONS = 6
MOST_CLOSES = 200
MOST_ALERTED = 10
MOST_MESSAGES, LONGEST_LEAST_TEXT = 1_000, 10_000
LONGEST_LABEL, LONGEST_QUESTION, LONGEST_THANKS = 60, 200, 500
FALLBACK = "Null or empty: shown is what is written in a more general or in the default locale, or built in."

WholeVersion = Annotated[WholeNumber, Field(ge=1, le=2**31 - 1)]
Seconds = Annotated[float, Field(strict=True, ge=1, le=TEN_YEARS.total_seconds())]
SecondsOrNone = Annotated[float, Field(strict=True, ge=0, le=TEN_YEARS.total_seconds())]


def _blank_is_none(text: str | None) -> str | None:
    return None if text is None or is_blank(text) else text


def _different(name: str) -> AfterValidator:
    """Refuses a list in which two have the same of that `name`."""

    def check(each: list[BaseModel]) -> list[BaseModel]:
        if len({getattr(one, name) for one in each}) < len(each):
            raise wrong(FIELD_SENTENCES["given-twice"], "given-twice")
        return each

    return AfterValidator(check)


Label = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_LABEL)] | None,
    AfterValidator(_blank_is_none),
]
Question = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_QUESTION)] | None,
    AfterValidator(_blank_is_none),
]
Thanks = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_THANKS)] | None,
    AfterValidator(_blank_is_none),
]


class WrittenTexts(RequestBody):
    """A form's texts as they are written in one locale."""

    question: Question = Field(description=FALLBACK, examples=["Comment s’est passé votre échange ?"])
    low_end: Label = Field(description=f"At the lowest score. {FALLBACK}", examples=["Très mal"])
    high_end: Label = Field(description=f"At the highest score. {FALLBACK}", examples=["Très bien"])
    comment: Question = Field(
        description=f"Over the field for a comment. {FALLBACK}", examples=["Un mot à ajouter ?"]
    )
    thanks: Thanks = Field(description=f"Once the client has answered. {FALLBACK}", examples=[None])

    thanks_satisfied: Thanks = Field(
        description="The same after a score that satisfies. Null or empty: `thanks`.", examples=[None]
    )
    thanks_unsatisfied: Thanks = Field(
        description="The same after any other score. Null or empty: `thanks`.", examples=[None]
    )
    expired: Thanks = Field(
        description="Where the time to answer is over. Null or empty: the page's own words.", examples=[None]
    )


def _written(texts: dict[str, str]) -> dict[str, str]:
    if not (written := {locale: text for locale, text in texts.items() if not is_blank(text)}):
        raise wrong(FIELD_SENTENCES["required"], "required")
    return written


LabelText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_LABEL)]
QuestionText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_QUESTION)]
LabelTexts = Annotated[dict[Locale, LabelText], Field(max_length=MOST_LOCALES), AfterValidator(_written)]
QuestionTexts = Annotated[
    dict[Locale, QuestionText], Field(max_length=MOST_LOCALES), AfterValidator(_written)
]


class TagChoice(RequestBody):
    """A reason that a client can choose with scores from `lowest` to `highest`."""

    id: Id = Field(description="What answers are counted by: it stays, whatever the text.", examples=["slow"])
    lowest: WholeNumber = Field(examples=[1])
    highest: WholeNumber = Field(examples=[3])
    texts: LabelTexts = Field(description="By locale, one at least.", examples=[{"en": "slow"}])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.lowest > self.highest:
            raise wrong(FIELD_SENTENCES["not-valid"], "not-valid")
        return self


class OptionChoice(RequestBody):
    """An answer to choose."""

    id: Id = Field(examples=["yes"])
    texts: LabelTexts = Field(description="By locale, one at least.", examples=[{"en": "Yes"}])


class FollowUpChoice(RequestBody):
    """A follow-up question, that may be left unanswered."""

    id: Id = Field(description="What answers are kept by.", examples=["solved"])
    texts: QuestionTexts = Field(
        description="By locale, one at least.", examples=[{"en": "Was the matter solved?"}]
    )
    options: Annotated[list[OptionChoice], Field(max_length=MOST_OPTIONS), _different("id")] = Field(
        description="To choose one of; none: a field for the client's own words."
    )


class ScaleChoice(RequestBody):
    """A scale, and from which of its scores on a client is satisfied."""

    name: ScaleName = Field(examples=["stars"])
    satisfied_from: WholeNumber = Field(examples=[4])


class CommentChoice(RequestBody):
    """Whether the form has a field for a comment, and up to which score it may not stay empty."""

    mode: CommentMode = Field(examples=["required"])
    required_at_or_below: WholeNumber | None = Field(
        description="A score of the scale if the mode is `required`; else it is dropped.", examples=[2]
    )

    @model_validator(mode="after")
    def _says_from_where(self) -> Self:
        if self.mode is CommentMode.REQUIRED and self.required_at_or_below is None:
            raise wrong(FIELD_SENTENCES["required"], "required")
        return self


def _in_order(kinds: list[KindOfClose]) -> list[KindOfClose]:
    return [kind for kind in KindOfClose if kind in kinds]


def _once_each(labels: list[str]) -> list[str]:
    first: dict[str, str] = {}
    for label in labels:
        first.setdefault(label.casefold(), label)
    return list(first.values())


LeastMessages = Annotated[WholeNumber, Field(ge=0, le=MOST_MESSAGES)]
Labels = Annotated[list[Name], Field(max_length=MOST_LABELS), AfterValidator(_once_each)]


class EligibilityChoice(RequestBody):
    """Which closes may be asked about. Messages count over closes whose forms a reopening withdrew, too."""

    closed_by: Annotated[list[KindOfClose], Field(min_length=1), AfterValidator(_in_order)] = Field(
        description="Who ended the dialog.", examples=[["operator", "client"]]
    )
    needs_reply: StrictBool = Field(description="An operator has replied.", examples=[True])
    least_client_messages: LeastMessages = Field(examples=[1])
    least_operator_messages: LeastMessages = Field(examples=[0])
    least_text: Annotated[WholeNumber, Field(ge=0, le=LONGEST_LEAST_TEXT)] = Field(
        description="What the client's longest message has at least, in characters.", examples=[12]
    )
    skips_spam: StrictBool = Field(description="Spam is never asked about.", examples=[True])
    skips_labels: Labels = Field(
        description="Closes with one of these labels are never asked about, whatever its case.",
        examples=[["internal", "test"]],
    )
    share: Annotated[WholeNumber, Field(ge=1, le=EVERYBODY)] = Field(
        description="How many percent of those who may be asked are. The close decides: asking twice gives "
        "the same.",
        examples=[EVERYBODY],
    )
    reopened: ReopenedPolicy = Field(
        description="Whether a dialog that was reopened is asked about again, once its client has answered, "
        "declined or left a form of it to expire.",
        examples=["once_per_dialog"],
    )
    once_within: SecondsOrNone = Field(
        description="For `once_within`: how long after an offer the dialog is asked about nothing else; "
        "else it is dropped.",
        examples=[0],
    )

    @model_validator(mode="after")
    def _says_how_long(self) -> Self:
        # Kept to the millisecond: less than half of one would be stored as none, and could not be read again.
        if self.reopened is ReopenedPolicy.ONCE_WITHIN and round(self.once_within * 1000) == 0:
            raise wrong(FIELD_SENTENCES["required"], "required")
        return self


class WayChoice(RequestBody):
    """A way, and how long a form has waited for its answer when it is sent by it."""

    way: Way = Field(examples=["email"])
    after: SecondsOrNone = Field(
        description="From the offer, less than `expiry`; 0: at once. The widget's is dropped.",
        examples=[86_400],
    )


Addresses = Annotated[list[Email], Field(min_length=1, max_length=MOST_ALERTED), AfterValidator(_once_each)]


Accent = Annotated[
    str,
    Shaped("#[0-9A-Fa-f]{6}", "must be a colour, such as #ffe600"),
    AfterValidator(str.lower),
]
"""A colour, such as #ffe600."""


class AlertChoice(RequestBody):
    """Who is told by e-mail of low scores."""

    at_or_below: WholeNumber = Field(description="A score less than `satisfied_from`.", examples=[2])
    to: Addresses = Field(
        description="Addresses of the staff. At most one mail in 15 minutes goes to each.",
        examples=[["clara@school.test"]],
    )
    locale: Locale = Field(
        description="The language of the mails: en, ru or fr; else English.", examples=["fr"]
    )


class FormWebhookChoice(RequestBody):
    """Where forms go that reach their clients by the channel's own system."""

    url: WebhookUrl = Field(
        description="https, without a user or a fragment; http only into networks that are allowed.",
        examples=["https://support.example/candor-forms"],
    )


class ChannelSettings(RequestBody):
    """How a channel asks; always all of it. Durations are seconds, to the millisecond."""

    largest: ClassVar[int] = 128 * KIB

    enabled: StrictBool = Field(description="Off: nobody is asked.", examples=[True])
    scale: ScaleChoice
    comment: CommentChoice
    texts: dict[Locale, WrittenTexts] = Field(
        max_length=MOST_LOCALES, description="The texts by locale, those alone that the channel has written."
    )
    delay: SecondsOrNone = Field(description="From the close to the form; 0: at once.", examples=[900])
    expiry: Seconds = Field(description="How long a form waits, from the offer.", examples=[259_200])
    edit_window: Seconds = Field(
        description="How long an answer can be changed, from the first one.", examples=[604_800]
    )
    offer_window: Seconds = Field(
        description="The age at which a close gets no form any more.", examples=[86_400]
    )
    cool_down: SecondsOrNone = Field(
        description="How long after an offer the client is asked nothing else in the channel; "
        "0: no such rule.",
        examples=[2_592_000],
    )
    eligibility: EligibilityChoice
    tags: Annotated[list[TagChoice], Field(max_length=MOST_TAGS), _different("id")] = Field(
        description="Reasons to choose; of those that a score offers, a client may choose any."
    )
    follow_ups: Annotated[list[FollowUpChoice], Field(max_length=MOST_FOLLOW_UPS), _different("id")] = Field(
        description="Follow-up questions, in their order."
    )
    names_operator: StrictBool = Field(
        description="The form says whom the client talked to.", examples=[False]
    )
    ways: Annotated[list[WayChoice], Field(min_length=1), _different("way")] = Field(
        description="How forms reach their clients, the best way first. E-mail only where the client's "
        "address is known and they have not unsubscribed; the webhook only with `form_webhook`."
    )
    reminder: Seconds | None = Field(
        description="How long after the offer an e-mail reminds who was asked by e-mail and hasn't answered, "
        "once; more than its `after`, and less than `expiry`. Null: nobody is reminded.",
        examples=[None],
    )
    alert: AlertChoice | None = Field(
        description="Who is told by e-mail of low scores, from the next answer on. Null: nobody.",
        examples=[None],
    )
    accent: Accent | None = Field(
        description="The colour of the form, moved darker or lighter where it could not be read "
        "(`…/colours`). Null: Candor's own.",
        examples=["#ffe600"],
    )
    form_webhook: FormWebhookChoice | None = Field(
        description="The channel's own system, which is used if the webhook is one of `ways`. Whoever works "
        "there sees the links to forms.",
        examples=[None],
    )


class DryRunBody(RequestBody):
    """Settings that nobody has saved yet, and how many of the last closes they are tried on."""

    largest: ClassVar[int] = 128 * KIB

    settings: ChannelSettings
    closes: Annotated[WholeNumber, Field(ge=1, le=MOST_CLOSES)] = Field(
        default=MOST_CLOSES, examples=[MOST_CLOSES]
    )


class DryRunClose(BaseModel):
    """A close that would get no form."""

    dialog: str = Field(examples=["d1"])
    close_seq: int = Field(examples=[1])
    closed_at: Instant
    reason: NotOfferedReason = Field(examples=["too_short"])


class DryRunView(BaseModel):
    """What would have become of the channel's last closes."""

    closes: int = Field(description="How many there were, up to as many as were asked for.", examples=[200])
    asked: int = Field(description="So many would have got a form under these settings.", examples=[131])
    asked_as_saved: int = Field(description="So many under those that hold now.", examples=[118])
    not_asked: list[DryRunClose] = Field(description="The others under these settings, the newest first.")


class StaffView(BaseModel):
    """Somebody of the staff, as their token named them then."""

    id: str = Field(examples=["clara"])
    name: str = Field(examples=["Clara Moen"])


class VersionView(BaseModel):
    """A version of a channel's settings; the first is the service's own, which nobody saved."""

    version: int = Field(examples=[12])
    saved_at: Instant | None = Field(description="Null for the service's own.")
    saved_by: StaffView | None = Field(description="Null for the service's own.")
    restores: int | None = Field(description="The version that it repeats, if it does.")
    from_default: int | None = Field(
        description="The version of the default that the channel began with; then who saved that is named."
    )


class VersionDetails(VersionView):
    """A version with its settings."""

    settings: ChannelSettings


class VersionEntry(VersionView):
    """A version in the history."""

    changed: list[str] = Field(
        description="The settings that differ from the version before, by their names.",
        examples=[["cool_down", "eligibility.share", "texts"]],
    )


class VersionPage(BaseModel):
    """A part of the history, the newest version first."""

    versions: list[VersionEntry]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class QualityControlView(VersionDetails):
    """How a channel asks now, and what a page needs to change it. Its ETag is the version."""

    channel: str = Field(examples=["course-a"])
    name: str = Field(description="What people call the channel.", examples=["Course A"])
    locales: tuple[str, ...] = Field(
        description="The languages that the channel is served in, the default first."
    )
    default_locale: str = Field(examples=["en"])
    scales: list[ScaleField] = Field(description="Those that can be chosen.")
    built_in_texts: dict[str, FormTexts] = Field(
        description="What is shown by locale where nothing is written."
    )
    mail_available: bool = Field(
        description="Whether e-mail can be sent here; only then it can be chosen.", examples=[True]
    )
    recent_closes: int = Field(
        description="How many dialogs were closed in the last 28 days, counted up to 10,000.", examples=[207]
    )
    webhook_gone: bool = Field(
        description="The endpoint of `form_webhook` answered 410: nothing is sent there until these settings "
        "are saved again.",
        examples=[False],
    )


class DefaultView(VersionDetails):
    """What new channels begin with, and what a page needs to change it. Its ETag is the version."""

    scales: list[ScaleField] = Field(description="Those that can be chosen.")
    built_in_texts: dict[str, FormTexts] = Field(
        description="What is shown by locale where nothing is written."
    )
    mail_available: bool = Field(
        description="Whether e-mail can be sent here; only then it can be chosen.", examples=[True]
    )


class ChannelEntry(BaseModel):
    """A channel in the list."""

    channel: str = Field(examples=["course-a"])
    name: str = Field(examples=["Course A"])
    enabled: bool = Field(description="Whether it asks.")
    version: int = Field(description="The version of its settings.", examples=[12])
    closed: bool = Field(description="Takes no new visitors and dialogs.")


class QualityControlList(BaseModel):
    """The channels that the token is good for, by their ids."""

    channels: list[ChannelEntry]


class MailTestBody(RequestBody):
    """Who gets a test, and in which language."""

    to: Email = Field(examples=["clara.moen@northbank.example"])
    locale: Locale = Field(examples=["en"])


class RestoreBody(RequestBody):
    """Which version shall hold again."""

    version: WholeVersion = Field(examples=[9])
