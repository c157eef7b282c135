"""Puts aside what could not be heard; a command lists it, without its payload, and lets it be heard again."""

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from chassis.messaging.peeking import all_records
from chassis.messaging.publisher import NotPublished, Outgoing, Publisher
from chassis.messaging.records import Record
from chassis.telemetry.metrics import DEAD_LETTERS
from contracts import topics
from contracts.envelope import rfc3339

PREFIX = "candor-dead-"
REPLAYED = "candor-replayed"


class Graveyard:
    """Where a service's dead letters go."""

    def __init__(self, service: str, publisher: Publisher) -> None:
        self._service = service
        self._topic = topics.dead(service).name
        self._publisher = publisher

    async def bury(self, record: Record, cause: str, attempts: int) -> None:
        """Writes `record` as it came, with `cause` in a header. Raises NotPublished."""
        letter = self._letter(record, record.value, cause, attempts)
        try:
            await self._publisher.publish([letter])
        except NotPublished as error:
            if not isinstance(error.__cause__, MessageSizeTooLargeError):
                raise
            # With our headers it no longer fits, and would stand in the way for ever.
            short = f"{cause}; too large to copy, read it where it was"
            await self._publisher.publish([self._letter(record, None, short, attempts)])
        DEAD_LETTERS.labels(self._service, record.topic).inc()

    def _letter(self, record: Record, value: bytes | None, cause: str, attempts: int) -> Outgoing:
        about = {
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "cause": cause,
            "at": rfc3339(datetime.now(UTC)),
            "attempts": str(attempts),
        }
        ours = [(PREFIX + name, text.encode()) for name, text in about.items()]
        nothing = record.key is None and value is None  # which a producer refuses
        return Outgoing(self._topic, b"" if nothing else record.key, value, [*record.headers, *ours])


@dataclass(frozen=True)
class Letter:
    """One dead letter; `id` is `topic:partition:offset` of the record that died."""

    id: str
    at: str
    type: str
    cause: str
    record: Record
    replayed: bool


async def letters(service: str, bootstrap: str) -> list[Letter]:
    """All dead letters of `service`, oldest first, one per record that died. Raises KafkaError."""
    records = await all_records(bootstrap, topics.dead(service).name)
    replayed = {_header(record, REPLAYED) for record in records}
    found = {}
    for record in records:
        if _header(record, PREFIX + "topic"):
            identity = ":".join(_header(record, PREFIX + name) for name in ("topic", "partition", "offset"))
            found[identity] = Letter(
                id=identity,
                at=_header(record, PREFIX + "at"),
                type=_header(record, "ce_type"),
                cause=_header(record, PREFIX + "cause"),
                record=record,
                replayed=identity in replayed,
            )
    return sorted(found.values(), key=lambda letter: letter.at)


async def replay(service: str, publisher: Publisher, chosen: Sequence[Letter]) -> None:
    """Writes letters, as they first came, to the service's own replay topic; never to a shared one.

    Each is then noted as replayed. Raises NotPublished; what was written by then may be written again.
    """
    for letter in chosen:
        await publisher.publish([_once_more(service, letter)])
        note = [(REPLAYED, letter.id.encode())]
        await publisher.publish([Outgoing(topics.dead(service).name, letter.id, None, note)])


def _once_more(service: str, letter: Letter) -> Outgoing:
    own = [header for header in letter.record.headers if not header[0].startswith((PREFIX, REPLAYED))]
    # The same key chooses the partition of the same number: the topics are aligned.
    headers = [*own, (REPLAYED, letter.id.encode())]
    return Outgoing(topics.replay(service).name, letter.record.key, letter.record.value, headers)


def _header(record: Record, name: str) -> str:
    """The last header of this name, fit for a terminal: a stranger may have written it."""
    values = [value for key, value in record.headers if key == name and value is not None]
    return re.sub(r"[^\x20-\x7e]", "?", values[-1].decode(errors="replace")) if values else ""


def cli(service: str, bootstrap: str, argv: Sequence[str]) -> int:
    """`dead-letters list` and `dead-letters replay --all | ID…`; `argv` is what follows `dead-letters`.

    Returns the exit code: 0, 1 if Kafka or an id failed.
    """
    arguments = _parser(service).parse_args(argv)
    try:
        return asyncio.run(_run(service, bootstrap, arguments))
    except (KafkaError, NotPublished, OSError) as error:
        print(f"Kafka at {bootstrap} did not do it: {type(error).__name__}", file=sys.stderr)  # noqa: T201
        return 1


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {service} dead-letters")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="id, time, type, cause, and whether it was replayed; never the payload")
    again = commands.add_parser("replay", help="let records be heard again, through the replay topic")
    chosen = again.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--all", action="store_true", help="all that were not replayed yet")
    chosen.add_argument("ids", nargs="*", default=[], metavar="ID", help="topic:partition:offset")
    return parser


async def _run(service: str, bootstrap: str, arguments: argparse.Namespace) -> int:
    found = await letters(service, bootstrap)
    if arguments.command == "list":
        _print(found)
        return 0
    wanted = set(arguments.ids)
    chosen = [letter for letter in found if letter.id in wanted or (arguments.all and not letter.replayed)]
    missing = wanted - {letter.id for letter in chosen}
    for identity in sorted(missing):
        print(f"There is no dead letter {identity}", file=sys.stderr)  # noqa: T201
    await _replay_all(service, bootstrap, chosen)
    print(f"{len(chosen)} replayed")  # noqa: T201
    return 1 if missing else 0


async def _replay_all(service: str, bootstrap: str, chosen: Sequence[Letter]) -> None:
    publisher = Publisher(bootstrap, f"candor-{service}-replay")
    try:
        await replay(service, publisher, chosen)
    finally:
        await publisher.stop()


def _print(found: Sequence[Letter]) -> None:
    for letter in found:
        mark = "replayed" if letter.replayed else "-"
        print(f"{letter.id}\t{letter.at}\t{letter.type or '?'}\t{mark}\t{letter.cause}")  # noqa: T201
    print(f"{len(found)} dead letters", file=sys.stderr)  # noqa: T201
