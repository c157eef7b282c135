"""What the story of a close tells. No word of its client is among it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, Field

from contracts.envelope import Instant, rfc3339
from contracts.ratings import CancelledReason, NotOfferedReason
from rating.api.form_texts import direction_of, follow_up_fields, tag_fields
from rating.api.schemas import Direction, FollowUpField, ScaleField, TagField
from rating.domain.quality_control.settings import QualityControlSettings
from rating.domain.quality_control.texts import shown
from rating.domain.rating.eligibility import KindOfClose
from rating.domain.rating.events import (
    AnswerRecorded,
    ClientForgotten,
    CloseRegistered,
    DeliveryFailed,
    FormCancelled,
    FormDeclined,
    FormExpired,
    FormNotOffered,
    FormOffered,
    FormScheduled,
    FormSent,
    FormUndeliverable,
    RatingChanged,
    RatingEvent,
    RatingGiven,
    ReminderSent,
    ReopeningRegistered,
)
from rating.domain.rating.state import Form
from rating.domain.rating.story import Facts, RuleVerdict, Story, Verdict
from rating.domain.rating.ways import Way
from rating.read_models.form_documents import form_id

FactView = bool | int | float | str | list[str] | None


class RuleView(BaseModel):
    """A rule of Quality control, and what came of it."""

    name: NotOfferedReason = Field(description="The reason that it gives.", examples=["too_short"])
    verdict: Verdict = Field(
        description="Rules are looked at in order, until one fails: then there is no form.",
        examples=["failed"],
    )
    demanded: dict[str, FactView] = Field(
        description="What its settings were, by their names in Quality control; durations in seconds.",
        examples=[{"least_client_messages": 2, "least_operator_messages": 0, "least_text": 0}],
    )
    found: dict[str, FactView] = Field(
        description="What it was held against; empty if it was not looked at. `resumes` is the close whose "
        "reason this one keeps.",
        examples=[{"client_messages": 1, "operator_messages": 3, "longest_text": 40}],
    )

    @classmethod
    def of(cls, rule: RuleVerdict) -> "RuleView":
        """A rule, with its durations in seconds and its times in RFC 3339."""
        return cls(
            name=NotOfferedReason(rule.name),
            verdict=rule.verdict,
            demanded=_shown(rule.demanded),
            found=_shown(rule.found),
        )


def _shown(facts: Facts) -> dict[str, Any]:
    return {name: _value(value) for name, value in facts.items()}


def _value(value: object) -> object:
    match value:
        case timedelta():
            return value.total_seconds()
        case datetime():
            return rfc3339(value)
        case tuple():
            return list(value)
        case _:
            return value


class StoryEntry(BaseModel):
    """Something that happened to the form of a close. What a kind has to add stands in its own fields."""

    kind: str = Field(
        description="`reopened` (before the close was known), `registered`, `not_offered`, `scheduled`, "
        "`offered`, `given`, `changed`, `declined`, `expired`, `cancelled`, `forgotten`, `sent`, `reminded`, "
        "`delivery_failed`, `undeliverable`; newer releases may know more.",
        examples=["given"],
    )
    at: Instant
    reason: NotOfferedReason | CancelledReason | None = Field(
        default=None, description="Of `not_offered` and `cancelled`."
    )
    due_at: Instant | None = Field(default=None, description="Of `scheduled`: when the form is offered.")
    expires_at: Instant | None = Field(default=None, description="Of `offered`: until just before.")
    score: int | None = Field(default=None, description="Of `given` and `changed`.", examples=[4])
    with_comment: bool | None = Field(
        default=None,
        description="Of `given` and `changed`: whether the answer has one; its words stand elsewhere.",
    )
    way: Way | None = Field(
        default=None, description="Of `sent` and `delivery_failed`: by which way.", examples=["webhook"]
    )
    failure: str | None = Field(
        default=None,
        description="Of `delivery_failed` and `undeliverable`: why it can't be sent.",
        examples=["webhook_gone"],
    )
    change: int | None = Field(default=None, description="Of `changed`, from 1.", examples=[1])


_NO_MOMENT: Final = ""
_KINDS: Final[Mapping[type[RatingEvent], tuple[str, str, Sequence[str]]]] = {
    ReopeningRegistered: ("reopened", "registered_at", ()),
    CloseRegistered: ("registered", "registered_at", ()),
    FormNotOffered: ("not_offered", "decided_at", ("reason",)),
    FormScheduled: ("scheduled", _NO_MOMENT, ("due_at",)),
    FormOffered: ("offered", "offered_at", ("expires_at",)),
    RatingGiven: ("given", "given_at", ("score",)),
    RatingChanged: ("changed", "changed_at", ("score", "change")),
    FormDeclined: ("declined", "declined_at", ()),
    FormExpired: ("expired", "expired_at", ()),
    FormCancelled: ("cancelled", "cancelled_at", ("reason",)),
    ClientForgotten: ("forgotten", "forgotten_at", ()),
    FormSent: ("sent", "sent_at", ("way",)),
    DeliveryFailed: ("delivery_failed", "failed_at", ("way",)),
    ReminderSent: ("reminded", "sent_at", ()),
    FormUndeliverable: ("undeliverable", "given_up_at", ()),
}
"""What each event is called here, which field is its moment, and which are shown.

