"""`python -m <service> keys …`: rotates the keys that wrap data keys, while the service goes on.

`rewrap` after another master key was set, `republish` after another readers' key, `status` to see how much
is left. Each can be repeated, and only does what is left.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import PyMongoError

from chassis.crypto_shredding.key_reader import KeyReader
from chassis.crypto_shredding.key_ring import KeyRing
from chassis.crypto_shredding.private_key_ring import private_key_ring
from chassis.crypto_shredding.settings import OpeningSettings, SealingSettings
from chassis.crypto_shredding.storage import Document
from chassis.errors import DecryptionFailed, PublishFailed
from chassis.kafka.publisher import Publisher
from chassis.mongo import connect, sentence_of
from chassis.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)

HELP = {
    "status": "how many keys there are, and how many of them are to be rotated still",
    "rewrap": "wrap all keys by the present master key",
    "republish": "publish all keys again, wrapped by the present readers' key",
}


def ring_commands(topic: str) -> Callable[[SealingSettings, Sequence[str]], int]:
    """The commands of a service that seals text and publishes its keys on `topic`."""

    async def run(settings: SealingSettings, command: str, database: AsyncIOMotorDatabase[Document]) -> str:
        publisher = Publisher(settings.kafka, f"candor-{settings.service}-keys")
        ring = KeyRing.of(settings, database, topic=topic, publisher=publisher)
        try:
            if command == "rewrap":
                return f"{await ring.rewrap()} rewrapped"
            if command == "republish":
                return f"{await ring.republish()} republished"
            keys, rewrap, republish = await ring.outdated()
            return f"{keys} keys, {rewrap} to rewrap, {republish} to republish"
        finally:
            await publisher.stop()

    return partial(_main, tuple(HELP), run)


def reader_commands(settings: OpeningSettings, argv: Sequence[str]) -> int:
    """The commands of a service that opens what others sealed, and seals for itself alone."""

    async def run(_: OpeningSettings, command: str, database: AsyncIOMotorDatabase[Document]) -> str:
        ring = private_key_ring(settings, database)
        if command == "rewrap":
            return f"{await ring.rewrap()} rewrapped"
        keys, outdated = await KeyReader.of(settings, database).outdated()
        own, rewrap = await ring.to_rewrap()
        received = f"{keys} keys, {outdated} wrapped by another readers' key than the present one"
        return f"{received}; {own} of its own, {rewrap} to rewrap"

    return _main(("status", "rewrap"), run, settings, argv)


def _main(
    commands: Sequence[str],
    run: Callable[[S, str, AsyncIOMotorDatabase[Document]], Awaitable[str]],
    settings: S,
    argv: Sequence[str],
) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {settings.service} keys")
    chosen = parser.add_subparsers(dest="command", required=True)
    for command in commands:
        chosen.add_parser(command, help=HELP[command])
    command = parser.parse_args(argv).command

    async def connected() -> str:
        client = connect(settings.mongo)
        try:
            return await run(settings, command, client[settings.database])
        finally:
            client.close()

    try:
        print(asyncio.run(connected()))
    except (PyMongoError, PublishFailed, DecryptionFailed, OSError) as error:
        what = sentence_of(error, settings.mongo) if isinstance(error, PyMongoError) else error
        print(f"Not all keys were done: {what}. Repeat it.", file=sys.stderr)
        return 1
    return 0
