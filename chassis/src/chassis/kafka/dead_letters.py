"""Puts aside records that could not be processed; a command lists them without payload, and replays them."""

import argparse
import asyncio
import logging
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from chassis.errors import PublishFailed
from chassis.kafka.clients import reason_of
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord, Publisher
from chassis.kafka.records import Record, location_of
from chassis.kafka.topic_reader import all_records
from chassis.telemetry.metrics import DEAD_LETTERS
from contracts import topics
from contracts.envelope import rfc3339

log = structlog.stdlib.get_logger(__name__)

PREFIX = "candor-dead-"
REPLAYED = "candor-replayed"
"""On a record that is replayed: the id of its dead letter."""
SETTLED = "candor-dead-settled"
"""On a note, which has no value: how a letter was settled, and its partition and offset there."""

TOO_LARGE = "too large to copy, read it where it was"
"""At the end of a cause: the letter has none of the record's content."""

State = Literal["waiting", "replayed", "dismissed"]


class DeadLetterQueue:
    """Where the dead letters of a service go, which consumes `consumed`."""

    def __init__(self, service: str, publisher: Publisher, consumed: Iterable[str] = ()) -> None:
        for topic in consumed:  # what begins with 1 has not risen for Prometheus
            DEAD_LETTERS.labels(service, topic)
        self._service = service
        self._topic = topics.dead(service).name
        self._publisher = publisher

    async def put(self, record: Record, cause: str, attempts: int) -> None:
        """Writes `record` as it came, with `cause` in a header. Raises PublishFailed."""
        letter = self._letter(record, record.value, cause, attempts)
        try:
            await self._publisher.publish([letter])
        except PublishFailed as error:
            if not isinstance(error.__cause__, MessageSizeTooLargeError):
                raise
            # With our headers it no longer fits, and would stand in the way for ever.
            short = self._letter(record, None, f"{cause}; {TOO_LARGE}", attempts)
            await self._publisher.publish([short])
        DEAD_LETTERS.labels(self._service, record.topic).inc()
        log.warning("dead_letter", **location_of(record), cause=cause, attempts=attempts)

    def _letter(self, record: Record, value: bytes | None, cause: str, attempts: int) -> ProducerRecord:
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
        return ProducerRecord(self._topic, b"" if nothing else record.key, value, [*record.headers, *ours])


@dataclass(frozen=True)
class DeadLetter:
    """A record that died, as it did so last; `id` is `topic:partition:offset` of where it was first received.

    `attempts` counts how often it did: a record that was replayed may die again, and then waits again.
    """

    id: str
    at: str
    type: str
    cause: str
    record: Record
    state: State
    attempts: int

    @property
    def not_replayable(self) -> str | None:
        """Why it can't be replayed, if so."""
        if self.cause.endswith(TOO_LARGE):
            return "it was too large to copy: its content is only where it was"
        if self.id.partition(":")[0] in {topics.DIALOG_KEYS.name, topics.RATING_KEYS.name}:
            return "keys are published again, all of them, when the readers' key is rotated"
        return None


async def dead_letters(service: str, connection: KafkaConnection) -> list[DeadLetter]:
    """All dead letters of `service`, oldest first, one per record that died. Raises KafkaError."""
    records = sorted(
        await all_records(connection, topics.dead(service).name), key=lambda record: record.timestamp
    )
    notes = [_header(record, SETTLED).partition(" ") for record in records if _is_note(record)]
    settled = {where: how for how, _, where in notes}
    found: dict[str, DeadLetter] = {}
    for record in records:
        if not _is_note(record):
            letter = _read(service, record, settled)
            before = found.get(letter.id)
            found[letter.id] = replace(letter, attempts=before.attempts + 1) if before else letter
    return sorted(found.values(), key=lambda letter: letter.at)


def _is_note(record: Record) -> bool:
    # Every letter says where it died; what else stands in its headers, a stranger may have written.
    return not _header(record, PREFIX + "topic")


def _read(service: str, record: Record, settled: Mapping[str, str]) -> DeadLetter:
    original = ":".join(_header(record, PREFIX + name) for name in ("topic", "partition", "offset"))
    was_replayed = _header(record, PREFIX + "topic") == topics.replay(service).name
    how = settled.get(_where(record))
    return DeadLetter(
        id=(_header(record, REPLAYED) if was_replayed else "") or original,
        at=_header(record, PREFIX + "at"),
        type=_header(record, "ce_type"),
        cause=_header(record, PREFIX + "cause"),
        record=record,
        state="replayed" if how == "replayed" else "dismissed" if how == "dismissed" else "waiting",
        attempts=1,
    )


