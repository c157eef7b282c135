"""One close: its timeline, its answers, and who read it."""

from dataclasses import replace
from typing import Any

import pytest

from analytics.read_models.decryption import SealedText
from contracts.ratings import Answer
from tests.analytics.builders import SEALED, WAYS, ExpectedClose, after
from tests.analytics.harness import Harness

pytestmark = pytest.mark.real


def kinds(found: dict[str, Any]) -> list[str]:
    return [entry["kind"] for entry in found["timeline"]]


async def test_a_close_tells_its_life(harness: Harness) -> None:
    harness.keys.known = {SealedText(SEALED, "c-d1", "d1", "comment"): "Twice the same question."}
    close = ExpectedClose(way="given late", score=1, changes=(3, 2), comment=SEALED)
    await harness.receive_events([*close.events(), close.reopened()])
    found = await harness.ask("closes/d1/1")
    assert kinds(found) == [
        "opened", "closed", "scheduled", "offered", "declined", "given", "changed", "changed", "reopened",
    ]  # fmt: skip
    by_kind = {entry["kind"]: entry for entry in found["timeline"]}
    assert (by_kind["opened"]["at"], by_kind["closed"]["closed_by"]) == (
        "2026-03-02T11:51:00.000Z",
        "operator",
    )
    assert (by_kind["offered"]["way"], by_kind["offered"]["form_version"]) == ("widget", 1)
    assert by_kind["offered"]["expires_at"] == "2026-03-03T12:00:00.000Z"
    assert (by_kind["given"]["score"], by_kind["given"]["with_comment"]) == (1, True)
    assert (by_kind["changed"]["change"], by_kind["changed"]["score"]) == (2, 2)
    assert [(each["change"], each["score"], each["counts"]) for each in found["answers"]] == [
        (2, 2, True), (1, 3, False), (0, 1, False),
    ]  # fmt: skip
    assert found["comment"] == {"state": "open", "text": "Twice the same question."}
    assert (found["attributed_by"], found["client_messages"], found["operator_messages"]) == (
        "last_reply",
        2,
        2,
    )
    assert found["participants"] == [
        {"operator": "ann", "kind": "person", "name": "Ann Smith", "team": None, "messages": 2, "share": 100}
    ]


def words(text: str, sealed: str) -> tuple[SealedText, str]:
    """What opens as the words of a follow-up in d1."""
    return SealedText(sealed, "c-d1", "d1", "answer"), text


ANSWERED = ExpectedClose(score=2, comment=SEALED, tags=("slow", "rude"), answers={"solved": ("no",)})
CHANGED = ANSWERED.changed(score=4).model_copy(
    update={"answers": {"solved": ("yes",), "missing": f"{SEALED}2"}, "comment": None}
)


async def test_all_that_was_answered_stands_in_every_answer(harness: Harness) -> None:
    first = replace(ANSWERED, answers={**ANSWERED.answers, "missing": SEALED})
    harness.keys.known = {
        SealedText(SEALED, "c-d1", "d1", "comment"): "Twice the same question.",
        **dict([words("A receipt", SEALED), words("Nothing", f"{SEALED}2")]),
    }
    await harness.receive_events([first.closed(), first.given(), CHANGED])
    last, before = (await harness.ask("closes/d1/1"))["answers"]
    assert last["follow_ups"] == {
        "solved": {"options": ["yes"], "text": None},
        "missing": {"options": [], "text": {"state": "open", "text": "Nothing"}},
    }
    assert (last["counts"], last["comment"], last["with_comment"]) == (True, None, False)
    assert before["follow_ups"] == {
        "solved": {"options": ["no"], "text": None},
        "missing": {"options": [], "text": {"state": "open", "text": "A receipt"}},
    }
    assert before["tags"] == ["slow", "rude"]
    assert before["comment"] == {"state": "open", "text": "Twice the same question."}
    assert (before["counts"], before["with_comment"]) == (False, True)


