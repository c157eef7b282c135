"""Whatever people do, in whatever order and however often: closes count up, counts are right."""

import tracemalloc
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.errors import CommandRejected
from chat.domain.dialog.decider import DIALOG, AssignOperator, CloseSilentReopening, DialogCommand
from chat.domain.dialog.events import (
    DialogClosed,
    DialogEvent,
    DialogOpened,
    DialogReopened,
    MessagePosted,
    OperatorAssigned,
)
from chat.domain.dialog.state import Dialog, details_of
from tests.chat.builders import (
    ANN,
    BO,
    at,
    close_it,
    close_silent,
    give_to,
    open_it,
    opened,
    reopen_it,
    take,
    write,
    wrote,
)

who = st.sampled_from([None, ANN, BO])
operators = st.sampled_from([ANN, BO])
some_close = st.none() | st.integers(1, 4)
commands = st.one_of(
    st.builds(open_it, client=st.sampled_from(["c1", "c1", "c2"]), channel_closed=st.booleans()),
    st.builds(
        write,
        st.sampled_from([f"m{n}" for n in range(12)]),
        who,
        text=st.none() | st.just("other"),
        chars=st.integers(1, 400),
    ),
    st.builds(take, operators),
    st.builds(give_to, operators),
    st.builds(close_it, some_close, by=who),
    st.builds(reopen_it, some_close, by=who),
    st.builds(close_silent, st.just(0), silent_for=st.sampled_from([1, 3])),
)
OWN = {"close_seq", "closed_at", "closed_by", "resumes"}
"""What a close that nobody but time made doesn't take from the close before."""

histories = st.lists(commands, max_size=40).map(lambda made: [open_it(), *made])


def in_time(history: list[DialogCommand]) -> list[DialogCommand]:
    return [replace(command, now=at(minute)) for minute, command in enumerate(history)]


def obey(state: Dialog, command: DialogCommand) -> tuple[Dialog, list[DialogEvent]]:
    try:
        events = list(DIALOG.decide(state, command))
    except CommandRejected:
        return state, []
    return DIALOG.fold(state, events), events


def play(history: list[DialogCommand]) -> tuple[Dialog, list[DialogEvent]]:
    state, story = DIALOG.initial, list[DialogEvent]()
    for command in history:
        state, events = obey(state, command)
        story += events
    return state, story


@given(histories)
def test_asking_again_changes_nothing(history: list[DialogCommand]) -> None:
    state: Dialog = DIALOG.initial
    for command in in_time(history):
        state, _ = obey(state, command)
        later = command.now if isinstance(command, CloseSilentReopening) else at(999)
        assert obey(state, replace(command, now=later)) == (state, [])


@given(histories)
def test_what_was_named_can_be_asked_again_at_any_time(history: list[DialogCommand]) -> None:
    state, named = DIALOG.initial, list[DialogCommand]()
    for command in in_time(history):
        state, events = obey(state, command)
        if events and getattr(command, "close_seq", 0) is not None:
            named.append(command)
        for again in named:
            if not isinstance(
                again, AssignOperator | CloseSilentReopening
            ):  # which says how it shall be from now on
                assert obey(state, replace(again, now=at(999))) == (state, [])


@given(histories)
def test_closes_count_up_and_every_reopening_undoes_the_last(history: list[DialogCommand]) -> None:
    _, story = play(in_time(history))
    turns = [event for event in story if isinstance(event, DialogClosed | DialogReopened)]
    expected = [(kind, n // 2 + 1) for n, kind in enumerate([DialogClosed, DialogReopened] * len(turns))]
    assert [(type(event), event.close_seq) for event in turns] == expected[: len(turns)]


@given(histories)
def test_a_message_is_there_once(history: list[DialogCommand]) -> None:
    _, story = play(in_time(history))
    times = Counter(event.message for event in story if isinstance(event, MessagePosted))
    assert all(count == 1 for count in times.values())


@given(histories)
@settings(max_examples=200)
def test_a_close_counts_what_an_independent_count_counts(history: list[DialogCommand]) -> None:
    _, story = play(in_time(history))
    since, owner, episode = at(0), None, list[MessagePosted]()
    before: DialogClosed | None = None
    for event in story:
        match event:
            case DialogOpened():
                since = event.opened_at
            case DialogReopened():
                since, episode = event.reopened_at, []
            case MessagePosted():
                episode.append(event)
            case OperatorAssigned():
                owner = event.operator
            case DialogClosed(resumes=int()):
                assert episode == []
                assert before is not None
                assert event.model_dump(exclude=OWN) == before.model_dump(exclude=OWN)
            case DialogClosed():
                before = event
                check(event, episode)
                assert event.opened_at == since
                assert event.operator == next((p.operator for p in reversed(episode) if p.operator), owner)


def check(close: DialogClosed, episode: list[MessagePosted]) -> None:
    by_client = [message for message in episode if message.author == "client"]
    replies = [message for message in episode if message.author == "operator"]
    assert close.client_messages == len(by_client)
    assert close.operator_messages == len(replies)
    assert close.longest_client_text == max((message.chars for message in by_client), default=0)
    assert close.first_reply_at == min((message.posted_at for message in replies), default=None)
    assert {p.id: p.messages for p in close.participants} == Counter(r.operator for r in replies)


@given(histories)
def test_the_state_is_the_same_however_it_is_folded(history: list[DialogCommand]) -> None:
    state, story = play(in_time(history))
    stored = [event.model_dump(mode="json") for event in story]
    assert DIALOG.fold(DIALOG.initial, [DIALOG.events.validate_python(raw) for raw in stored]) == state


def test_a_long_dialog_is_not_copied_for_each_of_its_messages() -> None:
    state, states = DIALOG.evolve(DIALOG.initial, opened()), list[Dialog]()
    events = [wrote(f"m{number}") for number in range(2_000)]
    tracemalloc.start()
    for event in events:
        state = DIALOG.evolve(state, event)
        states.append(state)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / len(states) < 3_000  # bytes a state; copies of the map took 36,000
    assert [len(details_of(each).messages) for each in states] == list(range(1, 2_001))
