"""Ports of this machine: free ones, and the same ones again at the next start."""

import json
import random
import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

# Below the range from which systems take ports for outgoing connections: a server that is down for a
# moment must find its port free again.
LOWEST, HIGHEST = 20_000, 32_000
HERE = "127.0.0.1"
LAST_PORT = 65_535
FREED_WITHIN = 2.0


def is_port(text: str, highest: int = LAST_PORT) -> bool:
    """Whether `text` is a number from 1 to `highest`."""
    return text.isascii() and text.isdecimal() and 1 <= int(text) <= highest


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HERE, port))
        except OSError:
            return False
        return True


def answers(port: int, host: str = HERE) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def free_port(beside: Iterable[int] = ()) -> int:
    """A free port of loopback that is not one of `beside`."""
    return free_base([0], beside)


def free_base(offsets: Iterable[int], beside: Iterable[int] = ()) -> int:
    """A port to which every one of `offsets` can be added and the result is free."""
    wanted, taken = tuple(offsets), set(beside)
    for base in random.sample(range(LOWEST, HIGHEST), 2_000):
        if all(base + offset not in taken and is_free(base + offset) for offset in wanted):
            return base
    raise OSError(f"No free port between {LOWEST} and {HIGHEST}.")


def holder(port: int) -> str:
    """Who has `port`, as ``java (process 17)``; "another program" where the system doesn't tell."""
    try:
        found = [each.pid for each in psutil.net_connections("tcp") if each.laddr and each.laddr.port == port]
        return next(f"{psutil.Process(pid).name()} (process {pid})" for pid in found if pid)
    except (psutil.Error, StopIteration):
        return "another program"


class Ports:
    """The ports of one data folder, by name: those that are `given`, the others kept in its ``ports.json``.

    None of these is one of `beside`.
    """

    def __init__(
        self, folder: Path, given: Mapping[str, int] | None = None, beside: Iterable[int] = ()
    ) -> None:
        self._file = folder / "ports.json"
        try:
            kept = json.loads(self._file.read_text())
            self._ports = {str(name): int(port) for name, port in kept.items()}
        except (OSError, ValueError, AttributeError):
            self._ports = {}
        self._given = given or {}
        self._beside = {*self._given.values(), *beside}

    def of(self, name: str) -> int:
        """The port given, else that used before if it is free, else a free one, kept for the next time."""
        if name in self._given:
            return self._given[name]
        before = self._ports.get(name)
        if before is None or before in self._beside or not _gets_free(before):
            self._ports[name] = free_port({*self._ports.values(), *self._beside})
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self._ports))
        return self._ports[name]


def _gets_free(port: int) -> bool:
    """Whether a port is free within two seconds: who was killed a moment ago still closes it."""
    deadline = time.monotonic() + FREED_WITHIN
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
