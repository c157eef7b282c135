"""A small Debian in a folder, made by debootstrap from the mirror that apt uses here."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.local import cache
from deploy.local.failures import CannotStart

RELEASE = "bookworm"
# What no server needs.
LEFT_OUT = ("./dev/*", "./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./usr/share/info")
LEFT_OUT_TOO = ("./var/cache/apt", "./var/lib/apt/lists", "./var/log/*", "./tmp/*")


def require() -> None:
    """Raises CannotStart unless a Debian can be made here."""
    if os.geteuid():
        raise CannotStart(
            "Stand-in images are made by root only: debootstrap makes a system with its owners."
        )
    if shutil.which("debootstrap") is None:
        raise CannotStart("Stand-in images need debootstrap, which this machine doesn't have: install it.")


def make(folder: Path, packages: Sequence[str]) -> None:
    """Make the smallest Debian with `packages` in `folder`. Raises CannotStart with debootstrap's words."""
    downloads = cache.cache_folder() / "debian"
    downloads.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}"]
    command += [f"--cache-dir={downloads}", RELEASE, str(folder), *_mirror()]
    completed = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if completed.returncode != 0:
        raise CannotStart(
            f"debootstrap could not make a Debian: {' '.join(completed.stdout.splitlines()[-2:])}"
        )


def exclusions() -> list[str]:
    """What tar leaves out of an image."""
    return [f"--exclude={path}" for path in (*LEFT_OUT, *LEFT_OUT_TOO)]


def _mirror() -> list[str]:
    # Without one, as on another distribution, debootstrap takes its own.
    if shutil.which("apt-get") is None:
        return []
    wanted = [f"Codename: {RELEASE}", "Component: main", "Created-By: Packages"]
    completed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted],
        check=False,
        capture_output=True,
        text=True,
    )
    return completed.stdout.split()[:1]
