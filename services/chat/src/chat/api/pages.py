"""The pages that chat serves: the operators' console, the settings of channels, and the widget's script."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter

from chassis.http import pages
from chassis.http.auth import allow
from chat.settings import ChatSettings
from contracts.access import Role

BUILT: Final = Path(__file__).parents[1] / "static"

person = pages.person_router("chat", allow(Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN))


def page_router(settings: ChatSettings) -> APIRouter:
    """The routes of the pages and of what they load. The console is told of no other service."""
    told, connect = {"signIn": pages.sign_in(settings)}, pages.sign_in_sources(settings)
    found = [
        pages.Page("/console", "console.html", told, connect),
        pages.Page("/channels", "channels.html", {**told, "urls": settings.public_urls}, connect),
    ]
    return pages.router(settings.service, BUILT, found, scripts=["widget.js"])