def _where(record: Record) -> str:
    return f"{record.partition}:{record.offset}"


async def replay(service: str, publisher: Publisher, chosen: Sequence[DeadLetter]) -> None:
    """Writes letters, as they first came, to the service's own replay topic; never to a shared one.

    Each is then noted as replayed. Raises PublishFailed; what was written by then may be written again.
    """
    for letter in chosen:
        record = letter.record
        own = [header for header in record.headers if not header[0].startswith((PREFIX, REPLAYED))]
        headers = [*own, (REPLAYED, letter.id.encode())]
        # The same key chooses the partition of the same number: the topics are aligned.
        again = ProducerRecord(topics.replay(service).name, record.key, record.value, headers)
        await publisher.publish([again])
        await publisher.publish([_note(service, letter, "replayed")])


async def dismiss(service: str, publisher: Publisher, chosen: Sequence[DeadLetter]) -> None:
    """Notes letters as dismissed: nobody wants them to be replayed. Raises PublishFailed."""
    await publisher.publish([_note(service, letter, "dismissed") for letter in chosen])


def _note(service: str, letter: DeadLetter, state: State) -> ProducerRecord:
    # It names this very letter: one that dies again in the meantime is not what was settled.
    headers = [(SETTLED, f"{state} {_where(letter.record)}".encode())]
    return ProducerRecord(topics.dead(service).name, letter.id, None, headers)


def _header(record: Record, name: str) -> str:
    """The last header of this name, fit for a terminal: a stranger may have written it."""
    values = [value for key, value in record.headers if key == name and value is not None]
    return re.sub(r"[^\x20-\x7e]", "?", values[-1].decode(errors="replace")) if values else ""


def cli(service: str, connection: KafkaConnection, argv: Sequence[str]) -> int:
    """`list`, `replay --all | ID…`, `dismiss --all | ID…`; `argv` is what follows `dead-letters`.

    Returns the exit code: 0, 1 if Kafka or an id failed.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {service} dead-letters")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what died, when and why, and whether it waits; never the payload")
    for name, help_ in (
        ("replay", "let records be consumed again, through the replay topic"),
        ("dismiss", "let records rest: they are listed, and wait no more"),
    ):
        chosen = commands.add_parser(name, help=help_).add_mutually_exclusive_group(required=True)
        chosen.add_argument("--all", action="store_true", help="all that wait")
        chosen.add_argument("ids", nargs="*", default=[], metavar="ID", help="topic:partition:offset")
    arguments = parser.parse_args(argv)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what is wrong is printed, once
    try:
        return asyncio.run(_run(service, connection, arguments))
    except (KafkaError, PublishFailed, OSError) as error:
        reason = asyncio.run(reason_of(error.__cause__ or error, connection))
        print(f"Kafka at {connection.servers} did not do it: {reason}", file=sys.stderr)
        return 1


async def _run(service: str, connection: KafkaConnection, arguments: argparse.Namespace) -> int:
    found = await dead_letters(service, connection)
    if arguments.command == "list":
        _print(found)
        return 0
    wanted = set(arguments.ids)
    chosen = [each for each in found if each.id in wanted or (arguments.all and each.state == "waiting")]
    missing = wanted - {letter.id for letter in chosen}
    for identity in sorted(missing):
        print(f"There is no dead letter {identity}", file=sys.stderr)
    if arguments.command == "replay":
        refused = [letter for letter in chosen if letter.not_replayable]
        for letter in refused:
            print(f"{letter.id} can't be replayed: {letter.not_replayable}", file=sys.stderr)
        chosen = [letter for letter in chosen if not letter.not_replayable]
        missing |= wanted & {letter.id for letter in refused}
    settle, done = (replay, "replayed") if arguments.command == "replay" else (dismiss, "dismissed")
    publisher = Publisher(connection, f"candor-{service}-{arguments.command}")
    try:
        await settle(service, publisher, chosen)
    finally:
        await publisher.stop()
    print(f"{len(chosen)} {done}")
    return 1 if missing else 0


def _print(found: Sequence[DeadLetter]) -> None:
    if found:
        print("\t".join(("id", "died", "times", "state", "type", "cause")))
    for letter in found:
        columns = (letter.id, letter.at, str(letter.attempts), letter.state, letter.type or "?", letter.cause)
        print("\t".join(columns))
    waiting = sum(letter.state == "waiting" for letter in found)
    print(f"{len(found)} dead letters, {waiting} waiting", file=sys.stderr)
