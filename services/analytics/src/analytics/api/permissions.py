"""Who may query analytics: supervisors, about the channels and teams of their token; never an operator."""

from collections.abc import Collection
from typing import Annotated, Final

from fastapi import Depends

from analytics.read_models.close_filter import CloseFilter
from chassis.http.auth import allow
from chassis.http.problems import ChannelNotCovered, NoChannelCovered, NoTeamCovered, TeamNotCovered
from contracts.access import EVERY_CHANNEL, Claims, Role

NEVER: Final = frozenset({Role.OPERATOR, Role.VISITOR})
SupervisorClaims = Annotated[Claims, Depends(allow(Role.SUPERVISOR, never=NEVER))]
"""The claims of a supervisor who is no operator; anybody else gets 401 or 403."""


def permitted_channels(claims: Claims, channels: Collection[str]) -> frozenset[str] | None:
    """The channels to look at, None for all of them. Raises `Forbidden` if one isn't the caller's."""
    if not all(claims.covers(channel) for channel in channels):
        raise ChannelNotCovered
    if channels:
        return frozenset(channels)
    if not claims.channels:
        raise NoChannelCovered
    return None if EVERY_CHANNEL in claims.channels else claims.channels


def permitted_teams(claims: Claims, teams: Collection[str]) -> frozenset[str] | None:
    """The teams to look at, None for all and none. Raises `Forbidden` if one isn't the caller's."""
    if not all(claims.covers_team(team) for team in teams):
        raise TeamNotCovered
    if claims.teams is not None and not claims.teams:
        raise NoTeamCovered
    return frozenset(teams) or claims.teams


def seen_by(claims: Claims) -> CloseFilter:
    """The closes of the caller's channels and teams; none if there are no such."""
    return CloseFilter(None if EVERY_CHANNEL in claims.channels else claims.channels, teams=claims.teams)
