"""A mark on the time axis: placed, placed anew, removed; never by who may not see all of its channels."""

from dataclasses import replace
from typing import Any

from analytics.domain.mark import (
    MARK,
    MOST_PLACINGS,
    Channels,
    MarkPlaced,
    MarkRemoved,
    PlaceMark,
    RemoveMark,
)
from analytics.domain.rejections import Rejection
from analytics.domain.review import StaffMember
from tests.analytics.builders import NOON, after
from tests.chassis.decider_spec import DeciderSpec

given = DeciderSpec(MARK).given
SUE, BOT = StaffMember(id="sue", name="Sue"), StaffMember(id="deploys", name="Deploys")
ONLY_A: Channels = frozenset({"course-a"})
PLACE = PlaceMark(NOON, "New bot", None, SUE, None, NOON)
REMOVE = RemoveMark(BOT, None, after(5))


def placed(channels: tuple[str, ...] | None = None, **other: Any) -> MarkPlaced:
    fields = {"at": NOON, "text": "New bot", "channels": channels, "by": SUE, "placed_at": NOON}
    return MarkPlaced(**{**fields, **other})


REMOVED = MarkRemoved(by=BOT, removed_at=after(5))


def test_a_mark_is_placed() -> None:
    given().when(PLACE).then(placed())
    given().when(replace(PLACE, channels=frozenset({"b", "a"}))).then(placed(("a", "b")))
    given(placed(), REMOVED).when(PLACE).then(placed())


def test_the_same_again_is_nothing_new_whoever_says_it() -> None:
    given(placed()).when(replace(PLACE, by=BOT, now=after(3))).then()


def test_a_mark_is_placed_anew() -> None:
    anew = replace(PLACE, text="New bot, second try", at=after(-9), by=BOT, now=after(3))
    given(placed()).when(anew).then(
        placed(text="New bot, second try", at=after(-9), by=BOT, placed_at=after(3))
    )
    given(placed()).when(replace(PLACE, channels=ONLY_A)).then(placed(("course-a",)))


def test_a_mark_is_removed_once() -> None:
    given(placed()).when(REMOVE).then(REMOVED)
    given(placed(), REMOVED).when(REMOVE).then()
    given().when(REMOVE).then()


def test_who_may_see_some_channels_writes_about_these_alone() -> None:
    mine = replace(PLACE, channels=ONLY_A, covered=ONLY_A)
    given().when(mine).then(placed(("course-a",)))
    given(placed(("course-a",))).when(replace(REMOVE, covered=ONLY_A)).then(REMOVED)
    for channels in (None, frozenset({"course-a", "course-b"})):
        given().when(replace(mine, channels=channels)).then_rejected(Rejection.MARK_OF_OTHER_CHANNELS)
    for others in (placed(), placed(("course-a", "course-b"))):
        given(others).when(mine).then_rejected(Rejection.MARK_OF_OTHER_CHANNELS)
        given(others).when(replace(REMOVE, covered=ONLY_A)).then_rejected(Rejection.MARK_OF_OTHER_CHANNELS)


def test_a_mark_is_not_placed_for_ever_but_can_be_removed() -> None:
    many = [placed(text=str(number)) for number in range(MOST_PLACINGS)]
    given(*many).when(PLACE).then_rejected(Rejection.CHANGED_TOO_OFTEN, most=MOST_PLACINGS)
    given(*many).when(REMOVE).then(REMOVED)
