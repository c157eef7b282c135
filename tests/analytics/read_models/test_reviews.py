"""The list of closes: pages, states, texts, audit."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from analytics.read_models.decryption import SealedText
from tests.analytics.builders import FACES, SEALED, STARS, ExpectedClose, after, many
from tests.analytics.harness import Harness, supervisor_of

pytestmark = pytest.mark.real

ONLY_A = supervisor_of("course-a")


async def test_a_review_tells_about_one_close(harness: Harness) -> None:
    harness.keys.known = {SealedText(SEALED, "c-d1", "d1", "comment"): "Quick and kind."}
    await harness.receive(ExpectedClose(comment=SEALED, changes=(4,), way="given, reopened"))
    (found,) = (await harness.ask("reviews"))["reviews"]
    assert (found["dialog"], found["close_seq"], found["operator_name"]) == ("d1", 1, "Ann Lee")
    assert (found["state"], found["score"], found["changes"]) == ("given", 4, 1)
    assert found["given_at"] == "2026-03-02T12:01:00.000Z"
    assert found["comment"] == {"state": "open", "text": "Quick and kind."}
    assert found["reopened_at"] is not None


async def test_a_name_is_opened_as_the_name_of_the_dialogs_client(harness: Harness) -> None:
    harness.keys.known = {SealedText(SEALED, "c-d1", "d1", "name"): "Zoë"}
    await harness.receive(ExpectedClose(comment=SEALED, contact=SEALED))
    (found,) = (await harness.ask("reviews"))["reviews"]
    assert found["client_name"] == {"state": "open", "text": "Zoë"}
    assert found["comment"]["text"] is None


async def test_forgotten_words_are_erased_and_late_keys_are_waited_for(harness: Harness) -> None:
    await harness.receive(ExpectedClose(comment=SEALED, contact=SEALED))
    (found,) = (await harness.ask("reviews"))["reviews"]
    assert found["comment"] == found["client_name"] == {"state": "erased", "text": None}
    harness.keys.read = False
    (found,) = (await harness.ask("reviews"))["reviews"]
    assert found["comment"] == {"state": "waiting", "text": None}


async def test_a_close_without_words_has_none(harness: Harness) -> None:
    await harness.receive(ExpectedClose(way="expired"))
    (found,) = (await harness.ask("reviews"))["reviews"]
    assert (found["comment"], found["client_name"], found["score"]) == (None, None, None)


@pytest.mark.parametrize("path", ["reviews", "closes"])
@pytest.mark.parametrize("axis", ["closed_at", "rated_at"])
async def test_pages_are_in_order_whole_and_not_moved_by_new_closes(
    harness: Harness, path: str, axis: str
) -> None:
    # Ties in time too; and all were rated a minute later.
    told = [ExpectedClose(f"d{n:02}", closed_at=after(n // 3 / 10)) for n in range(20)]
    await harness.receive(*told)
    seen: list[str] = []
    cursor = None
    while True:
        page = await harness.ask(path, axis=axis, limit=6, **({"cursor": cursor} if cursor else {}))
        seen += [each["dialog"] for each in page[path]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await harness.receive(ExpectedClose(f"new{len(seen)}", closed_at=after(100 + len(seen))))
    assert seen == [f"d{n:02}" for n in reversed(range(20))]


async def test_an_empty_cursor_is_the_first_page(harness: Harness) -> None:
    await harness.receive(ExpectedClose("d1"), ExpectedClose("d2", closed_at=after(1)))
    assert await harness.ask("reviews", limit=1, cursor="") == await harness.ask("reviews", limit=1)


async def test_a_cursor_grants_nothing(harness: Harness) -> None:
    await harness.receive(*(ExpectedClose(f"d{n}", channel="course-b", closed_at=after(n)) for n in range(4)))
    cursor = (await harness.ask("reviews", limit=2))["next_cursor"]
    assert (await harness.ask("reviews", ONLY_A, cursor=cursor))["reviews"] == []


async def test_states_pick_closes(harness: Harness) -> None:
    await harness.receive(
        ExpectedClose("d1"), ExpectedClose("d2", way="expired"), ExpectedClose("d3", way="not_offered")
    )
    for state, dialog in (("given", "d1"), ("expired", "d2"), ("not_offered", "d3")):
        found = (await harness.ask("reviews", state=state))["reviews"]
        assert [each["dialog"] for each in found] == [dialog]


async def test_reading_is_on_record_before_anything_is_shown(harness: Harness) -> None:
    await harness.receive(
        ExpectedClose("d1"), ExpectedClose("d2", closed_at=after(1)), ExpectedClose("d3", way="expired")
    )
    await harness.ask("reviews", state="given", channel="course-a")
    (record,) = await harness.stored("audit")
    assert (record["who"], record["what"], record["closes"]) == ("sue", "reviews.read", ["d2.1", "d1.1"])
    assert record["asked"] == {"state": ["given"], "channel": ["course-a"]}


async def test_without_a_record_nothing_is_shown(harness: Harness) -> None:
    await harness.receive(ExpectedClose())
    await harness.database.drop_collection("audit")
    await harness.database.create_collection("audit", validator={"$expr": False})
    assert (await harness.get("reviews")).status_code >= 500


@pytest.mark.parametrize(
    "asked", [{}, {"channel": "course-a"}, {"channel": "course-a", "state": "given"}, {"operator": "ann"}]
)
async def test_every_page_comes_from_an_index(harness: Harness, asked: dict[str, Any]) -> None:
    await harness.receive(*many(Random(1), 40))
    await harness.database.command("profile", 2)
    await harness.ask("reviews", limit=5, from_="2026-03-02", **asked)
    await harness.database.command("profile", 0)
    entry = await harness.database["system.profile"].find_one({"ns": f"{harness.database.name}.closes_v5"})
    assert entry is not None
    assert "IXSCAN" in entry["planSummary"]
    assert not entry.get("hasSortStage")


ASKED: tuple[tuple[dict[str, Any], Callable[[ExpectedClose], bool]], ...] = (
    ({"state": ["given", "expired"]}, lambda close: close.state in {"given", "expired"}),
    ({"score": [1, 2]}, lambda close: close.state == "given" and close.last in {1, 2}),
    (
        {"score": [1], "scale": "faces v2.0 $:-1:1"},
        lambda close: close.state == "given" and close.last == 1 and close.scale == FACES,
    ),
    ({"scale": "stars:1:5"}, lambda close: close.state == "given" and close.scale == STARS),
    (
        {"satisfied": False},
        lambda close: close.state == "given" and close.last < close.scale.satisfied_from,
    ),
    ({"with_comment": True}, lambda close: close.state == "given" and close.comment is not None),
    ({"with_comment": False}, lambda close: close.state == "given" and close.comment is None),
    (
        {"channel": ["course-a", "course-b"], "operator": ["ann"], "nobody": True},
        lambda close: close.operator in {"ann", None},
    ),
    (
        {"nobody": True, "state": ["given"]},
        lambda close: close.operator is None and close.state == "given",
    ),
)


async def test_answers_pick_closes(harness: Harness, subtests: pytest.Subtests) -> None:
    closes = many(Random(6), 180)
    await harness.receive(*closes)
    for asked, is_shown in ASKED:
        with subtests.test(asked=asked):
            found = (await harness.ask("reviews", limit=200, **asked))["reviews"]
            expected = {(close.dialog, close.close_seq) for close in closes if is_shown(close)}
            assert {(each["dialog"], each["close_seq"]) for each in found} == expected
            assert expected


async def test_the_first_page_says_how_many_there_are_whatever_is_shown(harness: Harness) -> None:
    closes = many(Random(8), 150)
    await harness.receive(*closes)
    of_ann = sum((close.counts() for close in closes if close.operator == "ann"), Counter())
    found = await harness.ask(
        "reviews", operator="ann", state="expired", satisfied=False, limit=1, counts=True
    )
    assert found["counts"] == {
        "all": of_ann["closed"],
        "rated": of_ann["given"],
        "not_rated": of_ann["closed"] - of_ann["given"],
        "low": of_ann["given"] - of_ann["satisfied"],
        "with_comment": of_ann["commented"],
    }
    first = await harness.ask("reviews", limit=1)
    later = await harness.ask("reviews", limit=1, counts=True, cursor=first["next_cursor"])
    assert (first["counts"], later["counts"]) == (None, None)
    none = await harness.ask("reviews", nobody=True, channel="course-z", counts=True)
    assert none["counts"]["all"] == 0


async def test_a_recount_is_of_every_outcome(harness: Harness) -> None:
    for asked in (
        {"score": 1},
        {"with_comment": True},
        {"tag": "fast"},
        {"locale": "fr"},
        {"state": "given"},
    ):
        refused = await harness.get("reconcile", **asked)
        [error] = refused.json()["errors"]
        assert (refused.status_code, error["code"]) == (422, "unknown-parameter")


async def test_only_scales_and_languages_are_taken(harness: Harness) -> None:
    assert (await harness.get("summary", locale="french?")).json()["errors"][0][
        "code"
    ] == "not-a-language-tag"
    assert (await harness.get("reviews", scale="stars")).json()["errors"][0]["code"] == "not-a-scale"


async def test_a_review_says_until_when(harness: Harness) -> None:
    await harness.receive(ExpectedClose("d1", way="given late", score=1, changes=(2, 4)))
    await harness.receive(ExpectedClose("d2", way="pending", closed_at=after(-1)))
    given, pending = (await harness.ask("reviews"))["reviews"]
    assert (given["first_score"], given["score"], given["changes"]) == (1, 4, 2)
    assert (given["state_since"], given["editable_until"]) == (
        "2026-03-02T12:03:00.000Z",
        "2026-03-02T12:16:00.000Z",
    )
    assert (pending["expires_at"], pending["due_at"]) == (
        "2026-03-03T11:59:00.000Z",
        "2026-03-02T11:59:00.000Z",
    )
    assert (pending["first_score"], pending["editable_until"]) == (None, None)


async def test_rows_of_closes_tell_what_became_of_them_without_words(
    harness: Harness,
) -> None:
    given = ExpectedClose("d1", scale=FACES, score=1, comment=SEALED, tags=("fast",), locale="fr-CA")
    await harness.receive(given, ExpectedClose("d2", channel="course-b"))
    await harness.receive(ExpectedClose("d3", way="not_offered", closed_at=after(-5)))
    (rated, spam) = (await harness.ask("closes", ONLY_A))["closes"]
    assert rated == {
        "dialog": "d1", "close_seq": 1, "channel": "course-a", "operator": "ann", "operator_name": "Ann Lee",
        "team": "first.line", "locale": "fr-CA", "closed_at": "2026-03-02T12:00:00.000Z",
        "rated_at": "2026-03-02T12:01:00.000Z", "state": "given", "reason": None,
        "scale": "faces v2.0 $:-1:1", "score": 1, "satisfied": True, "commented": True, "tags": ["fast"],
        "form_version": 1, "excluded": None,
    }  # fmt: skip
    assert (spam["state"], spam["reason"], spam["scale"], spam["tags"]) == ("not_offered", "spam", None, None)
    [entry] = await harness.stored("audit")
    assert (entry["what"], entry["who"]) == ("closes.list", ONLY_A.sub)
    # That there is none is an answer too.
    assert (await harness.ask("closes", ONLY_A, state="expired"))["closes"] == []
    assert [each["asked"] for each in await harness.stored("audit")] == [{}, {"state": ["expired"]}]
    page = await harness.ask("closes", ONLY_A, limit=1)
    following = await harness.ask("closes", ONLY_A, limit=1, cursor=page["next_cursor"])
    assert (page["closes"], following["closes"], following["next_cursor"]) == ([rated], [spam], None)


@pytest.mark.parametrize("asked", [{"tag": ["rude", "unheard"]}, {"team": ["new", "gone"]}])
async def test_what_is_rare_is_not_looked_for_among_all_closes(
    harness: Harness, asked: dict[str, Any]
) -> None:
    rare = ExpectedClose("rare", closed_at=after(-1), tags=("slow", "rude"), team="new")
    await harness.receive(
        rare, *(ExpectedClose(f"d{number}", closed_at=after(number)) for number in range(30))
    )
    await harness.database.command("profile", 2)
    (found,) = (await harness.ask("reviews", **asked))["reviews"]
    await harness.database.command("profile", 0)
    assert found["dialog"] == "rare"
    profile = harness.database["system.profile"]
    read = await profile.find_one({"command.find": harness.documents.closes.name})
    assert read is not None
    assert read["docsExamined"] == 1
