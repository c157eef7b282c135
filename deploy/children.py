"""Runs a program to its end; an interrupt leaves neither the program, nor its children, nor its files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Mapping, Sequence  # noqa: UP035 - an old Python has to come as far as saying that it is

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""What callers turn into KeyboardInterrupt."""


def run(
    command: Sequence[str], *, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> int:
    """The exit code of a program that writes to standard error and reads nothing.

    It has a session of its own, so Ctrl-C doesn't reach it: what is interrupted while it loads prints a
    stack trace. It is ended instead, with all that it started, before KeyboardInterrupt goes on.
    """
    scratch = tempfile.mkdtemp(prefix="candor-")
    variables = {**(os.environ if environment is None else environment), "TMPDIR": scratch}
    try:
        return _ended(command, cwd, variables)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _ended(command: Sequence[str], cwd: Path | None, environment: Mapping[str, str]) -> int:
    # An interrupt between the fork and the `try` would lose the child.
    unmasked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        child = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True
        )
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, unmasked)
        raise
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, unmasked)
        return child.wait()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
