"""Who may query analytics: supervisors, about the channels of their token; never an operator."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Request

from chassis.http.auth import Credentials
from chassis.http.problems import Forbidden, Unauthenticated
from contracts.access import EVERY_CHANNEL, Claims, Role


def allow(*roles: Role, never: frozenset[Role] = frozenset()) -> Callable[..., Awaitable[Claims]]:
    """A dependency that gives the claims of a caller who has one of `roles`, and none of `never`.

    The verifier is `app.state.verifier`. Answers 401 without a valid token, 403 otherwise.
    """

    async def caller(request: Request, credentials: Credentials) -> Claims:
        if credentials is None:
            raise Unauthenticated
        claims: Claims = await request.app.state.verifier.verify(credentials.credentials)
        if claims.roles & never or not claims.roles & frozenset(roles):
            raise Forbidden
        return claims

    return caller


NEVER: Final = frozenset({Role.OPERATOR, Role.VISITOR})
Supervisor = Annotated[Claims, Depends(allow(Role.SUPERVISOR, never=NEVER))]
"""The claims of a supervisor who is no operator; anybody else gets 401 or 403."""


def permitted_channels(claims: Claims, channel: str | None) -> frozenset[str] | None:
    """The channels to look at, None for all of them. Raises `Forbidden` for one that isn't the caller's."""
    if channel is not None:
        if not claims.covers(channel):
            raise Forbidden("Your token is not good for this channel.")
        return frozenset({channel})
    if not claims.channels:
        raise Forbidden("Your token is good for no channel.")
    return None if EVERY_CHANNEL in claims.channels else claims.channels
