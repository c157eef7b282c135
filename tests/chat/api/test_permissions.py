"""Who may do what: whatever isn't in these tables is denied."""

from contextlib import AbstractContextManager
from itertools import product

import pytest
from fastapi.exceptions import RequestValidationError

from chassis.errors import CommandRejected
from chassis.http.problems import Forbidden, NotFound
from chat.api.permissions import actor_of, assigning, operator_of, reader_of
from chat.domain.dialog.decider import DIALOG, AssignOperator, CloseDialog
from chat.domain.dialog.events import DialogEvent
from chat.domain.dialog.state import Operator
from contracts.access import Claims, Role
from tests.chat.builders import ANN, BO, assigned, at, closed, opened, write, wrote


def claims(role: Role, sub: str, *channels: str) -> Claims:
    return Claims(sub=sub, roles=frozenset({role}), channels=frozenset(channels), name=sub.title())


CALLERS = {
    "its visitor": claims(Role.VISITOR, "c1", "shop"),
    "another visitor": claims(Role.VISITOR, "c2", "shop"),
    "its operator": claims(Role.OPERATOR, "ann", "shop"),
    "its operator, with a token for another channel": claims(Role.OPERATOR, "ann", "school"),
    "its operator, with a token for none": claims(Role.OPERATOR, "ann"),
    "an operator of the channel": claims(Role.OPERATOR, "zoe", "shop"),
    "an operator of all channels": claims(Role.OPERATOR, "zoe", "*"),
    "an operator of another channel": claims(Role.OPERATOR, "zoe", "school"),
    "an operator called like the client": claims(Role.OPERATOR, "c1"),
    "a supervisor of the channel": claims(Role.SUPERVISOR, "sue", "shop"),
    "a supervisor of another channel": claims(Role.SUPERVISOR, "sue", "school"),
    "a supervisor called like its operator": claims(Role.SUPERVISOR, "ann"),
    "an admin of all channels": claims(Role.ADMIN, "joe", "*"),
    "an admin of none": claims(Role.ADMIN, "joe"),
    "a service": claims(Role.SERVICE, "c1", "*"),
    "the platform team": claims(Role.PLATFORM, "ann", "*"),
    "nobody in particular": Claims(sub="ann", channels=frozenset("*")),
}
DIALOGS: dict[str, tuple[DialogEvent, ...]] = {
    "unknown": (),
    "waiting": (opened(),),
    "assigned": (opened(), assigned(ANN)),
    "written in": (opened(), assigned(ANN), wrote("m1", ANN), assigned(BO)),
    "closed": (opened(), assigned(ANN), closed()),
}
LEADERS = {"a supervisor of the channel", "an admin of all channels"}
MINE = {"assigned", "written in", "closed"}
EXISTING = set(DIALOGS) - {"unknown"}
TAKERS = {"its operator", "an operator of the channel", "an operator of all channels"}
everything = pytest.mark.parametrize(("caller", "dialog"), list(product(CALLERS, DIALOGS)))


def refused(caller: str, dialog: str) -> AbstractContextManager[object]:
    """What waits stands in the lists of those who can take it, so it isn't hidden from them."""
    if dialog == "waiting" and caller in TAKERS:
        return pytest.raises(Forbidden, match="Take this dialog first")
    return pytest.raises(NotFound)


@everything
def test_taking_part(caller: str, dialog: str) -> None:
    may = {"its visitor": (EXISTING, None), "its operator": (MINE, "ann")}
    dialogs, operator = may.get(caller, (set[str](), None))
    state = DIALOG.fold(DIALOG.initial, DIALOGS[dialog])
    if dialog in dialogs:
        _, side = actor_of(CALLERS[caller], state)
        assert (side.operator and side.operator.id) == operator
    else:
        with refused(caller, dialog):
            actor_of(CALLERS[caller], state)


@everything
def test_reading(caller: str, dialog: str) -> None:
    may = {
        "its visitor": (EXISTING, "client"),
        "its operator": (MINE, "operator"),
        "a supervisor of the channel": (EXISTING, "lead"),
        "an admin of all channels": (EXISTING, "lead"),
    }
    dialogs, reader = may.get(caller, (set[str](), "nobody"))
    state = DIALOG.fold(DIALOG.initial, DIALOGS[dialog])
    if dialog in dialogs:
        assert reader_of(CALLERS[caller], state)[1] == reader
    else:
        with refused(caller, dialog):
            reader_of(CALLERS[caller], state)


@everything
def test_taking_a_dialog(caller: str, dialog: str) -> None:
    may = {
        "its operator": EXISTING,
        "an operator of the channel": EXISTING,
        "an operator of all channels": EXISTING,
    }
    state = DIALOG.fold(DIALOG.initial, DIALOGS[dialog])
    if dialog in may.get(caller, set()):
        operator, takes = assigning(CALLERS[caller], state, None)
        assert (operator.id, takes) == (CALLERS[caller].sub, True)
    else:
        leads = caller in LEADERS and dialog in EXISTING
        with pytest.raises(RequestValidationError if leads else NotFound):
            assigning(CALLERS[caller], state, None)


@everything
def test_giving_a_dialog_to_somebody(caller: str, dialog: str) -> None:
    state = DIALOG.fold(DIALOG.initial, DIALOGS[dialog])
    if caller in LEADERS and dialog in EXISTING:
        assert assigning(CALLERS[caller], state, BO) == (BO, False)
    else:
        with pytest.raises((NotFound, Forbidden)):
            assigning(CALLERS[caller], state, BO)


def test_whoever_leads_and_answers_too_reads_what_waits_and_takes_it_before_writing() -> None:
    both = Claims(sub="zoe", roles=frozenset({Role.OPERATOR, Role.SUPERVISOR}), channels=frozenset({"shop"}))
    waiting = DIALOG.fold(DIALOG.initial, DIALOGS["waiting"])
    assert reader_of(both, waiting)[1] == "lead"
    with pytest.raises(Forbidden, match="Take this dialog first"):
        actor_of(both, waiting)


def test_a_dialog_that_was_closed_before_anybody_took_it_waits_no_more() -> None:
    state = DIALOG.fold(DIALOG.initial, (opened(), closed()))
    with pytest.raises(NotFound):
        reader_of(CALLERS["an operator of the channel"], state)


def test_a_participant_who_was_replaced_only_reads() -> None:
    state = DIALOG.fold(DIALOG.initial, DIALOGS["written in"])
    ann = CALLERS["its operator"]
    assert reader_of(ann, state)[1] == "operator"
    _, side = actor_of(ann, state)
    operator, takes = assigning(ann, state, None)
    for command in (
        write("m2", side.operator),
        CloseDialog(side.kind, at(9), operator=side.operator_id),
        AssignOperator(operator, takes, at(9)),
    ):
        with pytest.raises(CommandRejected, match="operator"):
            DIALOG.decide(state, command)


@pytest.mark.parametrize("sub", ["auth0|5f7c", "ann@school.example", "f:0b5e:ann", "s" * 255])
def test_an_operator_is_whoever_the_provider_says(sub: str) -> None:
    assert operator_of(Claims(sub=sub)) == Operator(sub, sub[:200])


def test_an_operator_without_a_name_is_called_by_the_id() -> None:
    assert operator_of(Claims(sub="ann")) == Operator("ann", "ann")
