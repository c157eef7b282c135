"""As many requests are worked on at once as can be; others are asked to come again, health checks never."""

from collections import deque

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http.problems import Unavailable, problem_response

MOST_AT_ONCE = 500
HEALTH = "/health/"


class Crowd:
    """Answers 503 with ``Retry-After`` beyond 500 requests at once.

    A request counts from the end of its body: one that is only promised takes nobody's place.
    """

    def __init__(self, app: ASGIApp, most: int = MOST_AT_ONCE) -> None:
        self.app = app
        self.most = most
        self.working = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"].startswith(HEALTH):
            await self.app(scope, receive, send)
            return
        body = _Body(receive)
        await body.arrive()
        if self.working >= self.most:
            problem = Unavailable("There is too much to do right now. Try again in a moment.")
            refusal = problem_response(
                503, problem.sentence, str(scope.get("request_id", "unknown")), problem.headers
            )
            await refusal(scope, receive, send)
            return
        self.working += 1
        try:
            await self.app(scope, body.receive, send)
        finally:
            self.working -= 1


class _Body:
    """Waits for a whole body, and hands it on; what went wrong is raised in whoever reads, as without us."""

    def __init__(self, source: Receive) -> None:
        self._source = source
        self._arrived: deque[Message | HTTPException] = deque()

    async def arrive(self) -> None:
        """Returns once the body is here, or won't come."""
        more = True
        while more:
            try:
                message = await self._source()
            except HTTPException as error:
                self._arrived.append(error)
                return
            self._arrived.append(message)
            more = bool(message.get("more_body", False))

    async def receive(self) -> Message:
        """The next message."""
        if not self._arrived:
            return await self._source()
        message = self._arrived.popleft()
        if isinstance(message, HTTPException):
            raise message
        return message
