"""Shows forms to their client: with a token to answer each, and the client's own words opened."""

import asyncio
from collections.abc import Sequence

from chassis.crypto_shredding import KeyRing
from contracts.keys import Purpose
from rating.api.schemas import AnsweredView, AnswerView, CommentField, FormView
from rating.api.tokens import FormKey, FormTokens
from rating.read_models.form_documents import FormDocument

AT_ONCE = 16
"""How many comments are opened at once, for all lists together: each may ask the database for a key."""


class FormViews:
    """Makes views of cards; opened words go into the answer to a request, and nowhere else."""

    def __init__(self, tokens: FormTokens, keys: KeyRing) -> None:
        self._tokens = tokens
        self._keys = keys
        self._room = asyncio.Semaphore(AT_ONCE)

    async def form(self, card: FormDocument) -> FormView:
        """A card with the token to answer it, and what its client answered."""
        known = card.model_dump(include=set(FormView.model_fields))
        return FormView(
            **known,
            token=self._tokens.issue(FormKey(card.dialog, card.close_seq)),
            comment=CommentField(max_length=card.comment_limit),
            answer=await self.answer(card),
        )

    async def answered(self, card: FormDocument) -> AnsweredView:
        """What is now kept of the client's answer."""
        answer = await self.answer(card)
        known = card.model_dump(include=set(AnsweredView.model_fields))
        return AnsweredView.model_validate({**known, "answer": answer})

    async def forms(self, cards: Sequence[FormDocument]) -> list[FormView]:
        """The views of the cards, in their order."""
        return list(await asyncio.gather(*(self._in_turn(card) for card in cards)))

    async def answer(self, card: FormDocument) -> AnswerView | None:
        """What the client answered; None if they did not."""
        if card.score is None:
            return None
        sealed = card.sealed_comment
        words = sealed and await self._keys.open(
            sealed, subject=card.client, scope=card.dialog, purpose=Purpose.COMMENT
        )
        return AnswerView(score=card.score, comment=words, comment_erased=bool(sealed) and words is None)

    async def _in_turn(self, card: FormDocument) -> FormView:
        async with self._room:
            return await self.form(card)