An event that isn't named here has neither, and is taken to happen with the one before.
"""


def _timeline(story: Story) -> list[StoryEntry]:
    entries: list[StoryEntry] = []
    at = story.form.registered_at
    for event in story.events:
        kind, moment, shown = _KINDS.get(type(event), (event.type.replace("-", "_"), _NO_MOMENT, ()))
        at = getattr(event, moment) if moment else at
        told = {name: getattr(event, name) for name in shown}
        if isinstance(event, AnswerRecorded):
            told["with_comment"] = event.comment is not None
        if isinstance(event, DeliveryFailed | FormUndeliverable):
            told["failure"] = event.reason
        entries.append(StoryEntry(kind=kind, at=at, **told))
    return entries


class StoryTexts(BaseModel):
    """The texts of the version that a form was made from, in the language that its client had in the dialog.

    What isn't written in it is in another one, as it was on the form.
    """

    locale: str = Field(description="The language of the question (BCP 47).", examples=["fr"])
    direction: Direction = Field(description="How that language is written.")
    question: str = Field(examples=["How was your conversation with us?"])
    tags: list[TagField]
    follow_ups: list[FollowUpField]

    @classmethod
    def of(cls, form: Form, settings: QualityControlSettings) -> "StoryTexts":
        """The texts of a form, `settings` being those of its version."""
        wanted = [each for each in (form.snapshot.locale,) if each]
        default_locale = form.rules.default_locale
        locale, question = shown(settings.texts, wanted, default_locale)["question"]
        return cls(
            locale=locale,
            direction=direction_of(locale),
            question=question,
            tags=tag_fields(settings, wanted, default_locale),
            follow_ups=follow_up_fields(settings, wanted, default_locale),
        )


class CloseStory(BaseModel):
    """A close, why it got a form or none, and what happened to the form since."""

    form: str = Field(description="`<dialog>.<close_seq>`", examples=["d1.1"])
    dialog: str = Field(examples=["d1"])
    close_seq: int = Field(examples=[1])
    channel: str = Field(examples=["course-a"])
    closed_at: Instant
    closed_by: KindOfClose | None = Field(
        description="Who ended the dialog; of a close that resumes one, who ended that one. Null: not known."
    )
    resumes: int | None = Field(
        description="The close whose reopening nobody used: this one is asked as that one would have been.",
        examples=[None],
    )
    client_messages: int = Field(
        description="As the rules count them: with those before a close whose form reopening withdrew.",
        examples=[3],
    )
    operator_messages: int = Field(description="Counted in the same way.", examples=[2])
    registered_at: Instant = Field(description="When rating heard of the close, and decided.")
    settings_version: int = Field(description="The version of Quality control that it went by.", examples=[3])
    current_version: int = Field(description="The version that holds in the channel now.", examples=[3])
    scale: ScaleField
    texts: StoryTexts
    rules: Sequence[RuleView] = Field(description="In the order in which they are looked at.")
    timeline: Sequence[StoryEntry] = Field(description="In order.")

    @classmethod
    def of(cls, story: Story, settings: QualityControlSettings, current_version: int) -> "CloseStory":
        """A story, with the settings of its version, and which version holds now in its channel."""
        form = story.form
        snapshot, facts, rules = form.snapshot, form.facts, form.rules
        return cls(
            form=form_id(snapshot.dialog, snapshot.close_seq),
            dialog=snapshot.dialog,
            close_seq=snapshot.close_seq,
            channel=snapshot.channel,
            closed_at=snapshot.closed_at,
            closed_by=facts.closed_by,
            resumes=facts.resumes,
            client_messages=facts.client_messages,
            operator_messages=facts.operator_messages,
            registered_at=form.registered_at,
            settings_version=rules.version,
            current_version=current_version,
            scale=ScaleField(**rules.scale.model_dump(exclude={"satisfied_from"})),
            texts=StoryTexts.of(form, settings),
            rules=[RuleView.of(each) for each in story.rules],
            timeline=_timeline(story),
        )
