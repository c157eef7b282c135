"""What users of other products complain of, and what happens here instead.

Each test is named after its complaint, and says where it is on record.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from contracts.access import Role
from contracts.dialogs import ClosedBy
from contracts.ratings import RatingChanged, RatingGiven, RatingNotOffered
from deploy.local.servers import Servers
from rating.domain.quality_control.texts import BUILT_IN, Texts
from tests.analytics import harness as analytics
from tests.chat.builders import ANN, BO, assigned, opened, wrote
from tests.chat.builders import closed as closed_in_chat
from tests.chat.builders import reopened as reopened_in_chat
from tests.complaints.story import Channel, by_chat, open_story
from tests.rating.api_client import ApiClient, staff
from tests.rating.harness import closed

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)
OPERATORS = [(Role.OPERATOR,), (Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(stack_servers: Servers) -> AsyncIterator[tuple[ApiClient, analytics.Harness]]:
    """Rating and analytics, for all stories."""
    async with open_story(stack_servers.mongo_address, f"test_{uuid4().hex[:16]}") as services:
        yield services


@pytest.fixture
def shop(services: tuple[ApiClient, analytics.Harness]) -> Channel:
    """A channel of the story's own."""
    return Channel(f"shop-{uuid4().hex[:8]}", *services)


def per_operator(rows: list[dict[str, Any]]) -> dict[str | None, int]:
    """How many ratings each operator has."""
    return {row["operator"]: row["given"] for row in rows}


async def test_ratings_are_not_credited_to_whoever_is_assigned_when_the_client_answers(
    shop: Channel,
) -> None:
    """chatwoot #14872, freescout #2358"""
    # Bo helps and hands over before the close; the client rates, comes back, and Ann helps.
    bo_helped = opened(), assigned(BO), wrote("m1"), wrote("m2", BO), assigned(ANN)
    await shop.hear(by_chat(*bo_helped))
    await shop.answer(5)
    await shop.reopen()
    await shop.pass_(MINUTE)
    ann_helped = closed_in_chat(), reopened_in_chat(), wrote("m3"), wrote("m4", ANN)
    await shop.hear(by_chat(*bo_helped, *ann_helped, minutes=9))
    await shop.answer(4, close_seq=2)
    await shop.answer(1)  # on second thoughts, while the dialog is Ann's
    ratings = [event for event in shop.published if isinstance(event, RatingGiven | RatingChanged)]
    assert [(event.operator, event.score) for event in ratings] == [("bo", 5), ("ann", 4), ("bo", 1)]
    rows = (await shop.look("operators"))["rows"]
    assert {row["operator"]: (row["given"], row["satisfied"]) for row in rows} == {
        "bo": (1, 0), "ann": (1, 1),
    }  # fmt: skip


async def test_ratings_are_not_credited_to_nobody(shop: Channel) -> None:
    """chatwoot #14872, freescout #2358"""
    # Bo answered without ever having been assigned; then the dialog was handed to Ann, who never wrote.
    await shop.hear(by_chat(opened(), wrote("m1"), wrote("m2", BO), assigned(ANN)))
    await shop.answer(2)
    assert per_operator((await shop.look("operators"))["rows"]) == {"bo": 1}


async def test_a_conversation_is_not_surveyed_once_for_ever(shop: Channel) -> None:
    """chatwoot #4526, #10628"""
    await shop.close()
    assert (await shop.answer(2)).is_success
    await shop.reopen()
    await shop.pass_(MINUTE)
    await shop.close(close_seq=2, operator="o2")
    assert (await shop.asked())[0] == ("d1", 2)
    assert (await shop.answer(5, close_seq=2)).is_success
    # Each rating is of its own close, and the first stays what it was.
    assert [(await shop.read(close_seq=n))["answer"]["score"] for n in (1, 2)] == [2, 5]
    numbers = await shop.look()
    assert (numbers["closed"], numbers["given"], numbers["satisfied"]) == (2, 2, 1)
    assert per_operator((await shop.look("operators"))["rows"]) == {"o1": 1, "o2": 1}


