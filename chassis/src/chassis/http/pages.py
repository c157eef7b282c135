"""Serves what a service's web room was built into: pages, never cached, and hashed files, cached for ever."""

import json
import mimetypes
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from chassis.http.problems import NotFound
from chassis.http.routes import Router
from chassis.settings import ServiceSettings
from contracts.access import Claims, Role

ENCODINGS: Final = ((".br", "br"), (".gz", "gzip"))
"""The endings of files that were compressed when they were built, best first."""

ASSETS: Final = "assets/"
"""Where files with hashed names are: only these may be cached for ever."""

FOR_EVER: Final = "public, max-age=31536000, immutable"
FOR_A_WHILE: Final = "public, max-age=300"
SETTINGS: Final = b"</head>"
COMMON: Final = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""The headers of pages; those of the API, which no browser shows, are in `request_middleware`."""

NOBODY: Final = ("'none'",)

Framing = Callable[[Request], Awaitable[Sequence[str]]]
"""Tells which origins may show a page in a frame, as sources of ``frame-ancestors``."""


@dataclass(frozen=True)
class Page:
    """A page: its address, the built HTML file, and what the page is told and may do beyond its own origin.

    `settings` is put into the page as JSON, in ``<meta name="candor" content="…">``: nothing secret.
    `connect` and `frames` are further sources for requests and frames; `framing` says who may frame it.
    """

    path: str
    file: str
    settings: Mapping[str, Any]
    connect: Sequence[str] = ()
    frames: Sequence[str] = ()
    framing: Framing | None = None


class BuiltFiles:
    """The files that a web room was built into, in memory, each in the encodings that exist of it."""

    def __init__(self, folder: Path) -> None:
        self._bodies = dict(_bodies(folder))

    def body(self, name: str, accepted: str) -> tuple[bytes, str | None] | None:
        """The bytes of a file and their encoding (None: as they are); None if there is no such file."""
        known = {each.partition(";")[0].strip() for each in accepted.split(",")}
        for ending, encoding in ENCODINGS:
            if encoding in known and (body := self._bodies.get(name + ending)) is not None:
                return body, encoding
        plain = self._bodies.get(name)
        return None if plain is None else (plain, None)


class Person(BaseModel):
    """Who works with a page, by their token; channels are ``["*"]`` for every one."""

    sub: str = Field(description="The `sub` of the token.", examples=["auth0|5f7c8ec7c33c6c004bbafe82"])
    name: str | None = Field(description="As the token has it.", examples=["Ann Lee"])
    roles: Sequence[Role] = Field(description="The roles of the token.", examples=[["supervisor"]])
    channels: Sequence[str] = Field(
        description="The channels that the token is good for.", examples=[["course-a"]]
    )
    teams: Sequence[str] | None = Field(
        description="The teams that its supervisor is limited to; null for none.", examples=[["first-line"]]
    )


def person_router(service: str, allowed: Callable[[Request], Awaitable[Claims]]) -> Router:
    """The route by which the pages of a service learn who is signed in; `allowed` says who may be."""
    routes = Router(prefix=f"/pages/{service}", tags=["pages"])

    @routes.get("/me")
    async def who_am_i(claims: Annotated[Claims, Depends(allowed)]) -> Person:
        """Whose token this is."""
        return Person(
            sub=claims.sub, name=claims.name, roles=sorted(claims.roles), channels=sorted(claims.channels),
            teams=None if claims.teams is None else sorted(claims.teams),
        )  # fmt: skip

    return routes


def sign_in(settings: ServiceSettings) -> Mapping[str, Any]:
    """What staff pages are told of signing in: the provider, or that development's start page does it."""
    return {
        "service": settings.service,
        "startPage": settings.env == "development" and not settings.staff_client_id,
        "authority": settings.staff_issuer,
        "client": settings.staff_client_id,
        "scope": settings.staff_scope,
        "discovery": settings.staff_discovery,
        "parameters": settings.staff_sign_in_parameters,
    }


def sign_in_sources(settings: ServiceSettings) -> Sequence[str]:
    """What staff pages may call to sign in: nothing if the pages have no client id there."""
    if not settings.staff_client_id:
        return ()
    provider = filter(None, (settings.staff_issuer, settings.staff_discovery))
    return (*dict.fromkeys(map(_origin, provider)), *settings.staff_sign_in_origins)


def router(service: str, folder: Path, pages: Sequence[Page], scripts: Sequence[str] = ()) -> APIRouter:
    """The routes of `pages`, and of the files under ``/pages/<service>/assets/`` that these load.

    `scripts` are built files with an address of their own, such as ``/widget.js``: pages of others load them.
    """
    files, routes = BuiltFiles(folder), APIRouter(include_in_schema=False)

    async def built_file(name: str, request: Request) -> Response:
        found = files.body(ASSETS + name, request.headers.get("accept-encoding", ""))
        if found is None or name.endswith(tuple(ending for ending, _ in ENCODINGS)):
            raise NotFound
        return _file(name, *found)

    def script(name: str) -> Callable[[Request], Awaitable[Response]]:
        async def served(request: Request) -> Response:
            found = files.body(name, request.headers.get("accept-encoding", ""))
            if found is None:
                raise NotFound
            return _file(name, *found, cached=FOR_A_WHILE)

        return served

    routes.add_api_route(f"/pages/{service}/{ASSETS}{{name:path}}", built_file, methods=["GET"])
    for name in scripts:
        routes.add_api_route(f"/{name}", script(name), methods=["GET"], name=name)
    for page in pages:
        routes.add_api_route(page.path, _served(page, files), methods=["GET"], name=page.file)
    return routes


def _file(name: str, body: bytes, encoding: str | None, cached: str = FOR_EVER) -> Response:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    # Public files: the widget's modules are loaded from pages of other origins.
    headers = {
        **COMMON,
        "Cache-Control": cached,
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
    }
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(body, media_type=kind, headers=headers)


def _served(page: Page, files: BuiltFiles) -> Callable[[Request], Awaitable[Response]]:
    async def served(request: Request) -> Response:
        found = files.body(page.file, "")
        if found is None:
            raise NotFound
        told = escape(json.dumps(page.settings, separators=(",", ":")))
        html = found[0].replace(SETTINGS, f'<meta name="candor" content="{told}">'.encode() + SETTINGS, 1)
        ancestors = await page.framing(request) if page.framing else NOBODY
        headers = {**COMMON, "Cache-Control": "no-cache", "Content-Security-Policy": policy(page, ancestors)}
        return Response(html, media_type="text/html", headers=headers)

    return served


def policy(page: Page, ancestors: Sequence[str]) -> str:
    """The page's Content Security Policy (level 3): its own origin for all, no inline script or style."""
    directives = {
        "default-src": NOBODY,
        "script-src": ("'self'",),
        "style-src": ("'self'",),
        "img-src": ("'self'",),
        "font-src": ("'self'",),
        "connect-src": ("'self'", *page.connect),
        "frame-src": page.frames or NOBODY,
        "base-uri": NOBODY,
        "form-action": NOBODY,
        "frame-ancestors": ancestors or NOBODY,
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())


def _bodies(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
