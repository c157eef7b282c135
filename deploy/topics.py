"""Creates Candor's topics, never by auto-creation, and sets who may what; names what is there besides."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from chassis.kafka import clients
from chassis.kafka.connection import KafkaConnection
from contracts.topics import ALL, SERVICES, Topic
from deploy.acls import ROLES, Acl, Holders, acls, commands, foreign, is_removable
from deploy.authorizer import NoAuthorizer, authorizer

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
        defaults = {"CANDOR_PARTITIONS": "12", "CANDOR_REPLICATION": "1", "CANDOR_MIN_ISR": "1"}
        told = {name: environment.get(name) or default for name, default in defaults.items()}
        for name, value in told.items():
            if not value.isdecimal() or int(value) < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}.")
        return cls(*map(int, told.values()))


@dataclass(frozen=True)
class Report:
    """What was created, and a sentence for each topic that exists with other settings."""

    created: Sequence[str]
    differences: Sequence[str]


async def create(
    connection: KafkaConnection, layout: Layout | None = None, topics: Sequence[Topic] = ALL
) -> Report:
    """Create the topics that aren't there. Repeatable; topics that exist are compared, never changed.

    Raises aiokafka's errors when the broker refuses a topic or cannot be reached.
    """
    layout = layout or Layout.from_environment()
    async with clients.admin(connection) as admin:
        created = await _create(admin, topics, layout)
        described = await _described(admin, [topic.name for topic in topics])
        existing = [topic for topic in topics if topic.name not in created]
        settings = await _settings_of(admin, existing) if existing else {}
        differences = [
            sentence
            for topic in existing
            for sentence in _compare(topic, described[topic.name], settings[topic.name], layout)
        ]
        return Report(created, differences)


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], layout: Layout) -> list[str]:
    wanted = [
        NewTopic(
            topic.name,
            num_partitions=topic.partitions or layout.partitions,
            replication_factor=layout.replication,
            topic_configs=_settings(topic, layout),
        )
        for topic in topics
    ]
    answer = await admin.create_topics(wanted)
    created = []
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        if code == 0:
            created.append(name)
        elif error is not TopicAlreadyExistsError:
            raise error(f"{name}: {' '.join(str(part) for part in message if part)}")
    return created


def _settings(topic: Topic, layout: Layout) -> dict[str, str]:
    return {**topic.config, "min.insync.replicas": str(layout.min_isr)}


@retry(
    retry=retry_if_exception_type(UnknownTopicOrPartitionError),
    wait=wait_fixed(0.05),
    stop=stop_after_delay(10),
)
async def _described(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, Description]:
    # Brokers know of a new topic a moment after its creation was confirmed.
    described = {each["topic"]: each for each in await admin.describe_topics(names)}
    for name in names:
        if described[name]["error_code"]:
            raise for_code(described[name]["error_code"])(name)
    return described


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


async def _settings_of(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    answers = await admin.describe_configs(resources)
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for _, _, _, name, entries in answer.resources
    }


@dataclass(frozen=True)
class Rights:
    """What was granted, what was taken back, and what there is besides."""

    granted: Sequence[Acl]
    removed: Sequence[Acl]
    foreign: Sequence[Acl]


async def grant(connection: KafkaConnection, holders: Holders, *, prune: bool = False) -> Rights:
    """Grant what the table of rights names and isn't granted. Repeatable.

    Rights that the table doesn't name are taken back if `prune`, as far as they are about Candor alone.
    Raises aiokafka's errors, and NoAuthorizer if this Kafka asks nobody for rights.
    """
    async with authorizer(connection) as there:
        found = await there.acls()
        missing = [acl for acl in acls(holders) if acl not in found]
        await there.add(missing)
        besides = foreign(found, holders)
        removed = [acl for acl in besides if prune and is_removable(acl, holders)]
        await there.remove(removed)
        return Rights(missing, removed, [acl for acl in besides if acl not in removed])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.topics",
        description="Create the topics that aren't there, and grant the rights that docs/operating.md names.",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print the commands that grant, and do nothing"
    )
    parser.add_argument("--prune", action="store_true", help="take back rights that aren't in the table")
    parser.add_argument(
        "--user", action="append", default=[], metavar="ROLE=USER",
        help=f"Kafka's user of {', '.join(ROLES)}, unless it is called so",
    )  # fmt: skip
    parser.add_argument(
        "--database", action="append", default=[], metavar="SERVICE=NAME",
        help="CANDOR_DATABASE of a service, unless it is candor_SERVICE; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--subscriber", action="append", default=[], metavar="USER=TOPIC,…",
        help="another system, and the topics that it is granted; name all of them each time",
    )  # fmt: skip
    return parser


def _holders(arguments: argparse.Namespace) -> Holders:
    """Raises ValueError for what isn't of the form or the roles that there are."""
    databases: dict[str, list[str]] = {}
    for service, name in (_pair(text, SERVICES) for text in arguments.database):
        databases.setdefault(service, []).append(name)
    subscribers: dict[str, list[str]] = {}
    for text in arguments.subscriber:
        user, equals, topics = text.rpartition("=")  # a user may be called CN=…
        if not (user and equals and topics):
            raise ValueError(f"{text} must be USER=TOPIC,TOPIC.")
        subscribers.setdefault(user, []).extend(topics.split(","))
    return Holders(dict(_pair(text, ROLES) for text in arguments.user), databases, subscribers)


def _pair(text: str, known: Sequence[str]) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if name not in known or not value:
        raise ValueError(f"{text} must be NAME=VALUE, with one of {', '.join(known)} as the name.")
    return name, value


def main(argv: Sequence[str] | None = None) -> int:
    """Create the topics and grant the rights at ``CANDOR_KAFKA``.

    Returns 0; 1 if Kafka refused, or holds topics with other settings or rights that the table doesn't name;
    2 for wrong settings.
    """
    arguments = _parser().parse_args(argv)
    try:
        holders = _holders(arguments)
        if arguments.dry_run:
            print("\n".join(commands(acls(holders), os.environ.get("CANDOR_KAFKA") or "HOST:PORT")))
            return 0
        connection, layout = KafkaConnection.read(os.environ), Layout.from_environment()
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    return asyncio.run(_set(connection, layout, holders, prune=arguments.prune))


async def _set(connection: KafkaConnection, layout: Layout, holders: Holders, *, prune: bool) -> int:
    try:
        report = await create(connection, layout)
        print(f"{len(report.created)} topics created.")
        wrong = [*report.differences, *await _granted(connection, holders, prune=prune)]
    except KafkaConnectionError as error:
        wrong = [await connection.refusal() or str(error)]
    except KafkaError as error:
        wrong = [f"Kafka refused: {error}."]
    print("".join(f"{sentence}\n" for sentence in wrong), end="", file=sys.stderr)
    return 1 if wrong else 0


async def _granted(connection: KafkaConnection, holders: Holders, *, prune: bool) -> list[str]:
    try:
        rights = await grant(connection, holders, prune=prune)
    except NoAuthorizer:
        warning = "No rights granted: this Kafka has no authorizer, so whoever reaches it may do everything."
        if connection.security_protocol != "PLAINTEXT":
            return [warning]
        print(warning)
        return []
    print(f"{len(rights.granted)} rights granted, {len(rights.removed)} taken back.")
    return [f"Not in the table of rights: {acl}." for acl in rights.foreign]


if __name__ == "__main__":
    sys.exit(main())
