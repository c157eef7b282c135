"""Kafka and MongoDB: those the environment names, else containers, else the embedded ones."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from chassis.kafka.connection import KafkaConnection
from deploy.local import containers, kafka, mongod
from deploy.local.failures import CannotStart
from deploy.local.ports import HERE, LAST_PORT, Ports, holder, is_free, is_port


class Server(Protocol):
    """Something that can be started, stopped and crashed, on the same port and data each time."""

    @property
    def name(self) -> str: ...  # noqa: D102
    def start(self) -> None: ...  # noqa: D102
    def stop(self) -> None: ...  # noqa: D102
    def kill(self) -> None: ...  # noqa: D102
    def running(self) -> bool: ...  # noqa: D102
    @property
    def log(self) -> Path | None: ...  # noqa: D102


@dataclass(frozen=True)
class Named:
    """A server that the environment names: it is used, never started or ended."""

    name: str
    variable: str
    check: Callable[[], None]
    log: Path | None = None

    def start(self) -> None:
        """It should run already. Raises CannotStart if it doesn't answer."""
        self.check()

    def stop(self) -> None:
        """It isn't ours to stop."""

    def running(self) -> bool:
        """Whoever runs it looks after it."""
        return True

    def kill(self) -> None:
        """Raises CannotStart."""
        raise CannotStart(f"{self.name} is named by {self.variable} and is not Candor's to end.")


@dataclass(frozen=True)
class Servers:
    """Both servers and the addresses that clients use."""

    kafka: Server
    mongo: Server
    kafka_connection: KafkaConnection
    mongo_address: str
    kind: str

    def start(self, report: Callable[[str], None] = lambda _: None) -> None:
        """Start both, one after the other, and report the name of each that is ready.

        Raises CannotStart; what was started by then is ended.
        """
        try:
            for server in (self.mongo, self.kafka):
                server.start()
                report(server.name)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End what was started, the second even if the first fails."""
        try:
            self.kafka.stop()
        finally:
            self.mongo.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def servers(folder: Path, services: Mapping[int, str] | None = None) -> Servers:
    """The servers for the data folder `folder`, not yet started.

    `services` are the ports of the services, with the setting that each comes from. Raises CannotStart for a
    port that is taken, or wanted twice.
    """
    folder = folder.resolve()
    boxed = containers.wanted()
    own = [name for name in ("kafka", "mongo") if not os.environ.get(f"CANDOR_{name.upper()}")]
    ports = Ports(folder, _given_ports(own, services or {}), services or {})
    kafka_server, connection = _kafka(folder, ports, boxed=boxed)
    mongo_server, mongo_address = _mongo(folder, ports, boxed=boxed)
    kind = "named" if not own else "containers" if boxed else "embedded"
    return Servers(kafka_server, mongo_server, connection, mongo_address, kind)


def _kafka(folder: Path, ports: Ports, *, boxed: bool) -> tuple[Server, KafkaConnection]:
    if os.environ.get("CANDOR_KAFKA"):
        try:
            connection = KafkaConnection.read({"CANDOR_ENV": "development", **os.environ})
        except ValueError as wrong:
            raise CannotStart(str(wrong)) from None
        return Named("kafka", "CANDOR_KAFKA", lambda: kafka.check_named(connection)), connection
    port = ports.of("kafka")
    server = containers.kafka(folder, port) if boxed else kafka.embedded(folder, port, ports.of("controller"))
    return server, KafkaConnection(servers=f"{HERE}:{port}")


def _mongo(folder: Path, ports: Ports, *, boxed: bool) -> tuple[Server, str]:
    if named := os.environ.get("CANDOR_MONGO"):
        return Named("mongo", "CANDOR_MONGO", lambda: mongod.check_named(named)), named
    port = ports.of("mongo")
    server = containers.mongo(folder, port) if boxed else mongod.embedded(folder, port)
    return server, mongod.uri(HERE, port)


def _given_ports(names: Sequence[str], services: Mapping[int, str]) -> Mapping[str, int]:
    """The ports that CANDOR_KAFKA_PORT and CANDOR_MONGO_PORT name, by server."""
    users, given = dict(services), {}
    for name in names:
        variable = f"CANDOR_{name.upper()}_PORT"
        if not (wanted := os.environ.get(variable)):
            continue
        if not is_port(wanted):
            raise CannotStart(f"{variable} must be a port number from 1 to {LAST_PORT}, not {wanted!r}.")
        port = given[name] = int(wanted)
        if port in users:
            raise CannotStart(f"{users[port]} and {variable} both come to port {port}: change one of them.")
        if not is_free(port):
            raise CannotStart(
                f"{name} cannot start: port {port} is taken by {holder(port)}. {variable} names another one."
            )
        users[port] = variable
    return given
