"""What Quality control sets for a channel. Storage format: only add, and only optional fields."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from pydantic import Field

from chassis.eventstore.decider import StoredValue
from rating.domain.quality_control.texts import Texts
from rating.domain.rating.eligibility import Eligibility
from rating.domain.rating.form_version import CommentRule, FollowUpRule, FormVersion, Scale, TagRule
from rating.domain.rating.ways import WIDGET_ALONE, DeliveryWay


class ScaleName(StrEnum):
    """The scales that can be chosen."""

    THUMBS = "thumbs"
    FACES = "faces"
    STARS = "stars"
    EMOJI = "emoji"
    POINTS = "points"


SCALES: Final[Mapping[ScaleName, tuple[int, int]]] = {
    ScaleName.THUMBS: (1, 2),
    ScaleName.FACES: (1, 3),
    ScaleName.STARS: (1, 5),
    ScaleName.EMOJI: (1, 5),
    ScaleName.POINTS: (0, 10),
}
"""The lowest and the highest score of each scale."""

COMMENT_LIMIT: Final = 2_000
"""The longest comment, in characters."""


class Tag(StoredValue):
    """A reason that a client can choose with scores from `lowest` to `highest`; its text by locale."""

    id: str
    lowest: int
    highest: int
    texts: Mapping[str, str]


class Option(StoredValue):
    """An answer to choose; its text by locale."""

    id: str
    texts: Mapping[str, str]


class FollowUp(StoredValue):
    """A follow-up question, its text by locale; a field for words, if it has no options."""

    id: str
    texts: Mapping[str, str]
    options: tuple[Option, ...] = ()


class FormWebhook(StoredValue):
    """Where forms go that reach their clients by the channel's own system."""

    url: str


class LowScoreAlert(StoredValue):
    """Who is told by e-mail of scores at or below `at_or_below`; `locale` is the language of the mails."""

    at_or_below: int
    to: tuple[str, ...] = Field(repr=False)
    locale: str


class QualityControlSettings(StoredValue):
    """How a channel asks: whom if anybody, on which scale, with which texts (by locale, BCP 47), and when.

    Durations are those of `FormVersion`. `accent` is the colour that its forms are to have, "#rrggbb"; None
    for Candor's own. `form_webhook` is used if the webhook is one of
    `ways`.
    """

    enabled: bool
    scale: Scale
    comment: CommentRule
    texts: Mapping[str, Texts]
    delay: timedelta
    expiry: timedelta
    edit_window: timedelta
    offer_window: timedelta
    cool_down: timedelta
    eligibility: Eligibility = Eligibility()
    tags: tuple[Tag, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    names_operator: bool = False
    ways: tuple[DeliveryWay, ...] = WIDGET_ALONE
    reminder: timedelta | None = None
    form_webhook: FormWebhook | None = None
    alert: LowScoreAlert | None = None
    accent: str | None = None

    def alerts_of(self, score: int, scale: Scale) -> bool:
        """Whether somebody is told of a score on `scale`, which is that of the form and may be an older one.

        There the threshold stands as high as on the scale of these settings. Who is satisfied by the form's
        own rules is no case for it.
        """
        if self.alert is None or score >= scale.satisfied_from:
            return False
        own = self.scale
        threshold = (self.alert.at_or_below - own.lowest) * (scale.highest - scale.lowest)
        return (score - scale.lowest) * (own.highest - own.lowest) <= threshold

    def form_version(self, version: int, default_locale: str) -> FormVersion:
        """What a form keeps of these settings, `version` being theirs."""
        return FormVersion(
            version=version,
            scale=self.scale,
            comment_limit=COMMENT_LIMIT,
            comment=self.comment,
            enabled=self.enabled,
            default_locale=default_locale,
            delay=self.delay,
            expiry=self.expiry,
            edit_window=self.edit_window,
            offer_window=self.offer_window,
            cool_down=self.cool_down,
            eligibility=self.eligibility,
            tags=tuple(TagRule(id=tag.id, lowest=tag.lowest, highest=tag.highest) for tag in self.tags),
            follow_ups=tuple(
                FollowUpRule(id=question.id, options=tuple(option.id for option in question.options))
                for question in self.follow_ups
            ),
            names_operator=self.names_operator,
            ways=self.ways,
            reminder=self.reminder,
        )
