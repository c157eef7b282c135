"""The whole system on this machine: the servers, the topics, and the services as processes."""

import os
import subprocess
import sys
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from aiokafka.errors import KafkaError

from chassis.kafka.connection import KafkaConnection
from contracts.topics import SERVICES
from deploy import topics
from deploy.local import servers
from deploy.local.detached import run_detached
from deploy.local.failures import CannotStart
from deploy.local.ports import HERE, answers, free_base, holder, is_free, is_port
from deploy.local.process import Process
from deploy.local.secrets import Secrets
from deploy.local.servers import Server, Servers
from deploy.local.start_page.setup import SAMPLE_SITE, START_PAGE
from deploy.local.stopping import FOLDER

ROOT = Path(__file__).parents[2]
PORT_BASE = 8001
METRICS = 100
PAGES = {START_PAGE: "the start page", SAMPLE_SITE: "the sample site"}
HIGHEST_BASE = 65_000


def port_base() -> int:
    """``CANDOR_PORT_BASE``, else 8001."""
    wanted = os.environ.get("CANDOR_PORT_BASE") or str(PORT_BASE)
    if not is_port(wanted, HIGHEST_BASE):
        raise CannotStart(f"CANDOR_PORT_BASE must be a port number from 1 to {HIGHEST_BASE}, not {wanted!r}.")
    return int(wanted)


@dataclass(frozen=True)
class Addresses:
    """Where clients find everything. `services` are URLs by the service's name."""

    kafka: str
    mongo: str
    services: Mapping[str, str]
    start_page: str | None = None


