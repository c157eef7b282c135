"""Channels, and the visitors who come through them."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, status

from chassis.errors import CommandRejected
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.http.auth import Verifier, allow
from chassis.http.errors import errors
from chassis.http.problems import NotFound
from chat.api.permissions import STAFF, refuse_other_channels
from chat.api.schemas import ChannelBody, ChannelId, ChannelList, ChannelView, VisitorBody, VisitorGiven
from chat.api.tokens import VisitorTokens
from chat.domain.channel import CHANNEL, ChannelPublished, PublishChannel, UnpublishedChannel
from chat.read_models.channels import Channels
from chat.read_models.pending_visitors import PendingVisitor, PendingVisitors
from contracts.access import Claims, Role


def routes(
    streams: Repository,
    verifier: Verifier,
    visitors: PendingVisitors,
    tokens: VisitorTokens,
    channels: Channels,
) -> APIRouter:
    """The routes of channels."""
    router = APIRouter(tags=["channels"])
    admin = Annotated[Claims, Depends(allow(verifier, Role.ADMIN))]
    staff = Annotated[Claims, Depends(allow(verifier, *STAFF))]

    @router.put("/v1/channels/{channel}", responses=errors(401, 403, 415))
    async def publish_channel(channel: ChannelId, body: ChannelBody, claims: admin) -> ChannelView:
        """Makes a channel, or makes it be like this. An admin of the channel may."""
        refuse_other_channels(claims, channel)
        command = PublishChannel(channel=channel, **dict(body))
        await handle(streams, CHANNEL, CHANNEL.stream(channel), command)
        return ChannelView(channel=channel, **dict(body))

    @router.get("/v1/channels", responses=errors(401, 403))
    async def list_channels(claims: staff) -> ChannelList:
        """The channels that the token is good for."""
        covered = [channel for channel in await channels.all() if claims.covers(channel.channel)]
        return ChannelList(channels=[_view(channel) for channel in covered])

    @router.post(
        "/v1/channels/{channel}/visitors",
        status_code=status.HTTP_201_CREATED,
        responses=errors(404, 409, 415),
    )
    async def admit_visitor(channel: ChannelId, body: VisitorBody | None = None) -> VisitorGiven:
        """A token for a new client of this channel. Needs none itself.

        Whoever opens no dialog with it is forgotten when it expires.
        """
        await _refuse_unless_taking_visitors(streams, channel)
        who = body or VisitorBody()
        client = secrets.token_hex(16)
        token, expires_at = tokens.issue(client, channel, streams.clock.now())
        await visitors.add(PendingVisitor(client, channel, who.locale, who.email, who.name), expires_at)
        return VisitorGiven(token=token, client=client, expires_at=expires_at)

    return router


async def _refuse_unless_taking_visitors(streams: Repository, channel: str) -> None:
    state = (await streams.load(CHANNEL, CHANNEL.stream(channel))).state
    if isinstance(state, UnpublishedChannel):
        raise NotFound("There is no such channel.")
    if state.closed:
        raise CommandRejected("This channel is closed: it takes no new visitors.")


def _view(published: ChannelPublished) -> ChannelView:
    return ChannelView.model_validate(published.model_dump(exclude={"type"}))
