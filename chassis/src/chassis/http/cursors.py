"""Places in a list, as one opaque text for URLs; every service's pages answer it as `next_cursor`."""

import base64
import json
from collections.abc import Sequence
from hashlib import blake2b

from chassis.errors import InvalidCursor

SUM_BYTES = 6


def encode(kind: str, values: Sequence[str | int]) -> str:
    """A cursor of the list `kind`, such as ``analytics.reviews``, at the place that `values` tell."""
    # Not escaped, so that half a surrogate pair, which no database takes, can't be written here either.
    body = json.dumps(list(values), separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_sum(kind, body) + body).rstrip(b"=").decode()


def decode(kind: str, text: str) -> list[str | int]:
    """The values that `encode` was given for the same `kind`. Raises `InvalidCursor`.

    The sum in it finds accidents and other lists' cursors; it is no signature. Whoever makes one up gets a
    place in a list that they may read anyway, so check what the values are.
    """
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        values = json.loads(raw[SUM_BYTES:])
    except (ValueError, RecursionError):
        raise InvalidCursor from None
    plain = isinstance(values, list) and all(type(value) in {str, int} for value in values)
    # Written again it must be the same: so nothing has two cursors.
    if not plain or _again(kind, values) != text:
        raise InvalidCursor
    return list(values)


def _again(kind: str, values: list[str | int]) -> str | None:
    try:
        return encode(kind, values)
    except ValueError:
        return None


def _sum(kind: str, body: bytes) -> bytes:
    return blake2b(body, digest_size=SUM_BYTES, key=kind.encode()).digest()
