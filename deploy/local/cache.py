"""Downloads, kept once for all checkouts: an entry is there whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TRY_AGAIN = "check the network or HTTPS_PROXY, then call `make run` again."


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


def entry(name: str, fill: Callable[[Path], None], is_whole: Callable[[Path], bool] = Path.is_dir) -> Path:
    """The cache folder's `name`, filled first by `fill(empty folder)` if it isn't there or not whole.

    The folder gets its name only when `fill` is through, so a killed download leaves nothing that looks
    finished; two starts at once fill it one time. Errors of `fill` pass through and leave nothing.
    """
    place = cache_folder() / name
    if is_whole(place):
        return place
    with locked(place.with_name(f"{name}.lock")):
        if not is_whole(place):
            part = place.with_name(f"{name}.part")
            _remove(part)
            part.mkdir()
            try:
                fill(part)
            except BaseException:
                _remove(part)
                raise
            _remove(place)
            part.rename(place)
    return place


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
