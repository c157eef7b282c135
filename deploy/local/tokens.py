"""Development tokens for staff, signed with the key that `make run` makes its services trust."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chassis.http.tokens import issue, signing_key, thumbprint
from contracts.access import AUDIENCE_STAFF, EVERY_CHANNEL, Claims, Role
from deploy.local.failures import CannotStart
from deploy.local.secrets import STAFF_ISSUER, Secrets


def token(
    folder: Path,
    role: Role,
    *,
    channels: Iterable[str] = (EVERY_CHANNEL,),
    sub: str | None = None,
    name: str | None = None,
    team: str | None = None,
    teams: Iterable[str] | None = None,
    scope: str = "",
    hours: float = 12,
) -> str:
    """A token for one of staff's roles, good for `hours`. Raises CannotStart for visitors."""
    if role is Role.VISITOR:
        raise CannotStart("A visitor's token comes from chat: POST /v1/channels/{channel}/visitors.")
    key, now = signing_key(str(Secrets(folder).staff_key)), datetime.now(UTC)
    claims = Claims(
        sub=sub or f"{role}-1",
        roles=frozenset({role}),
        channels=frozenset(channels),
        scope=scope,
        name=name or role.capitalize(),
        team=team,
        teams=None if teams is None else frozenset(teams),
    )
    kid, lifetime = thumbprint(key.public_key()), timedelta(hours=hours)
    return issue(key, kid, STAFF_ISSUER, [AUDIENCE_STAFF], claims, lifetime, now)
