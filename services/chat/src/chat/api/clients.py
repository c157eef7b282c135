"""Clients who want to be forgotten, and the public keys of clients' tokens."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, status

from chassis.audit import Audit
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.http.auth import Verifier, allow
from chassis.http.errors import errors
from chat.api.permissions import refuse_to_erase
from chat.api.schemas import ClientId, ErasureView
from chat.api.tokens import OwnKeys
from chat.domain.client import CLIENT, EraseClient, ErasedClient, channel_of
from chat.read_models.pending_visitors import PendingVisitors
from contracts.access import Claims, Role


def routes(
    streams: Repository, verifier: Verifier, keys: OwnKeys, audit: Audit, visitors: PendingVisitors
) -> APIRouter:
    """The routes of clients."""
    router = APIRouter(tags=["clients"])
    admin = Annotated[Claims, Depends(allow(verifier, Role.ADMIN))]

    @router.delete("/v1/clients/{client}", status_code=status.HTTP_202_ACCEPTED, responses=errors(401, 403))
    async def erase_client(client: ClientId, claims: admin) -> ErasureView:
        """Everything this client wrote or is called is forgotten, everywhere; the numbers stay.

        An admin of the client's channel may; one of every channel, if chat never saw the client. Who asks for
        it is put on record first.
        """
        stream, now = CLIENT.stream(client), streams.clock.now()
        pending = await visitors.find(client, now)
        registered = channel_of((await streams.load(CLIENT, stream)).state)
        channel = registered or (pending.channel if pending else None)
        refuse_to_erase(claims, channel)
        await audit.note("client.erased", claims, now, client=client, channel=channel)
        outcome = await handle(streams, CLIENT, stream, EraseClient(client, now, channel))
        if not isinstance(outcome.state, ErasedClient):
            raise TypeError("erasing left a client who is not erased")
        return ErasureView(client=client, erased_at=outcome.state.erased_at)

    @router.get("/.well-known/jwks.json")
    async def public_keys() -> dict[str, Sequence[dict[str, str]]]:
        """The keys that visitors' tokens are verified with, as a JWK set (RFC 7517)."""
        return keys.jwks()

    return router