async def test_two_surveys_do_not_come_for_one_close(shop: Channel) -> None:
    """chatwoot PR #11637, kommunicate #1240"""
    event = closed(shop.id_of("d1"), client=shop.id_of("c1"), channel=shop.name, closed_at=shop.now)
    await asyncio.gather(*(shop.hear(event) for _ in range(10)))
    await shop.pass_(WEEK - MINUTE)
    await shop.hear(event)  # replayed when it is nearly a week old
    assert shop.kinds == ["offered"]
    assert await shop.asked() == [("d1", 1)]


@pytest.mark.parametrize("ending", ["answer", "decline", "expire"])
async def test_a_survey_does_not_lead_to_the_next_survey(shop: Channel, ending: str) -> None:
    """glpi #5115, kommunicate #1240"""
    await shop.close()
    match ending:
        case "answer":
            await shop.answer(5)
        case "decline":
            await shop.api.post("decline", {"token": shop.token()})
        case "expire":
            await shop.pass_(WEEK)
    # The client says "thank you": the dialog is reopened, nobody writes, and chat closes it by itself, twice.
    for close_seq in (2, 3):
        await shop.reopen(close_seq=close_seq - 1)
        await shop.close(close_seq=close_seq, closed_by=ClosedBy.SYSTEM, resumes=close_seq - 1)
    assert shop.kinds.count("offered") == 1
    assert [event.reason for event in shop.published if isinstance(event, RatingNotOffered)] == [
        "once_per_dialog"
    ] * 2
    assert not [form for form in await shop.asked() if form[1] > 1]


@pytest.mark.parametrize("roles", OPERATORS)
async def test_agents_do_not_see_the_score(shop: Channel, roles: tuple[Role, ...]) -> None:
    """chatwoot #9447, osticket #3985"""
    await shop.close()
    await shop.answer(1, comment="kanarienvogel")
    assert (await shop.look())["given"] == 1
    agent = staff(*roles)
    looked = [
        await shop.numbers.http.get(f"/v1/live-chat/{path}", headers=agent)
        for path in ("summary", "operators", "reviews", "export.csv", f"closes/{shop.id_of('d1')}/1")
    ]
    looked.append(await shop.api.http.get("/v1/forms/mine", headers=agent))
    looked.append(await shop.api.post("read", {"token": shop.token()}, headers=agent))
    assert {response.status_code for response in looked} == {403}
    assert "kanarienvogel" not in "".join(response.text for response in looked)


@pytest.mark.parametrize("roles", OPERATORS)
async def test_agents_do_not_rate_themselves(shop: Channel, roles: tuple[Role, ...]) -> None:
    """chatwoot #11586, glpi #474"""
    await shop.close()
    agent = staff(*roles)
    # Even with the link, which nothing that chat publishes or shows has a part of.
    assert shop.token().rpartition(".")[2] not in shop.dialogs[0].model_dump_json()
    refused = [
        await shop.answer(5, headers=agent),
        await shop.api.post("decline", {"token": shop.token()}, headers=agent),
        # Nor can the link be made up by who knows the dialog.
        await shop.api.post("answer", {"token": f"{shop.id_of('d1')}.1.{'A' * 43}", "score": 5}),
    ]
    assert [response.status_code for response in refused] == [403, 403, 404]
    assert shop.kinds == ["offered"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"closed_by": ClosedBy.IDLE}, "kind_of_close"),
        ({"closed_by": ClosedBy.SYSTEM}, "kind_of_close"),
        ({"spam": True}, "spam"),
        ({"operator_messages": 0, "operator": None}, "no_reply"),
    ],
)
async def test_nobody_is_surveyed_after_an_auto_close_spam_or_no_reply(
    shop: Channel, more: dict[str, Any], reason: str
) -> None:
    """chatwoot #4003, #8726; freescout #2190"""
    await shop.close(**more)
    assert await shop.asked() == []
    assert (await shop.answer(5)).status_code == 404
    unrated = (await shop.look())["unrated"]
    assert unrated["not_offered_by_reason"][reason] == 1  # and the dialog is part of the numbers


