"""Who the caller is. Operators are kept out before anything of their request is read."""

from typing import Annotated

from fastapi import Depends, Path

from chassis.http.auth import Visitor, allow, allow_anyone, allow_visitor
from chassis.http.problems import ChannelNotCovered, raises
from contracts.access import EVERY_CHANNEL, Claims, Role
from contracts.envelope import Id

OPERATORS = frozenset({Role.OPERATOR})
STAFF = frozenset(Role) - {Role.VISITOR}
NoStaff = Depends(allow_anyone(never=STAFF))
"""For whoever holds a form's token: no bearer token is needed, one that isn't a visitor's is refused."""

AVisitor = Annotated[Visitor, Depends(allow_visitor(never=OPERATORS))]

ChannelId = Annotated[Id, Path(description="The channel's id.", examples=["course-a"])]
_SUPERVISING = allow(Role.SUPERVISOR, Role.ADMIN, never=OPERATORS)
SupervisorClaims = Annotated[Claims, Depends(_SUPERVISING)]
"""The claims of a supervisor or an admin who is no operator."""


@raises(ChannelNotCovered)
async def _of_every_channel(
    claims: Annotated[Claims, Depends(allow(Role.ADMIN, never=OPERATORS))],
) -> Claims:
    if EVERY_CHANNEL not in claims.channels:
        raise ChannelNotCovered
    return claims


@raises(ChannelNotCovered)
async def _admin_of_channel(
    claims: Annotated[Claims, Depends(allow(Role.ADMIN, never=OPERATORS))], channel: ChannelId
) -> Claims:
    if not claims.covers(channel):
        raise ChannelNotCovered
    return claims


ChannelAdmin = Annotated[Claims, Depends(_admin_of_channel)]
"""The claims of an admin of the channel in the path."""

EveryChannelsAdmin = Annotated[Claims, Depends(_of_every_channel)]
"""The claims of an admin of every channel, those among them that aren't there yet."""


@raises(ChannelNotCovered)
async def _of_channel(claims: SupervisorClaims, channel: ChannelId) -> Claims:
    if not claims.covers(channel):
        raise ChannelNotCovered
    return claims


ChannelSupervisor = Annotated[Claims, Depends(_of_channel)]
"""The claims of a supervisor or an admin of the channel in the path."""
