"""What every route tells operators: the same before and after a rating, of a rated dialog as of any."""

import re

import pytest

from tests.blindness.matrix import Told
from tests.blindness.observing import Observed, Response
from tests.blindness.story import COLLEAGUE, ENDINGS, LEAST, MOST, ROLES, Story
from tests.blindness.words import telling

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOT_FOR_OPERATORS = {
    "chat: GET /v1/channels/{channel}/widget": "the widget must know where forms are",
    "chat: GET /channels": "supervisors and admins go on from there to Quality control",
    "chat: GET /openapi.json": "has the name of that field of the widget; tests/e2e looks for other words",
}
"""What of chat has such a word, the same one for every dialog, and why."""


@pytest.mark.parametrize("who", [*ROLES, COLLEAGUE])
def test_rating_and_analytics_refuse_whoever_is_an_operator(observed: Observed, who: str) -> None:
    for service in ("rating", "analytics"):
        found = {
            call: response
            for responses in observed.responses.values()
            for call, response in responses.items()
            if (call.route.service, call.route.told, call.who) == (service, Told.NOTHING, who)
        }
        refusal = next(iter(found.values()))
        assert (refusal.status, b"/problems/role-not-allowed" in refusal.body) == (403, True)
        assert [str(call.route) for call, response in found.items() if response != refusal] == []


@pytest.mark.parametrize("turn", ["rated", "settled"])
def test_no_response_is_another_after_a_rating(observed: Observed, turn: str) -> None:
    before, after = observed.responses["offered"], observed.responses[turn]
    assert before.keys() == after.keys()
    assert [
        (call, before[call], response)
        for call, response in after.items()
        if response != before[call] and call.route.path != "/metrics"
    ] == []


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending != "unasked"])
def test_chat_shows_a_dialog_as_one_that_nobody_was_asked_about(observed: Observed, ending: str) -> None:
    shown = {
        about: {
            call._replace(about=""): _of_any_dialog(observed.story, about, response)
            for call, response in observed.responses["settled"].items()
            if (call.about, call.route.told) == (about, Told.WHAT_CHAT_KNOWS)
            if call.who in {LEAST, MOST, COLLEAGUE}
        }
        for about in (ending, "unasked")
    }
    assert len(shown[ending]) > 30
    assert shown[ending] == shown["unasked"]


def _of_any_dialog(story: Story, ending: str, response: Response) -> Response:
    """The response without ids and times, which are as long in all dialogs."""
    one = story.closed[ending]
    body = TIME.sub(b"<time>", response.body)
    for name in (one.dialog, one.channel, one.visitor.client):
        body = body.replace(name.encode(), b"<id>")
    return response._replace(body=body)


def test_nothing_that_chat_tells_an_operator_hints_at_ratings(observed: Observed) -> None:
    told = {
        (str(call.route), f"{response.headers} {response.body.decode()}")
        for call, response in observed.responses["settled"].items()
        if call.route.service == "chat" and str(call.route) not in NOT_FOR_OPERATORS
    }
    assert {route: found for route, text in told if (found := telling(text))} == {}


def test_an_operator_is_told_of_changes_in_chat_and_of_no_other(observed: Observed) -> None:
    dialog = observed.story.opened.dialog
    first, *others = observed.changes
    assert others == [{"dialogs": {**first["dialogs"], dialog: first["dialogs"][dialog] + 1}}]


def test_the_matrix_looks_at_what_is_there(observed: Observed) -> None:
    """Else it would compare refusals with refusals."""
    refused = {
        f"{call.route.method} {call.route.path}"
        for call, response in observed.responses["settled"].items()
        if (call.route.service, call.who) == ("chat", LEAST)
        if response.status >= 400
    }
    assert refused == {
        "DELETE /v1/clients/{client}", "GET /v1/visitors/me/changes", "GET /v1/visitors/me/dialogs",
        "POST /v1/visitors/me/token", "PUT /v1/channels/{channel}", "PUT /v1/dialogs/{dialog}",
    }  # fmt: skip
