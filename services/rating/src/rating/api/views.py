"""Shows forms to their client: with a token to answer each, and the client's own words opened."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from chassis.crypto_shredding import KeyRing
from chassis.crypto_shredding.opened_text import OpenedText
from contracts.keys import Purpose
from rating.api.form_texts import direction_of, follow_up_fields, tag_fields
from rating.api.schemas import (
    AnsweredView,
    AnswerView,
    CommentField,
    FollowUpAnswerView,
    FormColoursView,
    FormTexts,
    FormView,
)
from rating.api.tokens import FormKey, FormTokens
from rating.domain.form_colours import form_colours
from rating.domain.quality_control.settings import QualityControlSettings
from rating.domain.quality_control.texts import shown
from rating.read_models.channels import Channels
from rating.read_models.form_documents import FormDocument
from rating.read_models.quality_control import QualityControlVersions

AT_ONCE = 16
"""How many comments are opened at once, for all lists together: each may ask the database for a key."""


def colours_view(accent: str) -> FormColoursView:
    """The colours of forms with this accent."""
    return FormColoursView.model_validate(asdict(form_colours(accent)))


class FormViews:
    """Makes views of forms; opened comments go into the response to a request, and nowhere else."""

    def __init__(
        self, tokens: FormTokens, keys: KeyRing, versions: QualityControlVersions, channels: Channels
    ) -> None:
        self._tokens = tokens
        self._keys = keys
        self._versions = versions
        self._channels = channels
        self._room = asyncio.Semaphore(AT_ONCE)

    async def form(self, form: FormDocument, locale: str | None = None) -> FormView:
        """A form with its texts, the token to answer it, and what its client answered.

        Its texts are in the language that the client had in the dialog, if they are written in it, else in
        `locale`, and so on as `shown` says.
        """
        answer = await self.answer(form)
        settings = (await self._versions.at(form.channel, form.version)).settings
        wanted = [each for each in (form.locale, locale) if each]
        texts = _texts(settings, form, wanted)
        language, _ = texts["question"]
        known = form.model_dump(include=set(FormView.model_fields) - {"locale", "tags", "follow_ups"})

        return FormView(
            **known,
            token=self._tokens.issue(FormKey(form.dialog, form.close_seq)),
            channel_name=await self._channels.name(form.channel),
            locale=language,
            direction=direction_of(language),
            texts=FormTexts(**{name: text for name, (_, text) in texts.items()}),
            colours=colours_view(settings.accent) if settings.accent else None,
            comment=CommentField(max_length=form.comment_limit, **form.comment_rule.model_dump()),
            tags=tag_fields(settings, wanted, form.default_locale),
            follow_ups=follow_up_fields(settings, wanted, form.default_locale),
            answer=answer,
        )

    async def answered(self, form: FormDocument, locale: str | None = None) -> AnsweredView:
        """What is now kept of the client's answer, with the thanks for it; in the language as in `form`."""
        answer = await self.answer(form)
        settings = (await self._versions.at(form.channel, form.version)).settings
        wanted = [each for each in (form.locale, locale) if each]
        _, thanks = _texts(settings, form, wanted)["thanks"]
        known = form.model_dump(include=set(AnsweredView.model_fields))
        return AnsweredView.model_validate({**known, "answer": answer, "thanks": thanks})

    async def forms(self, forms: Sequence[FormDocument], locale: str | None = None) -> list[FormView]:
        """The views of the forms, in their order."""

        async def in_turn(form: FormDocument) -> FormView:
            async with self._room:
                return await self.form(form, locale)

        return list(await asyncio.gather(*map(in_turn, forms)))

    async def answer(self, form: FormDocument) -> AnswerView | None:
        """What the client answered; None if they did not."""
        if form.score is None:
            return None
        follow_ups = {
            question: FollowUpAnswerView(
                option=each.option, text=await self._opened(form, each.text, Purpose.ANSWER)
            )
            for question, each in form.given_follow_ups.items()
        }
        comment = await self._opened(form, form.sealed_comment, Purpose.COMMENT)
        return AnswerView(
            score=form.score, comment=comment, tags=list(form.chosen_tags), follow_ups=follow_ups
        )

    async def _opened(self, form: FormDocument, sealed: str | None, purpose: Purpose) -> OpenedText | None:
        if sealed is None:
            return None
        return await OpenedText.of(
            self._keys, sealed, subject=form.client, scope=form.dialog, purpose=purpose
        )


def _texts(
    settings: QualityControlSettings, form: FormDocument, wanted: Sequence[str]
) -> Mapping[str, tuple[str, str]]:
    satisfied = None if form.score is None else form.score >= form.scale.satisfied_from
    return shown(settings.texts, wanted, form.default_locale, satisfied=satisfied)
