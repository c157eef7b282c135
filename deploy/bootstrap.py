"""Makes the virtual environment, by hashes; `make` calls it, with any Python 3 that is there.

After an interrupted run, or in a folder that was moved or copied, it is made anew; two runs at once wait
for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from deploy import children
from deploy.local.failures import sentence

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
READY = VENV / ".candor-ready"
PYTHON = VENV / "bin" / "python"
MEMBERS = ("contracts", "chassis", "services/chat", "services/rating", "services/analytics")
NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 11))"
NEEDED = f"import venv, ensurepip, ssl; {NEW_ENOUGH}"
AGAIN = "then call `make run` again: it begins anew."
NETWORK = f"Check the network or HTTPS_PROXY, or name another package index in PIP_INDEX_URL, {AGAIN}"


def main() -> None:
    """Bring the environment up to date, or print in a sentence why that is impossible."""
    (ROOT / ".candor").mkdir(exist_ok=True)
    with (ROOT / ".candor" / "bootstrap.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = record()
        keep = place(recorded()) == place(wanted) and is_sound()
        if not keep or recorded() != wanted:
            build(keep=keep)
            READY.write_bytes(wanted)
        os.utime(READY)


def record() -> bytes:
    """A line for what the environment follows from, and one for where it is: it holds absolute paths."""
    files = [ROOT / "requirements" / name for name in ("bootstrap.txt", "development.txt")]
    files += [ROOT / member / "pyproject.toml" for member in MEMBERS]
    fingerprint = hashlib.sha256(b"\0".join(each.read_bytes() for each in files)).hexdigest()
    return b"%s\n%s\n" % (fingerprint.encode(), os.fsencode(ROOT))


def recorded() -> bytes:
    """The record of the environment that is there; empty unless it was finished."""
    return READY.read_bytes() if READY.is_file() else b""


def place(record: bytes) -> bytes:
    """Where the environment of a record is."""
    return record.partition(b"\n")[2]


def build(*, keep: bool) -> None:
    """Install what is pinned, into a new environment unless the present one can be kept."""
    READY.unlink(missing_ok=True)
    if not keep:
        report("Making the virtual environment, once…")
        run([interpreter(), "-m", "venv", "--clear", str(VENV)], "The virtual environment could not be made")
    report("Installing uv…")
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes"]
    run([*pip, "-r", "requirements/bootstrap.txt"], "uv could not be installed", NETWORK)
    uv = [str(VENV / "bin" / "uv"), "pip"]
    at = ["--quiet", "--python", str(PYTHON)]
    report("Installing the pinned packages…")
    locked = ["sync", *at, "--require-hashes", "requirements/development.txt"]
    run([*uv, *locked], "The pinned packages could not be installed", NETWORK)
    members = [word for member in MEMBERS for word in ("-e", member)]
    ours = ["install", *at, "--no-deps", "--no-index", *members]
    run([*uv, *ours], "Candor's own packages could not be installed")


def is_sound() -> bool:
    """Whether the environment's Python is there, new enough, and can install."""
    return PYTHON.exists() and succeeds([str(PYTHON), "-c", f"import pip; {NEW_ENOUGH}"])


def interpreter() -> str:
    """A Python that can make virtual environments; ends with a sentence if there is none."""
    names = ["python3.13", "python3.12", "python3.11", "python3.14", "python3"]
    found = [path for path in [sys.executable, *map(shutil.which, names)] if path]
    for path in found:
        if succeeds([path, "-c", NEEDED]):
            return path
    if any(succeeds([path, "-c", NEW_ENOUGH]) for path in found):
        give_up("This Python cannot make virtual environments: on Debian or Ubuntu install python3-venv.")
    have = ".".join(map(str, sys.version_info[:3]))
    return give_up(
        f"Candor needs Python 3.11 or newer; only {have} was found. PYTHON=<path> names another one."
    )


def run(command: list[str], failure: str, remedy: str = f"Mend that, {AGAIN}") -> None:
    """Run a command that prints why it fails; `failure` and `remedy` are the sentences if it does."""
    environment = {**os.environ, **index()}
    environment.pop("VIRTUAL_ENV", None)
    if children.run(command, cwd=ROOT, environment=environment) != 0:
        give_up(f"{failure}; the lines above say why. {remedy}")


def index() -> dict[str, str]:
    """The package index in pip's settings: uv doesn't read pip's variables."""
    url = os.environ.get("PIP_INDEX_URL")
    return {"UV_DEFAULT_INDEX": url} if url and "UV_DEFAULT_INDEX" not in os.environ else {}


def succeeds(command: list[str]) -> bool:
    """Whether a command runs and exits with 0."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def report(sentence: str) -> None:
    """To the person, not into a pipe."""
    print(sentence, file=sys.stderr, flush=True)


def give_up(sentence: str) -> NoReturn:
    """End with a sentence."""
    report(sentence)
    sys.exit(1)


if __name__ == "__main__":
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        give_up("Interrupted; the next `make` begins anew.")
    except OSError as reason:
        give_up(sentence(reason))
