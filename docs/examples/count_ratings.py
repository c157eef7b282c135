"""A foreign subscriber: counts what came of the forms of each channel, and opens the comments.

    pip install 'aiokafka[lz4]' joserfc
    CANDOR_KAFKA=127.0.0.1:9092 CANDOR_READERS_KEY=… python count_ratings.py

It knows nothing of Candor but docs/events.md and docs/subscribing.md. It reads the topics from their start to
their present ends, prints one JSON object and ends; one that stays keeps its counts and offsets together.
"""

import asyncio
import base64
import hashlib
import json
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.registry import HeaderParameter

RATINGS, KEYS = "candor.ratings", "candor.ratings.keys"
PREFIX, SUFFIX = "candor.rating.", ".v1"


HEADER = {"ctx": HeaderParameter("what the sealed text is", "str", required=True)}
REGISTRY = jwe.JWERegistry(header_registry=HEADER, algorithms=["dir", "A256GCM"])


def unseal(words: str, key: bytes, *context: str) -> bytes:
    """What is in a JWE (compact, `dir` + `A256GCM`) of this client, dialog and purpose. Raises ValueError."""
    opened = jwe.decrypt_compact(words, OctKey.import_key(key), registry=REGISTRY)
    ctx = base64.urlsafe_b64encode(hashlib.sha256("\n".join(context).encode()).digest()[:16]).rstrip(b"=")
    if opened.headers()["ctx"] != ctx.decode() or opened.plaintext is None:
        raise ValueError("sealed as something else: somebody has put it here")
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
    comments: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
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
                self.comments[close] = event

    def hear_key(self, kid: str, value: bytes | None) -> None:
        """One record of candor.ratings.keys; null says that the key, and so the words, are forgotten."""
        if value is None:
            self.keys.pop(kid, None)
        elif "wrapped" in (key := json.loads(value)):  # a nudge has none
            self.keys[kid] = key

    def comment(self, event: dict[str, Any]) -> str | None:
        """The words; None if they were erased, can't be read without the readers' key, or are damaged."""
        key = self.keys.get(kid := kid_of(event["comment"]))
        here = (event["client"], event["dialog"])
        # A text or a key of another dialog was put here by somebody: it is not to be shown.
        if key is None or self.readers_key is None or (key["subject"], key["scope"]) != here:
            return None
        try:
            raw = unseal(key["wrapped"], self.readers_key, *here, f"key:{kid}")
            return unseal(event["comment"], raw, *here, "comment").decode()
        except (JoseError, ValueError):
            return None

    def told(self) -> dict[str, Any]:
        """Everything, by channel."""
        channels: dict[str, dict[str, Any]] = {}
        for (channel, kind), count in sorted(self.said.items()):
            channels.setdefault(channel, {"comments": []})[kind] = count
        for event in self.comments.values():
            channels[event["channel"]]["comments"].append(self.comment(event))
        return {"channels": channels, "gaps": self.gaps}


async def count(bootstrap: str, readers_key: bytes | None) -> Counts:
    """Reads both topics to their present ends."""
    counts = Counts(readers_key)
    consumer = AIOKafkaConsumer(RATINGS, KEYS, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
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
