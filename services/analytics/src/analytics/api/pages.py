"""The page that analytics serves: Live Chat."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter

from analytics.api.permissions import NEVER
from analytics.settings import AnalyticsSettings
from chassis.http import pages
from chassis.http.auth import allow
from contracts.access import Role

BUILT: Final = Path(__file__).parents[1] / "static"

person = pages.person_router("analytics", allow(Role.SUPERVISOR, never=NEVER))


def page_router(settings: AnalyticsSettings) -> APIRouter:
    """The routes of the page and of what it loads."""
    told = {
        "signIn": pages.sign_in(settings),
        "minimum": settings.minimum_n,
        "urls": dict(settings.public_urls),
    }
    # The drawer reads the stories of closes from rating, which in development has an origin of its own.
    others = {settings.rating_url} - {settings.analytics_url}
    connect = (*pages.sign_in_sources(settings), *others)
    found = [pages.Page("/live-chat", "live-chat.html", told, connect)]
    return pages.router(settings.service, BUILT, found)
