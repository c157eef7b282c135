"""Kafka and MongoDB in containers, for machines where a Docker engine answers."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chassis.kafka.connection import KafkaConnection
from deploy.local import kafka as embedded_kafka
from deploy.local import mongod
from deploy.local.failures import CannotStart
from deploy.local.ports import HERE

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside a container; its port is published on loopback only
TIMEOUT = 90.0
WAYS = ("", "containers", "embedded")


def image(server: str, default: str) -> str:
    """``CANDOR_KAFKA_IMAGE`` or ``CANDOR_MONGO_IMAGE``, else the pinned one."""
    return os.environ.get(f"CANDOR_{server.upper()}_IMAGE") or default


def wanted() -> bool:
    """Whether to use containers: ``CANDOR_SERVERS`` is containers, or unset and an engine answers."""
    way = os.environ.get("CANDOR_SERVERS", "")
    if way not in WAYS:
        raise CannotStart(f"CANDOR_SERVERS must be containers or embedded, not {way!r}.")
    if way:
        return way == "containers"
    from deploy.local import engine  # noqa: PLC0415 - Docker's library takes a fifth of a second

    return engine.answers()


@dataclass(kw_only=True)
class Container:
    """One server in a container; its data stays in a folder, so a new container goes on with it."""

    name: str
    folder: Path
    image: str
    port: int
    data: str
    ready: Callable[[], bool]
    command: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    _box: "DockerContainer | None" = field(default=None, init=False)

    @property
    def log(self) -> Path:
        """Where its output is copied when it fails or ends."""
        return self.folder / "logs" / f"{self.name}.log"

    def running(self) -> bool:
        """Whether the container runs."""
        from deploy.local import engine  # noqa: PLC0415

        if self._box is None:
            return False
        try:
            wrapped = self._box.get_wrapped_container()
            wrapped.reload()
            return bool(wrapped.status == "running")
        except engine.TROUBLE:
            return False

    def start(self) -> None:
        """Start and wait until it answers. Raises CannotStart."""
        from deploy.local import engine  # noqa: PLC0415

        if self.running():
            return
        engine.require()
        self._remove()
        remove_remembered(self._memory)
        for made in (self._data, self._memory.parent, self.log.parent):
            made.mkdir(parents=True, exist_ok=True)
        self._data.chmod(0o777)
        try:
            self._box = self._started()
            self._await_ready()
        except BaseException:
            self.kill()
            self._remove()
            raise

    def stop(self) -> None:
        """End it in an orderly way; its data stays."""
        if self._box is not None:
            if self.running():
                self._box.get_wrapped_container().stop(timeout=20)
            self._remove()

    def kill(self) -> None:
        """End it as a crash would."""
        if self._box is not None and self.running():
            self._box.get_wrapped_container().kill()

    @property
    def _memory(self) -> Path:
        return self.folder / "run" / f"{self.name}.container"

    @property
    def _data(self) -> Path:
        return self.folder / "containers" / self.name

    def _started(self) -> "DockerContainer":
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415

        from deploy.local import engine  # noqa: PLC0415

        box, volume = None, (str(self._data), self.data, "rw")
        try:
            box = DockerContainer(self.image, volumes=[volume], env=dict(self.settings))
            # testcontainers' own way would publish the port to the whole network.
            box.ports[f"{self.port}/tcp"] = (HERE, self.port)  # type: ignore[assignment]
            box._command = list(self.command) or None  # noqa: SLF001 - with_command joins and splits again
            user = {"user": self.user} if self.user else {}
            box.with_kwargs(labels={"candor.folder": str(self.folder)}, **user)
            box.start()
        except engine.TROUBLE as reason:
            if box is not None:
                with suppress(*engine.TROUBLE):  # it may have been created, but not started
                    box.stop()
            raise CannotStart(
                f"{self.name} could not be started as a container of {self.image}: {reason}. "
                f"CANDOR_{self.name.upper()}_IMAGE names another image; "
                "CANDOR_SERVERS=embedded does without containers."
            ) from reason
        self._memory.write_text(box.get_wrapped_container().id or "")
        return box

    def _await_ready(self) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not self.ready():
            ended = not self.running()
            if ended or time.monotonic() > deadline:
                self._copy_log()
                how = "ended while starting" if ended else f"was not ready after {TIMEOUT:.0f} s"
                raise CannotStart(f"{self.name}, a container of {self.image}, {how}. Its log is {self.log}")
            time.sleep(0.1)

    def _copy_log(self) -> None:
        if self._box is not None:
            self.log.write_bytes(self._box.get_wrapped_container().logs(tail=10_000))

    def _remove(self) -> None:
        from deploy.local import engine  # noqa: PLC0415

        if self._box is None:
            return
        with suppress(*engine.TROUBLE):  # it may be gone already, and its log with it
            self._copy_log()
        with suppress(*engine.TROUBLE):
            self._box.stop()
            self._memory.unlink(missing_ok=True)
        self._box = None


def remove_remembered(memory: Path) -> bool:
    """Remove the container that a crashed launcher left behind. Returns whether there was one.

    Without an engine it cannot run either, and stays remembered until there is one again.
    """
    from deploy.local import engine  # noqa: PLC0415 - Docker's library takes a fifth of a second

    if not (memory.exists() and engine.answers()):
        return False
    found = engine.remove(memory.read_text())
    memory.unlink(missing_ok=True)
    return found


def kafka(folder: Path, port: int) -> Container:
    """Kafka as one KRaft node; the settings are those of the embedded one."""
    controller = 9093 if port != 9093 else 9094  # noqa: PLR2004 - inside the container, seen by nobody else
    settings = {
        **embedded_kafka.one_node(HERE, EVERYWHERE, port, controller),
        "controller.quorum.voters": f"1@{HERE}:{controller}",
        "log.dirs": "/var/lib/kafka/data",
    }
    return Container(
        name="kafka",
        folder=folder,
        image=image("kafka", "apache/kafka:4.3.0"),
        port=port,
        data="/var/lib/kafka/data",
        ready=lambda: embedded_kafka.is_ready(KafkaConnection(servers=f"{HERE}:{port}")),
        settings={
            "KAFKA_HEAP_OPTS": "-Xmx384m",
            **{f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()},
        },
    )


def mongo(folder: Path, port: int) -> Container:
    """MongoDB as a replica set of one, as the user who runs this, so that its files are theirs."""
    return Container(
        name="mongo",
        folder=folder,
        image=image("mongo", "mongo:8.0"),
        port=port,
        data="/data/db",
        ready=lambda: mongod.is_ready(HERE, port),
        command=["mongod", *mongod.arguments(port, EVERYWHERE, "/data/db")],
        user=f"{os.getuid()}:{os.getgid()}" if os.getuid() else "",
    )
