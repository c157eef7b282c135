"""Which pages may call: chat's own, those of the settings, and those that a channel's widget may stand on."""

from typing import Annotated, Final

from fastapi import Depends, Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http.problems import OriginNotAllowed, problem_response, raises
from chassis.http.routes import from_state
from chat.api.dependencies import Channels
from chat.read_models.channels import Channels as ChannelsModel
from contracts.access import Claims, Role

PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "DELETE, GET, POST, PUT",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, If-None-Match, X-Request-ID",
    "Access-Control-Max-Age": "600",
}
EXPOSED: Final = "ETag, Retry-After, WWW-Authenticate, X-Request-ID"


class CrossOrigin:
    """Answers preflights, and lets pages of allowed origins read responses (Fetch, 3.2). No credentials.

    An origin that no channel allows gets 403; which channel does, `check_origin` asks. A browser names the
    origin of a page, and nobody else has to: this keeps other sites' pages out, not programs.
    """

    def __init__(self, app: ASGIApp, channels: ChannelsModel, own: frozenset[str]) -> None:
        self._app = app
        self._channels = channels
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        if headers is None or "origin" not in headers:
            await self._app(scope, receive, send)
            return
        origin = ", ".join(headers.getlist("origin"))
        if origin not in self._own and not await self._channels.allow(origin):
            response = problem_response(OriginNotAllowed({"Vary": "Origin"}), scope["request_id"])
            await response(scope, receive, send)
            return

        async def allowing(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(raw=message.setdefault("headers", []))
                answer["Access-Control-Allow-Origin"] = origin
                answer["Access-Control-Expose-Headers"] = EXPOSED
                answer.add_vary_header("Origin")
            await send(message)

        asks = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        await (Response(status_code=204, headers=PREFLIGHT) if asks else self._app)(scope, receive, allowing)


@raises(OriginNotAllowed)
async def check_origin(
    request: Request, channels: Channels, own: Annotated[frozenset[str], from_state("own_origins")]
) -> None:
    """Raises `OriginNotAllowed` for a page of an origin that the channel of the request doesn't allow.

    That is the channel of a visitor's token, or the one in the path where no token is needed. Staff's
    requests concern no channel: they come from our own pages.
    """
    origin = request.headers.get("origin")
    if origin is None or origin in own:
        return
    channel: str | None = request.path_params.get("channel")
    claims: Claims | None = getattr(request.state, "claims", None)  # by now verified, if there is a token
    if claims is not None:
        channel = next(iter(claims.channels), None) if claims.roles == {Role.VISITOR} else None
    if channel is None or not await channels.allow(origin, channel):
        raise OriginNotAllowed


FROM_ALLOWED_PAGES: Final = [Depends(check_origin)]
"""The dependencies of each router of chat."""
