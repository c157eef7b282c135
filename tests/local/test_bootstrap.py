"""The environment is made when it has to be, says what it does, and leaves nothing when interrupted."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from deploy import bootstrap, children
from deploy.local.process import is_alive

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what `make` reads, and with an environment that was finished."""
    place = tmp_path / "checkout"
    shutil.copytree(ROOT / "deploy", place / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", place)
    pins = [f"requirements/{name}.txt" for name in ("bootstrap", "development")]
    for each in [*pins, *(f"{member}/pyproject.toml" for member in bootstrap.MEMBERS)]:
        (place / each).parent.mkdir(parents=True, exist_ok=True)
        (place / each).write_text("as it was")
    (place / ".venv/bin").mkdir(parents=True)
    (place / ".venv/bin/python").write_text('#!/bin/sh\necho "$LC_ALL"\n')
    (place / ".venv/bin/python").chmod(0o755)
    (place / ".venv/.candor-ready").write_text(f"fingerprint\n{place}\n")
    return place


def make(place: Path, *words: str, **environment: str) -> str:
    # The tests may be run by a make themselves, which tells those below it how to speak.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    said = subprocess.run(
        ["make", *words], cwd=place, env={**own, **environment}, capture_output=True, text=True, check=True
    )
    return said.stdout


def pinned(name: str) -> set[str]:
    return set(re.findall(r"^\S+==\S+", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["bootstrap", "pages", "chat", "rating", "analytics"])
def test_what_runs_is_what_was_tested(name: str) -> None:
    assert pinned(name)
    assert pinned(name) <= pinned("development")


def test_an_environment_that_is_ready_is_left_alone(checkout: Path) -> None:
    assert "bootstrap" not in make(checkout, "-n", "stop")


def test_where_nothing_was_installed_nothing_is_installed_to_stop_it(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    assert make(checkout, "stop") == "Nothing is running.\n"


def test_a_checkout_that_was_moved_gets_its_environment_anew(checkout: Path) -> None:
    elsewhere = checkout.rename(checkout.with_name("else where"))

    assert "-m deploy.bootstrap" in make(elsewhere, "-n", "stop")


@pytest.mark.parametrize(
    ("told", "used"), [("POSIX", "C.UTF-8"), ("C", "C.UTF-8"), ("el_GR.UTF-8", "el_GR.UTF-8"), ("", "")]
)
def test_folders_are_read_as_utf_8_in_the_plainest_locale(told: str, used: str, checkout: Path) -> None:
    assert make(checkout, "stop", LC_ALL=told).strip() == used


@pytest.fixture
def commands(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What bootstrap runs in the checkout, a word for each; nothing is run."""
    said: list[str] = []

    def run(command: Sequence[str], **_: object) -> int:
        said.append(next(word for word in ("venv", "sync", "-e", "pip") if word in command[1:]))
        return 0

    for name, path in (("ROOT", ""), ("VENV", ".venv"), ("READY", ".venv/.candor-ready")):
        monkeypatch.setattr(bootstrap, name, checkout / path)
    monkeypatch.setattr(bootstrap, "is_sound", lambda: True)
    monkeypatch.setattr(children, "run", run)
    (checkout / ".venv/.candor-ready").write_bytes(bootstrap.record())
    return said


FROM_SCRATCH = ["venv", "pip", "sync", "-e"]


def test_nothing_is_done_again_in_the_same_place(commands: list[str]) -> None:
    bootstrap.main()

    assert commands == []


def test_other_pins_are_installed_into_the_same_environment(commands: list[str], checkout: Path) -> None:
    (checkout / "requirements/development.txt").write_text("other")

    bootstrap.main()
    bootstrap.main()

    assert commands == ["pip", "sync", "-e"]


@pytest.mark.parametrize("told", ["{digest}\n/another{place}\n", "{digest}", ""])
def test_an_environment_of_another_place_is_not_kept(told: str, commands: list[str], checkout: Path) -> None:
    digest = bootstrap.record().decode().split("\n")[0]
    bootstrap.READY.write_text(told.format(digest=digest, place=checkout))

    bootstrap.main()

    assert commands == FROM_SCRATCH
    assert bootstrap.READY.read_bytes() == bootstrap.record()


@pytest.mark.parametrize("step", range(3))
def test_after_an_interrupt_it_begins_anew(
    step: int, commands: list[str], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "requirements/development.txt").write_text("other")
    run = children.run

    def interrupted(command: Sequence[str], **_: object) -> int:
        if len(commands) == step:
            raise KeyboardInterrupt
        return run(command)

    monkeypatch.setattr(children, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bootstrap.main()
    commands.clear()
    monkeypatch.setattr(children, "run", run)

    bootstrap.main()

    assert commands == FROM_SCRATCH


def test_each_long_step_is_said_before_it_is_taken(
    commands: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.build(keep=False)

    assert commands == FROM_SCRATCH
    assert capsys.readouterr().err.splitlines() == [
        "Making the virtual environment, once…",
        "Installing uv…",
        "Installing the pinned packages…",
    ]


@pytest.mark.parametrize(
    ("step", "failed"),
    [("pip", "uv could not be installed"), ("sync", "The pinned packages could not be installed")],
)
def test_a_download_that_fails_is_said_with_what_to_do(
    step: str,
    failed: str,
    commands: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = children.run
    monkeypatch.setattr(children, "run", lambda command, **_: run(command) or step in command[:4])

    with pytest.raises(SystemExit):
        bootstrap.build(keep=True)

    assert capsys.readouterr().err.splitlines()[-1] == (
        f"{failed}; the lines above say why. Check the network or HTTPS_PROXY, or name another package index "
        "in PIP_INDEX_URL, then call `make run` again: it begins anew."
    )
    assert not bootstrap.READY.exists()
    assert commands[-1] == step


def test_a_folder_that_cannot_be_written_is_a_sentence(checkout: Path) -> None:
    (checkout / ".candor").touch()

    said = subprocess.run(
        [sys.executable, "-m", "deploy.bootstrap"], cwd=checkout, capture_output=True, text=True, check=False
    )

    assert said.returncode == 1
    assert said.stderr.startswith(f"{checkout / '.candor'}: File exists. Candor writes to ")
    assert said.stderr.count("\n") == 1


RUNNING = f"""
import signal, sys
from deploy import children
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell started with &
try:
    children.run([{sys.executable!r}, "-c", sys.argv[1]])
except KeyboardInterrupt:
    print("interrupted", file=sys.stderr)
"""
CHILD = """
import os, subprocess, sys
grandchild = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(os.getpid(), grandchild.pid, os.environ["TMPDIR"], flush=True)
grandchild.wait()
"""


def test_ctrl_c_ends_all_that_was_started_without_a_word() -> None:
    command = [sys.executable, "-c", RUNNING, CHILD]
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stderr is not None
        *pids, scratch = running.stderr.readline().split()
        started = [psutil.Process(int(each)) for each in pids]

        os.killpg(running.pid, signal.SIGINT)

        assert running.stderr.read() == "interrupted\n"
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not [each for each in alive if is_alive(each)]
    assert not Path(scratch).exists()


def test_the_exit_code_is_told() -> None:
    assert children.run([sys.executable, "-c", "raise SystemExit(3)"]) == 3
