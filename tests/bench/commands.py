"""What does a chat command cost over HTTP, beside a bare insert with the same token check?

    python -m tests.bench.commands [--pairs 6] [--seconds 3] [--connections 24] [--dialogs 240]

A command is a message to an open dialog, with its visitor's token or its operator's in turn. Chat's process
and the bare one (`tests.bench.bare_insert`) run on the same mongod, served with the same options; windows
alternate A B B A, each in a closed loop. A window's processor time is what chat spends until its relay has
done all that follows from these messages; its rate is that of the acknowledgements. At last one connection
alone: without a pause, where a message waits for what follows from the one before, and with one that a
person would make at the least. Where the steal is high, the window says little.
"""

import argparse
import asyncio
import itertools
import json
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import uvloop
from pymongo import MongoClient
from rich.console import Console
from rich.table import Table

from deploy.demo.people import ServiceUrls, at_once
from deploy.demo.support_floor import SupportFloor
from deploy.local.ports import HERE, answers, free_port
from deploy.local.process import Process
from deploy.local.stack import ROOT, Stack, free_port_base, port_of
from deploy.local.tokens import token
from tests.bench.path import Machine
from tests.waiting import until

CHAT, BARE = "chat", "bare insert"
WARM_UP_SECONDS = 1.0
ALONE_SECONDS = 3.0
PAUSE_SECONDS = 0.05
OPERATORS = 20


@dataclass(frozen=True)
class Contestant:
    """A server: where it listens, and its process."""

    name: str
    port: int
    process: psutil.Process


@dataclass(frozen=True)
class Window:
    """One window of one contestant: rate in messages a second, processor time in milliseconds a message."""

    rate: float
    server: float
    mongod: float
    steal: float
    p50: float
    p99: float


class Writers:
    """The heads of requests to open dialogs: each connection has dialogs of its own."""

    def __init__(self, dialogs: Sequence[tuple[str, str, str]], connections: int) -> None:
        self._dialogs = [dialogs[number::connections] for number in range(connections)]

    def of(self, connection: int) -> Iterator[bytes]:
        """The requests of one connection, without end; each message has an id of its own."""
        body = json.dumps({"text": "Hello, where is my certificate?"}).encode()
        for round_ in itertools.count():
            for dialog, visitor, operator in self._dialogs[connection]:
                bearer = operator if round_ % 2 else visitor
                head = (
                    f"PUT /v1/dialogs/{dialog}/messages/m-{secrets.token_hex(8)} HTTP/1.1\r\nHost: {HERE}\r\n"
                    f"Authorization: Bearer {bearer}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n"
                )
                yield head.encode() + body


async def write_on(
    port: int, requests: Iterator[bytes], until: float, took: list[float], pause: float
) -> None:
    """One connection: the next message when the one before is acknowledged, and a pause is over."""
    reader, writer = await asyncio.open_connection(HERE, port)
    while (began := time.perf_counter()) < until:
        writer.write(next(requests))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(f"{head!r} {await reader.read(1000)!r}")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        took.append(time.perf_counter() - began)
        if pause:
            await asyncio.sleep(pause)
    writer.close()


class Bench:
    """Both contestants on one mongod."""

    def __init__(self, stack: Stack, bare: Process, bare_port: int, writers: Writers) -> None:
        chat_port = port_of("chat", stack.base)
        self.contestants = {
            CHAT: Contestant(CHAT, chat_port, psutil.Process(stack.services["chat"].pid)),
            BARE: Contestant(BARE, bare_port, psutil.Process(bare.pid)),
        }
        if not isinstance(stack.mongo, Process):
            raise TypeError("the processor time of a mongod that runs elsewhere can't be read")
        self._mongod = psutil.Process(stack.mongo.pid)
        self._client: MongoClient[dict[str, Any]] = MongoClient(stack.servers.mongo_address)
        self._writers = writers

    async def window(self, name: str, connections: int, seconds: float, pause: float = 0) -> Window:
        """Messages in a closed loop, and what they cost until nothing is left to do."""
        contestant, took = self.contestants[name], list[float]()
        machine, spent = psutil.cpu_times(), [_spent(contestant.process), _spent(self._mongod)]
        began = time.perf_counter()
        requests = [self._writers.of(number) for number in range(connections)]
        writing = (write_on(contestant.port, each, began + seconds, took, pause) for each in requests)
        await asyncio.gather(*writing)
        rate = len(took) / (time.perf_counter() - began)
        steal = Machine.between(machine, psutil.cpu_times()).steal
        await self._drained()
        after = [_spent(contestant.process), _spent(self._mongod)]
        server, mongod = (1000 * (then - now) / len(took) for now, then in zip(spent, after, strict=True))
        cuts = statistics.quantiles(took, n=100)
        return Window(rate, server, mongod, steal, 1000 * cuts[49], 1000 * cuts[98])

    async def _drained(self) -> None:
        """Returns when chat's relay has handled every commit."""
        commits = self._client["candor_chat"]["commits"]
        await until(lambda: commits.find_one({"relayed": False}), lambda found: found is None)


