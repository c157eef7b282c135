"""Reading, answering and declining a form with its token; reading changes nothing."""

from fastapi import APIRouter

from chassis.clock import Clock
from chassis.eventlog.decider import Refused
from chassis.eventlog.handle import Streams, handle
from chassis.sealing import Forgotten, KeyRing
from chassis.web.auth import Verifier
from chassis.web.errors import errors
from rating.api.doors import no_operators
from rating.api.shapes import Answer, Answered, Declined, FormView, Token, view
from rating.api.tokens import FormKey, FormTokens, no_such_form
from rating.domain import closes
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

    async def read(self, token: str) -> FormView:
        """The form as it is now."""
        form = self._tokens.read(token)
        return view(await self._card(form), self._tokens)

    async def answer(self, body: Answer) -> Answered:
        """Rates; the clock is read at the moment of deciding, after the comment is sealed."""
        form = self._tokens.read(body.token)
        card = await self._card(form)
        sealed, fingerprint = await self._sealed(card, body.comment)
        command = GiveRating(
            close_seq=form.close_seq,
            score=body.score,
            now=self._clock.now(),
            comment=sealed,
            fingerprint=fingerprint,
            comment_length=len(body.comment or ""),
        )
        outcome = await handle(self._streams, RATING, RATING.stream(form.dialog), command)
        given = _shown(outcome.state, form, outcome.number)
        return Answered.model_validate(given.model_dump())

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

    async def _sealed(self, card: Card, comment: str | None) -> tuple[str | None, str | None]:
        if not comment:
            return None, None
        try:
            fingerprint = await self._keys.fingerprint(card.dialog, card.client, comment)
            return await self._keys.seal(card.dialog, card.client, comment), fingerprint
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

    @router.post("/read", responses=errors(401, 403, 404), response_model_exclude_none=True)
    async def read(body: Token) -> FormView:
        """The form of the token. Changes nothing."""
        return await desk.read(body.token)

    @router.post("/answer", responses=errors(401, 403, 404, 409))
    async def answer(body: Answer) -> Answered:
        """Rates, or changes the rating inside its edit window; the same answer again is the same answer."""
        return await desk.answer(body)

    @router.post("/decline", responses=errors(401, 403, 404, 409))
    async def decline(body: Token) -> Declined:
        """Says "No, thanks" to the question; the client can still rate until the form expires."""
        return await desk.decline(body.token)

    return router
