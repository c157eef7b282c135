"""Public keys by their id: from JSON, from a file that may change, or from a URL."""

import asyncio
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chassis.http.problems import Unavailable
from chassis.jwks import Keys, parse

REFRESH_AT_MOST_EVERY = 60.0
FETCH_AFTER = 3600.0
FETCH_TIMEOUT = 5.0
LARGEST_SET = 256 * 1024

log = structlog.get_logger(__name__)


class KeySource(Protocol):
    """Where an issuer's public keys are."""

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key with this id, None if the issuer has none; `Unavailable` if that can't be said now."""
        ...


class InlineKeys:
    """Keys that settings hold themselves."""

    def __init__(self, text: str) -> None:
        self._keys = parse(text)

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key with this id."""
        return self._keys.get(kid)


class FileKeys:
    """Keys of a file, read again whenever it has changed; a damaged file keeps the keys read before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: Keys | None = None
        self._seen: tuple[int, int, int] | None = None

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key with this id."""
        self._read()
        if self._keys is None:
            raise Unavailable
        return self._keys.get(kid)

    def _read(self) -> None:
        try:
            found = self._path.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen != self._seen:
                self._keys, self._seen = parse(self._path.read_bytes()), seen
        except (OSError, ValueError) as error:
            log.error("keys_unreadable", path=str(self._path), error=type(error).__name__)  # noqa: TRY400


class RemoteKeys:
    """Keys of a URL: fetched when needed, again after an hour, or for an unknown id, once a minute at most.

    An issuer that doesn't answer changes nothing for the keys that are known.
    """

    def __init__(
        self,
        url: str,
        fetch: Callable[[str], Awaitable[bytes]] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._fetch = fetch or _fetch
        self._monotonic = monotonic
        self._keys: Keys | None = None
        self._tried: float | None = None
        self._fetched = 0.0
        self._turn = asyncio.Lock()

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key with this id."""
        if self._wanted(kid):
            async with self._turn:
                if self._wanted(kid):
                    await self._refresh()
        if self._keys is None:
            raise Unavailable
        return self._keys.get(kid)

    def _wanted(self, kid: str) -> bool:
        now = self._monotonic()
        if self._tried is not None and now - self._tried < REFRESH_AT_MOST_EVERY:
            return False
        return self._keys is None or kid not in self._keys or now - self._fetched > FETCH_AFTER

    async def _refresh(self) -> None:
        self._tried = self._monotonic()
        try:
            self._keys = parse(await self._fetch(self._url))
            self._fetched = self._monotonic()
        except (OSError, ValueError) as error:
            log.error("keys_unreachable", url=self._url, error=type(error).__name__)  # noqa: TRY400


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Refuses: whoever is trusted with keys is named in the settings, and nobody else."""
        return


def _fetch_now(url: str) -> bytes:
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(url, timeout=FETCH_TIMEOUT) as response:
        body: bytes = response.read(LARGEST_SET + 1)
    if len(body) > LARGEST_SET:
        raise ValueError("The key set is too large")
    return body


async def _fetch(url: str) -> bytes:
    return await asyncio.to_thread(_fetch_now, url)


def key_source(source: str) -> KeySource:
    """What settings call a key source: the JSON itself, a URL, or a file."""
    if source.lstrip().startswith("{"):
        return InlineKeys(source)
    return RemoteKeys(source) if "://" in source else FileKeys(Path(source))
