"""Creates Candor's topics, never by auto-creation; says which exist with other settings."""

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from contracts.topics import ALL, Topic

Description = Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """How topics are spread over brokers."""

    partitions: int = 12
    replication: int = 1
    min_isr: int = 1

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Layout":
        """``CANDOR_PARTITIONS``, ``CANDOR_REPLICATION``, ``CANDOR_MIN_ISR``; ValueError names a wrong one."""
        names = ("CANDOR_PARTITIONS", "CANDOR_REPLICATION", "CANDOR_MIN_ISR")
        return cls(
            *(
                _count(name, environment.get(name) or default)
                for name, default in zip(names, ("12", "1", "1"), strict=True)
            )
        )


@dataclass(frozen=True)
class Report:
    """What was created, and a sentence for each topic that exists with other settings."""

    created: Sequence[str]
    differences: Sequence[str]


async def create(bootstrap: str, layout: Layout | None = None, topics: Sequence[Topic] = ALL) -> Report:
    """Create the topics that aren't there. Repeatable; topics that exist are compared, never changed.

    Raises aiokafka's errors when the broker refuses a topic or cannot be reached.
    """
    layout = layout or Layout.from_environment()
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        created = await _create(admin, topics, layout)
        described = await _described(admin, [topic.name for topic in topics])
        existing = [topic for topic in topics if topic.name not in created]
        return Report(created, await _differences(admin, existing, described, layout))
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], layout: Layout) -> list[str]:
    answer = await admin.create_topics([_new(topic, layout) for topic in topics])
    created = []
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        if code == 0:
            created.append(name)
        elif error is not TopicAlreadyExistsError:
            raise error(f"{name}: {' '.join(str(part) for part in message if part)}")
    return created


def _new(topic: Topic, layout: Layout) -> NewTopic:
    return NewTopic(
        topic.name,
        num_partitions=topic.partitions or layout.partitions,
        replication_factor=layout.replication,
        topic_configs=_settings(topic, layout),
    )


def _settings(topic: Topic, layout: Layout) -> dict[str, str]:
    return {**topic.config, "min.insync.replicas": str(layout.min_isr)}


@retry(
    retry=retry_if_exception_type(UnknownTopicOrPartitionError),
    wait=wait_fixed(0.05),
    stop=stop_after_delay(10),
)
async def _described(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, Description]:
    # Brokers hear of a new topic a moment after its creation was confirmed.
    described = {each["topic"]: each for each in await admin.describe_topics(names)}
    for name in names:
        if described[name]["error_code"]:
            raise for_code(described[name]["error_code"])(name)
    return described


async def _differences(
    admin: AIOKafkaAdminClient, topics: Sequence[Topic], described: Mapping[str, Description], layout: Layout
) -> list[str]:
    if not topics:
        return []
    settings = await _settings_of(admin, [topic.name for topic in topics])
    found = (_compare(topic, described[topic.name], settings[topic.name], layout) for topic in topics)
    return [sentence for sentences in found for sentence in sentences]


def _compare(topic: Topic, there: Description, settings: Mapping[str, str], layout: Layout) -> Iterable[str]:
    partitions, replicas = there["partitions"], {len(each["replicas"]) for each in there["partitions"]}
    wanted = {
        "partitions": str(topic.partitions or layout.partitions),
        "replication": str(layout.replication),
    }
    found = {"partitions": str(len(partitions)), "replication": "/".join(map(str, sorted(replicas)))}
    wanted |= _settings(topic, layout)
    found |= {name: settings.get(name, "unset") for name in _settings(topic, layout)}
    for name, value in wanted.items():
        if found[name] != value:
            yield f"{topic.name} exists with {name}={found[name]}, not {value}."


async def _settings_of(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answers = await admin.describe_configs(resources)
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for _, _, _, name, entries in answer.resources
    }


def _count(name: str, value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}.")
    return int(value)


def main() -> int:
    """Create the topics at ``CANDOR_KAFKA``. Exits with 1 if some exist with other settings."""
    bootstrap = os.environ.get("CANDOR_KAFKA")
    if not bootstrap:
        print("CANDOR_KAFKA must name the bootstrap servers.", file=sys.stderr)
        return 2
    report = asyncio.run(create(bootstrap))
    print(f"{len(report.created)} topics created.")
    print("".join(f"{sentence}\n" for sentence in report.differences), end="", file=sys.stderr)
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
