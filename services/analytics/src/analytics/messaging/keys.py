"""Hears the keys of sealed words, and forgets those that their owner has forgotten."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from pydantic import TypeAdapter

from analytics.messaging.inbound import SERVICE
from chassis.messaging.records import Heard
from contracts.keys import KEY_EVENTS, KeyPublished
from contracts.topics import DIALOG_KEYS, RATING_KEYS

TOPICS: Final = (DIALOG_KEYS.name, RATING_KEYS.name)
# Dead letters are not heard again here: one from before its tombstone would bring forgotten words back.
HEARD: Final[Mapping[str, TypeAdapter[Any]]] = dict.fromkeys(TOPICS, KEY_EVENTS)
GROUP: Final = f"candor.{SERVICE}.keys"


class Learner(Protocol):
    """Keeps wrapped keys."""

    async def learn(self, key: KeyPublished) -> None:
        """Keeps a key."""
        ...

    async def unlearn(self, kid: str) -> None:
        """Forgets a key."""
        ...


class Keys:
    """Brings what the key topics say to the reader of sealed words; repeatable."""

    def __init__(self, reader: Learner) -> None:
        self._reader = reader

    async def heard(self, record: Heard[Any]) -> None:
        """A published key is learnt; a beat says nothing."""
        if isinstance(record.event, KeyPublished):
            await self._reader.learn(record.event)

    async def gone(self, kid: str) -> None:
        """A tombstone: the words of this key are forgotten."""
        await self._reader.unlearn(kid)
