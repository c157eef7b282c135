"""A thousand submits at once on one form, at two replicas: one is the first, none that was taken is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.ratings import RatingChanged, RatingGiven
from rating.domain.rating.form_version import FormVersion
from rating.domain.rating.state import MOST_CHANGES
from tests.rating.api_client import ApiClient, open_api_client
from tests.rating.builders import RULES, WINDOW
from tests.rating.harness import closed, open_harness

SUBMITS = 1000
DIFFERENT = [(1 + n % 5, f"answer {n}") for n in range(SUBMITS)]
TO_THE_END_SECONDS = 90
"""Also how long a command waits for its turn: on a busy machine some would be told to come later."""

pytestmark = pytest.mark.real


@asynccontextmanager
async def open_replicas(
    mongo: str, database: str, rules: FormVersion = RULES
) -> AsyncIterator[list[ApiClient]]:
    """Two whole services on one database, with one time; the first has heard of the close of d1."""
    async with (
        open_harness(mongo, database, rules=rules) as first,
        open_harness(mongo, database, relaying=False, clock=first.clock, rules=rules) as second,
        open_api_client(first) as one,
        open_api_client(second) as two,
    ):
        await first.inbound.on_dialog_closed(closed())
        await first.relayed()
        yield [one, two]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.eventstore.handle.GIVE_UP_SECONDS", TO_THE_END_SECONDS)


@pytest.fixture
async def replicas(mongo: str, database: str) -> AsyncIterator[list[ApiClient]]:
    async with open_replicas(mongo, database) as replicas:
        yield replicas


async def submit(replicas: list[ApiClient], answers: Iterable[tuple[int, str]]) -> list[httpx.Response]:
    """All of them at once, by turns at each of the replicas."""
    async with asyncio.timeout(TO_THE_END_SECONDS):
        return await asyncio.gather(
            *(
                replicas[n % len(replicas)].answer(score, comment)
                for n, (score, comment) in enumerate(answers)
            )
        )


async def stored_answers(api: ApiClient) -> list[dict[str, Any]]:
    """The answers in the stream of d1, as they are stored."""
    commits = await api.harness.store.read("rating:d1", limit=1000)
    return [event for commit in commits for event in commit.events if event["type"] in {"given", "changed"}]


async def published_answers(api: ApiClient) -> list[RatingGiven | RatingChanged]:
    await api.harness.relayed()
    return [event for event in api.harness.notes.ratings if isinstance(event, RatingGiven | RatingChanged)]


def outcomes(responses: Iterable[httpx.Response]) -> Counter[str]:
    """How often each answer was taken ("200"), or refused with which code."""
    return Counter(
        "200" if response.is_success else response.json()["type"].rpartition("/")[2] for response in responses
    )


async def test_a_thousand_times_the_same_answer_is_one_answer(replicas: list[ApiClient]) -> None:
    responses = await submit(replicas, [(4, "Thank you")] * SUBMITS)
    assert outcomes(responses) == {"200": SUBMITS}
    assert [event["type"] for event in await stored_answers(replicas[0])] == ["given"]
    assert [event.score for event in await published_answers(replicas[0])] == [4]


async def test_of_a_thousand_different_answers_one_is_the_first_and_twenty_change_it(
    replicas: list[ApiClient],
) -> None:
    responses = await submit(replicas, DIFFERENT)
    taken = [
        answer for answer, response in zip(DIFFERENT, responses, strict=True) if response.status_code == 200
    ]
    assert outcomes(responses) == {
        "200": 1 + MOST_CHANGES,
        "changed-too-often": SUBMITS - 1 - MOST_CHANGES,
    }
    stored = await stored_answers(replicas[0])
    assert [event["type"] for event in stored] == ["given", *["changed"] * MOST_CHANGES]
    assert [event.get("change") for event in stored[1:]] == list(range(1, MOST_CHANGES + 1))
    published = await published_answers(replicas[0])
    words = [
        await replicas[0].harness.keys.open(event.comment or "", subject="c1", scope="d1", purpose="comment")
        for event in published
    ]
    # What was acknowledged is stored and published, nothing else is, and everybody reads the last of it.
    assert sorted(zip([event.score for event in published], words, strict=True)) == sorted(taken)
    comment = {"state": "open", "text": words[-1]}
    last = {"score": stored[-1]["score"], "comment": comment, "tags": [], "follow_ups": {}}
    for api in replicas:
        assert (await api.post("read", {"token": api.token()})).json()["answer"] == last


async def test_where_nothing_can_be_changed_one_of_a_thousand_is_taken(mongo: str, database: str) -> None:
    final = RULES.model_copy(update={"edit_window": timedelta(0)})
    async with open_replicas(mongo, database, final) as replicas:
        responses = await submit(replicas, DIFFERENT)
        assert outcomes(responses) == {"200": 1, "change-window-over": SUBMITS - 1}
        assert [event["type"] for event in await stored_answers(replicas[0])] == ["given"]


async def test_a_thousand_others_after_the_edit_window_leave_the_answer_as_it_is(
    replicas: list[ApiClient],
) -> None:
    assert (await replicas[0].answer(4, "Thank you")).is_success
    replicas[0].harness.clock.advance(WINDOW)
    assert outcomes(await submit(replicas, DIFFERENT)) == {"change-window-over": SUBMITS}
    assert [event["score"] for event in await stored_answers(replicas[1])] == [4]


async def test_answers_and_refusals_at_once_settle_one_form(replicas: list[ApiClient]) -> None:
    """ "No, thanks" and stars, by two impatient thumbs."""
    answers = submit(replicas, DIFFERENT[:100])
    declines = asyncio.gather(
        *(replicas[n % 2].post("decline", {"token": replicas[0].token()}) for n in range(100))
    )
    taken, declined = await asyncio.gather(answers, declines)
    assert set(outcomes(taken)) <= {"200", "changed-too-often"}
    assert set(outcomes(declined)) <= {"200", "already-rated"}
    commits = await replicas[0].harness.store.read("rating:d1", limit=1000)
    kinds = Counter(event["type"] for commit in commits for event in commit.events)
    assert (kinds["given"], kinds["changed"], kinds["declined"] <= 1) == (1, MOST_CHANGES, True)
