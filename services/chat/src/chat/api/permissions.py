"""Who the caller is, by their token. What they may do to a dialog, the dialog decides."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends

from chassis.http.auth import Visitor, allow, allow_visitor, visitor_of
from chassis.http.problems import Forbidden, NotOneVisitor, raises
from chassis.validation.text import LONGEST_NAME
from chat.domain.dialog.actor import Actor
from chat.domain.dialog.state import Operator
from contracts.access import EVERY_CHANNEL, Claims, Role, Scope

SUPERVISING = frozenset({Role.SUPERVISOR, Role.ADMIN})


def actor_of(claims: Claims) -> Actor:
    """Who acts; an operator without a name is called by the token's subject.

    Raises `NotOneVisitor` for a visitor's token that is more than that.
    """
    if Role.VISITOR in claims.roles:
        return Actor(client=visitor_of(claims).client)
    who = Operator(claims.sub, claims.name or claims.sub[:LONGEST_NAME], claims.team)
    return Actor(
        operator=who if Role.OPERATOR in claims.roles else None,
        service=who if claims.is_service_with(Scope.DIALOGS_WRITE) else None,
        supervises=bool(claims.roles & SUPERVISING),
        channels=None if EVERY_CHANNEL in claims.channels else claims.channels,
        teams=claims.teams,
    )


def _acting(claims_of: Callable[..., Awaitable[Claims]]) -> Callable[..., Awaitable[Actor]]:
    @raises(NotOneVisitor)
    async def actor(claims: Annotated[Claims, Depends(claims_of)]) -> Actor:
        return actor_of(claims)

    return actor


@raises(Forbidden)
async def _posting(
    actor: Annotated[Actor, Depends(_acting(allow(Role.VISITOR, Role.OPERATOR, Role.SERVICE)))],
) -> Actor:
    if actor.client is None and actor.operator is None and actor.service is None:
        raise Forbidden
    return actor


_STAFF = allow(Role.OPERATOR, *SUPERVISING)
_READERS = allow(Role.VISITOR, Role.OPERATOR, *SUPERVISING)

Admin = Annotated[Claims, Depends(allow(Role.ADMIN))]
Staff = Annotated[Claims, Depends(_STAFF)]
OperatorClaims = Annotated[Claims, Depends(allow(Role.OPERATOR))]
ReaderClaims = Annotated[Claims, Depends(_READERS)]
AVisitor = Annotated[Visitor, Depends(allow_visitor())]
Writer = Annotated[Actor, Depends(_acting(allow(Role.VISITOR, Role.OPERATOR)))]
Poster = Annotated[Actor, Depends(_posting)]
Assigner = Annotated[Actor, Depends(_acting(_STAFF))]
Reader = Annotated[Actor, Depends(_acting(_READERS))]