async def test_words_of_follow_ups_become_erased_and_wait_for_their_keys_as_comments_do(
    harness: Harness,
) -> None:
    close = replace(ANSWERED, answers={"missing": SEALED, "solved": ("no",)}, changes=(3,))
    await harness.receive(close)
    for is_read, state in ((True, "erased"), (False, "waiting")):
        harness.keys.read = is_read
        for answer in (await harness.ask("closes/d1/1"))["answers"]:
            assert answer["follow_ups"]["missing"]["text"] == {"state": state, "text": None}
            assert answer["follow_ups"]["solved"]["options"] == ["no"]
            assert answer["comment"] == {"state": state, "text": None}


async def test_words_open_as_those_of_a_follow_up_of_their_dialog_alone(harness: Harness) -> None:
    harness.keys.known = {
        SealedText(SEALED, "c-d1", "d1", "comment"): "A comment",
        SealedText(SEALED, "c-d2", "d2", "answer"): "Another's",
    }
    await harness.receive(replace(ANSWERED, comment=None, answers={"missing": SEALED}))
    [answer] = (await harness.ask("closes/d1/1"))["answers"]
    assert answer["follow_ups"]["missing"]["text"] == {"state": "erased", "text": None}


@pytest.mark.parametrize(
    ("given", "options"), [(("a", "b"), ["a", "b"]), ((), []), (True, ["true"]), (-3, ["-3"])]
)
async def test_whatever_the_contract_allows_as_an_answer_is_shown(
    harness: Harness, given: Answer, options: list[str]
) -> None:
    await harness.receive(replace(ANSWERED, answers={"more": given}))
    [answer] = (await harness.ask("closes/d1/1"))["answers"]
    assert answer["follow_ups"] == {"more": {"options": options, "text": None}}


async def test_a_close_is_the_review_of_it(harness: Harness) -> None:
    closes = [ExpectedClose(f"d{n}", way=way, closed_at=after(n)) for n, way in enumerate(WAYS)]
    await harness.receive(*closes)
    for review in (await harness.ask("reviews"))["reviews"]:
        found = await harness.ask(f"closes/{review['dialog']}/1")
        written = found["review"]
        found["review"] = {name: written[name] for name in review["review"]}
        assert {name: found[name] for name in review} == review
        moments = [entry["at"] for entry in found["timeline"]]
        assert moments == sorted(moments)
        assert kinds(found)[:2] == ["opened", "closed"]


async def test_reasons_stand_in_the_timeline(harness: Harness) -> None:
    await harness.receive(
        ExpectedClose("d1", way="not_offered"),
        ExpectedClose("d2", way="cancelled"),
        ExpectedClose("d3", way="undeliverable"),
    )
    ends = [(await harness.ask(f"closes/{dialog}/1"))["timeline"] for dialog in ("d1", "d2", "d3")]
    assert (ends[0][-1]["kind"], ends[0][-1]["reason"], ends[0][-1]["settings_version"]) == (
        "not_offered",
        "spam",
        1,
    )
    assert [entry["reason"] for entry in ends[1] if entry["kind"] == "cancelled"] == ["reopened"]
    assert (ends[2][-1]["ways"], ends[2][-1]["detail"], ends[2][-1]["reason"]) == (["widget"], "gone", None)


async def test_reading_it_is_on_record_before_it_is_shown(harness: Harness) -> None:
    await harness.receive(ExpectedClose())
    await harness.ask("closes/d1/1")
    assert (await harness.get("closes/d1/2")).status_code == 404
    [record] = await harness.stored("audit")
    assert (record["who"], record["what"], record["closes"]) == ("sue", "close.read", ["d1.1"])
    await harness.database.drop_collection("audit")
    await harness.database.create_collection("audit", validator={"$expr": False})
    assert (await harness.get("closes/d1/1")).status_code >= 500


async def test_one_that_was_rated_and_not_yet_closed_is_not_there(harness: Harness) -> None:
    await harness.receive_events([ExpectedClose().given()])
    assert (await harness.get("closes/d1/1")).status_code == 404


async def test_an_address_that_no_close_has(harness: Harness, subtests: pytest.Subtests) -> None:
    for path in ("closes/d1/0", "closes/d1/x", "closes/-/1", "closes/d1/99999999999"):
        with subtests.test(path):
            assert (await harness.get(path)).status_code == 422
