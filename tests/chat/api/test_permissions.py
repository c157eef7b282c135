"""Who may do what: whatever isn't in these tables is denied."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import pytest

from chassis.errors import CommandRejected
from chat.api.permissions import actor_of
from chat.domain.dialog.actor import author_of, role_in
from chat.domain.dialog.decider import DIALOG, AssignOperator, CloseDialog, PostMessage
from chat.domain.dialog.events import DialogEvent, OperatorAssigned
from chat.domain.dialog.state import Dialog, Operator
from chat.domain.rejections import Rejection
from contracts.access import Claims, Role
from tests.chat.builders import ANN, BO, assigned, at, closed, opened, reopened, wrote


def claims(role: Role, sub: str, *channels: str, teams: frozenset[str] | None = None) -> Claims:
    return Claims(
        sub=sub, roles=frozenset({role}), channels=frozenset(channels), name=sub.title(), teams=teams
    )


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
    "a supervisor of its team": claims(Role.SUPERVISOR, "sue", "shop", teams=frozenset({"first-line"})),
    "a supervisor of another team": claims(Role.SUPERVISOR, "sue", "shop", teams=frozenset({"second"})),
    "a supervisor of no team": claims(Role.SUPERVISOR, "sue", "shop", teams=frozenset()),
    "a supervisor of its team, elsewhere": claims(
        Role.SUPERVISOR, "sue", "school", teams=frozenset({"first-line"})
    ),
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
SUPERVISORS = {
    "a supervisor of the channel": {"waiting", "assigned", "written in", "closed"},
    "a supervisor of its team": {"assigned", "closed"},
    "an admin of all channels": {"waiting", "assigned", "written in", "closed"},
}
"""Which dialogs they supervise: the last who wrote in the third is of no team."""

MINE = {"assigned", "written in", "closed"}
EXISTING = set(DIALOGS) - {"unknown"}
TAKERS = {"its operator", "an operator of the channel", "an operator of all channels"}
everything = pytest.mark.parametrize(("caller", "dialog"), list(product(CALLERS, DIALOGS)))


def stored(dialog: str) -> Dialog:
    return DIALOG.fold(DIALOG.initial, DIALOGS[dialog])


@contextmanager
def rejected(code: str) -> Iterator[None]:
    with pytest.raises(CommandRejected) as rejection:
        yield
    assert rejection.value.code == code


def no_part(caller: str, dialog: str) -> str:
    """What waits stands in the lists of those who can take it, so it isn't hidden from them."""
    waits = dialog == "waiting" and caller in TAKERS
    return Rejection.TAKE_IT_FIRST if waits else Rejection.NO_SUCH_DIALOG


@everything
def test_taking_part(caller: str, dialog: str) -> None:
    may = {"its visitor": (EXISTING, None), "its operator": (MINE, "ann")}
    dialogs, operator = may.get(caller, (set[str](), None))
    actor = actor_of(CALLERS[caller])
    if dialog in dialogs:
        _, author = author_of(actor, stored(dialog))
        assert (author and author.id) == operator
    else:
        with rejected(no_part(caller, dialog)):
            author_of(actor, stored(dialog))


@everything
def test_reading(caller: str, dialog: str) -> None:
    may = {
        "its visitor": (EXISTING, "client"),
        "its operator": (MINE, "operator"),
        **{name: (dialogs, "supervisor") for name, dialogs in SUPERVISORS.items()},
    }
    dialogs, role = may.get(caller, (set[str](), "nobody"))
    actor = actor_of(CALLERS[caller])
    if dialog in dialogs:
        assert role_in(actor, stored(dialog))[1] == role
    else:
        with rejected(no_part(caller, dialog)):
            role_in(actor, stored(dialog))


@everything
def test_taking_a_dialog(caller: str, dialog: str) -> None:
    actor = actor_of(CALLERS[caller])
    if caller in TAKERS and dialog == "waiting":
        [event] = DIALOG.decide(stored(dialog), AssignOperator(actor, at(1)))
        assert isinstance(event, OperatorAssigned)
        assert event.operator == CALLERS[caller].sub
    elif caller not in TAKERS:
        supervises = dialog in SUPERVISORS.get(caller, ())
        with rejected(Rejection.OPERATOR_MISSING if supervises else Rejection.NO_SUCH_DIALOG):
            DIALOG.decide(stored(dialog), AssignOperator(actor, at(1)))


