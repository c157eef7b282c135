"""Pages are built when what they are made of changed, and only then."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy import pages
from deploy.local.failures import CannotStart

ROOM = "services/chat/web"
REPOSITORY = Path(__file__).parents[2]
NEVER_ENDS = "echo $$ >&2; exec sleep 600"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        (tmp_path / name).write_text(name)
    for room in ("chassis/ui", ROOM):
        (tmp_path / room / "src").mkdir(parents=True)
        (tmp_path / room / "src/main.ts").write_text("export {};")
    (tmp_path / ".candor").mkdir()
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def ran(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that were run; a build leaves a page behind."""
    commands: list[str] = []

    def run(command: list[str], failure: str) -> None:
        del failure
        commands.append(" ".join(command[:3]))
        if command[0] == "npm":
            (checkout / "node_modules").mkdir(exist_ok=True)
        if command[:2] == ["vite", "build"]:
            page = checkout / pages.ROOMS[command[2]] / "assets/page.js"
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text("built")

    monkeypatch.setattr(pages, "run", run)
    return commands


BUILD = f"vite build {ROOM}"


def test_unchanged_sources_are_not_built_again(ran: list[str]) -> None:
    pages.main()
    assert ran == ["npm ci --ignore-scripts", BUILD]
    ran.clear()
    pages.main()
    assert ran == []


@pytest.mark.parametrize("name", [f"{ROOM}/src/main.ts", f"{ROOM}/new.html", "chassis/ui/src/main.ts"])
def test_a_changed_source_is_built_again(checkout: Path, ran: list[str], name: str) -> None:
    pages.main()
    ran.clear()
    (checkout / name).write_text("export const changed = true;")
    pages.main()
    assert ran == [BUILD]


def _emptied(page: Path) -> None:
    page.write_text("")


@pytest.mark.parametrize("damage", [_emptied, Path.unlink])
def test_a_damaged_page_is_built_again(
    checkout: Path, ran: list[str], damage: Callable[[Path], None]
) -> None:
    pages.main()
    ran.clear()
    page = checkout / pages.ROOMS[ROOM] / "assets/page.js"
    damage(page)
    pages.main()
    assert ran == [BUILD]
    assert page.read_text() == "built"


def test_changed_packages_are_installed_first(checkout: Path, ran: list[str]) -> None:
    pages.main()
    ran.clear()
    (checkout / "package-lock.json").write_text("newer")
    pages.main()
    assert ran == ["npm ci --ignore-scripts", BUILD]


def test_a_build_that_failed_is_tried_again(
    checkout: Path, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = pages.run

    def broken(command: list[str], failure: str) -> None:
        if command[0] == "vite":
            raise CannotStart(failure)
        (checkout / "node_modules").mkdir(exist_ok=True)

    monkeypatch.setattr(pages, "run", broken)
    with pytest.raises(CannotStart, match="could not be built"):
        pages.main()
    monkeypatch.setattr(pages, "run", run)
    pages.main()
    assert ran == [BUILD]


def test_what_is_generated_or_installed_is_no_source(checkout: Path, ran: list[str]) -> None:
    pages.main()
    ran.clear()
    (checkout / ROOM / "node_modules").mkdir()
    (checkout / ROOM / "node_modules/x.js").write_text("")
    (checkout / ROOM / "src/api.gen.d.ts").write_text("")
    pages.main()
    assert ran == []


def test_without_a_node_that_is_new_enough_a_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    shutil.copy(old, tmp_path / "npm")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CannotStart, match=r"need Node 22\.12 or newer"):
        pages.tools()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / ".candor").write_text("a file")
    said = subprocess.run(
        [sys.executable, "-m", "deploy.pages"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert said.stderr.startswith(f"{tmp_path / '.candor'}: File exists. Candor writes to .candor")
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_builds_ends_with_the_terminal(checkout: Path, ending: signal.Signals) -> None:
    shutil.copytree(REPOSITORY / "deploy", checkout / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    programs = checkout / "programs"
    programs.mkdir()
    for name, does in (("node", 'case "$*" in *version) echo v22.12.0;; esac'), ("npm", NEVER_ENDS)):
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    # A shell that runs tests in the background has them ignore it, and what they start as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.pages"], cwd=checkout, env={**os.environ, "PATH": path},
        stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stderr
        assert running.stderr.readline() == "Installing the packages that build the pages…\n"
        child = int(running.stderr.readline())
        running.send_signal(ending)
        # Its end is seen only when nobody writes there any more, the child among them.
        assert running.stderr.read() == "Interrupted; the next `make` builds the pages anew.\n"
    assert not psutil.pid_exists(child)
