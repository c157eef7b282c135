"""The embedded Kafka: one KRaft node, broker and controller in one."""

import base64
import logging
import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.errors import KafkaError

from chassis.kafka import clients
from chassis.kafka.connection import KafkaConnection
from deploy.local import jars, java, platforms
from deploy.local.detached import run_detached
from deploy.local.failures import CannotStart
from deploy.local.ports import HERE, answers
from deploy.local.process import Process

DATA = "kafka"
HEAP = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.storage=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.log=warn",
)
# While a broker starts, connections that fail are what is waited out, not news.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Access:
    """Who gets in: by default everybody.

    `settings` come over those of `one_node`. `scram_users` are what StorageTool takes by `--add-scram` when
    it formats the data folder. `connection` is that of somebody who may ask who the brokers are.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    scram_users: Sequence[str] = ()
    connection: KafkaConnection | None = None


OPEN = Access()


ALONE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    # A broker that was killed is fenced until its old session is over: 2 s instead of 9.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "300",
    # A forgotten key has to leave the disk within a minute.
    "log.cleaner.backoff.ms": "1000",
    "log.cleaner.min.compaction.lag.ms": "0",
}


def one_node(advertised: str, listen: str, port: int, controller: int) -> dict[str, str]:
    """Kafka's settings for one node that is reached as `advertised`:`port`; embedded and container alike."""
    return {
        **ALONE,
        "listeners": f"PLAINTEXT://{listen}:{port},CONTROLLER://{HERE}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{advertised}:{port},CONTROLLER://{HERE}:{controller}",
    }


def embedded(folder: Path, port: int, controller: int, access: Access = OPEN) -> Process:
    """A Kafka with its data in `folder`/kafka that listens on loopback's `port`.

    It works in `folder` and is given relative paths only: Java reads its settings as Latin-1, and a comma
    would make two folders of one.
    """
    settings = {
        **one_node(HERE, HERE, port, controller),
        "controller.quorum.bootstrap.servers": f"{HERE}:{controller}",
        "log.dirs": DATA,
        **access.settings,
    }

    def command() -> list[str]:
        platforms.check()
        run = [java.java(), *HEAP, *LOGGING, "-cp", jars.classpath()]
        if not (folder / DATA / "meta.properties").exists():
            _format(folder, settings, access.scram_users, run)
        return [*run, "kafka.Kafka", _written(folder, "kafka.properties", settings)]

    connection = access.connection or KafkaConnection(servers=f"{HERE}:{port}")
    return Process(
        name="kafka", folder=folder, command=command, ready=lambda: is_ready(connection), cwd=folder
    )


def is_ready(connection: KafkaConnection) -> bool:
    """Whether the one broker takes part: it answers, and names itself among the brokers."""

    async def names_a_broker() -> bool:
        try:
            async with clients.admin(connection, request_timeout_ms=3_000) as admin:
                return bool((await admin.describe_cluster())["brokers"])
        except (KafkaError, OSError):
            return False

    host, _, port = connection.servers.rpartition(":")
    return answers(int(port), host) and run_detached(names_a_broker)


def check_named(connection: KafkaConnection) -> None:
    """Raises CannotStart unless the Kafka that the environment names can be used."""
    if refusal := run_detached(connection.refusal):
        places = [server.rpartition(":") for server in connection.addresses]
        if not any(answers(int(port), host.strip("[]")) for host, _, port in places):
            refusal = f"No Kafka answers at {connection.servers}."
        raise CannotStart(
            f"CANDOR_KAFKA is of no use. {refusal} "
            "Name one that runs, as host:port, or unset CANDOR_KAFKA for Candor's own."
        )


def _format(
    folder: Path, settings: Mapping[str, str], scram_users: Sequence[str], run: Sequence[str]
) -> None:
    # Formatted aside and renamed, so that an interrupted format is simply done again.
    part = folder / f"{DATA}.part"
    shutil.rmtree(part, ignore_errors=True)
    properties = _written(folder, "kafka.format.properties", {**settings, "log.dirs": part.name})
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
    users = [word for user in scram_users for word in ("--add-scram", user)]
    command = ["kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c", properties, *users]
    completed = subprocess.run(
        [*run, *command], cwd=folder, capture_output=True, text=True, errors="replace", check=False
    )
    if completed.returncode != 0:
        last = (completed.stderr.strip() or completed.stdout.strip()).splitlines()[-1:]
        raise CannotStart(f"kafka could not format its data folder {folder / DATA}: {' '.join(last)}")
    part.rename(folder / DATA)


def _written(folder: Path, name: str, settings: Mapping[str, str]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    return name