async def test_a_link_scanner_does_not_rate(shop: Channel) -> None:
    """freescout #1743"""
    await shop.close()
    link = {"token": shop.token(), "score": "5"}
    for method in ("GET", "HEAD", "OPTIONS"):
        for path in ("/form", "/v1/forms/answer", "/v1/forms/decline", "/v1/forms/read"):
            await shop.api.http.request(method, path, params=link, headers={"Sec-Purpose": "prefetch"})
    await shop.read()  # what the page's script asks by itself
    await shop.rating.relayed()
    assert shop.kinds == ["offered"]
    assert (await shop.answer(1)).is_success


async def test_surveys_do_not_wait_for_ever(shop: Channel) -> None:
    """glpi #7028"""
    await shop.close()
    await shop.pass_(WEEK - timedelta(milliseconds=1))
    assert await shop.asked() == [("d1", 1)]
    await shop.pass_(timedelta(milliseconds=1))
    assert await shop.asked() == []
    late = await shop.answer(5)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/rating-window-over")
    assert shop.kinds == ["offered", "expired"]
    assert (await shop.look())["expired"] == 1


@pytest.mark.parametrize("score", [1, 5])
async def test_an_answered_survey_does_not_show_expired_nor_hide_its_answer(
    shop: Channel, score: int
) -> None:
    """glpi #16009"""
    await shop.close()
    await shop.pass_(WEEK - timedelta(milliseconds=1))
    assert (await shop.answer(score, comment="In the last moment")).is_success
    await shop.pass_(10 * WEEK)
    form = await shop.read()
    words = {"state": "open", "text": "In the last moment"}
    assert (form["state"], form["answer"]["score"], form["answer"]["comment"]) == ("given", score, words)
    numbers = await shop.look()
    assert (numbers["given"], numbers["expired"], shop.kinds) == (1, 0, ["offered", "given"])


async def four_closes(shop: Channel) -> None:
    """Two of Ann's: answered and expired; two of Bo's: answered, and not offered."""
    await shop.close("d1", operator="ann")
    await shop.close("d2", operator="ann", client="c2")
    await shop.close("d3", operator="bo", client="c3")
    await shop.close("d4", operator="bo", client="c4", spam=True)
    await shop.answer(5, "d1")
    await shop.answer(1, "d3")
    await shop.pass_(WEEK)


async def test_the_response_rate_does_not_ignore_the_filters(shop: Channel) -> None:
    """chatwoot #6003, odoo #228003"""
    await four_closes(shop)
    whole, ann, bo = [
        (await shop.look(**asked))["response_rate"] for asked in ({}, {"operator": "ann"}, {"operator": "bo"})
    ]
    assert (ann["value"], ann["n"]) == (50.0, 2)
    assert (bo["value"], bo["n"]) == (100.0, 1)
    assert (round(whole["value"], 1), whole["n"]) == (66.7, 3)


@pytest.mark.parametrize("asked", [{}, {"operator": "ann"}, {"operator": "bo"}, {"state": "expired"}])
async def test_summary_and_chart_do_not_differ_nor_list_and_export(
    shop: Channel, asked: dict[str, Any]
) -> None:
    """chatwoot #14141, odoo #25120"""
    await four_closes(shop)
    day = (shop.now - WEEK).date()
    period = {"from_": day.isoformat(), "to": (day + timedelta(days=2)).isoformat()}
    whole = await shop.look(by="hour", **asked, **period)
    assert whole["closed"] > 0
    for part in ("closed", "given", "expired", "not_offered", "satisfied"):
        assert sum(bucket[part] for bucket in whole["buckets"]) == whole[part]
    listed = (await shop.look("reviews", **asked, **period))["reviews"]
    exported = await shop.export(**asked, **period)
    for rows in (listed, exported):
        states = Counter(row["state"] for row in rows)
        assert len(rows) == whole["closed"]
        assert [states[state] for state in ("given", "expired", "not_offered")] == [
            whole[state] for state in ("given", "expired", "not_offered")
        ]


