"""What chat publishes is what the contracts promise, and nothing more."""

from hypothesis import given
from hypothesis import strategies as st

from chassis.outbox.commit_handler import PublicEvent
from chat.domain.channel import CHANNEL, ChannelPublished
from chat.domain.client import CLIENT, ClientErased, ClientRegistered
from chat.domain.dialog.decider import DIALOG, CloseDialog, DialogCommand
from chat.domain.dialog.events import DialogEvent, ParticipantKind
from chat.messaging.outbound import channel_to_public, client_to_public, dialog_to_public, sealed_dialogs
from contracts.channels import CHANNEL_EVENTS
from contracts.clients import CLIENT_EVENTS
from contracts.dialogs import (
    DIALOG_EVENTS,
    AttributedBy,
    ClosedBy,
    DialogClosed,
    DialogOpened,
    DialogReopened,
)
from tests.chat.builders import (
    ANN,
    BO,
    actor,
    assigned,
    at,
    open_it,
    opened,
    reopen_it,
    reopened,
    take,
    write,
    wrote,
)
from tests.chat.domain.test_dialog_histories import histories, in_time, play

SEALED = "eyJhbGciOiJkaXIifQ..AAECAwQF.c2VhbGVk.AAECAwQF"


def published(*story: DialogEvent) -> list[PublicEvent]:
    state, public = DIALOG.initial, list[PublicEvent]()
    for event in story:
        state = DIALOG.evolve(state, event)
        if translated := dialog_to_public(state, event):
            public.append(translated)
    return public


def closing(*past: DialogEvent, email: str | None = None, name: str | None = None) -> DialogEvent:
    command = CloseDialog(actor(None), at(5), email=email, name=name)
    [event] = DIALOG.decide(DIALOG.fold(DIALOG.initial, past), command)
    return event


def test_an_opening_is_published() -> None:
    [public] = published(opened())
    assert (public.topic, public.key) == ("candor.dialogs", "d1")
    assert public.event == DialogOpened(
        dialog="d1", channel="shop", client="c1", locale="fr", opened_at=at(0), origin="widget"
    )


def test_messages_and_assignments_stay_private() -> None:
    assert len(published(opened(), wrote("m1"), assigned(), wrote("m2", ANN))) == 1


def test_a_close_is_published_whole() -> None:
    past = opened(), wrote("m1", chars=9), assigned(BO), wrote("m2", ANN, minutes=2)
    [_, public] = published(*past, closing(*past, email=SEALED))
    event = DIALOG_EVENTS.validate_json(public.event.model_dump_json())
    assert isinstance(event, DialogClosed)
    assert (event.dialog, event.channel, event.client, event.locale) == ("d1", "shop", "c1", "fr")
    assert (event.operator, event.team, event.attributed_by) == ("ann", "first-line", AttributedBy.LAST_REPLY)
    assert event.operator_name == "Ann Lee"
    assert (event.closed_by, event.close_seq) == (ClosedBy.CLIENT, 1)
    assert (event.opened_at, event.first_reply_at, event.closed_at) == (at(0), at(2), at(5))
    assert (event.client_messages, event.operator_messages, event.longest_client_text) == (1, 1, 9)
    assert [(p.id, p.name, p.team, p.messages) for p in event.participants] == [
        ("ann", "Ann Lee", "first-line", 1)
    ]
    assert event.contact is not None
    assert (event.contact.email, event.contact.name) == (SEALED, None)


def test_bots_are_published_as_what_they_are() -> None:
    past = opened(), wrote("m1", ANN), wrote("m2", BO).model_copy(update={"kind": ParticipantKind.BOT})
    [_, public] = published(*past, closing(*past))
    event = DIALOG_EVENTS.validate_json(public.event.model_dump_json())
    assert isinstance(event, DialogClosed)
    assert {each.id: each.kind for each in event.participants} == {"ann": "person", "bo": "bot"}


def test_a_reopening_names_whose_dialog_it_is() -> None:
    past = opened(), assigned(), wrote("m1")
    [*_, public] = published(*past, closing(*past), reopened())
    assert public.event == DialogReopened(
        dialog="d1", channel="shop", client="c1", locale="fr", operator="ann", team="first-line",
        close_seq=1, reopened_at=at(6),
    )  # fmt: skip


def test_a_key_is_needed_only_where_sealed_texts_are_published() -> None:
    past = opened(), wrote("m1")
    assert not sealed_dialogs(published(*past, closing(*past)))
    assert sealed_dialogs(published(*past, closing(*past, name=SEALED))) == {"d1"}


def test_a_channel_is_published_whole() -> None:
    event = ChannelPublished(
        channel="shop", name="Shop", locales=("fr",), allowed_origins=("https://shop.example",),
        time_zone="Europe/Paris", closed=True,
    )  # fmt: skip
    public = channel_to_public(CHANNEL.evolve(CHANNEL.initial, event), event)
    assert (public.topic, public.key) == ("candor.channels", "shop")
    read = CHANNEL_EVENTS.validate_json(public.event.model_dump_json())
    assert read.model_dump(exclude={"type"}) == event.model_dump(exclude={"type", "version"})


def test_only_the_erasure_of_a_client_is_published() -> None:
    registered = ClientRegistered(client="c1", channel="shop", registered_at=at(0), email=SEALED)
    erased = ClientErased(client="c1", erased_at=at(1))
    state = CLIENT.evolve(CLIENT.initial, registered)
    assert client_to_public(state, registered) is None
    public = client_to_public(CLIENT.evolve(state, erased), erased)
    assert public is not None
    assert (public.topic, public.key) == ("candor.clients", "c1")
    assert CLIENT_EVENTS.validate_json(public.event.model_dump_json()).erased_at == at(1)


@given(histories)
def test_whatever_happens_is_published_in_valid_events(history: list[DialogCommand]) -> None:
    _, story = play(in_time(history))
    for public in published(*story):
        assert DIALOG_EVENTS.validate_json(public.event.model_dump_json()) == public.event
        assert public.key == "d1"


@given(st.permutations([write("m1"), write("m2", ANN), take(BO), reopen_it()]))
def test_no_texts_are_published(commands: list[DialogCommand]) -> None:
    _, story = play(in_time([open_it(), *commands]))
    assert all("sealed-" not in public.event.model_dump_json() for public in published(*story))
