"""Shows forms to their client: with a token to answer each, and the client's own words opened."""

import asyncio
from collections.abc import Sequence

from chassis.crypto_shredding import KeyRing
from chassis.crypto_shredding.opened_text import OpenedText
from contracts.keys import Purpose
from rating.api.schemas import AnsweredView, AnswerView, CommentField, FormView
from rating.api.tokens import FormKey, FormTokens
from rating.read_models.form_documents import FormDocument

AT_ONCE = 16
"""How many comments are opened at once, for all lists together: each may ask the database for a key."""


class FormViews:
    """Makes views of forms; opened comments go into the response to a request, and nowhere else."""

    def __init__(self, tokens: FormTokens, keys: KeyRing) -> None:
        self._tokens = tokens
        self._keys = keys
        self._room = asyncio.Semaphore(AT_ONCE)

    async def form(self, form: FormDocument) -> FormView:
        """A form with the token to answer it, and what its client answered."""
        known = form.model_dump(include=set(FormView.model_fields))
        return FormView(
            **known,
            token=self._tokens.issue(FormKey(form.dialog, form.close_seq)),
            comment=CommentField(max_length=form.comment_limit),
            answer=await self.answer(form),
        )

    async def answered(self, form: FormDocument) -> AnsweredView:
        """What is now kept of the client's answer."""
        answer = await self.answer(form)
        known = form.model_dump(include=set(AnsweredView.model_fields))
        return AnsweredView.model_validate({**known, "answer": answer})

    async def forms(self, forms: Sequence[FormDocument]) -> list[FormView]:
        """The views of the forms, in their order."""

        async def in_turn(form: FormDocument) -> FormView:
            async with self._room:
                return await self.form(form)

        return list(await asyncio.gather(*map(in_turn, forms)))

    async def answer(self, form: FormDocument) -> AnswerView | None:
        """What the client answered; None if they did not."""
        if form.score is None:
            return None
        if form.sealed_comment is None:
            return AnswerView(score=form.score, comment=None)
        comment = await OpenedText.of(
            self._keys, form.sealed_comment, subject=form.client, scope=form.dialog, purpose=Purpose.COMMENT
        )
        return AnswerView(score=form.score, comment=comment)
