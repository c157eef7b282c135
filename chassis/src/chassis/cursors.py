"""Cursors: where a page of a list ends, as one opaque text for URLs; responses hold it as `next_cursor`."""

import base64
import json
from collections.abc import Sequence
from hashlib import blake2b

from chassis.errors import InvalidCursor

SUM_BYTES = 6


def encode(kind: str, values: Sequence[str | int]) -> str:
    """A cursor of the list `kind`, such as ``analytics.reviews``, after the item that `values` identify."""
    # Not escaped, so that half a surrogate pair, which no database takes, can't be written here either.
    body = json.dumps(list(values), separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_sum(kind, body) + body).rstrip(b"=").decode()


def decode(kind: str, text: str) -> list[str | int]:
    """The values that `encode` was given for the same `kind`. Raises `InvalidCursor`.

    The sum in it finds accidents and other lists' cursors; it is no signature. Whoever makes one up gets to
    another item of a list that they may read anyway, so check what the values are.
    """
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        values = json.loads(raw[SUM_BYTES:])
        plain = isinstance(values, list) and all(type(value) in {str, int} for value in values)
        # Written again it must be the same: so nothing has two cursors.
        if plain and encode(kind, values) == text:
            return list(values)
    except (ValueError, RecursionError):
        pass
    raise InvalidCursor


def _sum(kind: str, body: bytes) -> bytes:
    return blake2b(body, digest_size=SUM_BYTES, key=kind.encode()).digest()
