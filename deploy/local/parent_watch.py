"""Becomes the program named after it, which then ends when its launcher ends, however that happens."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """``parent_watch.py <launcher's pid> <program> <argument>…``; replaces itself by the program."""
    launcher, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        # The launcher may have died before the line above.
        if os.getppid() != int(launcher):
            raise SystemExit("The launcher has ended already.")
    os.execvp(command[0], command)  # noqa: S606 - becoming another program without a shell is the point


if __name__ == "__main__":
    main()
