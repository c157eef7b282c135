"""Versions as ETags: a change names the version that it was made from (RFC 9110, sections 8.8.3 and 13.1)."""

import re
from typing import Final

# An ingress that compresses makes weak ETags of strong ones.
ETAG: Final = re.compile(r'(?:W/)?"([1-9][0-9]{0,8})"')


def etag(version: int) -> str:
    """The ETag of a version: ``etag(12) == '"12"'``."""
    return f'"{version}"'


def version_of(tag: str) -> int | None:
    """The version, from 1 on, that an ETag is of; None for what no service gave."""
    found = ETAG.fullmatch(tag)
    return int(found[1]) if found else None
