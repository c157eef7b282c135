"""What supervisors write about a close: kept whole, and nobody overwrites what they haven't read."""

from typing import Any

import pytest

from analytics.domain.rejections import Rejection
from analytics.domain.review import (
    MOST_CHANGES,
    NOT_SEALED,
    REVIEW,
    ExclusionReason,
    ExclusionSet,
    NoteWritten,
    OwnScoreSet,
    ReviewedClose,
    ReviewStatus,
    SetExclusion,
    SetOwnScore,
    SetStatus,
    StaffMember,
    StatusSet,
    WriteNote,
    Writing,
)
from tests.analytics.builders import NOON
from tests.chassis.decider_spec import DeciderSpec

given = DeciderSpec(REVIEW).given
CLOSE = ReviewedClose(channel="course-a", closed_at=NOON)
SUE, TOM = StaffMember(id="sue", name="Sue"), StaffMember(id="tom", name="Tom")


def of(version: int, by: StaffMember = SUE) -> dict[str, Any]:
    return {"version": version, "close": CLOSE, "by": by, "at": NOON}


def writing(based_on: int, by: StaffMember = SUE) -> Writing:
    return Writing(CLOSE, by, NOON, based_on)


def noted(version: int, text: str | None) -> NoteWritten:
    return NoteWritten(**of(version), note=text and f"sealed {text}", fingerprint=text)


def write(text: str | None, based_on: int, by: StaffMember = TOM) -> WriteNote:
    return WriteNote(writing(based_on, by), text and f"sealed again {text}", text)


def status(version: int, status: ReviewStatus) -> StatusSet:
    return StatusSet(**of(version), status=status)


def scored(version: int, score: int | None, highest: int = 5) -> OwnScoreSet:
    return OwnScoreSet(**of(version), score=score, lowest=1, highest=highest)


def score(value: int | None, based_on: int, highest: int = 5) -> SetOwnScore:
    return SetOwnScore(writing(based_on), value, 1, highest)


def excluded(version: int, reason: ExclusionReason | None) -> ExclusionSet:
    return ExclusionSet(**of(version), reason=reason)


TEST, SPAM = ExclusionReason.TEST, ExclusionReason.SPAM
DONE, IN_WORK, NEW = ReviewStatus.DONE, ReviewStatus.IN_WORK, ReviewStatus.NEW


def test_a_note_is_written_changed_and_removed() -> None:
    given().when(write("a", 1, SUE)).then(NoteWritten(**of(2), note="sealed again a", fingerprint="a"))
    given(noted(2, "a")).when(write("b", 2)).then(
        NoteWritten(**of(3, TOM), note="sealed again b", fingerprint="b")
    )
    given(noted(2, "a")).when(write(None, 2, SUE)).then(noted(3, None))


@pytest.mark.parametrize("based_on", [1, 2, 3])
def test_the_same_note_again_is_nothing_new(based_on: int) -> None:
    given(noted(2, "a"), status(3, DONE)).when(write("a", based_on)).then_nothing()
    given(noted(2, "a"), noted(3, None)).when(write(None, based_on)).then_nothing()
    given().when(write(None, 1)).then_nothing()


def test_a_status_is_set_and_set_back() -> None:
    given().when(SetStatus(writing(1), IN_WORK)).then(status(2, IN_WORK))
    given(status(2, DONE)).when(SetStatus(writing(2), NEW)).then(status(3, NEW))


def test_the_status_that_it_has_is_nothing_new() -> None:
    given().when(SetStatus(writing(1), NEW)).then_nothing()
    given(status(2, DONE)).when(SetStatus(writing(1), DONE)).then_nothing()


def test_an_own_score_is_given_changed_and_removed() -> None:
    given().when(score(2, 1)).then(scored(2, 2))
    given(scored(2, 2)).when(score(3, 2)).then(scored(3, 3))
    given(scored(2, 2)).when(score(2, 2, highest=10)).then(scored(3, 2, highest=10))
    given(scored(2, 2)).when(score(None, 2)).then(scored(3, None))


def test_the_own_score_that_it_has_is_nothing_new() -> None:
    given(scored(2, 2)).when(score(2, 1)).then_nothing()
    given(scored(2, 2), scored(3, None)).when(score(None, 1, highest=10)).then_nothing()
    given().when(score(None, 1)).then_nothing()


@pytest.mark.parametrize("wrong", [0, 6])
def test_an_own_score_is_on_its_scale(wrong: int) -> None:
    given().when(score(wrong, 1)).then_rejected(Rejection.SCORE_NOT_ON_SCALE, lowest=1, highest=5)


def test_a_close_is_excluded_for_another_reason_and_taken_in_again() -> None:
    given().when(SetExclusion(writing(1), TEST)).then(excluded(2, TEST))
    given(excluded(2, TEST)).when(SetExclusion(writing(2), SPAM)).then(excluded(3, SPAM))
    given(excluded(2, TEST)).when(SetExclusion(writing(2), None)).then(excluded(3, None))


def test_what_is_excluded_already_or_counts_already_is_nothing_new() -> None:
    given(excluded(2, TEST)).when(SetExclusion(writing(1), TEST)).then_nothing()
    given(excluded(2, TEST), excluded(3, None)).when(SetExclusion(writing(1), None)).then_nothing()
    given().when(SetExclusion(writing(1), None)).then_nothing()


def test_nobody_overwrites_what_they_have_not_read() -> None:
    past = noted(2, "a"), status(3, DONE), scored(4, 2)
    given(*past).when(write("b", 1)).then_rejected(Rejection.CHANGED_MEANWHILE)
    given(*past).when(SetStatus(writing(2), NEW)).then_rejected(Rejection.CHANGED_MEANWHILE)
    given(*past).when(score(3, 3)).then_rejected(Rejection.CHANGED_MEANWHILE)
    given(*past).when(score(3, 5)).then_rejected(Rejection.CHANGED_MEANWHILE)
    given(excluded(2, TEST)).when(SetExclusion(writing(1), None)).then_rejected(Rejection.CHANGED_MEANWHILE)


def test_what_else_was_written_meanwhile_disturbs_nobody() -> None:
    given(noted(2, "a"), status(3, DONE)).when(write("b", 2, SUE)).then(
        NoteWritten(**of(4), note="sealed again b", fingerprint="b")
    )
    given(noted(2, "a")).when(SetStatus(writing(1), DONE)).then(status(3, DONE))


def test_whether_a_note_is_taken_is_decided_before_it_is_sealed() -> None:
    unsealed = WriteNote(writing(2), NOT_SEALED, NOT_SEALED)
    given(noted(2, "a")).when(unsealed).then(NoteWritten(**of(3), note=NOT_SEALED, fingerprint=NOT_SEALED))


def test_there_is_an_end_to_changes() -> None:
    full = [status(2 + n, IN_WORK if n % 2 else DONE) for n in range(MOST_CHANGES)]
    last = full[-1].version
    given(*full[:-1]).when(SetStatus(writing(last - 1), IN_WORK)).then(full[-1])
    given(*full).when(SetStatus(writing(last), NEW)).then_rejected(
        Rejection.CHANGED_TOO_OFTEN, most=MOST_CHANGES
    )