@pytest.mark.parametrize(
    ("tz", "day"),
    [("UTC", "2026-06-30"), ("Asia/Kathmandu", "2026-07-01"), ("America/St_Johns", "2026-06-30")],
)
async def test_a_close_is_not_counted_on_the_wrong_day(shop: Channel, tz: str, day: str) -> None:
    """odoo #228003, #25120"""
    # Half past eight in the evening, UTC: a quarter past two in Nepal.
    await shop.close(closed_at=datetime(2026, 6, 30, 20, 30, tzinfo=UTC))
    found = await shop.look(from_="2026-06-29", to="2026-07-03", tz=tz, by="day")
    assert [bucket["from"][:10] for bucket in found["buckets"] if bucket["closed"]] == [day]


async def test_nothing_to_divide_by_is_not_minus_one(shop: Channel) -> None:
    """odoo #25120"""
    nothing = await shop.look()
    await shop.close()
    waiting = await shop.look()
    for numbers in (nothing, waiting):
        for share in ("csat", "response_rate", "average_normalised"):
            assert numbers[share]["value"] is None
    assert (nothing["closed"], waiting["closed"], waiting["pending"]) == (0, 1, 1)


async def test_a_rating_does_not_land_on_another_conversation(shop: Channel) -> None:
    """kommunicate #87"""
    # One client with two dialogs, another one with a third, and a dialog that was closed twice.
    for dialog, close_seq, client in (("d1", 1, "c1"), ("d2", 1, "c1"), ("d3", 1, "c2")):
        await shop.close(dialog, close_seq, client)
    await shop.reopen("d2")
    await shop.close("d2", 2)
    scores = {("d1", 1): 1, ("d2", 2): 3, ("d3", 1): 5}
    assert set(await shop.asked()) == {("d1", 1), ("d2", 2)}
    assert await shop.asked("c2") == [("d3", 1)]
    await asyncio.gather(*(shop.answer(score, *close) for close, score in scores.items()))
    assert (await shop.answer(4, "d2", 1)).status_code == 409  # its form was withdrawn
    landed = {
        (event.dialog.removeprefix(f"{shop.name}-"), event.close_seq): event.score
        for event in shop.published
        if isinstance(event, RatingGiven)
    }
    assert landed == scores
    reviews = (await shop.look("reviews"))["reviews"]
    assert {
        (review["dialog"].removeprefix(f"{shop.name}-"), review["close_seq"]): review["score"]
        for review in reviews
        if review["score"] is not None
    } == scores


async def test_no_rating_comes_in_without_an_event(shop: Channel) -> None:
    """chatwoot #8114"""
    await shop.close()
    await shop.answer(2)
    await shop.answer(5, comment="On second thoughts")
    given, changed = shop.published[1:]
    assert (given.type, changed.type) == ("candor.rating.given.v1", "candor.rating.changed.v1")
    for event in (given, changed):
        assert (event.dialog, event.close_seq, event.operator) == (shop.id_of("d1"), 1, "o1")
    assert [getattr(event, "score", None) for event in (given, changed)] == [2, 5]


async def test_what_was_not_rated_is_not_missing_from_the_export(shop: Channel) -> None:
    """chatwoot #15243, #13366"""
    await four_closes(shop)
    await shop.close("d5", client="c5")
    rows = {row["dialog"].removeprefix(f"{shop.name}-"): row for row in await shop.export()}
    assert {dialog: row["state"] for dialog, row in rows.items()} == {
        "d1": "given", "d2": "expired", "d3": "given", "d4": "not_offered", "d5": "pending",
    }  # fmt: skip
    assert (rows["d4"]["reason"], rows["d4"]["score"], rows["d2"]["operator"]) == ("spam", "", "ann")


