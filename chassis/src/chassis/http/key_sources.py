"""Public keys by their id: from JSON, from a file that may change, from a URL, or by OIDC discovery."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

import structlog
from jwt import PyJWK

from chassis.http.problems import Unavailable
from chassis.jwks import ALGORITHMS, Keys, is_address, parse
from chassis.settings import check_address

ASK_AT_MOST_EVERY = 60.0
ASK_AGAIN_AFTER = 600.0
ANSWER_WITHIN = 5.0
ALL_ANSWERS_WITHIN = 12.0
"""In seconds: two documents, however slowly their heads come."""
LARGEST_DOCUMENT = 256 * 1024

log = structlog.get_logger(__name__)


class KeySource(Protocol):
    """Where an issuer's public keys are."""

    async def find(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key with this id that verifies `algorithm`, None if the issuer has none.

        Raises `Unavailable` if that isn't known now.
        """
        ...


class InlineKeys:
    """Keys that settings hold themselves."""

    def __init__(self, text: str, algorithms: Collection[str] = ALGORITHMS) -> None:
        self._keys = parse(text, algorithms)

    async def find(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key with this id."""
        return self._keys.get((kid, algorithm))


class FileKeys:
    """Keys of a file, read again whenever it has changed; a damaged file keeps the keys read before."""

    def __init__(self, path: Path, algorithms: Collection[str] = ALGORITHMS) -> None:
        self._path = path
        self._algorithms = algorithms
        self._keys: Keys | None = None
        self._seen: tuple[int, int, int] | None = None

    async def find(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key with this id."""
        try:
            found = self._path.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen != self._seen:
                self._keys, self._seen = parse(self._path.read_bytes(), self._algorithms), seen
        except (OSError, ValueError, RecursionError) as error:
            log.error("keys_unreadable", path=str(self._path), error=type(error).__name__)  # noqa: TRY400 - it may quote
        if self._keys is None:
            raise Unavailable
        return self._keys.get((kid, algorithm))


class RemoteKeys:
    """Keys that `fetch` brings: when needed, for an unknown id, and every ten minutes; once a minute at most.

    Known keys never wait: they are good while they are asked for again, and while the issuer is away. An
    unknown id waits for the answer: the issuer has no such key, or is away and nobody can say.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[Keys]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._keys: Keys = {}
        self._asked: float | None = None
        self._answered: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def find(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key with this id."""
        known, now = (kid, algorithm) in self._keys, self._monotonic()
        outdated = self._answered is None or now - self._answered >= ASK_AGAIN_AFTER
        just_asked = self._asked is not None and now - self._asked < ASK_AT_MOST_EVERY
        if (outdated or not known) and not just_asked:
            self._asked = now
            self._asking = asyncio.create_task(self._ask())
        if self._asking and not known:
            # Shielded: others wait for the same answer.
            await asyncio.shield(self._asking)
        key = self._keys.get((kid, algorithm))
        if key is None and self._answered != self._asked:
            raise Unavailable
        return key

    async def _ask(self) -> None:
        asked = self._asked
        try:
            async with asyncio.timeout(ALL_ANSWERS_WITHIN):
                self._keys = await self._fetch()
            self._answered = asked
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            log.error("keys_unreachable", error=type(error).__name__, reason=str(error))  # noqa: TRY400 - no bug


async def from_jwks(address: str, algorithms: Collection[str] = ALGORITHMS) -> Keys:
    """The keys of the set at `address`. Raises OSError, HTTPException or ValueError."""
    return parse(await asyncio.to_thread(_fetch, address), algorithms)


async def from_discovery(
    address: str, issuer: str, algorithms: Collection[str] = ALGORITHMS, *, development: bool = False
) -> Keys:
    """The keys that the discovery document at `address` leads to, if it is this issuer's; raises likewise."""
    document = json.loads(await asyncio.to_thread(_fetch, address))
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise ValueError("the discovery document is another issuer's")
    check_address(found := str(document.get("jwks_uri")), development=development)
    return await from_jwks(found, algorithms)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Refuses: whoever is trusted with keys is named in the settings, and nobody else."""
        return


def _fetch(address: str) -> bytes:
    opener, ends = urllib.request.build_opener(_NoRedirect), time.monotonic() + ANSWER_WITHIN
    body = b""
    with opener.open(address, timeout=ANSWER_WITHIN) as response:
        while part := response.read1(LARGEST_DOCUMENT):
            body += part
            if len(body) > LARGEST_DOCUMENT:
                raise ValueError("the document is too large")
            if time.monotonic() > ends:
                raise TimeoutError("the document came too slowly")
    return body


def key_source(source: str, algorithms: Collection[str] = ALGORITHMS) -> KeySource:
    """What settings call a key source: the JSON itself, a URL, or a file."""
    if source.lstrip().startswith("{"):
        return InlineKeys(source, algorithms)
    if is_address(source):
        return RemoteKeys(partial(from_jwks, source, algorithms))
    return FileKeys(Path(source), algorithms)
