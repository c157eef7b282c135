"""How a channel asks: now, by an older version, and who changed it when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cachetools import LRUCache, TTLCache
from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.errors import CommandRejected
from chassis.eventstore.repository import Repository
from chassis.eventstore.serialization import read_events
from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.upsert import upsert_if_newer
from rating.domain.quality_control.decider import DEFAULT, DEFAULT_STREAM, QUALITY_CONTROL
from rating.domain.quality_control.events import QualityControlSaved
from rating.domain.quality_control.settings import QualityControlSettings
from rating.domain.quality_control.state import DEFAULT_VERSION, QualityControl, Saved
from rating.domain.rejections import Rejection

MOST_REMEMBERED = 500
REMEMBERED = timedelta(seconds=1)


@dataclass(frozen=True)
class SettingsVersion:
    """One version of a channel's settings; `saved` is None for the service's own."""

    version: int
    settings: QualityControlSettings
    saved: QualityControlSaved | None = None


class QualityControlVersions:
    """Every version of every channel's settings, from their streams: version *n* is commit *n* - 1.

    `recent` is up to a second old: closes come by the thousand. What a version says never changes, so the 500
    that were asked for last are kept. Before anything is saved, a channel has the settings `default`.
    """

    def __init__(self, repository: Repository, default: QualityControlSettings) -> None:
        self._repository = repository
        self._default = SettingsVersion(DEFAULT_VERSION, default)
        self._versions: LRUCache[tuple[str, int], SettingsVersion] = LRUCache(MOST_REMEMBERED)
        self._recent: TTLCache[str, SettingsVersion] = TTLCache(
            MOST_REMEMBERED,
            REMEMBERED.total_seconds(),
            timer=lambda: repository.clock.now().timestamp(),
        )

    async def recent(self, channel: str) -> SettingsVersion:
        """The version that held within the last second."""
        if (found := self._recent.get(channel)) is None:
            found = self._recent[channel] = await self.current(channel)
        return found

    async def held_at(self, channel: str, moment: datetime) -> SettingsVersion:
        """The version that held then; one that was saved within the last second may be left out."""
        found = await self.recent(channel)
        while found.saved is not None and found.saved.saved_at > moment:
            found = await self.at(channel, found.version - 1)
        return found

    async def current(self, channel: str) -> SettingsVersion:
        """The version that holds now."""
        loaded = await self._repository.load(QUALITY_CONTROL, QUALITY_CONTROL.stream(channel))
        return self.of(loaded.state)

    async def for_new_channels(self) -> SettingsVersion:
        """What a channel that is new begins with."""
        return self.of((await self._repository.load(DEFAULT, DEFAULT_STREAM)).state)

    def of(self, state: QualityControl) -> SettingsVersion:
        """The version that holds in this state."""
        return _saved(state.last) if isinstance(state, Saved) else self._default

    async def at(self, channel: str, version: int) -> SettingsVersion:
        """What a version says. Raises `CommandRejected` if there is none of that number."""
        if version == DEFAULT_VERSION:
            return self._default
        if (found := self._versions.get((channel, version))) is None:
            page = await self._read(channel, version - 1, 1)
            if not page:
                raise CommandRejected(Rejection.NO_SUCH_VERSION)
            found = self._versions[channel, version] = page[0]
        return found

    async def history(self, channel: str, before: int, limit: int) -> Sequence[SettingsVersion]:
        """The newest `limit` versions under `before`, newest first, down to the service's own."""
        first = max(before - limit, DEFAULT_VERSION)
        saved = await self._read(channel, max(first - 1, DEFAULT_VERSION), limit)
        page = [each for each in reversed(saved) if each.version < before]
        return [*page, self._default] if first == DEFAULT_VERSION < before else page

    async def _read(self, channel: str, after: int, limit: int) -> list[SettingsVersion]:
        """Up to `limit` versions over `after`, in order."""
        stream = QUALITY_CONTROL.stream(channel)
        commits = await self._repository.store.read(stream, after - DEFAULT_VERSION, limit=limit)
        return [_saved(event) for commit in commits for event in read_events(QUALITY_CONTROL, commit)]


def _saved(event: QualityControlSaved) -> SettingsVersion:
    return SettingsVersion(event.version, event.settings, event)


class QualityControlSwitches:
    """The collection `quality_control`: whether a channel asks and by which version, if any was saved."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]") -> None:
        self._switches = database["quality_control"]

    async def project(self, batch: Sequence[RecordedEvent[QualityControl, QualityControlSaved]]) -> None:
        """Takes in events; any part of a batch may come again."""
        writes = [
            upsert_if_newer(
                recorded.stream.partition(":")[2],
                recorded.position,
                {"enabled": recorded.event.settings.enabled, "version": recorded.event.version},
            )
            for recorded in batch
        ]
        if writes:
            await self._switches.bulk_write(writes)

    async def all(self) -> dict[str, tuple[bool, int]]:
        """Whether each channel of which anything was saved asks, and by which version."""
        found = await self._switches.find().sort("_id", 1).to_list(None)
        return {each["_id"]: (each["enabled"], each["version"]) for each in found}
