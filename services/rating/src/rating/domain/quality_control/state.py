"""A channel's settings are those that were saved last; before, they are the service's own."""

from dataclasses import dataclass
from typing import ClassVar

from rating.domain.quality_control.events import QualityControlSaved
from rating.domain.quality_control.settings import QualityControlSettings

DEFAULT_VERSION = 1
"""The version of the service's own settings, which every channel has before anything is saved."""


@dataclass(frozen=True)
class NeverSaved:
    """The channel asks by the service's own settings."""

    version: ClassVar[int] = DEFAULT_VERSION


@dataclass(frozen=True)
class Saved:
    """What was saved last."""

    last: QualityControlSaved

    @property
    def version(self) -> int:
        """The version that holds."""
        return self.last.version

    @property
    def settings(self) -> QualityControlSettings:
        """The settings that hold."""
        return self.last.settings


QualityControl = NeverSaved | Saved


def evolve(_: QualityControl, event: QualityControlSaved) -> QualityControl:
    """The settings after the event."""
    return Saved(event)
