"""Who may call: roles and the claims of a token."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

AUDIENCE_STAFF = "candor"
AUDIENCE_CHAT = "candor.chat"
AUDIENCE_RATING = "candor.rating"

EVERY_CHANNEL: Literal["*"] = "*"

SubjectId = Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]
"""The `sub` of a token as OpenID Connect allows it: 1 to 255 printable ASCII characters, no spaces."""


class Role(StrEnum):
    """What a token's bearer is."""

    VISITOR = "visitor"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    SERVICE = "service"
    PLATFORM = "platform"


class Claims(BaseModel):
    """What a verified token says. An absent claim grants nothing.

    `channels` holds the channels a token is good for; ``"*"`` stands for every channel.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: str = Field(min_length=1)
    roles: frozenset[Role] = frozenset()
    channels: frozenset[str] = frozenset()
    scope: str = ""
    name: str | None = None
    team: str | None = None

    def covers(self, channel: str) -> bool:
        """Whether the token is good for this channel."""
        return EVERY_CHANNEL in self.channels or channel in self.channels
