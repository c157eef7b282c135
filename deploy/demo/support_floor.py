"""A support floor: where the services are, and a person for each role."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from chassis.http.etags import etag
from contracts.access import EVERY_CHANNEL, Role
from deploy.demo.people import Caller, Operator, ServiceUrls, Supervisor, Visitor

OPERATORS = {"ann": "Ann Lee", "bo": "Bo Martín", "chika": "Chika Ōta"}

Token = Callable[..., str]
"""Issues a token: role, and by name `sub`, `name`, `team` and `channels`."""


@dataclass(frozen=True)
class SupportFloor:
    """Makes people with tokens; `within` is in seconds."""

    http: httpx.AsyncClient
    urls: ServiceUrls
    token: Token
    within: float = 15.0

    async def channel(self, channel: str, name: str | None = None, **more: Any) -> None:
        """Makes a channel, or makes sure that it is there and like this."""
        url = f"{self.urls.chat}/v1/channels/{channel}"
        await self.caller(Role.ADMIN).do("PUT", url, json={"name": name or channel, **more})

    async def set_up(self, channel: str, **settings: Any) -> None:
        """Changes these settings of the channel's Quality control, and leaves the others as they are."""
        url, admin = f"{self.urls.rating}/v1/quality-control/{channel}", self.caller(Role.ADMIN)
        read = await admin.do("GET", url)
        based_on = {"If-Match": etag(read["version"])}
        await admin.do("PUT", url, headers=based_on, json={**read["settings"], **settings})

    async def erase(self, client: str) -> None:
        """Erases a client."""
        await self.caller(Role.ADMIN).do("DELETE", f"{self.urls.chat}/v1/clients/{client}")

    async def visitor(self, channel: str, **who: str) -> Visitor:
        """A client who has just come to the channel."""
        return await Visitor.arrive(self.http, self.urls, channel, self.within, **who)

    def operator(self, sub: str, name: str | None = None) -> Operator:
        """An operator of every channel."""
        return Operator(self.caller(Role.OPERATOR, sub=sub, name=name or sub), self.urls)

    def supervisor(self) -> Supervisor:
        """A supervisor of every channel."""
        return Supervisor(self.caller(Role.SUPERVISOR), self.urls)

    def caller(self, role: Role, **claims: str | None) -> Caller:
        """Somebody with this role for every channel."""
        return Caller(self.http, self.token(role, channels=[EVERY_CHANNEL], **claims), self.within)
