"""What the start page is told by the launcher."""

from dataclasses import dataclass
from pathlib import Path

from chassis.kafka.connection import KafkaConnection
from contracts.topics import SERVICES
from deploy.demo.people import ServiceUrls
from deploy.local.ports import HERE

START_PAGE, SAMPLE_SITE = len(SERVICES), len(SERVICES) + 1
"""How far their ports are from the first service's."""

LOOPBACK_NAMES = (HERE, "localhost")


@dataclass(frozen=True)
class Setup:
    """Where everything is. `kind` is how the servers run: embedded, containers, or named."""

    folder: Path
    base: int
    kafka: KafkaConnection
    mongo: str
    kind: str

    @property
    def port(self) -> int:
        """The start page's."""
        return self.base + START_PAGE

    @property
    def sample_port(self) -> int:
        """The sample site's."""
        return self.base + SAMPLE_SITE

    @property
    def sample_site(self) -> str:
        """The sample site's address, whose origin is another than that of any service."""
        return f"http://{HERE}:{self.sample_port}"

    @property
    def sample_origins(self) -> tuple[str, ...]:
        """The origins that it is reached at."""
        return tuple(f"http://{name}:{self.sample_port}" for name in LOOPBACK_NAMES)

    @property
    def urls(self) -> ServiceUrls:
        """The services."""
        return ServiceUrls.at(self.base)
