"""What is kept of a channel's Quality control. Storage format: only add, and only optional fields."""

from typing import Literal

from pydantic import AwareDatetime

from chassis.eventstore.decider import StoredValue
from rating.domain.quality_control.settings import QualityControlSettings


class StaffMember(StoredValue):
    """Who saved, as their token named them at that moment."""

    id: str
    name: str


class QualityControlSaved(StoredValue):
    """The whole settings as `version`; `restores` is the version that they repeat, if they do.

    `from_default` is the version of the default that a new channel began with; then `by` is who saved that.
    """

    type: Literal["saved"] = "saved"
    version: int
    settings: QualityControlSettings
    by: StaffMember
    saved_at: AwareDatetime
    restores: int | None = None
    from_default: int | None = None
