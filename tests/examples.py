"""The examples of docs/subscribing.md, as their readers run them: a file, and its packages beside it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.topics import RATING_KEYS, RATINGS
from deploy.local.npm_packages import NODE, installed
from deploy.local.stack import ROOT

FOLDER = ROOT / "docs" / "examples"
NAMES = ("count_ratings.py", "count-ratings.mjs")


@dataclass(frozen=True)
class Example:
    """An example, and the topics that it reads."""

    command: Sequence[str | Path]
    ratings: str
    keys: str

    def run(self, told: Mapping[str, str], timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        """What it prints if it is told these variables; it imports none of Candor's packages."""
        environment = {"PATH": os.environ["PATH"], **told}
        return subprocess.run(
            self.command, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )


def example(name: str, folder: Path, ratings: str = RATINGS.name) -> Example:
    """A copy of `name` in `folder`, which reads `ratings` and its keys. Raises CannotStart."""
    keys = RATING_KEYS.name.replace(RATINGS.name, ratings)
    file = folder / name
    file.write_text((FOLDER / name).read_text().replace(f'"{RATINGS.name}', f'"{ratings}'))
    if name.endswith(".py"):
        return Example([sys.executable, file], ratings, keys)
    (folder / "node_modules").symlink_to(installed("examples", FOLDER) / "node_modules")
    return Example([NODE, file], ratings, keys)
