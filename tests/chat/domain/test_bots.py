"""Bots and systems write where persons do, and no figure of an operator knows them."""

from chat.domain.dialog.actor import Actor
from chat.domain.dialog.decider import DIALOG, CloseDialog, PostMessage
from chat.domain.dialog.events import AttributedBy, DialogClosed, DialogEvent, Participant, ParticipantKind
from chat.domain.dialog.state import Operator, details_of
from chat.domain.rejections import Rejection
from tests.chassis.decider_spec import DeciderSpec
from tests.chat.builders import ANN, BO, actor, assigned, at, close_silent, closed, opened, reopened, wrote

given_dialog = DeciderSpec(DIALOG).given
HELPER = Operator("helper", "Helper")
SERVICE = Actor(service=HELPER, channels=frozenset({"shop"}))
BOT, SYSTEM, PERSON = ParticipantKind.BOT, ParticipantKind.SYSTEM, ParticipantKind.PERSON


def automatic(message: str, minutes: float = 1, kind: ParticipantKind = BOT) -> DialogEvent:
    return wrote(message, HELPER, minutes=minutes).model_copy(update={"kind": kind})


def write_for(who: Actor, kind: ParticipantKind, message: str = "m9") -> PostMessage:
    return PostMessage(who, message, 5, at(1), f"sealed-{message}", f"print-{message}", kind)


def closing(*past: DialogEvent) -> DialogClosed:
    [event] = given_dialog(opened(), *past).when(CloseDialog(actor(None), at(5))).events
    assert isinstance(event, DialogClosed)
    return event


def test_a_service_writes_in_any_dialog_of_its_channels_without_taking_it() -> None:
    for past in ((), (assigned(ANN),)):
        given_dialog(opened(), *past).when(write_for(SERVICE, BOT)).then(automatic("m9"))
    given_dialog(opened()).when(write_for(SERVICE, SYSTEM)).then(automatic("m9", kind=SYSTEM))
    given_dialog(opened(), automatic("m9")).when(write_for(SERVICE, BOT)).then_nothing()


def test_a_service_writes_nowhere_else() -> None:
    elsewhere = Actor(service=HELPER, channels=frozenset({"school"}))
    given_dialog(opened()).when(write_for(elsewhere, BOT)).then_rejected(Rejection.NO_SUCH_DIALOG)
    given_dialog().when(write_for(SERVICE, BOT)).then_rejected(Rejection.NO_SUCH_DIALOG)
    given_dialog(opened(), closed()).when(write_for(SERVICE, BOT)).then_rejected(Rejection.DIALOG_CLOSED)


def test_no_person_is_a_bot_and_no_service_a_person() -> None:
    past = opened(), assigned(ANN)
    for who, kind in ((actor(ANN), BOT), (actor(None), SYSTEM), (SERVICE, PERSON)):
        given_dialog(*past).when(write_for(who, kind)).then_rejected(Rejection.NOT_YOUR_KIND)


def test_what_a_bot_alone_answered_counts_for_nobody() -> None:
    event = closing(wrote("m1"), automatic("m2", 2), automatic("m3", 3))
    assert (event.operator, event.attributed_by) == (None, AttributedBy.NOBODY)
    assert (event.first_reply_at, event.operator_messages, event.client_messages) == (None, 0, 1)
    assert event.participants == (Participant(id="helper", name="Helper", messages=2, kind=BOT),)


def test_a_person_counts_also_if_a_bot_wrote_first_and_last() -> None:
    event = closing(assigned(BO), automatic("m1", 2), wrote("m2", ANN, minutes=3), automatic("m3", 4, SYSTEM))
    assert (event.operator, event.attributed_by) == ("ann", AttributedBy.LAST_REPLY)
    assert (event.first_reply_at, event.operator_messages) == (at(3), 1)
    assert {each.id: (each.kind, each.messages) for each in event.participants} == {
        "helper": (SYSTEM, 2), "ann": (PERSON, 1),
    }  # fmt: skip


def test_whoever_wrote_as_a_person_once_stays_one() -> None:
    for past in ((wrote("m1", HELPER), automatic("m2", 2)), (automatic("m1"), wrote("m2", HELPER))):
        event = closing(*past)
        assert (event.operator, [each.kind for each in event.participants]) == ("helper", [PERSON])


def test_whoever_is_in_charge_counts_unless_it_is_the_bot() -> None:
    assert closing(assigned(ANN), automatic("m1")).operator == "ann"
    event = closing(assigned(HELPER), automatic("m1"))
    assert (event.operator, event.attributed_by) == (None, AttributedBy.NOBODY)


def test_a_client_whom_a_bot_answered_still_waits_and_has_something_to_read() -> None:
    details = details_of(DIALOG.fold(DIALOG.initial, (opened(), wrote("m1"), automatic("m2", 2))))
    assert (details.unanswered, details.waiting_since, details.replies) == (1, at(1), 1)
    assert details.writers == frozenset()


def test_a_reopening_in_which_a_bot_alone_wrote_is_silent() -> None:
    past = opened(), assigned(ANN), wrote("m1", ANN), closed(), reopened(minutes=6), automatic("m2", 7)
    [event] = given_dialog(*past).when(close_silent(17)).events
    assert isinstance(event, DialogClosed)
    assert (event.resumes, event.participants) == (1, ())
