"""The Docker engine, if one answers."""

import os
import socket
from contextlib import closing
from urllib.parse import urlsplit

import docker  # type: ignore[import-untyped]
from docker.errors import DockerException, NotFound  # type: ignore[import-untyped]

TROUBLE: tuple[type[Exception], ...] = (DockerException, OSError)


def answers() -> bool:
    """Whether an engine can be reached within a few seconds."""
    if not _listens(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"):
        return False
    try:
        with closing(docker.from_env(timeout=3)) as client:
            return bool(client.ping())
    except TROUBLE:
        return False


def _listens(address: str) -> bool:
    # docker's own client never closes a Unix socket on which nobody answers.
    url = urlsplit(address)
    if url.scheme != "unix":
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(url.path) == 0


def remove(container: str) -> bool:
    """Remove a container, running or not; returns whether there was one."""
    with closing(docker.from_env()) as client:
        try:
            client.containers.get(container).remove(force=True, v=True)
        except NotFound:
            return False
        return True
