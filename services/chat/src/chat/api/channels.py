"""Channels, and the visitors who come through them."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import Depends, Header, Response, status

from chassis.errors import CommandRejected
from chassis.eventstore.handle import handle
from chassis.http.etags import etag, version_of
from chassis.http.problems import ChannelNotCovered, raises
from chassis.http.routes import Router, from_state
from chat.api.dependencies import Channels, Repository, Tokens, Visitors
from chat.api.origins import FROM_ALLOWED_PAGES
from chat.api.permissions import Admin, Staff
from chat.api.problems import problems
from chat.api.schemas import (
    ChannelBody,
    ChannelId,
    ChannelList,
    ChannelView,
    VisitorBody,
    VisitorGiven,
    WidgetView,
)
from chat.domain.channel import (
    CHANNEL,
    ChannelPublished,
    PublishChannel,
    PublishedChannel,
    UnpublishedChannel,
)
from chat.domain.rejections import Rejection
from chat.read_models.pending_visitors import PendingVisitor

router = Router(tags=["channels"], dependencies=FROM_ALLOWED_PAGES)


@raises(Rejection.CHANGED_MEANWHILE)
async def _based_on(
    if_match: Annotated[
        str | None, Header(description="The ETag of the channel as it was read.", examples=['"3"'])
    ] = None,
    if_none_match: Annotated[
        Literal["*"] | None, Header(description="Sent for a channel that shall be new.")
    ] = None,
) -> int | None:
    if if_none_match:
        return 0
    if if_match is None:
        return None
    if (version := version_of(if_match)) is None:
        raise CommandRejected(Rejection.CHANGED_MEANWHILE)
    return version


@router.put("/v1/channels/{channel}", responses=problems(ChannelNotCovered.code))
async def publish_channel(
    channel: ChannelId,
    body: ChannelBody,
    claims: Admin,
    based_on: Annotated[int | None, Depends(_based_on)],
    repository: Repository,
    response: Response,
) -> ChannelView:
    """Makes a channel, or makes it be like this. An admin of the channel may.

    With `If-Match` or `If-None-Match` only if nobody else changed it, or made it, since it was read.
    """
    if not claims.covers(channel):
        raise ChannelNotCovered
    command = PublishChannel(ChannelPublished(channel=channel, **dict(body)), based_on)
    version = (await handle(repository, CHANNEL, CHANNEL.stream(channel), command)).state.version
    response.headers["ETag"] = etag(version)
    return ChannelView(channel=channel, version=version, **dict(body))


@router.get("/v1/channels")
async def list_channels(claims: Staff, channels: Channels) -> ChannelList:
    """The channels that the token is good for."""
    covered = [channel for channel in await channels.all() if claims.covers(channel.channel)]
    return ChannelList(
        channels=[ChannelView.model_validate(channel, from_attributes=True) for channel in covered]
    )


@router.get("/v1/channels/{channel}/widget", responses=problems(Rejection.NO_SUCH_CHANNEL))
async def read_widget(
    channel: ChannelId, repository: Repository, urls: Annotated[Mapping[str, str], from_state("public_urls")]
) -> WidgetView:
    """What the widget of a channel begins with. Needs no token."""
    published = (await _published(repository, channel)).published
    return WidgetView(
        channel=channel,
        name=published.name,
        locales=published.locales,
        closed=published.closed,
        form_url=f"{urls['rating']}/form",
    )


@router.post(
    "/v1/channels/{channel}/visitors",
    status_code=status.HTTP_201_CREATED,
    responses=problems(Rejection.NO_SUCH_CHANNEL, Rejection.CHANNEL_CLOSED),
)
async def admit_visitor(
    channel: ChannelId,
    repository: Repository,
    visitors: Visitors,
    tokens: Tokens,
    body: VisitorBody | None = None,
) -> VisitorGiven:
    """A token for a new client of this channel. Needs none itself.

    Whoever opens no dialog with it is forgotten when it expires.
    """
    if (await _published(repository, channel)).closed:
        raise CommandRejected(Rejection.CHANNEL_CLOSED)
    who = body or VisitorBody()
    client = secrets.token_hex(16)
    token, expires_at = tokens.issue(client, channel, repository.clock.now())
    await visitors.add(PendingVisitor(client, channel, who.locale, who.email, who.name), expires_at)
    return VisitorGiven(token=token, client=client, expires_at=expires_at)


async def _published(repository: Repository, channel: str) -> PublishedChannel:
    state = (await repository.load(CHANNEL, CHANNEL.stream(channel))).state
    if isinstance(state, UnpublishedChannel):
        raise CommandRejected(Rejection.NO_SUCH_CHANNEL)
    return state
