"""A dialog is open or closed, its closes are numbered 1, 2, 3…, and every message is in it once."""

from dataclasses import replace
from typing import Any

import pytest

from chat.domain.dialog import decider as dialog
from chat.domain.dialog.decider import DIALOG, CloseDialog
from chat.domain.dialog.events import AttributedBy, ClosedBy, DialogClosed, DialogEvent, Participant
from chat.domain.dialog.state import Operator, details_of
from chat.domain.rejections import Rejection
from tests.chassis.decider_spec import DeciderSpec
from tests.chat.builders import (
    ANN,
    BO,
    actor,
    assigned,
    at,
    close_it,
    close_silent,
    closed,
    give_to,
    open_it,
    opened,
    reopen_it,
    reopened,
    take,
    write,
    wrote,
)

given_dialog = DeciderSpec(DIALOG).given

others = pytest.mark.parametrize(
    ("past", "code"),
    [
        ((), Rejection.TAKE_IT_FIRST),
        ((assigned(BO),), Rejection.NO_SUCH_DIALOG),
        ((assigned(ANN), wrote("m1", ANN), assigned(BO)), Rejection.NOT_YOUR_DIALOG),
    ],
)
"""How Ann is refused who doesn't have the dialog now."""


def closing(*past: DialogEvent, command: CloseDialog | None = None) -> DialogClosed:
    [event] = given_dialog(*past).when(command or close_it()).events
    assert isinstance(event, DialogClosed)
    return event


class TestOpening:
    def test_a_client_opens_a_dialog(self) -> None:
        given_dialog().when(open_it()).then(opened())

    def test_not_on_a_closed_channel(self) -> None:
        given_dialog().when(open_it(channel_closed=True)).then_rejected(Rejection.CHANNEL_CLOSED)

    def test_not_somebody_elses(self) -> None:
        given_dialog(opened()).when(open_it(client="c2")).then_rejected(Rejection.NO_SUCH_DIALOG)

    def test_not_in_another_language(self) -> None:
        given_dialog(opened()).when(open_it(locale="de")).then_rejected(
            Rejection.OPENED_OTHERWISE, differs="locale"
        )

    def test_not_in_another_channel(self) -> None:
        given_dialog(opened()).when(open_it(channel="course-b")).then_rejected(
            Rejection.OPENED_OTHERWISE, differs="channel"
        )

    def test_not_from_another_system(self) -> None:
        given_dialog(opened()).when(replace(open_it(), origin="crm")).then_rejected(
            Rejection.OPENED_OTHERWISE, differs="origin"
        )

    def test_the_same_again_is_nothing_new(self) -> None:
        given_dialog(opened()).when(open_it()).then_nothing()

    def test_the_same_again_is_nothing_new_when_the_channel_has_closed_since(self) -> None:
        given_dialog(opened(), closed()).when(open_it(channel_closed=True)).then_nothing()


