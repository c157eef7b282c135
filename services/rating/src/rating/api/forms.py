"""Reading, answering and declining a form with its token; reading changes nothing."""

from dataclasses import replace
from functools import partial

from fastapi import APIRouter

from chassis.clock import Clock
from chassis.crypto_shredding import KeyRing
from chassis.errors import CommandRejected, SubjectErased
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.http.auth import Verifier
from chassis.http.errors import errors
from contracts.keys import Purpose
from rating.api.permissions import no_operators
from rating.api.schemas import AnswerBody, AnsweredView, DeclinedView, FormTokenBody, FormView
from rating.api.tokens import FormKey, FormTokens, no_such_form
from rating.api.views import FormViews
from rating.domain.rating import state as closes
from rating.domain.rating.answers import (
    NOT_SEALED,
    Comment,
    KeepComment,
    RemoveComment,
    WrittenComment,
    is_blank,
)
from rating.domain.rating.decider import ERASED, RATING, DeclineRating, GiveRating
from rating.read_models.form_documents import FormDocument, form_document

NOT_ASKED = ("undecided", "not_offered", "scheduled")


class FormCommands:
    """Where clients come with a form's token."""

    def __init__(self, streams: Repository, clock: Clock, keys: KeyRing, tokens: FormTokens) -> None:
        self._streams = streams
        self._clock = clock
        self._keys = keys
        self._tokens = tokens
        self._views = FormViews(tokens, keys)

    async def read(self, token: str) -> FormView:
        """The form as it is now, with what its client answered."""
        return await self._views.form(await self._card(self._tokens.read(token)))

    async def answer(self, body: AnswerBody) -> AnsweredView:
        """Rates; the comment is sealed once it is decided that it is taken."""
        form = self._tokens.read(body.token)
        card = await self._card(form)
        command = GiveRating(form.close_seq, body.score, self._clock.now(), _comment(body.comment))
        to_seal = (command, card, body.comment or "")
        outcome = await handle(
            self._streams,
            RATING,
            RATING.stream(form.dialog),
            command,
            fingerprint=partial(self._fingerprinted, *to_seal),
            seal=partial(self._sealed, *to_seal),
        )
        return await self._answered(_shown(outcome.state, form, outcome.number))

    async def decline(self, token: str) -> DeclinedView:
        """Says "No, thanks"."""
        form = self._tokens.read(token)
        await self._card(form)
        command = DeclineRating(form.close_seq, self._clock.now())
        outcome = await handle(self._streams, RATING, RATING.stream(form.dialog), command)
        return DeclinedView.model_validate(_shown(outcome.state, form, outcome.number).model_dump())

    async def _card(self, form: FormKey) -> FormDocument:
        folded = await self._streams.load(RATING, RATING.stream(form.dialog))
        return _shown(folded.state, form, folded.position)

    async def _answered(self, card: FormDocument) -> AnsweredView:
        answer = await self._views.answer(card)
        known = card.model_dump(include=set(AnsweredView.model_fields))
        return AnsweredView.model_validate({**known, "answer": answer})

    async def _fingerprinted(self, command: GiveRating, card: FormDocument, text: str) -> GiveRating:
        if not isinstance(command.comment, WrittenComment):
            return command
        known = await self._keys.fingerprint(text, subject=card.client, scope=card.dialog)
        return replace(command, comment=replace(command.comment, fingerprint=known or NOT_SEALED))

    async def _sealed(self, command: GiveRating, card: FormDocument, text: str) -> GiveRating:
        if not isinstance(command.comment, WrittenComment):
            return command
        place = {"subject": card.client, "scope": card.dialog}
        try:
            sealed = await self._keys.seal(text, **place, purpose=Purpose.COMMENT)
        except SubjectErased:
            raise CommandRejected(ERASED) from None
        if (fingerprint := await self._keys.fingerprint(text, **place)) is None:
            raise CommandRejected(ERASED)
        return replace(command, comment=WrittenComment(sealed, fingerprint, len(text)))


def _comment(text: str | None) -> Comment:
    if text is None:
        return KeepComment()
    return RemoveComment() if is_blank(text) else WrittenComment(NOT_SEALED, NOT_SEALED, len(text))


def _shown(rating: closes.Rating, form: FormKey, position: int) -> FormDocument:
    close = rating.close(form.close_seq)
    if isinstance(close, closes.Unregistered | closes.ReopenedFirst):
        raise no_such_form()
    card = form_document(close, position)
    if card.state in NOT_ASKED:
        raise no_such_form()
    return card


def routes(
    streams: Repository, clock: Clock, keys: KeyRing, tokens: FormTokens, verifier: Verifier
) -> APIRouter:
    """The routes of whoever holds a form's token; no bearer token is needed, an operator's is refused."""
    desk = FormCommands(streams, clock, keys, tokens)
    router = APIRouter(tags=["forms"], prefix="/v1/forms", route_class=no_operators(verifier))

    @router.post("/read", responses=errors(401, 403, 404, 415))
    async def read(body: FormTokenBody) -> FormView:
        """The form of the token, with what its client answered. Changes nothing."""
        return await desk.read(body.token)

    @router.post("/answer", responses=errors(401, 403, 404, 409, 415))
    async def answer(body: AnswerBody) -> AnsweredView:
        """Rates, or changes the rating inside its edit window; the same answer again is the same answer.

        A comment that isn't sent, or is null, stays as it was: send an empty one to remove it.
        """
        return await desk.answer(body)

    @router.post("/decline", responses=errors(401, 403, 404, 409, 415))
    async def decline(body: FormTokenBody) -> DeclinedView:
        """Says "No, thanks" to the question; the client can still rate until the form expires."""
        return await desk.decline(body.token)

    return router
