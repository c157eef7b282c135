"""ETags (RFC 9110, 8.8.3, 13.1): of versions, which changes name, and of what a reader may have already."""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

# An ingress that compresses makes weak ETags of strong ones.
ETAG: Final = re.compile(r'(?:W/)?"([1-9][0-9]{0,8})"')

ANY_ETAG: Final = re.compile(r'"[\x21\x23-\x7e]*"')


def etag(version: int) -> str:
    """The ETag of a version: ``etag(12) == '"12"'``."""
    return f'"{version}"'


def version_of(tag: str) -> int | None:
    """The version, from 1 on, that an ETag is of; None for what no service gave."""
    found = ETAG.fullmatch(tag)
    return int(found[1]) if found else None


class NotModified(Exception):
    """304: the caller has what the response would be; with the headers that it would have."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.headers = dict(headers)


def weak_etag(*depends: object) -> str:
    """An ETag of everything that a response depends on: `depends` differ, by their `repr`, where it does."""
    return f'W/"{blake2b(repr(depends).encode(), digest_size=12).hexdigest()}"'


def is_among(tag: str, if_none_match: str) -> bool:
    """Whether `If-None-Match` names the ETag, weak or not, or whatever there is (RFC 9110, 13.1.2)."""
    given = ANY_ETAG.findall(if_none_match)
    return if_none_match.strip() == "*" or tag.removeprefix("W/") in given
