"""Clients who want to be forgotten, and the public keys of clients' tokens."""

from collections.abc import Sequence
from dataclasses import replace

from fastapi import status

from chassis.errors import CommandRejected
from chassis.eventstore.handle import handle
from chassis.http.routes import Router
from chat.api.dependencies import Audit, Repository, Tokens, Visitors
from chat.api.origins import FROM_ALLOWED_PAGES
from chat.api.permissions import Admin
from chat.api.problems import problems
from chat.api.schemas import ClientId, ErasureView
from chat.domain.client import CLIENT, Client, EraseClient, ErasedClient, channel_of
from chat.domain.rejections import Rejection
from contracts.access import EVERY_CHANNEL

router = Router(tags=["clients"], dependencies=FROM_ALLOWED_PAGES)


@router.delete(
    "/v1/clients/{client}",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(Rejection.NOT_YOUR_CLIENT),
)
async def erase_client(
    client: ClientId, claims: Admin, repository: Repository, visitors: Visitors, audit: Audit
) -> ErasureView:
    """Everything this client wrote or is called is forgotten, everywhere; the numbers stay.

    An admin of the client's channel may; one of every channel, if chat never saw the client. Who asks for
    it is put on record first.
    """
    command = EraseClient(client, repository.clock.now())

    async def recorded(state: Client) -> EraseClient:
        pending = await visitors.find(client, command.now)
        channel = channel_of(state) or (pending.channel if pending else None)
        if not claims.covers(EVERY_CHANNEL if channel is None else channel):
            raise CommandRejected(Rejection.NOT_YOUR_CLIENT)
        await audit.note("client.erased", claims, command.now, client=client, channel=channel)
        return replace(command, channel=channel)

    result = await handle(
        repository, CLIENT, CLIENT.stream(client), command, complete=recorded, read_first=True
    )
    if not isinstance(result.state, ErasedClient):
        raise TypeError("erasing left a client who is not erased")
    return ErasureView(client=client, erased_at=result.state.erased_at)


@router.get("/.well-known/jwks.json")
async def list_public_keys(tokens: Tokens) -> dict[str, Sequence[dict[str, str]]]:
    """The keys that visitors' tokens are verified with, as a JWK set (RFC 7517)."""
    return tokens.keys.jwks()
