"""Kafka and MongoDB: those the environment names, else containers, else the embedded ones."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from chassis.kafka.connection import KafkaConnection
from deploy.local import containers, kafka, mongod
from deploy.local.failures import CannotStart
from deploy.local.ports import HERE, LAST_PORT, Ports, is_free, is_port


class Server(Protocol):
    """Something that can be started, stopped and crashed, on the same port and data each time."""

    @property
    def name(self) -> str: ...  # noqa: D102
    def start(self) -> None: ...  # noqa: D102
    def stop(self) -> None: ...  # noqa: D102
    def kill(self) -> None: ...  # noqa: D102
    def restart(self) -> None: ...  # noqa: D102
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

    restart = kill


@dataclass(frozen=True)
class Servers:
    """Both servers and the addresses that clients use."""

    kafka: Server
    mongo: Server
    kafka_connection: KafkaConnection
    mongo_address: str
    kind: str

    def start(self) -> None:
        """Start both, one after the other. Raises CannotStart; what was started by then is ended."""
        try:
            self.mongo.start()
            self.kafka.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End what was started, the second even if the first has trouble."""
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


def servers(folder: Path) -> Servers:
    """The servers for the data folder `folder`, not yet started. Raises CannotStart for a taken port."""
    folder = folder.resolve()
    ports = Ports(folder)
    boxed = containers.wanted()
    named_kafka, named_mongo = os.environ.get("CANDOR_KAFKA"), os.environ.get("CANDOR_MONGO")
    kafka_server, connection = _named_kafka() if named_kafka else _kafka(folder, ports, boxed=boxed)
    mongo_server, mongo_address = (
        _named_mongo(named_mongo) if named_mongo else _mongo(folder, ports, boxed=boxed)
    )
    kind = "named" if named_kafka and named_mongo else "containers" if boxed else "embedded"
    return Servers(kafka_server, mongo_server, connection, mongo_address, kind)


def _named_kafka() -> tuple[Server, KafkaConnection]:
    try:
        connection = KafkaConnection.read({"CANDOR_ENV": "development", **os.environ})
    except ValueError as wrong:
        raise CannotStart(str(wrong)) from None
    return Named("kafka", "CANDOR_KAFKA", lambda: kafka.check_named(connection)), connection


def _named_mongo(uri: str) -> tuple[Server, str]:
    return Named("mongo", "CANDOR_MONGO", lambda: mongod.check_named(uri)), uri


def _kafka(folder: Path, ports: Ports, *, boxed: bool) -> tuple[Server, KafkaConnection]:
    port = _port(ports, "kafka")
    server = containers.kafka(folder, port) if boxed else kafka.embedded(folder, port, ports.of("controller"))
    return server, KafkaConnection(servers=f"{HERE}:{port}")


def _mongo(folder: Path, ports: Ports, *, boxed: bool) -> tuple[Server, str]:
    port = _port(ports, "mongo")
    server = containers.mongo(folder, port) if boxed else mongod.embedded(folder, port)
    return server, mongod.uri(HERE, port)


def _port(ports: Ports, name: str) -> int:
    variable = f"CANDOR_{name.upper()}_PORT"
    wanted = os.environ.get(variable)
    if not wanted:
        return ports.of(name)
    if not is_port(wanted):
        raise CannotStart(f"{variable} must be a port number from 1 to {LAST_PORT}, not {wanted!r}.")
    if not is_free(int(wanted)):
        raise CannotStart(f"{name} cannot start: port {wanted} ({variable}) is taken by another program.")
    return int(wanted)
