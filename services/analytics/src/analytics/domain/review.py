"""What supervisors write about a close: nobody overwrites what they haven't read, and all is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, assert_never

from pydantic import AwareDatetime, Field, TypeAdapter

from analytics.domain.rejections import Rejection
from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider, StoredValue

UNWRITTEN: Final = 1
"""The version of a close that nobody has written about."""

MOST_CHANGES: Final = 1_000
NOT_SEALED: Final = ""
"""Stands for a note that isn't sealed yet, and for its fingerprint."""


class ReviewStatus(StrEnum):
    """How far supervisors are with a close; `new` until one of them says otherwise."""

    NEW = "new"
    IN_WORK = "in_work"
    DONE = "done"


class ExclusionReason(StrEnum):
    """Why a close is left out of the numbers. Words about it belong in the note, which is sealed."""

    TEST = "test"
    SPAM = "spam"
    DUPLICATE = "duplicate"
    RATED_BY_MISTAKE = "rated_by_mistake"
    OTHER = "other"


class StaffMember(StoredValue):
    """Who wrote, as their token named them at that moment."""

    id: str
    name: str


class ReviewedClose(StoredValue):
    """What lists of closes go by; fixed when the dialog was closed."""

    channel: str
    closed_at: AwareDatetime


class Written(StoredValue):
    """By whom and when; `version` is that of all that is written about the close, from 2 on."""

    version: int
    close: ReviewedClose
    by: StaffMember
    at: AwareDatetime


class NoteWritten(Written):
    """The whole note, sealed; None for none. Sealed twice it gives two texts: fingerprints are compared."""

    type: Literal["note-written"] = "note-written"
    note: str | None = Field(repr=False)
    fingerprint: str | None


class StatusSet(Written):
    """The status from now on."""

    type: Literal["status-set"] = "status-set"
    status: ReviewStatus


class OwnScoreSet(Written):
    """The supervisors' own score, on a scale from `lowest` to `highest`; None for none."""

    type: Literal["own-score-set"] = "own-score-set"
    score: int | None
    lowest: int
    highest: int


class ExclusionSet(Written):
    """The close is left out of the numbers for this reason; None: it counts."""

    type: Literal["exclusion-set"] = "exclusion-set"
    reason: ExclusionReason | None


ReviewEvent = NoteWritten | StatusSet | OwnScoreSet | ExclusionSet


@dataclass(frozen=True)
class Review:
    """What was written last of each kind; None for never."""

    version: int = UNWRITTEN
    note: NoteWritten | None = None
    status_set: StatusSet | None = None
    own_score: OwnScoreSet | None = None
    exclusion: ExclusionSet | None = None

    @property
    def excluded(self) -> ExclusionReason | None:
        """Why it is left out of the numbers; None while it counts."""
        return self.exclusion.reason if self.exclusion else None

    @property
    def status(self) -> ReviewStatus:
        """The status that holds."""
        return self.status_set.status if self.status_set else ReviewStatus.NEW


def evolve(review: Review, event: ReviewEvent) -> Review:
    """The review after the event."""
    match event:
        case NoteWritten():
            return replace(review, version=event.version, note=event)
        case StatusSet():
            return replace(review, version=event.version, status_set=event)
        case OwnScoreSet():
            return replace(review, version=event.version, own_score=event)
        case ExclusionSet():
            return replace(review, version=event.version, exclusion=event)
        case _:
            assert_never(event)


@dataclass(frozen=True)
class Writing:
    """Who writes about which close, when, and which version they have read."""

    close: ReviewedClose
    by: StaffMember
    now: datetime
    based_on: int


@dataclass(frozen=True)
class WriteNote:
    """Make this the note; None removes it.

    Whether it is taken is decided before it is sealed: then it, and its fingerprint unless that is known
    already, are `NOT_SEALED`.
    """

    writing: Writing
    note: str | None = field(repr=False)
    fingerprint: str | None


@dataclass(frozen=True)
class SetStatus:
    """Make this the status."""

    writing: Writing
    status: ReviewStatus


@dataclass(frozen=True)
class SetOwnScore:
    """Make this the own score; None removes it."""

    writing: Writing
    score: int | None
    lowest: int
    highest: int


@dataclass(frozen=True)
class SetExclusion:
    """Leave the close out of the numbers for this reason; None takes it in again."""

    writing: Writing
    reason: ExclusionReason | None


ReviewCommand = WriteNote | SetStatus | SetOwnScore | SetExclusion


def decide(review: Review, command: ReviewCommand) -> Sequence[ReviewEvent]:
    """What comes of the command; nothing if it holds already. Raises `CommandRejected`."""
    match command:
        case WriteNote():
            return write_note(review, command)
        case SetStatus():
            return set_status(review, command)
        case SetOwnScore():
            return set_own_score(review, command)
        case SetExclusion():
            return set_exclusion(review, command)
        case _:
            assert_never(command)


def write_note(review: Review, command: WriteNote) -> Sequence[NoteWritten]:
    """The note, unless it is the one that stands there."""
    before = review.note
    if command.fingerprint == (before and before.fingerprint):
        return []
    written = _written(review, before, command.writing)
    return [NoteWritten(**dict(written), note=command.note, fingerprint=command.fingerprint)]


def set_status(review: Review, command: SetStatus) -> Sequence[StatusSet]:
    """The status, unless it is that already."""
    if command.status is review.status:
        return []
    written = _written(review, review.status_set, command.writing)
    return [StatusSet(**dict(written), status=command.status)]


def set_own_score(review: Review, command: SetOwnScore) -> Sequence[OwnScoreSet]:
    """The own score, unless it is that already."""
    score, lowest, highest = command.score, command.lowest, command.highest
    if score is not None and not lowest <= score <= highest:
        raise CommandRejected(Rejection.SCORE_NOT_ON_SCALE, lowest=lowest, highest=highest)
    before = review.own_score
    if before is None or before.score is None:
        is_same = score is None
    else:
        is_same = (before.score, before.lowest, before.highest) == (score, lowest, highest)
    if is_same:
        return []
    written = _written(review, before, command.writing)
    return [OwnScoreSet(**dict(written), score=score, lowest=lowest, highest=highest)]


def set_exclusion(review: Review, command: SetExclusion) -> Sequence[ExclusionSet]:
    """The reason for which it is left out, unless it is that already."""
    if command.reason is review.excluded:
        return []
    written = _written(review, review.exclusion, command.writing)
    return [ExclusionSet(**dict(written), reason=command.reason)]


def _written(review: Review, before: ReviewEvent | None, writing: Writing) -> Written:
    """What every event holds. Raises `CommandRejected`, also if `before` is newer than what was read.

    Whatever else was written since disturbs nobody: two supervisors may set a status and write a note.
    """
    if writing.based_on > review.version or (before and before.version > writing.based_on):
        raise CommandRejected(Rejection.CHANGED_MEANWHILE)
    if review.version > MOST_CHANGES:
        raise CommandRejected(Rejection.CHANGED_TOO_OFTEN, most=MOST_CHANGES)
    return Written(version=review.version + 1, close=writing.close, by=writing.by, at=writing.now)


REVIEW: Decider[Review, ReviewCommand, ReviewEvent] = Decider(
    category="review",
    initial=Review(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(Annotated[ReviewEvent, Field(discriminator="type")]),
)
"""A stream per close, `review:<dialog>.<close_seq>`: its version is that of what was read of one close."""