@everything
def test_giving_a_dialog_to_somebody(caller: str, dialog: str) -> None:
    command = AssignOperator(actor_of(CALLERS[caller]), at(1), Operator("kim", "Kim"))
    if dialog in SUPERVISORS.get(caller, set[str]()) - {"closed"}:
        assert DIALOG.decide(stored(dialog), command)
    elif dialog in SUPERVISORS.get(caller, ()):
        with rejected(Rejection.DIALOG_CLOSED):
            DIALOG.decide(stored(dialog), command)
    else:
        takes = caller in TAKERS and dialog in EXISTING
        with rejected(Rejection.ONLY_FOR_YOURSELF if takes else Rejection.NO_SUCH_DIALOG):
            DIALOG.decide(stored(dialog), command)


def test_whoever_leads_and_answers_too_reads_what_waits_and_takes_it_before_writing() -> None:
    both = Claims(sub="zoe", roles=frozenset({Role.OPERATOR, Role.SUPERVISOR}), channels=frozenset({"shop"}))
    assert role_in(actor_of(both), stored("waiting"))[1] == "supervisor"
    with rejected(Rejection.TAKE_IT_FIRST):
        author_of(actor_of(both), stored("waiting"))


def test_a_dialog_that_was_closed_before_anybody_took_it_waits_no_more() -> None:
    state = DIALOG.fold(DIALOG.initial, (opened(), closed()))
    with rejected(Rejection.NO_SUCH_DIALOG):
        role_in(actor_of(CALLERS["an operator of the channel"]), state)


def test_a_participant_who_was_replaced_only_reads() -> None:
    ann = actor_of(CALLERS["its operator"])
    assert role_in(ann, stored("written in"))[1] == "operator"
    for command, code in (
        (PostMessage(ann, "m2", 1, at(9)), Rejection.NOT_YOUR_DIALOG),
        (CloseDialog(ann, at(9)), Rejection.NOT_YOUR_DIALOG),
        (AssignOperator(ann, at(9)), Rejection.TAKEN_BY_ANOTHER),
    ):
        with rejected(code):
            DIALOG.decide(stored("written in"), command)


@pytest.mark.parametrize("sub", ["auth0|5f7c", "ann@school.example", "f:0b5e:ann", "s" * 255])
def test_an_operator_is_whoever_the_provider_says(sub: str) -> None:
    who = Claims(sub=sub, roles=frozenset({Role.OPERATOR}))
    assert actor_of(who).operator == Operator(sub, sub[:200])


def test_an_operator_without_a_name_is_called_by_the_id() -> None:
    assert actor_of(Claims(sub="ann", roles=frozenset({Role.OPERATOR}))).operator == Operator("ann", "ann")


@pytest.mark.parametrize(
    ("roles", "scope", "writes"),
    [
        ({Role.SERVICE}, "read dialogs:write", True),
        ({Role.SERVICE}, "dialogs:writes", False),
        ({Role.SERVICE, Role.OPERATOR}, "dialogs:write", False),
        ({Role.SERVICE, Role.SUPERVISOR}, "dialogs:write", False),
        ({Role.OPERATOR}, "dialogs:write", False),
    ],
)
def test_a_bot_is_a_service_alone_that_may_write(roles: set[Role], scope: str, *, writes: bool) -> None:
    actor = actor_of(Claims(sub="helper", name="Helper", roles=frozenset(roles), scope=scope))
    assert actor.service == (Operator("helper", "Helper") if writes else None)


def test_a_person_whose_role_is_misspelt_is_no_bot() -> None:
    both = Claims(
        sub="ann", roles=frozenset({Role.SERVICE}), misspelt=frozenset({Role.OPERATOR}), scope="dialogs:write"
    )
    assert actor_of(both).service is None


def test_a_dialog_is_also_supervised_by_the_team_that_its_last_close_counts_for() -> None:
    last = closed().model_copy(update={"team": "second"})
    state = DIALOG.fold(DIALOG.initial, (opened(), assigned(ANN), last))
    assert role_in(actor_of(CALLERS["a supervisor of another team"]), state)[1] == "supervisor"
    with rejected(Rejection.NO_SUCH_DIALOG):
        role_in(actor_of(CALLERS["a supervisor of no team"]), state)


def test_whose_team_an_earlier_close_counts_for_reads_and_gives_it_to_nobody() -> None:
    second = closed().model_copy(update={"team": "second"})
    state = DIALOG.fold(DIALOG.initial, (opened(), assigned(ANN), second, reopened(), closed(2), reopened(2)))
    theirs = actor_of(CALLERS["a supervisor of another team"])
    assert role_in(theirs, state)[1] == "supervisor"
    with rejected(Rejection.NO_SUCH_DIALOG):
        DIALOG.decide(state, AssignOperator(theirs, at(9), Operator("kim", "Kim")))
