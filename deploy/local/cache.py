"""Downloads, kept once for all checkouts: an entry is there whole or not at all."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """``CANDOR_CACHE``, else ``candor`` in the XDG cache folder."""
    named = os.environ.get("CANDOR_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "candor"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file lock at `path`; waits for whoever has it, and a killed holder frees it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def entry(name: str, fill: Callable[[Path], None]) -> Path:
    """The cache folder's `name`, filled first by `fill(empty folder)` if it isn't there.

    The folder gets its name only when `fill` is through, so an interrupted download leaves nothing
    that looks finished; two starts at once fill it one time. Errors of `fill` pass through.
    """
    place = cache_folder() / name
    if place.is_dir():
        return place
    with locked(place.with_name(f"{name}.lock")):
        if not place.is_dir():
            part = place.with_name(f"{name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            fill(part)
            part.rename(place)
    return place


def discard(name: str) -> None:
    """Forget an entry, to fill it anew."""
    with locked(cache_folder() / f"{name}.lock"):
        shutil.rmtree(cache_folder() / name, ignore_errors=True)


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
