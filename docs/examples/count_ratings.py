"""A foreign subscriber: counts what came of the forms of each channel, and opens the comments.

    pip install 'aiokafka[lz4]' joserfc
    CANDOR_KAFKA=127.0.0.1:9092 CANDOR_READERS_KEY=… python count_ratings.py

To a Kafka that asks who it is, it logs in by SASL, with the variables of `login`.

It knows nothing of Candor but docs/events.md and docs/subscribing.md. It reads the topics from their start to
their present ends, prints one JSON object and ends; one that stays keeps its counts and offsets together.
"""

import asyncio
import base64
import json
import os
import ssl
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer
from joserfc import jwe
from joserfc.jwk import OctKey

RATINGS, KEYS = "candor.ratings", "candor.ratings.keys"
PREFIX, SUFFIX = "candor.rating.", ".v1"


def unseal(words: str, key: bytes) -> bytes:
    """What is in a JWE (RFC 7516, compact, `dir` + `A256GCM`)."""
    opened = jwe.decrypt_compact(words, OctKey.import_key(key), algorithms=["dir", "A256GCM"])
    assert opened.plaintext is not None  # noqa: S101 - tells the type checker
    return opened.plaintext


def kid_of(words: str) -> str:
    """The id of the key that opens `words`: it stands in the JWE's header."""
    header = words.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"])


@dataclass
class Counts:
    """What was heard so far; a repetition changes nothing."""

    readers_key: bytes | None
    said: Counter[tuple[str, str]] = field(default_factory=Counter)
    comments: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    gaps: int = 0
    _heard: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def hear_rating(self, headers: dict[str, str], value: bytes) -> None:
        """One record of candor.ratings."""
        subject, sequence = headers["ce_subject"], int(headers["ce_sequence"])
        if sequence <= self._heard[subject]:
            return  # said again
        self.gaps += sequence - self._heard[subject] - 1
        self._heard[subject] = sequence
        event: dict[str, Any] = json.loads(value)
        self.said[event["channel"], headers["ce_type"].removeprefix(PREFIX).removesuffix(SUFFIX)] += 1
        if headers["ce_type"] in {f"{PREFIX}given{SUFFIX}", f"{PREFIX}changed{SUFFIX}"}:
            close = (event["dialog"], event["close_seq"])
            self.comments.pop(close, None)
            if event.get("comment"):
                self.comments[close] = (event["channel"], event["comment"])

    def hear_key(self, kid: str, value: bytes | None) -> None:
        """One record of candor.ratings.keys; null says that the key, and so the words, are forgotten."""
        if value is None:
            self.keys.pop(kid, None)
        elif wrapped := json.loads(value).get("wrapped"):  # a beat has none
            self.keys[kid] = wrapped

    def comment(self, sealed: str) -> str | None:
        """The words; None if they were erased, or can't be read without the readers' key."""
        wrapped = self.keys.get(kid_of(sealed))
        if wrapped is None or self.readers_key is None:
            return None
        return unseal(sealed, unseal(wrapped, self.readers_key)).decode()

    def told(self) -> dict[str, Any]:
        """Everything, by channel."""
        channels: dict[str, dict[str, Any]] = {}
        for (channel, kind), count in sorted(self.said.items()):
            channels.setdefault(channel, {"comments": []})[kind] = count
        for channel, sealed in self.comments.values():
            channels[channel]["comments"].append(self.comment(sealed))
        return {"channels": channels, "gaps": self.gaps}


def login(told: Mapping[str, str]) -> dict[str, Any]:
    """What aiokafka is told of the login; nothing unless there is a CANDOR_KAFKA_SECURITY_PROTOCOL."""
    protocol = told.get("CANDOR_KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    options: dict[str, Any] = {"security_protocol": protocol}
    if protocol.startswith("SASL_"):
        options["sasl_mechanism"] = told["CANDOR_KAFKA_SASL_MECHANISM"]
        options["sasl_plain_username"] = told["CANDOR_KAFKA_USERNAME"]
        options["sasl_plain_password"] = told["CANDOR_KAFKA_PASSWORD"]
    if protocol.endswith("SSL"):
        options["ssl_context"] = ssl.create_default_context(cafile=told.get("CANDOR_KAFKA_CA_FILE"))
    return options


async def count(bootstrap: str, readers_key: bytes | None) -> Counts:
    """Reads both topics to their present ends."""
    counts = Counts(readers_key)
    consumer = AIOKafkaConsumer(
        RATINGS, KEYS, bootstrap_servers=bootstrap, auto_offset_reset="earliest", **login(os.environ)
    )
    try:
        await consumer.start()
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for partition, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    if partition.topic == KEYS:
                        counts.hear_key(record.key.decode(), record.value)
                    else:
                        headers = {name: value.decode() for name, value in record.headers}
                        counts.hear_rating(headers, record.value)
    finally:
        await consumer.stop()
    return counts


if __name__ == "__main__":
    key = os.environ.get("CANDOR_READERS_KEY")
    found = asyncio.run(
        count(
            os.environ["CANDOR_KAFKA"], base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)) if key else None
        )
    )
    print(json.dumps(found.told(), ensure_ascii=False))
