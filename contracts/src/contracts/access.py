"""Who may call: roles and the claims of a token."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

AUDIENCE_STAFF = "candor"
AUDIENCE_CHAT = "candor.chat"
AUDIENCE_RATING = "candor.rating"

EVERY_CHANNEL: Literal["*"] = "*"

SubjectId = Annotated[str, Field(pattern=r"^[!-~]([ -~]{0,253}[!-~])?$")]
"""The `sub` of a token, whatever OpenID Connect allows that is seen: 1 to 255 printable ASCII characters, of
which blanks stand at neither end.
"""


class Role(StrEnum):
    """What a token's bearer is."""

    VISITOR = "visitor"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    SERVICE = "service"
    PLATFORM = "platform"


class Scope(StrEnum):
    """What a service's token may do besides, as a word of its `scope`."""

    DIALOGS_WRITE = "dialogs:write"
    MARKS_WRITE = "marks:write"


class Claims(BaseModel):
    """The claims of a verified token. An absent claim grants nothing, and limits nothing.

    `channels` holds the channels a token is good for; ``"*"`` stands for every channel. `teams` limits what a
    supervisor sees to what counts for these teams; None doesn't limit it. `team` is an operator's own.
    `misspelt` holds roles that it names in another spelling: these grant nothing, but deny what the role may
    never do. `exp` is when the token ends, in seconds since 1970.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: SubjectId
    roles: frozenset[Role] = frozenset()
    misspelt: frozenset[Role] = Field(default=frozenset(), exclude=True)
    channels: frozenset[str] = frozenset()
    scope: str = ""
    name: str | None = None
    team: str | None = None
    teams: frozenset[str] | None = None
    exp: int | None = Field(default=None, exclude=True)

    def covers(self, channel: str) -> bool:
        """Whether the token is good for this channel."""
        return EVERY_CHANNEL in self.channels or channel in self.channels

    def covers_team(self, team: str | None) -> bool:
        """Whether its bearer may see what counts for this team; None is for no team."""
        return self.teams is None or team in self.teams

    def is_service_with(self, scope: Scope) -> bool:
        """Whether its bearer is a service that may do this; never somebody who is anything else besides."""
        is_service = Role.SERVICE in self.roles and not self.names_any(frozenset(Role) - {Role.SERVICE})
        return is_service and scope in self.scope.split()

    def names_any(self, roles: frozenset[Role]) -> bool:
        """Whether the token names one of these roles, in whatever spelling: for what they may never do."""
        return bool((self.roles | self.misspelt) & roles)
