"""A mark says what happened at a moment; only who may see all of its channels changes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal, assert_never

from pydantic import AwareDatetime, Field, TypeAdapter

from analytics.domain.rejections import Rejection
from analytics.domain.review import StaffMember
from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider, StoredValue

MOST_PLACINGS: Final = 100

Channels = frozenset[str] | None
"""Some channels; None for every one."""


class MarkPlaced(StoredValue):
    """What happened, when, and in which channels (None: in every one); placed again, it holds instead."""

    type: Literal["mark-placed"] = "mark-placed"
    at: AwareDatetime
    text: str
    channels: tuple[str, ...] | None
    by: StaffMember
    placed_at: AwareDatetime


class MarkRemoved(StoredValue):
    """The mark is there no longer."""

    type: Literal["mark-removed"] = "mark-removed"
    by: StaffMember
    removed_at: AwareDatetime


MarkEvent = MarkPlaced | MarkRemoved


@dataclass(frozen=True)
class Mark:
    """How it was placed last, None if it isn't there; and how often it was placed."""

    placed: MarkPlaced | None = None
    placings: int = 0


def evolve(mark: Mark, event: MarkEvent) -> Mark:
    """The mark after the event."""
    match event:
        case MarkPlaced():
            return Mark(event, mark.placings + 1)
        case MarkRemoved():
            return Mark(None, mark.placings)
        case _:
            assert_never(event)


@dataclass(frozen=True)
class PlaceMark:
    """Place it, or place it anew; `covered` are the channels that the writer may see."""

    at: datetime
    text: str
    channels: Channels
    by: StaffMember
    covered: Channels
    now: datetime


@dataclass(frozen=True)
class RemoveMark:
    """Take it away."""

    by: StaffMember
    covered: Channels
    now: datetime


MarkCommand = PlaceMark | RemoveMark


def decide(mark: Mark, command: MarkCommand) -> Sequence[MarkEvent]:
    """What comes of the command; nothing if it holds already. Raises `CommandRejected`."""
    if mark.placed and not is_covered(mark.placed.channels, command.covered):
        raise CommandRejected(Rejection.MARK_OF_OTHER_CHANNELS)
    match command:
        case PlaceMark():
            return place(mark, command)
        case RemoveMark():
            return [MarkRemoved(by=command.by, removed_at=command.now)] if mark.placed else []
        case _:
            assert_never(command)


def place(mark: Mark, command: PlaceMark) -> Sequence[MarkPlaced]:
    """The mark, unless it stands there just so."""
    if not is_covered(command.channels, command.covered):
        raise CommandRejected(Rejection.MARK_OF_OTHER_CHANNELS)
    channels = None if command.channels is None else tuple(sorted(command.channels))
    placed = MarkPlaced(
        at=command.at, text=command.text, channels=channels, by=command.by, placed_at=command.now
    )
    before = mark.placed
    if before and (before.at, before.text, before.channels) == (placed.at, placed.text, placed.channels):
        return []
    if mark.placings >= MOST_PLACINGS:
        raise CommandRejected(Rejection.CHANGED_TOO_OFTEN, most=MOST_PLACINGS)
    return [placed]


def is_covered(channels: Sequence[str] | Channels, covered: Channels) -> bool:
    """Whether whoever may see `covered` may see all of the channels."""
    return covered is None or (channels is not None and covered.issuperset(channels))


MARK: Decider[Mark, MarkCommand, MarkEvent] = Decider(
    category="mark",
    initial=Mark(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(Annotated[MarkEvent, Field(discriminator="type")]),
)
"""A stream per mark, `mark:<id>`, whose id the caller chose."""
