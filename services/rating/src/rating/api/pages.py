"""The pages that rating serves: the form, the end of mails, the Quality control of channels, and webhooks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request

from chassis.http import pages
from chassis.http.auth import allow
from contracts.access import Role
from rating.api.permissions import OPERATORS
from rating.read_models.channels import Channels
from rating.settings import RatingSettings

BUILT: Final = Path(__file__).parents[1] / "static"
SELF: Final = "'self'"

person = pages.person_router("rating", allow(Role.SUPERVISOR, Role.ADMIN, never=OPERATORS))


def page_router(settings: RatingSettings, channels: Channels) -> APIRouter:
    """The routes of the pages and of what they load."""
    told = {"signIn": pages.sign_in(settings), "urls": dict(settings.public_urls)}
    connect = pages.sign_in_sources(settings)

    async def framing(request: Request) -> Sequence[str]:
        """Quality control's preview, and the sites on which the widget of the channel in the query stands."""
        channel = request.query_params.get("channel")
        return (SELF, *(await channels.frame_ancestors(channel) if channel else ()))

    found = [
        pages.Page("/form", "form.html", {}, framing=framing),
        pages.Page("/unsubscribe", "unsubscribe.html", {}),
        pages.Page("/quality-control", "quality-control.html", told, connect, frames=(SELF,)),
        pages.Page("/webhooks", "webhooks.html", told, connect),
    ]
    return pages.router(settings.service, BUILT, found)
