"""What a chat command is measured against: FastAPI and Motor, a token that is verified, one insert.

    python -m tests.bench.bare_insert <port>

It decides nothing, remembers nothing and tells nobody. Its documents have the size of chat's commits.
"""

import sys
from datetime import UTC, datetime
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from chassis.http.app import PLAIN
from chassis.http.auth import verifier
from chassis.mongo import connect, durable
from chassis.service import _config, _listen
from chat.api.tokens import VisitorTokens
from chat.settings import ChatSettings
from contracts.access import AUDIENCE_CHAT, Claims

TEXT_LENGTH = 550
"""Characters of a text: with them a document has the 730 bytes of a commit with a sealed one of thirty."""


class Body(BaseModel):
    """A message."""

    text: str


def build(settings: ChatSettings) -> FastAPI:
    """The app."""
    commits = durable(connect(settings.mongo)["candor_bench_bare"], "commits")
    verify = verifier(settings, visitors=AUDIENCE_CHAT, keys=VisitorTokens.of(settings).keys).verify
    app = FastAPI(**PLAIN)

    async def caller(given: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> Claims:
        return await verify(given.credentials)

    @app.put("/v1/dialogs/{dialog}/messages/{message}", status_code=201)
    async def insert(
        dialog: str, message: str, body: Body, claims: Annotated[Claims, Depends(caller)]
    ) -> dict[str, str]:
        now = datetime.now(UTC)
        await commits.insert_one({
            "_id": f"{dialog}:{message}", "dialog": dialog, "message": message, "author": claims.sub,
            "text": body.text.ljust(TEXT_LENGTH), "at": now,
        })  # fmt: skip
        return {"dialog": dialog, "message": message, "posted_at": now.isoformat()}

    return app


if __name__ == "__main__":
    with _listen("listen on", "127.0.0.1", int(sys.argv[1])) as listening:
        uvicorn.Server(_config(build(ChatSettings.load()))).run(sockets=[listening])
