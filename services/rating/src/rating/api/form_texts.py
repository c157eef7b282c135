"""The texts of a form beside those of its question: reasons and follow-ups, each in the client's language.

`wanted` are the languages (BCP 47) that its texts are looked for in first, the likeliest first.
"""

from collections.abc import Sequence
from functools import lru_cache

import langcodes

from rating.api.schemas import Direction, FollowUpField, OptionField, TagField
from rating.domain.quality_control.settings import QualityControlSettings
from rating.domain.quality_control.texts import in_language

RIGHT_TO_LEFT = frozenset(
    {"Adlm", "Arab", "Aran", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa", "Yezi"}
)
"""The scripts (ISO 15924) of living languages that are written from right to left."""


@lru_cache(1_000)
def direction_of(locale: str) -> Direction:
    """How a language (BCP 47) is written: by its script, or by the likeliest one if the tag names none."""
    script = langcodes.Language.get(locale).maximize().script
    return Direction.RIGHT_TO_LEFT if script in RIGHT_TO_LEFT else Direction.LEFT_TO_RIGHT


def tag_fields(
    settings: QualityControlSettings, wanted: Sequence[str], default_locale: str
) -> list[TagField]:
    """The reasons to choose, in their order."""
    return [
        TagField(
            id=tag.id,
            text=in_language(tag.texts, wanted, default_locale),
            lowest=tag.lowest,
            highest=tag.highest,
        )
        for tag in settings.tags
    ]


def follow_up_fields(
    settings: QualityControlSettings, wanted: Sequence[str], default_locale: str
) -> list[FollowUpField]:
    """The follow-up questions, in their order."""
    return [
        FollowUpField(
            id=question.id,
            text=in_language(question.texts, wanted, default_locale),
            options=[
                OptionField(id=each.id, text=in_language(each.texts, wanted, default_locale))
                for each in question.options
            ],
        )
        for question in settings.follow_ups
    ]