class TestPosting:
    def test_a_client_writes(self) -> None:
        given_dialog(opened()).when(write("m1")).then(wrote("m1"))

    def test_an_operator_writes(self) -> None:
        given_dialog(opened(), assigned()).when(write("m1", ANN)).then(wrote("m1", ANN))

    @pytest.mark.parametrize("who", [None, ANN])
    def test_nobody_writes_into_a_closed_dialog(self, who: Operator | None) -> None:
        given_dialog(opened(), assigned(), closed()).when(write("m1", who)).then_rejected(
            Rejection.DIALOG_CLOSED
        )

    @others
    def test_only_the_operator_who_has_the_dialog_writes(
        self, past: tuple[DialogEvent, ...], code: str
    ) -> None:
        given_dialog(opened(), *past).when(write("m2", ANN)).then_rejected(code)

    def test_what_an_operator_wrote_before_they_were_replaced_can_be_sent_again(self) -> None:
        past = opened(), assigned(ANN), wrote("m1", ANN), assigned(BO)
        given_dialog(*past).when(write("m1", ANN)).then_nothing()

    def test_nobody_writes_where_there_is_no_dialog(self) -> None:
        given_dialog().when(write("m1")).then_rejected(Rejection.NO_SUCH_DIALOG)

    def test_an_id_does_not_hold_other_words(self) -> None:
        given_dialog(opened(), wrote("m1")).when(write("m1", text="other")).then_rejected(
            Rejection.MESSAGE_ID_TAKEN
        )

    def test_an_id_does_not_change_hands(self) -> None:
        given_dialog(opened(), wrote("m1"), assigned(ANN)).when(write("m1", ANN)).then_rejected(
            Rejection.MESSAGE_ID_TAKEN
        )

    def test_a_dialog_takes_so_many_bytes_of_sealed_text_and_no_more(self) -> None:
        half, rest = (
            wrote(name).model_copy(update={"text": "s" * size})
            for name, size in (
                ("m1", dialog.MOST_BYTES // 2),
                ("m2", dialog.MOST_BYTES // 2 - len("sealed-m3")),
            )
        )
        whole = given_dialog(opened(), half, closed(), reopened(), rest)
        whole.when(write("m3")).then(wrote("m3"))
        whole.when(write("m3", text="m3+")).then_rejected(Rejection.DIALOG_TOO_LARGE, most_mib=8)
        full = given_dialog(opened(), half, rest, wrote("m3"))
        full.when(write("m3")).then_nothing()
        full.when(write("m4")).then_rejected(Rejection.DIALOG_TOO_LARGE, most_mib=8)

    def test_a_full_dialog_takes_no_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dialog, "MOST_MESSAGES", 2)
        full = given_dialog(opened(), wrote("m1"), wrote("m2"))
        full.when(write("m3")).then_rejected(Rejection.DIALOG_FULL, most=2)
        full.when(write("m2")).then_nothing()

    def test_the_same_again_is_nothing_new(self) -> None:
        given_dialog(opened(), wrote("m1")).when(write("m1", minutes=3)).then_nothing()

    def test_the_same_again_is_nothing_new_after_a_close(self) -> None:
        given_dialog(opened(), wrote("m1"), closed()).when(write("m1", minutes=9)).then_nothing()


class TestAssigning:
    def test_an_operator_takes_a_waiting_dialog(self) -> None:
        given_dialog(opened()).when(take(ANN)).then(assigned(ANN))

    def test_not_out_of_anothers_hands(self) -> None:
        given_dialog(opened(), assigned(BO)).when(take(ANN)).then_rejected(Rejection.TAKEN_BY_ANOTHER)

    def test_not_back_out_of_anothers_hands(self) -> None:
        past = opened(), assigned(ANN), wrote("m1", ANN), assigned(BO)
        given_dialog(*past).when(take(ANN)).then_rejected(Rejection.TAKEN_BY_ANOTHER)
        given_dialog(*past).when(give_to(ANN)).then(assigned(ANN))

    def test_a_supervisor_may_give_it_to_anybody(self) -> None:
        given_dialog(opened(), assigned(ANN)).when(give_to(BO)).then(assigned(BO))

    def test_not_while_it_is_closed(self) -> None:
        given_dialog(opened(), closed()).when(take(ANN)).then_rejected(Rejection.DIALOG_CLOSED)

    def test_not_where_there_is_no_dialog(self) -> None:
        given_dialog().when(take(ANN)).then_rejected(Rejection.NO_SUCH_DIALOG)

    def test_the_same_again_is_nothing_new(self) -> None:
        given_dialog(opened(), assigned(ANN)).when(take(ANN, minutes=4)).then_nothing()
        given_dialog(opened(), assigned(ANN), closed()).when(take(ANN, minutes=9)).then_nothing()

    def test_a_new_name_is_news(self) -> None:
        renamed = Operator("ann", "Ann Smith", "second-line")
        given_dialog(opened(), assigned(ANN)).when(take(renamed)).then(assigned(renamed))


class TestClosing:
    def test_a_close_holds_all_that_was(self) -> None:
        past = (
            opened(),
            wrote("m1", chars=312),
            assigned(ANN, 2),
            wrote("m2", ANN, minutes=3),
            wrote("m3", BO, minutes=3.5),
            wrote("m4", chars=7, minutes=4),
            wrote("m5", Operator("ann", "Ann Smith", "second-line"), minutes=4.5),
        )
        command = CloseDialog(actor(ANN), at(5), 1, email="sealed-email", name="sealed-name")
        given_dialog(*past).when(command).then(
            DialogClosed(
                close_seq=1,
                closed_at=at(5),
                opened_at=at(0),
                first_reply_at=at(3),
                closed_by=ClosedBy.OPERATOR,
                operator="ann",
                operator_name="Ann Smith",
                team="second-line",
                attributed_by=AttributedBy.LAST_REPLY,
                participants=(
                    Participant(id="ann", name="Ann Smith", team="second-line", messages=2),
                    Participant(id="bo", name="Bo", messages=1),
                ),
                client_messages=2,
                operator_messages=3,
                longest_client_text=312,
                email="sealed-email",
                name="sealed-name",
            )
        )

    def test_the_operator_who_wrote_last_counts_whoever_is_assigned(self) -> None:
        event = closing(opened(), assigned(ANN), wrote("m1", BO), wrote("m2"))
        assert (event.operator, event.team, event.attributed_by) == ("bo", None, "last_reply")

    def test_without_a_reply_the_assigned_operator_counts(self) -> None:
        event = closing(opened(), assigned(ANN), wrote("m1"))
        assert (event.operator, event.team, event.attributed_by) == ("ann", "first-line", "assigned")
        assert (event.operator_name, event.participants) == ("Ann Lee", ())

    def test_without_anybody_nobody_counts(self) -> None:
        event = closing(opened(), wrote("m1"))
        assert (event.operator, event.operator_name, event.attributed_by) == (None, None, "nobody")
        assert event.first_reply_at is None

    def test_the_next_close_counts_from_the_reopening_on(self) -> None:
        past = opened(), assigned(ANN), wrote("m1"), wrote("m2", BO), closed(), reopened(1, 6)
        event = closing(*past, wrote("m3", chars=3, minutes=7))
        assert (event.close_seq, event.opened_at, event.first_reply_at) == (2, at(6), None)
        assert (event.client_messages, event.operator_messages, event.longest_client_text) == (1, 0, 3)
        assert (event.operator, event.attributed_by, event.participants) == ("ann", "assigned", ())

    def test_not_where_there_is_no_dialog(self) -> None:
        given_dialog().when(close_it()).then_rejected(Rejection.NO_SUCH_DIALOG)

    @others
    def test_no_operator_closes_but_the_one_who_has_the_dialog(
        self, past: tuple[DialogEvent, ...], code: str
    ) -> None:
        given_dialog(opened(), *past).when(close_it(by=ANN)).then_rejected(code)
        assert closing(opened(), assigned(ANN), command=close_it(by=ANN)).closed_by == "operator"

    def test_no_client_closes_again_before_anything_was_written(self) -> None:
        past = opened(), assigned(ANN), wrote("m1"), closed(), reopened()
        given_dialog(*past).when(close_it(2)).then_rejected(Rejection.NOTHING_NEW)
        assert closing(*past, command=close_it(2, by=ANN)).close_seq == 2
        for written in (wrote("m2", minutes=7), wrote("m2", ANN, minutes=7)):
            assert closing(*past, written, command=close_it(2)).close_seq == 2

    def test_a_client_closes_a_dialog_in_which_nothing_was_ever_written(self) -> None:
        assert closing(opened(), command=close_it()).closed_by == "client"

    def test_not_ahead_of_its_turn(self) -> None:
        given_dialog(opened()).when(close_it(2)).then_rejected(Rejection.NOT_THE_NEXT_CLOSE, next=1)
        given_dialog(opened(), closed()).when(close_it(2)).then_rejected(Rejection.DIALOG_CLOSED)

    def test_the_same_close_again_is_nothing_new(self) -> None:
        given_dialog(opened(), closed()).when(close_it(1)).then_nothing()
        given_dialog(opened(), closed()).when(close_it()).then_nothing()

    def test_the_same_close_again_is_nothing_new_after_it_was_reopened(self) -> None:
        given_dialog(opened(), closed(), reopened()).when(close_it(1, minutes=9)).then_nothing()


class TestReopening:
    def test_the_last_close_is_undone(self) -> None:
        given_dialog(opened(), closed()).when(reopen_it(1)).then(reopened(1))
        given_dialog(opened(), closed()).when(reopen_it()).then(reopened(1))

    def test_not_where_there_is_no_dialog(self) -> None:
        given_dialog().when(reopen_it()).then_rejected(Rejection.NO_SUCH_DIALOG)

    def test_not_a_close_that_never_was(self) -> None:
        given_dialog(opened()).when(reopen_it(1)).then_rejected(Rejection.NO_SUCH_CLOSE, close_seq=1)
        given_dialog(opened(), closed()).when(reopen_it(2)).then_rejected(
            Rejection.NO_SUCH_CLOSE, close_seq=2
        )

    @pytest.mark.parametrize("who", [None, ANN])
    def test_a_dialog_that_was_closed_fifty_times_stays_closed(self, who: Operator | None) -> None:
        turns = [event for n in range(1, 50) for event in (closed(n), reopened(n))]
        almost = given_dialog(opened(), assigned(ANN), *turns[:-1])
        almost.when(reopen_it(49, by=who)).then(reopened(49))
        full = given_dialog(opened(), assigned(ANN), *turns, closed(50))
        full.when(reopen_it(by=who)).then_rejected(Rejection.CLOSED_TOO_OFTEN, most=50)
        full.when(reopen_it(49, by=who)).then_nothing()

    @others
    def test_no_operator_reopens_but_the_one_who_has_the_dialog(
        self, past: tuple[DialogEvent, ...], code: str
    ) -> None:
        # One that is closed waits for nobody.
        code = Rejection.NO_SUCH_DIALOG if code == Rejection.TAKE_IT_FIRST else code
        given_dialog(opened(), *past, closed()).when(reopen_it(by=ANN)).then_rejected(code)
        given_dialog(opened(), assigned(ANN), closed()).when(reopen_it(by=ANN)).then(reopened())

    def test_the_same_reopening_again_is_nothing_new(self) -> None:
        given_dialog(opened(), closed(), reopened()).when(reopen_it(1)).then_nothing()
        given_dialog(opened(), closed(), reopened()).when(reopen_it()).then_nothing()

    def test_an_old_reopening_does_not_undo_a_later_close(self) -> None:
        given_dialog(opened(), closed(), reopened(), closed(2)).when(reopen_it(1)).then_nothing()


class TestClosingASilentReopening:
    PAST = (opened(), assigned(ANN), wrote("m1", chars=9), wrote("m2", BO, minutes=2))

    def first(self) -> DialogClosed:
        return closing(*self.PAST, command=CloseDialog(actor(ANN), at(5), email="sealed-email"))

    def test_it_repeats_the_close_before(self) -> None:
        past = *self.PAST, self.first(), reopened(1, 6), assigned(BO, 7)
        again = {"close_seq": 2, "closed_at": at(16), "closed_by": "system", "resumes": 1}
        given_dialog(*past).when(close_silent(16)).then(self.first().model_copy(update=again))

    def test_an_operator_who_closes_it_repeats_the_close_before_too(self) -> None:
        past = *self.PAST, self.first(), reopened(1, 6), assigned(BO, 7)
        again = {"close_seq": 2, "closed_at": at(8), "closed_by": "operator", "resumes": 1}
        given_dialog(*past).when(close_it(by=BO, minutes=8)).then(self.first().model_copy(update=again))

    def test_it_is_closed_over_and_over(self) -> None:
        once = *self.PAST, self.first(), reopened(1, 6)
        [second] = given_dialog(*once).when(close_silent(16)).events
        [third] = given_dialog(*once, second, reopened(2, 20)).when(close_silent(30)).events
        assert isinstance(third, DialogClosed)
        assert (third.close_seq, third.resumes, third.operator_name) == (3, 2, "Bo")

    def test_not_before_its_time(self) -> None:
        given_dialog(*self.PAST, self.first(), reopened(1, 6)).when(close_silent(15.99)).then_nothing()

    @pytest.mark.parametrize("who", [None, ANN])
    def test_not_once_somebody_has_written(self, who: Operator | None) -> None:
        past = *self.PAST, self.first(), reopened(1, 6), wrote("m3", who, minutes=7)
        given_dialog(*past).when(close_silent(99)).then_nothing()

    @pytest.mark.parametrize("past", [(), (opened(),), (opened(), closed())])
    def test_nothing_else_is_closed_by_it(self, past: tuple[DialogEvent, ...]) -> None:
        given_dialog(*past).when(close_silent(99)).then_nothing()

    def test_again_is_nothing_new(self) -> None:
        past = *self.PAST, self.first(), reopened(1, 6)
        [second] = given_dialog(*past).when(close_silent(16)).events
        given_dialog(*past, second).when(close_silent(99)).then_nothing()
        given_dialog(*past, second, reopened(2, 98)).when(close_silent(99)).then_nothing()


def test_no_text_stays_in_memory() -> None:
    state: Any = DIALOG.fold(DIALOG.initial, [opened(), wrote("m1"), wrote("m2", ANN)])
    assert "sealed-" not in repr(state)


@pytest.mark.parametrize("event", [wrote("m1"), assigned(), closed(), reopened()])
def test_a_story_without_a_beginning_is_not_readable(event: DialogEvent) -> None:
    with pytest.raises(ValueError, match="before it is opened"):
        DIALOG.evolve(DIALOG.initial, event)


def test_what_is_stored_is_read_again() -> None:
    story = [opened(), wrote("m1"), assigned(), closing(opened(), wrote("m2", ANN)), reopened()]
    stored = [event.model_dump(mode="json") for event in story]
    assert [DIALOG.events.validate_python(document) for document in stored] == story


def test_a_client_waits_from_their_first_message_until_an_operator_writes_or_it_is_closed() -> None:
    story: list[tuple[DialogEvent, Any]] = [
        (opened(), (0, None, 0)),
        (wrote("m1", minutes=1), (1, at(1), 0)),
        (wrote("m2", minutes=2), (2, at(1), 0)),
        (assigned(ANN, 3), (2, at(1), 0)),
        (wrote("m3", ANN, minutes=4), (0, None, 1)),
        (wrote("m4", minutes=5), (1, at(5), 1)),
        (closed(1, 6), (0, None, 1)),
        (reopened(1, 7), (0, None, 1)),
        (wrote("m5", minutes=8), (1, at(8), 1)),
    ]
    state = DIALOG.initial
    for event, expected in story:
        state = DIALOG.evolve(state, event)
        details = details_of(state)
        assert (details.unanswered, details.waiting_since, details.replies) == expected
