"""The sample site: somebody else's pages, under a strict policy of their own, with the widget on them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from string import Template
from typing import Final

from fastapi import FastAPI, Response

from chassis.http.app import PLAIN
from deploy.local.start_page.setup import Setup

FOLDER: Final = Path(__file__).parents[1] / "sample_site"
KINDS: Final = {".html": "text/html", ".css": "text/css", ".svg": "image/svg+xml"}


def sample_site(setup: Setup) -> FastAPI:
    """Serves the files of the folder ``sample_site``; a page's address is its name, ``index`` is ``/``."""
    app = FastAPI(openapi_url=None, **PLAIN)
    for path in sorted(FOLDER.iterdir()):
        name = "" if path.stem == "index" else path.stem if path.suffix == ".html" else path.name
        app.add_api_route(f"/{name}", _file(path, setup), methods=["GET"], response_class=Response)
    return app


def policy(setup: Setup) -> str:
    """The site's Content Security Policy: what a site allows that takes the widget and nothing else."""
    chat, rating = setup.urls.chat, setup.urls.rating
    return (
        f"default-src 'none'; script-src {chat}; connect-src {chat}; frame-src {rating}; "
        "style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _file(path: Path, setup: Setup) -> Callable[[], Awaitable[Response]]:
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        content = Template(content).substitute(chat=setup.urls.chat)
    headers = {"Content-Security-Policy": policy(setup), "Cache-Control": "no-cache"}

    async def file() -> Response:
        return Response(content, media_type=KINDS[path.suffix], headers=headers)

    return file
