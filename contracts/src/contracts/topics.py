"""The topics, what each is keyed by, and how long it is kept."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

SERVICES = ("chat", "rating", "analytics")
DAY_MS = 24 * 60 * 60 * 1000


class Kept(StrEnum):
    """Kafka's ``cleanup.policy``."""

    COMPACTED = "compact"
    DELETED = "delete"


class Topic(BaseModel):
    """A topic and its settings. `aligned` topics have one number of partitions and one partitioner."""

    model_config = ConfigDict(frozen=True)

    name: str
    kept: Kept
    aligned: bool = False
    partitions: int | None = None
    settings: Mapping[str, str] = Field(default_factory=dict)

    @property
    def config(self) -> dict[str, str]:
        """The topic's configuration in Kafka, as strings."""
        return {"cleanup.policy": self.kept.value, **self.settings}


def _for_ever(name: str) -> Topic:
    return Topic(name=name, kept=Kept.DELETED, aligned=True, settings={"retention.ms": "-1"})


def _kept_for(name: str, milliseconds: int, *, aligned: bool = False) -> Topic:
    return Topic(name=name, kept=Kept.DELETED, aligned=aligned, settings={"retention.ms": str(milliseconds)})


def _keys(name: str) -> Topic:
    # A forgotten key must leave the disk soon, so segments roll and are compacted at once.
    return Topic(
        name=name,
        kept=Kept.COMPACTED,
        settings={
            "delete.retention.ms": str(30 * DAY_MS),
            "segment.ms": "10000",
            "max.compaction.lag.ms": "10000",
            "min.cleanable.dirty.ratio": "0.0",
            "file.delete.delay.ms": "1000",
        },
    )


CHANNELS = Topic(name="candor.channels", kept=Kept.COMPACTED)
DIALOGS = _for_ever("candor.dialogs")
RATINGS = _for_ever("candor.ratings")
CLIENTS = Topic(name="candor.clients", kept=Kept.DELETED, settings={"retention.ms": "-1"})
DIALOG_KEYS = _keys("candor.dialogs.keys")
RATING_KEYS = _keys("candor.ratings.keys")
WAKEUPS = _kept_for("candor.chat.wakeups", 10 * 60 * 1000)


def dead(service: str) -> Topic:
    """The dead-letter topic of a service: records that it could not process."""
    return _kept_for(f"candor.{service}.dead", 30 * DAY_MS)


def replay(service: str) -> Topic:
    """Where a service's replay command puts dead letters, to be consumed again."""
    return _kept_for(f"candor.{service}.replay", 7 * DAY_MS, aligned=True)


ALL = (
    CHANNELS, DIALOGS, RATINGS, CLIENTS, DIALOG_KEYS, RATING_KEYS, WAKEUPS,
    *(dead(service) for service in SERVICES),
    *(replay(service) for service in SERVICES),
)  # fmt: skip
