"""The texts of a form beside those of its question: reasons and follow-ups, each in the client's language.

`wanted` are the languages (BCP 47) that its texts are looked for in first, the likeliest first.
"""

from collections.abc import Sequence

from rating.api.schemas import FollowUpField, OptionField, TagField
from rating.domain.quality_control.settings import QualityControlSettings
from rating.domain.quality_control.texts import in_language


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
