"""`GET /v1/forms/mine`: what waits for the visitor who asks."""

from typing import Annotated

from fastapi import APIRouter, Depends

from chassis.clock import Clock
from chassis.crypto_shredding import KeyRing
from chassis.http.auth import Verifier, allow, visitor_of
from chassis.http.errors import errors
from contracts.access import Claims, Role
from rating.api.schemas import FormList
from rating.api.tokens import FormTokens
from rating.api.views import FormViews
from rating.read_models.forms import Forms


def routes(forms: Forms, clock: Clock, keys: KeyRing, tokens: FormTokens, verifier: Verifier) -> APIRouter:
    """The route of visitors; everybody else, operators above all, gets 403."""
    views = FormViews(tokens, keys)
    router = APIRouter(tags=["forms"])
    visitor = allow(verifier, Role.VISITOR, never=frozenset({Role.OPERATOR}))

    @router.get("/v1/forms/mine", responses=errors(401, 403))
    async def mine(claims: Annotated[Claims, Depends(visitor)]) -> FormList:
        """The forms that the visitor can answer now, or whose answer they can still change; newest first.

        Each with the answer that they gave, in their own words. Changes nothing.
        """
        who = visitor_of(claims)
        cards = await forms.mine(who.client, who.channel, clock.now())
        return FormList(forms=await views.forms(cards))

    return router
