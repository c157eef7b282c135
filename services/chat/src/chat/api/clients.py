"""Clients who want to be forgotten, and the public keys of clients' tokens."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, status

from chassis.eventlog.handle import Streams, handle
from chassis.web.auth import Verifier, allow
from chassis.web.errors import errors
from chat.api.shapes import ClientId, ErasureView
from chat.api.tokens import OwnKeys
from chat.domain.client import CLIENT, EraseClient, Erased
from contracts.access import Claims, Role


def routes(streams: Streams, verifier: Verifier, keys: OwnKeys) -> APIRouter:
    """The routes of clients."""
    router = APIRouter(tags=["clients"])
    admin = Annotated[Claims, Depends(allow(verifier, Role.ADMIN))]

    @router.delete("/v1/clients/{client}", status_code=status.HTTP_202_ACCEPTED, responses=errors(401, 403))
    async def erase_client(client: ClientId, _: admin) -> ErasureView:
        """Everything this client wrote or is called is forgotten, everywhere; the numbers stay."""
        command = EraseClient(client, streams.clock.now())
        outcome = await handle(streams, CLIENT, CLIENT.stream(client), command)
        if not isinstance(outcome.state, Erased):
            raise TypeError("erasing left a client who is not erased")
        return ErasureView(client=client, erased_at=outcome.state.erased_at)

    @router.get("/.well-known/jwks.json")
    async def public_keys() -> dict[str, Sequence[dict[str, str]]]:
        """The keys that visitors' tokens are verified with, as a JWK set (RFC 7517)."""
        return keys.jwks()

    return router
