"""The pages that rating serves: the form, and the Quality control of channels."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter

from chassis.http import pages
from chassis.http.auth import allow
from contracts.access import Role
from rating.api.permissions import OPERATORS
from rating.settings import RatingSettings

BUILT: Final = Path(__file__).parents[1] / "static"

person = pages.person_router("rating", allow(Role.SUPERVISOR, Role.ADMIN, never=OPERATORS))


def page_router(settings: RatingSettings) -> APIRouter:
    """The routes of the pages and of what they load."""
    told, connect = {"signIn": pages.sign_in(settings)}, pages.sign_in_sources(settings)
    found = [
        pages.Page("/form", "form.html", {}),
        pages.Page("/quality-control", "quality-control.html", told, connect),
    ]
    return pages.router(settings.service, BUILT, found)