@pytest.mark.parametrize("locale", ["en", "ru", "fr", "ar"])
async def test_texts_do_not_come_in_one_language_only(shop: Channel, locale: str) -> None:
    """chatwoot #10003"""
    await shop.close(locale=locale)
    form = await shop.read()
    expected = dict(BUILT_IN[locale].shown(satisfied=None)) | {"expired": None}
    assert (form["locale"], form["texts"]) == (locale, expected)
    assert form["direction"] == ("rtl" if locale == "ar" else "ltr")


async def test_a_channel_asks_in_its_own_words_and_more_than_one_question(shop: Channel) -> None:
    """chatwoot #10003, #6506"""
    words = {"question": "Was it quick?", "comment": "What took long?"}
    none: dict[str, str | None] = dict.fromkeys(Texts.model_fields)
    await shop.set_up(
        texts={"en": {**none, **words}},
        comment={"mode": "required", "required_at_or_below": 2},
        tags=[{"id": "slow", "lowest": 1, "highest": 3, "texts": {"en": "slow"}}],
        follow_ups=[{"id": "missing", "texts": {"en": "What was missing?"}, "options": []}],
    )
    await shop.close()
    texts = (await shop.read())["texts"]
    assert (texts["question"], texts["comment"]) == ("Was it quick?", "What took long?")
    assert (await shop.answer(1)).json()["type"] == "/problems/comment-required"
    more: dict[str, Any] = {"tags": ["slow"], "follow_ups": {"missing": "A receipt"}}
    answer = (await shop.answer(1, comment="The queue", **more)).json()["answer"]
    assert (answer["comment"]["text"], answer["tags"]) == ("The queue", ["slow"])
    assert answer["follow_ups"]["missing"]["text"]["text"] == "A receipt"


async def test_a_deleted_agent_does_not_break_the_report(shop: Channel) -> None:
    """chatwoot PR #3123"""
    # No service asks anybody who Ann is: her name and team are those of the close.
    await shop.hear(by_chat(opened(), assigned(ANN), wrote("m1"), wrote("m2", ANN)))
    await shop.answer(5)
    await shop.close("d2", client="c2", operator=None, team=None)
    await shop.answer(3, "d2")
    rows = (await shop.look("operators"))["rows"]
    assert {row["operator"]: (row["name"], row["given"]) for row in rows} == {
        "ann": ("Ann Lee", 1), None: (None, 1),
    }  # fmt: skip
    exported = await shop.export()
    assert {(row["operator"], row["operator_name"]) for row in exported} == {("ann", "Ann Lee"), ("", "")}
    assert len((await shop.look("reviews"))["reviews"]) == (await shop.look())["closed"] == 2


@pytest.mark.parametrize("letter", ["x", "\u0439", "\N{THUMBS UP SIGN}", "\N{ZERO WIDTH JOINER}"])
async def test_a_long_comment_is_not_cut_in_the_middle_of_a_letter_nor_lost(
    shop: Channel, letter: str
) -> None:
    """Seen in libredesk's source"""
    await shop.close()
    whole = "e\u0301" + letter * 1997 + "!"
    assert (await shop.answer(2, comment=whole)).is_success
    assert (await shop.read())["answer"]["comment"] == {"state": "open", "text": whole}
    too_long = await shop.answer(3, comment=whole + letter)
    assert (too_long.status_code, too_long.json()["type"]) == (409, "/problems/comment-too-long")
    # Refused whole: what was there before is still there, score and words.
    answer = (await shop.read())["answer"]
    assert (answer["score"], answer["comment"]) == (2, {"state": "open", "text": whole})
    [given] = [event for event in shop.published if isinstance(event, RatingGiven)]
    key = {"subject": given.client, "scope": given.dialog, "purpose": "comment"}
    assert await shop.rating.keys.open(given.comment or "", **key) == whole
    assert (await shop.export())[0]["state"] == "given"
