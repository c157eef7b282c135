"""Conditional requests: who has a response already is told so, and nothing is computed for it.

Numbers follow from the events up to a position, so their ETag is of that position, and of all else that they
depend on. Reviews have none: their texts depend on keys too, and each reading of them is put on record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request, Response

from analytics.api.dependencies import MinimumN, Reader, Reviewed
from analytics.api.permissions import SupervisorClaims, permitted_channels
from analytics.api.schemas import Freshness
from analytics.read_models.progress import ProgressReader
from chassis.http.etags import NotModified, is_among, weak_etag

F = TypeVar("F", bound=Freshness)

CACHED: Final = "private, no-cache"
NOT_MODIFIED: Final[Mapping[int | str, dict[str, Any]]] = {
    304: {"description": "As the caller has it, by the `ETag` in `If-None-Match`."}
}


def code() -> str:
    """A hash of this service's code: another release may make other numbers of the same events."""
    sources = sorted(Path(__file__).parents[1].rglob("*.py"))
    return blake2b(b"".join(path.read_bytes() for path in sources), digest_size=9).hexdigest()


CODE: Final = code()


@dataclass(frozen=True)
class Conditional:
    """A request whose response is known by its ETag. `depends` is what it depends on whatever is asked."""

    request: Request
    response: Response
    reader: ProgressReader
    depends: tuple[object, ...]

    async def check(self, *depends: object) -> None:
        """Raises `NotModified` if the caller has the response, which depends on `depends` besides."""
        asked = ",".join(self.request.headers.getlist("if-none-match"))
        if asked:
            now = Freshness(**Freshness.fields(await self.reader.read()))
            if is_among((headers := self._headers(now, depends))["ETag"], asked):
                raise NotModified(headers)

    def mark(self, found: F, *depends: object) -> F:
        """Puts the ETag on the response; with the `depends` of `check`."""
        self.response.headers.update(self._headers(found, depends))
        return found

    def _headers(self, now: Freshness, depends: tuple[object, ...]) -> dict[str, str]:
        tag = weak_etag(now.position, now.behind_seconds, self.depends, depends)
        return {"ETag": tag, "Cache-Control": CACHED}


async def conditional(
    request: Request,
    response: Response,
    claims: SupervisorClaims,
    reader: Reader,
    minimum_n: MinimumN,
    reviewed: Reviewed,
) -> Conditional:
    """The request, as a conditional one."""
    # Read before the numbers are: a response that knows more than its ETag is only asked for again.
    excluded = await reviewed.excluded(permitted_channels(claims, ()))
    teams = None if claims.teams is None else sorted(claims.teams)
    return Conditional(request, response, reader, (CODE, minimum_n, sorted(claims.channels), teams, excluded))


Validated = Annotated[Conditional, Depends(conditional)]
