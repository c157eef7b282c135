"""Brings Candor up in the foreground, prints where it is, and ends exactly what was started."""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.table import Table

from deploy.local import process
from deploy.local.failures import CannotStart, sentence
from deploy.local.secrets import Secrets
from deploy.local.servers import Server
from deploy.local.stack import Addresses, Stack
from deploy.local.stopping import end_leftovers, launcher_file

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONGEST_PAUSE = 30.0


class AlreadyRuns(Exception):
    """Another launcher holds this data folder."""

    def __init__(self) -> None:
        super().__init__(
            "Candor is just being started or stopped by another `make run`: wait for its line that begins"
            " with Open, or for its end, then begin again."
        )


def running(folder: Path) -> Addresses | None:
    """Where the system of this data folder is, if a launcher has brought it up."""
    path = launcher_file(folder)
    if process.remembered(path) is None:
        return None
    addresses = json.loads(path.read_text()).get("addresses")
    return Addresses(**addresses) if addresses else None


@contextmanager
def brought_up(
    folder: Path, console: Console, *, only_servers: bool = False, start_page: bool = False
) -> Iterator[tuple[Stack, Addresses]]:
    """The running system, ended afterwards; a line for each part that is ready.

    Raises AlreadyRuns, or CannotStart with a sentence.
    """
    folder = folder.resolve()
    with _sole_launcher(folder), _endings_interrupt():
        end_leftovers(folder)
        stack = Stack(folder, names=()) if only_servers else Stack(folder, start_page=start_page)
        try:
            console.print(f"Starting {', '.join(part.name for part in stack.parts())} …")
            began = time.monotonic()
            stack.start(
                lambda part: console.print(f"{part:<10} ready after {time.monotonic() - began:3.0f} s")
            )
            process.remember(launcher_file(folder), os.getpid(), addresses=asdict(stack.addresses))
            yield stack, stack.addresses
        finally:
            # A second Ctrl-C must not leave half of it running; stopping ends by itself.
            for each in ENDING:
                signal.signal(each, signal.SIG_IGN)
            stack.stop()


@contextmanager
def up(folder: Path, console: Console | None = None) -> Iterator[Addresses]:
    """Where the system is: the one that runs already, else one brought up for as long as this lasts."""
    there = running(folder)
    if there is not None:
        yield there
        return
    with brought_up(folder, console or Console(quiet=True)) as (_, addresses):
        yield addresses


def command(folder: Path, service: str, words: Sequence[str]) -> NoReturn:
    """Becomes a command of a service, on the system that runs. Raises CannotStart if none does."""
    if (there := running(folder)) is None:
        raise CannotStart("Candor is not running: call `make run`, and this once it says where to look.")
    inherited = {name: value for name, value in os.environ.items() if name != "CANDOR_DATABASE"}
    own = {"CANDOR_ENV": "development", "CANDOR_KAFKA": there.kafka, "CANDOR_MONGO": there.mongo}
    environment = {**inherited, **own, **Secrets(folder.resolve()).environment(service)}
    os.execve(sys.executable, [sys.executable, "-m", service, *words], environment)  # noqa: S606


def run(folder: Path, console: Console, *, only_servers: bool = False) -> int:
    """Run until interrupted; what crashes is reported and started again. Returns an exit code."""
    try:
        with brought_up(folder, console, only_servers=only_servers, start_page=not only_servers) as (
            stack,
            addresses,
        ):
            show(console, addresses, stack.folder, stack.servers.kind)
            for sentence in stack.differences:
                console.print(f"[yellow]{sentence}")
            watch(stack, console)
    except AlreadyRuns:
        there = running(folder)
        if there is None:
            console.print("Candor is being started or stopped by another launcher; nothing to do.")
        else:
            show(console, there, folder.resolve(), "runs already")
    except KeyboardInterrupt:
        console.print("Stopped.")
    return 0


def watch(stack: Stack, console: Console) -> None:
    """Start again whatever ends by itself, more and more patiently; returns never."""
    parts = {part.name: Watched(part) for part in stack.parts()}
    while True:
        for watched in parts.values():
            watched.look(console)
        time.sleep(0.5)


@dataclass
class Watched:
    """A part of the system, and when it may be started again."""

    part: Server
    falls: int = 0
    again_at: float = field(default=0.0)
    up_since: float = field(default_factory=time.monotonic)

    def look(self, console: Console) -> None:
        """Report that it ended, and start it again when its pause is over."""
        now = time.monotonic()
        if self.part.running():
            self.falls = 0 if now - self.up_since > LONGEST_PAUSE else self.falls
            self.again_at = 0.0
        elif not self.again_at:
            pause = min(2.0**self.falls, LONGEST_PAUSE)
            self.falls, self.again_at = self.falls + 1, now + pause
            again = f"starting it again in {pause:.0f} s"
            console.print(f"[red]{self.part.name} ended by itself[/], {again}; its log is {self.part.log}")
        elif now >= self.again_at:
            self.again_at, self.up_since = 0.0, now
            try:
                self.part.start()
                console.print(f"{self.part.name} runs again.")
            except (CannotStart, OSError) as reason:
                console.print(sentence(reason), style="red", markup=False)


def show(console: Console, addresses: Addresses, folder: Path, kind: str) -> None:
    """Print where everything is, the start page first."""
    if addresses.start_page:
        console.print(f"Open [bold]{addresses.start_page}[/] to look around.")
    table = Table(
        title="Candor runs" if addresses.services else "The servers run", title_justify="left", box=None
    )
    for name, url in addresses.services.items():
        table.add_row(name, f"{url}/openapi.json")
    table.add_row("kafka", f"{addresses.kafka}  [dim]{kind}")
    table.add_row("mongo", f"{addresses.mongo}  [dim]{kind}")
    table.add_row("data, logs", str(folder))
    console.print(table)
    console.print("Ctrl-C or `make stop` ends it." if addresses.services else "Ctrl-C ends them.")


@contextmanager
def _sole_launcher(folder: Path) -> Iterator[None]:
    path = launcher_file(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRuns from None
        process.remember(path, os.getpid(), addresses=None)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def _endings_interrupt() -> Iterator[None]:
    before = {each: signal.signal(each, signal.default_int_handler) for each in ENDING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
