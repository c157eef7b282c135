"""From a closed dialog to a number on the dashboard API: real services, real Kafka, real MongoDB."""

import random
from typing import Any

import httpx
import pytest

from deploy.demo.check import differences, settled
from deploy.demo.people import NotYet, Visitor, at_once, until
from deploy.demo.story import COMMENTS, Encounter, Ledger, Mood, moods
from deploy.demo.support_floor import SupportFloor
from rating.domain.quality_control.texts import Texts
from tests.e2e.conftest import SETTLE_SECONDS

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]


async def encounter(floor: SupportFloor, channel: str, mood: Mood, score: int, **who: Any) -> Encounter:
    visitor = await floor.visitor(channel)
    comment = who.pop("comment", None)
    return Encounter(visitor, floor.operator("ann", "Ann Lee"), "ann", channel, mood, score, comment)


async def test_the_numbers_are_what_the_clients_did(floor: SupportFloor, channel: str) -> None:
    dice, ledger = random.Random(20), Ledger()
    encounters = [
        await encounter(floor, channel, mood, dice.randint(1, 5), comment=COMMENTS[index % len(COMMENTS)])
        for index, mood in enumerate(moods(40, dice))
    ]
    await at_once(8, [_player(one, ledger) for one in encounters])

    supervisor = floor.supervisor()
    summary = await settled(
        supervisor, channel, len(ledger.endings), SETTLE_SECONDS, undone=ledger.undone(channel)
    )
    # A dialog without a rating is part of the reviews.
    assert await differences(supervisor, summary, ledger, channel, SETTLE_SECONDS) == []
    reconciled = await supervisor.read("reconcile")
    assert reconciled["equal"], reconciled


def _player(one: Encounter, ledger: Ledger) -> Any:
    return lambda: one.play(ledger)


async def test_a_late_answer_is_refused_and_stores_nothing(floor: SupportFloor, channel: str) -> None:
    ledger = Ledger()
    late = await encounter(floor, channel, Mood.IGNORES, 5)
    dialog = await closed(late)
    form = await late.visitor.form(dialog, 1)
    supervisor = floor.supervisor()
    await settled(supervisor, channel, 1, SETTLE_SECONDS)

    answer = await late.visitor.answer(form["token"], 5)

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    summary = await supervisor.read("summary", channel=channel)
    ledger.closed(dialog, 1, channel, "ann")
    ledger.settled(dialog, 1, "expired")
    assert await differences(supervisor, summary, ledger, channel, SETTLE_SECONDS) == []


async def closed(one: Encounter) -> str:
    dialog = one.visitor.name_dialog()
    await one.visitor.open(dialog)
    await one.visitor.post_message(dialog, "m1", "Hello")
    await one.operator.take(dialog)
    await one.operator.post_message(dialog, "m2", "Hello")
    await one.operator.close(dialog, 1)
    return dialog


async def test_a_channel_asks_as_quality_control_says(floor: SupportFloor, channel: str) -> None:
    texts = dict.fromkeys(Texts.model_fields) | {"question": "Und?"}
    await floor.set_up(
        channel,
        scale={"name": "points", "satisfied_from": 9},
        comment={"mode": "required", "required_at_or_below": 6},
        texts={"de": texts},
        expiry=600,
    )
    one = await encounter(floor, channel, Mood.IGNORES, 0)
    form = await one.visitor.form(await closed(one), 1)

    refused = await one.visitor.answer(form["token"], 0)
    answered = await one.visitor.answer(form["token"], 0, "Slow")

    assert form["scale"] == {"name": "points", "lowest": 0, "highest": 10}
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/comment-required")
    assert answered.is_success
    summary = await settled(floor.supervisor(), channel, 1, SETTLE_SECONDS)
    assert [(scale["highest"], scale["average"]) for scale in summary["scales"] if scale["n"]] == [(10, 0.0)]

    # Another channel: rating remembers the settings of one for a second.
    silent = f"{channel}-silent"
    await floor.channel(silent)
    await floor.set_up(silent, enabled=False)
    await closed(await encounter(floor, silent, Mood.IGNORES, 0))
    summary = await settled(floor.supervisor(), silent, 1, SETTLE_SECONDS)
    assert summary["unrated"]["not_offered_by_reason"]["disabled"] == 1


