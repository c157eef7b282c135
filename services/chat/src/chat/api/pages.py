"""The pages that chat serves: console, channels' settings and transcripts, and the widget's script."""

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
    supervising = {**told, "urls": settings.public_urls}
    # Operators may load it, if only to be refused: it knows of no form.
    reading = {**told, "urls": {"analytics": settings.public_urls["analytics"]}}
    found = [
        pages.Page("/console", "console.html", told, connect),
        pages.Page("/channels", "channels.html", supervising, connect),
        pages.Page("/transcript", "transcript.html", reading, connect),
    ]
    return pages.router(settings.service, BUILT, found, scripts=["widget.js"])
