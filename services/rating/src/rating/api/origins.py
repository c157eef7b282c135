"""Live Chat's page may read the stories of closes where it has an origin of its own, as in development."""

import re
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STORY: Final = re.compile(r"/v1/closes/[^/]+/story")
PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET",
    "Access-Control-Allow-Headers": "Authorization, X-Request-ID",
    "Access-Control-Max-Age": "600",
}
EXPOSED: Final = "Retry-After, WWW-Authenticate, X-Request-ID"


class CrossOrigin:
    """Answers preflights for stories, and lets pages of `origin` read them (Fetch, 3.2). No credentials.

    To pages of any other origin, and about all else, it says nothing: browsers keep responses from them. No
    cache keeps any (`no-store`), so only what was granted varies.
    """

    def __init__(self, app: ASGIApp, origin: str) -> None:
        self._app = app
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = Headers(scope=scope) if scope["type"] == "http" and STORY.fullmatch(scope["path"]) else None
        if headers is None or headers.getlist("origin") != [self._origin]:
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                response = MutableHeaders(raw=message.setdefault("headers", []))
                response["Access-Control-Allow-Origin"] = self._origin
                response["Access-Control-Expose-Headers"] = EXPOSED
                response.add_vary_header("Origin")
            await send(message)

        asks = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        await (Response(status_code=204, headers=PREFLIGHT) if asks else self._app)(scope, receive, told)
