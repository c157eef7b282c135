"""Two replicas on one database: what one of them remembers is no reason to refuse or to accept."""

from collections.abc import AsyncIterator

import pytest

from chassis.kafka.connection import KafkaConnection
from tests.chat.harness import Harness, Person, done, running, settings_for

pytestmark = pytest.mark.real

Replicas = tuple[Harness, Harness]


@pytest.fixture
async def replicas(kafka: KafkaConnection, mongo: str, database: str) -> AsyncIterator[Replicas]:
    settings = settings_for(kafka, mongo, database)
    async with running(settings) as here, running(settings) as there:
        yield here, there


def at(harness: Harness, person: Person) -> Person:
    """The same person, who calls this replica."""
    return Person(harness.http, person.id, person.token)


async def talking(here: Harness, there: Harness) -> tuple[Person, Person, str]:
    """A visitor and their operator, in a dialog that both replicas remember; its path."""
    visitor, ann = await here.visitor(await here.channel()), here.operator("ann")
    path = await here.dialog(visitor, taken_by=ann)
    done(await visitor.put(f"{path}/messages/m1", {"text": "Hello"}))
    done(await at(there, visitor).put(f"{path}/messages/m2", {"text": "Anybody there?"}))
    return visitor, ann, path


async def test_an_erased_client_is_refused_by_all_at_once(replicas: Replicas) -> None:
    here, there = replicas
    visitor, ann, path = await talking(here, there)
    done(await here.admin.do("DELETE", f"/v1/clients/{visitor.id}"))
    for person in (visitor, ann):
        refused = await at(there, person).put(f"{path}/messages/m3-{person.id}", {"text": "Hello?"})
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/client-erased")


async def test_a_dialog_that_was_closed_elsewhere_takes_no_message(replicas: Replicas) -> None:
    here, there = replicas
    visitor, ann, path = await talking(here, there)
    done(await ann.post(f"{path}/close"))
    refused = await at(there, visitor).put(f"{path}/messages/m3", {"text": "Wait"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/dialog-closed")


async def test_a_dialog_that_was_reopened_elsewhere_takes_messages(replicas: Replicas) -> None:
    here, there = replicas
    visitor, ann, path = await talking(here, there)
    done(await at(there, ann).post(f"{path}/close"))  # there it is remembered as closed
    done(await ann.post(f"{path}/reopen"))
    assert (await at(there, visitor).put(f"{path}/messages/m3", {"text": "Thanks"})).status_code == 201


async def test_a_message_that_was_posted_elsewhere_is_not_posted_again(replicas: Replicas) -> None:
    here, there = replicas
    visitor, _, path = await talking(here, there)
    assert (await visitor.put(f"{path}/messages/m3", {"text": "Once"})).status_code == 201
    again = await at(there, visitor).put(f"{path}/messages/m3", {"text": "Once"})
    other = await at(there, visitor).put(f"{path}/messages/m3", {"text": "Twice"})
    assert (again.status_code, other.status_code) == (200, 409)
    assert other.json()["type"] == "/problems/message-id-taken"