class Stack:
    """Servers and services of one data folder, to be started, crashed and stopped together or singly.

    `stack.kafka`, `stack.mongo` and each of `stack.services` have start, stop and kill; ports and
    data stay the same. `extra` is put into every service's environment. `shared` are servers to use instead
    of the folder's own. The start page comes with `start_page`.
    """

    def __init__(
        self,
        folder: Path = FOLDER,
        *,
        names: Sequence[str] = SERVICES,
        base: int | None = None,
        extra: Mapping[str, str] | None = None,
        shared: Servers | None = None,
        start_page: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self.base = port_base() if base is None else base
        self._extra = dict(extra or {})
        ports = {
            port_of(name, self.base) + offset: f"CANDOR_PORT_BASE ({what} {name})"
            for name in names
            for offset, what in ((0, "the API of"), (METRICS, "the metrics of"))
        }
        if start_page:
            for offset, what in PAGES.items():
                ports[self.base + offset] = f"CANDOR_PORT_BASE ({what})"
        self.servers: Servers = shared or servers.servers(self.folder, ports)
        self.services: dict[str, Process] = {name: self.service(name, self.base) for name in names}
        self.start_page = self._start_page() if start_page else None
        self.differences: Sequence[str] = ()

    @property
    def kafka(self) -> Server:
        """The broker."""
        return self.servers.kafka

    @property
    def mongo(self) -> Server:
        """The database."""
        return self.servers.mongo

    @property
    def addresses(self) -> Addresses:
        """Where everything is."""
        urls = {name: f"http://{HERE}:{port_of(name, self.base)}" for name in self.services}
        start_page = f"http://{HERE}:{self.base + START_PAGE}/" if self.start_page else None
        return Addresses(self.servers.kafka_connection.servers, self.servers.mongo_address, urls, start_page)

    def processes(self) -> Sequence[Process]:
        """The services, and the start page."""
        return [*self.services.values(), *filter(None, [self.start_page])]

    def parts(self) -> Iterator[Server]:
        """Everything that runs, in the order in which it is started."""
        yield from (self.mongo, self.kafka)
        yield from self.processes()

    def service(self, service: str, base: int, name: str | None = None) -> Process:
        """A process of `service` on the ports of `base`; a replica needs a `name` and a base of its own."""
        port = port_of(service, base)

        def command() -> list[str]:
            _check_ports(service, port)
            return [sys.executable, "-m", service]

        return Process(
            name=name or service,
            folder=self.folder,
            command=command,
            ready=lambda: is_ready(port),
            environment=lambda: self.environment(service, base),
        )

    def _start_page(self) -> Process:
        arguments = ["--data", str(self.folder), "--kind", self.servers.kind]

        def command() -> list[str]:
            _check_pages(self.base)
            return [sys.executable, "-m", "deploy.local.start_page", *arguments]

        return Process(
            name="start-page",
            folder=self.folder,
            command=command,
            ready=lambda: answers(self.base + START_PAGE),
            environment=lambda: self.common(self.base),
            cwd=ROOT,
        )

    def environment(self, service: str, base: int) -> dict[str, str]:
        """All variables of a service."""
        return {
            **self.common(base),
            **Secrets(self.folder).environment(service),
            **self._extra,
        }

    def common(self, base: int) -> dict[str, str]:
        """The variables of all processes. Only what is ours is replaced in this process's own environment."""
        # One database for all of them is never what was meant.
        inherited = {name: value for name, value in os.environ.items() if name != "CANDOR_DATABASE"}
        return {
            **inherited,
            **self.servers.kafka_connection.environment(),
            "CANDOR_ENV": "development",
            "CANDOR_MONGO": self.servers.mongo_address,
            "CANDOR_PORT_BASE": str(base),
        }

    def start(self, report: Callable[[str], None] = lambda _: None) -> None:
        """Start all, and report the name of each part that is ready.

        Raises CannotStart, and then nothing that was started runs any more.
        """
        with ExitStack() as undo:
            undo.callback(self.stop)
            for name in self.services:
                _check_ports(name, port_of(name, self.base))
            if self.start_page:
                _check_pages(self.base)
            # Else a service would refuse them only when the servers run, half a minute from now.
            self.check_settings()
            self.servers.start(report)
            self.differences = _created_topics(self.servers.kafka_connection)
            report("topics")
            for process in self.processes():
                process.launch()
            for process in self.processes():
                process.await_ready()
                report(process.name)
            undo.pop_all()

    def check_settings(self) -> None:
        """Raises CannotStart with what a service says of its settings; asks only if some are set."""
        if not any(name.startswith("CANDOR_") for name in os.environ):
            return
        load = [f"from {name}.settings import *; {name.title()}Settings.load()" for name in self.services]
        environment = ChainMap(*(self.environment(name, self.base) for name in self.services))
        command = [sys.executable, "-c", "\n".join(load)]
        told = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
        if told.returncode != 0:
            raise CannotStart(told.stderr.strip())

    def stop(self) -> None:
        """End all that was started, services first."""
        with ExitStack() as last:
            last.callback(self.servers.stop)
            for process in self.processes():
                process.signal_stop()
            for process in self.processes():
                process.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _created_topics(connection: KafkaConnection) -> Sequence[str]:
    try:
        return run_detached(lambda: topics.create(connection)).differences
    except (KafkaError, ValueError) as reason:
        raise CannotStart(f"The topics could not be created at {connection.servers}: {reason}") from reason


def free_port_base() -> int:
    """A base on which every service finds its own port and that of its metrics free, and so do the pages."""
    return free_base([*(port_of(service, extra) for service in SERVICES for extra in (0, METRICS)), *PAGES])


def port_of(service: str, base: int) -> int:
    """Where a service's API is."""
    return base + SERVICES.index(service)


def is_ready(port: int) -> bool:
    """Whether the service there is ready."""
    try:
        return (
            httpx.get(f"http://{HERE}:{port}/health/ready", timeout=5, trust_env=False).status_code
            == httpx.codes.OK
        )
    except httpx.TransportError:
        return False


def _check_ports(service: str, port: int) -> None:
    for wanted in (port, port + METRICS):
        _check_port(service, wanted)


def _check_pages(base: int) -> None:
    for offset, what in PAGES.items():
        _check_port(what, base + offset)


def _check_port(what: str, wanted: int) -> None:
    if not is_free(wanted):
        raise CannotStart(
            f"{what} cannot start: port {wanted} is taken by {holder(wanted)}. "
            "CANDOR_PORT_BASE moves the ports of all services."
        )
