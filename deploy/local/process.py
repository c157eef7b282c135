"""One program that was started here: its log, its pid file, and how it is ended."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.local.failures import CannotStart

WRONG = re.compile(rb'"s":"[EF]"|\b(?:ERROR|FATAL)\b|^Caused by:')
"""How mongod, Kafka and Java mark a line that tells of a fault."""

PARENT_WATCH = Path(__file__).with_name("parent_watch.py")
LOG_LIMIT = 20_000_000
STOP_TIMEOUT = 20.0
SAME_START = (
    1.0  # seconds; the system's start, from which process starts are counted, is adjusted now and then
)
# Linux ends a watched program with the *thread* that started it, so one thread that lives as long as
# the launcher starts them all.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")


@dataclass(kw_only=True)
class Process:
    """A program in its own session. `command` is asked at each start; `ready` is asked until it is true."""

    name: str
    folder: Path
    command: Callable[[], Sequence[str]]
    ready: Callable[[], bool]
    environment: Callable[[], Mapping[str, str]] | None = None
    timeout: float = 60.0
    cwd: Path | None = None
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log_from: int = field(default=0, init=False)

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / "logs" / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        """Who it is: pid and start time, so that a later process of the same number is not taken for it."""
        return self.folder / "run" / f"{self.name}.json"

    @property
    def pid(self) -> int:
        """The running program's process id; raises CannotStart if it doesn't run."""
        if self._child is None:
            raise CannotStart(f"{self.name} is not running.")
        return self._child.pid

    def running(self) -> bool:
        """Whether the program that this object started is alive."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start, and wait until it is ready. Raises CannotStart, naming its log, and then it doesn't run."""
        self.launch()
        try:
            self.await_ready()
        except BaseException:
            self.kill()
            raise

    def launch(self) -> None:
        """Start without waiting. Does nothing if it runs; ends a leftover of a crashed launcher first."""
        if self.running():
            return
        end_remembered(self.pid_file)
        command = list(self.command())
        _starter.submit(self._spawn, command).result()

    def await_ready(self) -> None:
        """Wait until the program answers. Raises CannotStart if it ends or takes too long."""
        deadline = time.monotonic() + self.timeout
        while not self.ready():
            if not self.running():
                code = self._child.returncode if self._child else None
                raise CannotStart(f"{self.name} ended while starting (exit code {code}).{self._log_words()}")
            if time.monotonic() > deadline:
                raise CannotStart(f"{self.name} was not ready after {self.timeout:.0f} s.{self._log_words()}")
            time.sleep(0.05)

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """End it in an orderly way; with force if it takes longer than `timeout` seconds."""
        self._end(signal.SIGTERM, timeout)

    def signal_stop(self) -> None:
        """Ask it to end, without waiting; `stop` waits."""
        if self._child is not None and self.running():
            self._child.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self._end(signal.SIGKILL, STOP_TIMEOUT)

    def last_words(self) -> list[str]:
        """The last eight lines that it wrote since its last start, clipped to 300 characters each.

        Those that say what went wrong, if any do: what follows tells how it ended.
        """
        if not self.log.exists():
            return []
        last, wrong = deque[bytes](maxlen=8), deque[bytes](maxlen=8)
        with self.log.open("rb") as handle:
            handle.seek(self._log_from)
            for line in handle:
                last.append(line)
                if WRONG.search(line):
                    wrong.append(line)
        return [line.decode(errors="replace").rstrip()[:300] for line in wrong or last]

    def _spawn(self, command: Sequence[str]) -> None:
        for path in (self.log, self.pid_file):
            path.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._log_from = log.tell()
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", str(PARENT_WATCH), str(os.getpid()), *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=dict(self.environment()) if self.environment else None,
                start_new_session=True, cwd=self.cwd,
            )  # fmt: skip
        remember(self.pid_file, self._child.pid)

    def _end(self, how: signal.Signals, timeout: float) -> None:
        child = self._child
        if child is None:
            return
        if child.poll() is None:
            child.send_signal(how)
            try:
                child.wait(timeout)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._child = None
        self.pid_file.unlink(missing_ok=True)

    def _log_words(self) -> str:
        words = "\n".join(f"    {line}" for line in self.last_words())
        return f" Its log is {self.log}" + (f" and says:\n{words}" if words else " and is empty.")


def remember(path: Path, pid: int, **more: object) -> None:
    """Write a pid file: the pid, when that process began, and `more`."""
    began = psutil.Process(pid).create_time()
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"pid": pid, "began": began, **more}))
    part.replace(path)


def remembered(path: Path) -> psutil.Process | None:
    """The process of a pid file if it still lives; never another one that got its number since."""
    try:
        wanted = json.loads(path.read_text())
        process = psutil.Process(wanted["pid"])
        same = abs(process.create_time() - wanted["began"]) < SAME_START
    except (OSError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        return None
    return process if same and is_alive(process) else None


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that ended but whose parent hasn't asked for its result doesn't."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end_remembered(path: Path, timeout: float = STOP_TIMEOUT) -> bool:
    """End the process of a pid file if it still lives, and forget it. Returns whether there was one."""
    process = remembered(path)
    if process is not None:
        for end in (process.terminate, process.kill):
            with suppress(psutil.NoSuchProcess):
                end()
            deadline = time.monotonic() + timeout
            while is_alive(process) and time.monotonic() < deadline:
                time.sleep(0.02)
            if not is_alive(process):
                break
    path.unlink(missing_ok=True)
    return process is not None
