"""Reading, answering and declining a form with its token; reading changes nothing."""

from fastapi import APIRouter

from chassis.clock import Clock
from chassis.eventlog.decider import Refused
from chassis.eventlog.handle import Streams, handle
from chassis.sealing import Forgotten, KeyRing
from chassis.web.auth import Verifier
from chassis.web.errors import errors
from rating.api.doors import no_operators
from rating.api.shapes import Answer, Answered, Declined, FormView, Token
from rating.api.tokens import FormKey, FormTokens, no_such_form
from rating.api.views import Views
from rating.domain import closes
from rating.domain.answers import Comment, Kept, Removed, Written, is_blank
from rating.domain.rating import ERASED, RATING, DeclineRating, GiveRating
from rating.read_models.cards import Card, card_of

NOT_ASKED = ("undecided", "not_offered", "scheduled")


class Desk:
    """Where clients come with a form's token."""

    def __init__(self, streams: Streams, clock: Clock, keys: KeyRing, tokens: FormTokens) -> None:
        self._streams = streams
        self._clock = clock
        self._keys = keys
        self._tokens = tokens
        self._views = Views(tokens, keys)

    async def read(self, token: str) -> FormView:
        """The form as it is now, with what its client answered."""
        return await self._views.form(await self._card(self._tokens.read(token)))

    async def answer(self, body: Answer) -> Answered:
        """Rates; the clock is read at the moment of deciding, after the comment is sealed."""
        form = self._tokens.read(body.token)
        card = await self._card(form)
        comment = await self._comment(card, body.comment)
        command = GiveRating(form.close_seq, body.score, self._clock.now(), comment)
        outcome = await handle(self._streams, RATING, RATING.stream(form.dialog), command)
        return await self._answered(_shown(outcome.state, form, outcome.number))

    async def decline(self, token: str) -> Declined:
        """Says "No, thanks"."""
        form = self._tokens.read(token)
        await self._card(form)
        command = DeclineRating(form.close_seq, self._clock.now())
        outcome = await handle(self._streams, RATING, RATING.stream(form.dialog), command)
        return Declined.model_validate(_shown(outcome.state, form, outcome.number).model_dump())

    async def _card(self, form: FormKey) -> Card:
        folded = await self._streams.load(RATING, RATING.stream(form.dialog))
        return _shown(folded.state, form, folded.position)

    async def _answered(self, card: Card) -> Answered:
        answer = await self._views.answer(card)
        known = card.model_dump(include=set(Answered.model_fields))
        return Answered.model_validate({**known, "answer": answer})

    async def _comment(self, card: Card, text: str | None) -> Comment:
        if text is None:
            return Kept()
        if is_blank(text):
            return Removed()
        try:
            fingerprint = await self._keys.fingerprint(card.dialog, card.client, text)
            sealed = await self._keys.seal(card.dialog, card.client, text)
            return Written(sealed, fingerprint, len(text))
        except Forgotten:
            raise Refused(ERASED) from None


def _shown(rating: closes.Rating, form: FormKey, position: int) -> Card:
    close = rating.close(form.close_seq)
    if isinstance(close, closes.Unheard | closes.Undone):
        raise no_such_form()
    card = card_of(close, position)
    if card.state in NOT_ASKED:
        raise no_such_form()
    return card


def routes(
    streams: Streams, clock: Clock, keys: KeyRing, tokens: FormTokens, verifier: Verifier
) -> APIRouter:
    """The routes of whoever holds a form's token; no bearer token is needed, an operator's is refused."""
    desk = Desk(streams, clock, keys, tokens)
    router = APIRouter(tags=["forms"], prefix="/v1/forms", route_class=no_operators(verifier))

    @router.post("/read", responses=errors(401, 403, 404, 415))
    async def read(body: Token) -> FormView:
        """The form of the token, with what its client answered. Changes nothing."""
        return await desk.read(body.token)

    @router.post("/answer", responses=errors(401, 403, 404, 409, 415))
    async def answer(body: Answer) -> Answered:
        """Rates, or changes the rating inside its edit window; the same answer again is the same answer.

        A comment that isn't sent, or is null, stays as it was: send an empty one to remove it.
        """
        return await desk.answer(body)

    @router.post("/decline", responses=errors(401, 403, 404, 409, 415))
    async def decline(body: Token) -> Declined:
        """Says "No, thanks" to the question; the client can still rate until the form expires."""
        return await desk.decline(body.token)

    return router
