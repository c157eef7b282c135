"""The Docker engine, if one answers; ``python -m deploy.local.engine`` prints a sentence if none does."""

import os
import socket
import sys
from contextlib import closing
from urllib.parse import urlsplit

import docker  # type: ignore[import-untyped]
from docker.constants import DEFAULT_DOCKER_API_VERSION  # type: ignore[import-untyped]
from docker.errors import DockerException, NotFound  # type: ignore[import-untyped]

from deploy.local.failures import CannotStart

TROUBLE: tuple[type[Exception], ...] = (DockerException, OSError, ValueError)  # which an odd address raises


def address() -> str:
    """Where the engine is asked: ``DOCKER_HOST``, else its usual socket."""
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def answers() -> bool:
    """Whether an engine can be reached within a few seconds."""
    try:
        url = urlsplit(address())
        if url.scheme == "unix":
            # docker's own client never closes a Unix socket on which nobody answers.
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(url.path)
        # With a version named, no request is made before there is a client to close.
        with closing(docker.from_env(version=DEFAULT_DOCKER_API_VERSION, timeout=3)) as client:
            return bool(client.version(api_version=False))
    except TROUBLE:
        return False


def require() -> None:
    """Raises CannotStart unless an engine answers."""
    if not answers():
        raise CannotStart(
            f"No Docker engine answers at {address()}: start one, name one with DOCKER_HOST, "
            "or do without containers (CANDOR_SERVERS=embedded)."
        )


def remove(container: str) -> bool:
    """Remove a container, running or not; returns whether there was one."""
    with closing(docker.from_env()) as client:
        try:
            client.containers.get(container).remove(force=True, v=True)
        except NotFound:
            return False
        return True


def main() -> int:
    """Exit code 0 if an engine answers, else a sentence on standard error and 1."""
    try:
        require()
    except CannotStart as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
