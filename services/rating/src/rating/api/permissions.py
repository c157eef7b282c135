"""Keeps operators out before anything of their request is read, so that no answer tells them anything."""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from fastapi.routing import APIRoute

from chassis.http.auth import BEARER, Verifier, allow_anyone
from contracts.access import Role


def no_operators(verifier: Verifier) -> type[APIRoute]:
    """Routes that need no bearer token, and answer 403 to an operator's, whatever the body is."""
    anyone_else = allow_anyone(verifier, never=frozenset({Role.OPERATOR}))

    class Door(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
            enter = super().get_route_handler()

            async def at_the_door(request: Request) -> Response:
                await anyone_else(await BEARER(request))
                return await enter(request)

            return at_the_door

    return Door