async def test_every_request_can_be_repeated(floor: SupportFloor, channel: str) -> None:
    one = await encounter(floor, channel, Mood.RATES, 4)
    dialog = one.visitor.name_dialog()
    for _ in range(3):
        await one.visitor.open(dialog)
        await one.visitor.post_message(dialog, "m1", "Hello")
        await one.operator.take(dialog)
        await one.operator.post_message(dialog, "m2", "Hello")
    for _ in range(3):
        await one.operator.close(dialog, 1)
    form = await one.visitor.form(dialog, 1)
    answers = [await one.visitor.answer(form["token"], 4, "good") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    summary = await settled(floor.supervisor(), channel, 1, SETTLE_SECONDS)
    assert (summary["closed"], summary["given"]) == (1, 1)


async def test_an_operator_learns_nothing_of_forms_and_numbers(floor: SupportFloor, channel: str) -> None:
    one = await encounter(floor, channel, Mood.RATES, 5)
    dialog = await closed(one)
    form = await one.visitor.form(dialog, 1)
    operator = one.operator.caller
    rating, analytics = floor.urls.rating, floor.urls.analytics
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", f"{rating}/v1/forms/mine", {}),
        *(
            ("POST", f"{rating}/v1/forms/{verb}", {"json": {"token": token, "score": 5}})
            for verb in ("read", "answer", "decline")
            for token in (form["token"], "nonsense")
        ),
        *(("GET", f"{analytics}/v1/live-chat/{what}", {}) for what in ("summary", "reviews", "reconcile")),
    ]
    for method, url, body in requests:
        answer = await operator.call(method, url, **body)
        assert answer.status_code == 403, f"{method} {url}: {answer.status_code}"


async def test_whoever_was_erased_is_asked_nothing_and_their_words_are_gone(
    floor: SupportFloor, channel: str
) -> None:
    rated = await encounter(floor, channel, Mood.RATES, 2)
    dialog = await closed(rated)
    form = await rated.visitor.form(dialog, 1)
    await rated.visitor.answer(form["token"], 2, "a word to forget")
    waiting = await _another_dialog(rated)
    supervisor = floor.supervisor()
    await until(lambda: _review_says(floor, channel, dialog, "a word to forget"))
    written = await supervisor.write(dialog, 1, "note", "what they said", version=1)
    assert written["note"]["text"] == "what they said"

    await floor.erase(rated.visitor.client)

    await until(lambda: _review_is_erased(floor, channel, dialog))
    await until(lambda: _note_is_erased(floor, dialog))
    summary = await settled(supervisor, channel, 2, SETTLE_SECONDS)
    assert (summary["given"], summary["cancelled"]) == (1, 1), "the numbers stay, the open form is withdrawn"
    assert summary["unrated"]["cancelled_by_reason"]["erased"] == 1
    answer = await rated.visitor.answer(waiting["token"], 5)
    assert answer.status_code == 409


async def _another_dialog(one: Encounter) -> dict[str, Any]:
    dialog = await closed(one)
    return await one.visitor.form(dialog, 1)


async def _review(floor: SupportFloor, channel: str, dialog: str) -> dict[str, Any]:
    for review in await floor.supervisor().every_review(channel=channel):
        if review["dialog"] == dialog and review["comment"]:
            return dict(review)
    raise NotYet("no comment yet")


async def _review_says(floor: SupportFloor, channel: str, dialog: str, text: str) -> None:
    comment = (await _review(floor, channel, dialog))["comment"]
    if comment["text"] != text:
        raise NotYet(f"the comment is {comment}")


async def _review_is_erased(floor: SupportFloor, channel: str, dialog: str) -> None:
    comment = (await _review(floor, channel, dialog))["comment"]
    if comment["state"] != "erased" or comment["text"] is not None:
        raise NotYet(f"the comment is {comment}")


async def _note_is_erased(floor: SupportFloor, dialog: str) -> None:
    note = (await floor.supervisor().read(f"closes/{dialog}/1/review"))["note"]
    if note != {"state": "erased", "text": None}:
        raise NotYet(f"the note is {note}")


async def test_a_visitor_finds_own_forms_only(floor: SupportFloor, channel: str) -> None:
    one = await encounter(floor, channel, Mood.RATES, 5)
    dialog = await closed(one)
    await one.visitor.form(dialog, 1)
    stranger = await Visitor.arrive(floor.http, floor.urls, channel)

    mine = await stranger.caller.do("GET", f"{floor.urls.rating}/v1/forms/mine")
    theirs = await stranger.caller.call("GET", f"{floor.urls.chat}/v1/dialogs/{dialog}")

    assert mine["forms"] == []
    assert theirs.status_code == 404


async def test_each_service_tells_its_health_and_its_api(floor: SupportFloor) -> None:
    for place in (floor.urls.chat, floor.urls.rating, floor.urls.analytics):
        ready = await floor.http.get(f"{place}/health/ready")
        schema: dict[str, Any] = (await floor.http.get(f"{place}/openapi.json")).json()
        assert ready.status_code == 200, ready.text
        assert schema["paths"]


async def test_a_stranger_gets_401(http: httpx.AsyncClient, floor: SupportFloor) -> None:
    for url in (
        f"{floor.urls.analytics}/v1/live-chat/summary",
        f"{floor.urls.rating}/v1/forms/mine",
        f"{floor.urls.chat}/v1/dialogs/d1",
    ):
        assert (await http.get(url)).status_code == 401


async def test_nothing_that_chat_shows_hints_at_forms_or_scores(floor: SupportFloor) -> None:
    told = (await floor.http.get(f"{floor.urls.chat}/openapi.json")).text.lower()
    assert not [word for word in ("rating", "rate ", "score", "survey", "satisf", "feedback") if word in told]
