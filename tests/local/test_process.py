"""What is started is ended, by whoever is left, and nothing else is."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local import process
from deploy.local.failures import CannotStart
from deploy.local.ports import Ports, is_free
from deploy.local.process import Process

WAITS = "import signal, time; print('up', flush=True); signal.pause()"
STUBBORN = (
    "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True)\nwhile 1: signal.pause()"
)
FAILS = "print('the disk is full'); raise SystemExit(3)"


def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def start(source: str, timeout: float = 30) -> Process:
        command = [sys.executable, "-c", source]
        one = Process(
            name="thing",
            folder=tmp_path,
            command=lambda: command,
            ready=lambda: _is_up(one),
            timeout=timeout,
        )
        made.append(one)
        one.start()
        return one

    yield start
    for each in made:
        each.kill()


def _is_up(one: Process) -> bool:
    return "up" in one.last_words()


def test_it_runs_until_it_is_stopped(started: Callable[..., Process]) -> None:
    one = started(WAITS)
    pid = one.pid

    one.stop()

    assert not psutil.pid_exists(pid)
    assert not one.pid_file.exists()


@pytest.mark.parametrize(
    "wrong", ['{"s":"E", "msg":"no room"}', "[12:00] ERROR no room", "Caused by: no room"]
)
def test_what_went_wrong_is_said_and_not_how_it_ended(wrong: str, started: Callable[..., Process]) -> None:
    says = f"print({wrong!r}); [print('closing', each) for each in range(20)]"
    with pytest.raises(CannotStart, match=r"and says:\n    .*no room.*$"):
        started(says)


def test_after_a_crash_it_starts_again(started: Callable[..., Process]) -> None:
    one = started(WAITS)
    one.kill()
    assert not one.running()

    one.start()

    assert one.running()


def test_starting_what_runs_does_nothing(started: Callable[..., Process]) -> None:
    one = started(WAITS)
    pid = one.pid

    one.start()

    assert one.pid == pid


def test_what_does_not_listen_is_ended_with_force(started: Callable[..., Process]) -> None:
    one = started(STUBBORN)
    pid = one.pid

    one.stop(timeout=0.2)

    assert not psutil.pid_exists(pid)


def test_a_start_that_fails_says_which_why_and_where_its_log_is(
    started: Callable[..., Process], tmp_path: Path
) -> None:
    with pytest.raises(CannotStart) as said:
        started(FAILS)

    sentence = str(said.value)
    assert "thing ended while starting (exit code 3)" in sentence
    assert "the disk is full" in sentence
    assert str(tmp_path / "logs" / "thing.log") in sentence


def test_a_start_that_takes_too_long_fails_and_leaves_nothing(
    started: Callable[..., Process], tmp_path: Path
) -> None:
    with pytest.raises(CannotStart, match=r"thing was not ready after 0 s"):
        started("import time; time.sleep(600)", timeout=0.3)

    assert not (tmp_path / "run" / "thing.json").exists()


def test_a_pid_that_somebody_else_has_now_is_left_alone(tmp_path: Path) -> None:
    pid_file = tmp_path / "thing.json"
    with subprocess.Popen(["sleep", "600"]) as foreign:
        began = psutil.Process(foreign.pid).create_time()
        pid_file.write_text(f'{{"pid": {foreign.pid}, "began": {began - 60}}}')

        ended = process.end_remembered(pid_file)

        assert not ended
        assert foreign.poll() is None
        foreign.kill()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"pid": 1}', '{"pid": "x", "began": 0}'])
def test_a_damaged_pid_file_names_nobody(content: str, tmp_path: Path) -> None:
    pid_file = tmp_path / "thing.json"
    pid_file.write_text(content)

    assert process.remembered(pid_file) is None


def test_a_leftover_of_a_crashed_launcher_is_ended_at_the_next_start(
    started: Callable[..., Process], tmp_path: Path
) -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as leftover:
        (tmp_path / "run").mkdir()
        process.remember(tmp_path / "run" / "thing.json", leftover.pid)

        one = started(WAITS)

        leftover.wait()  # returns, since it was ended
        assert one.running()


CRASHING_LAUNCHER = """
import os, signal, sys, threading
from pathlib import Path
from deploy.local.process import Process
one = Process(name="thing", folder=Path(sys.argv[1]), command=lambda: ["sleep", "600"], ready=lambda: True)
starter = threading.Thread(target=one.start); starter.start(); starter.join()
assert one.running()
print(one.pid, flush=True)
signal.pause()
"""


def test_what_was_started_ends_with_a_launcher_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CRASHING_LAUNCHER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        child = psutil.Process(int(launcher.stdout.readline()))
        eventually(lambda: child.name() == "sleep")

        os.kill(launcher.pid, signal.SIGKILL)
        launcher.wait()

        eventually(lambda: not process.is_alive(child))


def test_ports_are_the_same_at_the_next_start(tmp_path: Path) -> None:
    first = Ports(tmp_path)
    assert {first.of("kafka"), first.of("mongo")} == {
        Ports(tmp_path).of("kafka"),
        Ports(tmp_path).of("mongo"),
    }
    assert first.of("kafka") != first.of("mongo")


def test_a_port_that_was_taken_since_is_replaced(tmp_path: Path) -> None:
    port = Ports(tmp_path).of("kafka")
    with socket.socket() as other:
        # As servers do: else the port may still be closing, of whoever had it before.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()

        assert not is_free(port)
        assert Ports(tmp_path).of("kafka") != port
