"""Keeps other pages from asking the start page's API for tokens: it answers its own page alone.

A page of another site may send requests here, and with a DNS name that it points at loopback the browser
would even take it for the same origin: so the host that was asked for must be a name of loopback.
"""

from typing import Annotated

from fastapi import Header, Request

from chassis.errors import CommandRejected
from chassis.http.routes import guarding
from deploy.local.start_page.problems import Refusal
from deploy.local.start_page.setup import LOOPBACK_NAMES

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
HEADER = "X-Candor-Start-Page"
OWN = frozenset({"same-origin", "none"})
"""Of ``Sec-Fetch-Site``; "none" is what a person typed."""


async def require_local_host(request: Request) -> None:
    """Raises CommandRejected unless the request is for a name of loopback and the port that it came to."""
    if request.headers.getlist("host") not in [[f"{name}:{_port(request)}"] for name in LOOPBACK_NAMES]:
        raise CommandRejected(Refusal.HOST_NOT_LOCAL)


async def require_own_page(request: Request) -> None:
    """Raises CommandRejected unless the start page asks; what changes something names it."""
    await require_local_host(request)
    headers = request.headers
    if headers.get("origin", own := f"http://{headers['host']}") != own:
        raise CommandRejected(Refusal.NOT_THE_START_PAGE)
    if headers.get("sec-fetch-site", "same-origin") not in OWN:
        raise CommandRejected(Refusal.NOT_THE_START_PAGE)
    # Another site's page can't send a header of its own without asking first, and isn't answered then.
    if request.method in CHANGING and HEADER.lower() not in headers:
        raise CommandRejected(Refusal.NOT_THE_START_PAGE)


@guarding(require_own_page)
async def own_page(
    _: Annotated[
        str | None, Header(alias=HEADER, description="Anything; needed to change something.")
    ] = None,
) -> None:
    """A dependency of the routes that the start page alone may call."""


def _port(request: Request) -> int:
    return int(request.scope["server"][1])