def _spent(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


async def open_dialogs(stack: Stack, count: int) -> list[tuple[str, str, str]]:
    """Open dialogs that an operator has taken: id, visitor's token, operator's token."""
    folder = stack.folder
    url = stack.addresses.services["chat"]
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        floor = SupportFloor(http, ServiceUrls(url, "", ""), partial(token, folder))
        await floor.channel("bench")
        found: list[tuple[str, str, str]] = []

        async def talk(number: int) -> None:
            operator = floor.operator(f"bench-{number % OPERATORS}")
            visitor = await floor.visitor("bench")
            await visitor.open(dialog := visitor.name_dialog())
            await operator.take(dialog)
            await visitor.post_message(dialog, "m-first", "Hello")  # makes the dialog's key
            found.append((dialog, _token(visitor.caller), _token(operator.caller)))

        await at_once(16, [partial(talk, number) for number in range(count)])
    return found


def _token(caller: Any) -> str:
    return str(caller._headers["Authorization"].removeprefix("Bearer "))


@contextmanager
def bare_process(stack: Stack) -> Iterator[tuple[Process, int]]:
    """The bare contestant, ready."""
    port = free_port()
    bare = Process(
        name="bare",
        folder=stack.folder,
        command=lambda: [sys.executable, "-m", "tests.bench.bare_insert", str(port)],
        ready=lambda: answers(port),
        environment=lambda: stack.environment("chat", stack.base),
        cwd=ROOT,
    )
    bare.start()
    try:
        yield bare, port
    finally:
        bare.stop()


async def measure(stack: Stack, bare: Process, port: int, told: argparse.Namespace) -> None:
    """All windows, and the tables."""
    dialogs = await open_dialogs(stack, told.dialogs)
    bench = Bench(stack, bare, port, Writers(dialogs, told.connections))
    for name in (CHAT, BARE):
        await bench.window(name, told.connections, WARM_UP_SECONDS)
    order = [name for pair in range(told.pairs) for name in ((CHAT, BARE) if pair % 2 == 0 else (BARE, CHAT))]
    windows = [(name, await bench.window(name, told.connections, told.seconds)) for name in order]
    show(f"{told.connections} connections, {told.dialogs} dialogs", windows)
    for pause, how in ((0.0, "without a pause"), (PAUSE_SECONDS, f"{1000 * PAUSE_SECONDS:.0f} ms apart")):
        alone = [
            (name, await bench.window(name, 1, ALONE_SECONDS, pause)) for name in (CHAT, BARE, BARE, CHAT)
        ]
        show(f"one connection alone, {how}", alone)


def show(title: str, windows: Sequence[tuple[str, Window]]) -> None:
    """Prints the medians of each contestant, and the ratio of the rates pair by pair."""
    columns = ("messages/s", "server ms", "mongod ms", "p50 ms", "p99 ms", "steal %")
    table = Table("", *columns, title=title, title_justify="left", box=None)
    for name in (CHAT, BARE):
        own = [each for found, each in windows if found == name]
        cells = ("rate", "server", "mongod", "p50", "p99", "steal")
        medians = [statistics.median(getattr(each, cell) for each in own) for cell in cells]
        digits = (0, 2, 2, 1, 1, 1)
        table.add_row(name, *(f"{value:.{places}f}" for value, places in zip(medians, digits, strict=True)))
    console = Console(width=110)
    console.print(table)
    rates = {name: [each.rate for found, each in windows if found == name] for name in (CHAT, BARE)}
    ratios = [chat / bare for chat, bare in zip(rates[CHAT], rates[BARE], strict=True)]
    console.print(
        f"rate of chat / bare insert, pair by pair: median {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f}–{max(ratios):.2f})\n"
    )


def main() -> None:
    """Reads the command line and measures, on servers of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.commands",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pairs", type=int, default=6, help="pairs of windows (6)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of a window (3)")
    parser.add_argument("--connections", type=int, default=24, help="connections at once (24)")
    parser.add_argument("--dialogs", type=int, default=240, help="open dialogs (240)")
    told = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder), names=["chat"], base=free_port_base()) as stack,
        bare_process(stack) as (bare, port),
    ):
        uvloop.run(measure(stack, bare, port, told))


if __name__ == "__main__":
    main()
