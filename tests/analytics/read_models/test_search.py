"""Words are looked for in sealed comments: opened in memory, newest first, and honest about how far."""

import asyncio
import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from analytics.api import export
from analytics.read_models import search
from analytics.read_models.decryption import SealedText
from chassis.clock import ManualClock
from tests.analytics.builders import SEALED, ExpectedClose, after
from tests.analytics.harness import Harness, limited_to, supervisor_of

pytestmark = pytest.mark.real

COMMENTS = ("Very HELPFUL, merci", "cafe\u0301 \ufb01ne", "Straße gesperrt", "no refund!", "refund, helpful")


async def with_comments(harness: Harness, *comments: str | None, **how: Any) -> list[ExpectedClose]:
    """Closes with these comments, the first the newest; None for one whose key is not there."""
    made = [
        replace(ExpectedClose(f"d{index}", closed_at=after(-index), comment=SEALED), **how)
        for index, _ in enumerate(comments)
    ]
    for close, text in zip(made, comments, strict=True):
        if text is not None:
            of = SealedText(SEALED, f"c-{close.dialog}", close.dialog, "comment")
            harness.keys.known[of] = text
    await harness.receive(*made)
    return made


async def found(harness: Harness, text: str, **asked: Any) -> list[str]:
    page = await harness.ask("reviews", text=text, **asked)
    assert page["complete"] == (page["next_cursor"] is None)
    return [each["dialog"] for each in page["reviews"]]


async def test_every_word_is_found_whatever_its_case_and_form(harness: Harness) -> None:
    await with_comments(harness, *COMMENTS)
    for text, dialogs in (
        ("helpful", ["d0", "d4"]),
        ("  Refund HELP ", ["d4"]),
        ("caf\u00e9", ["d1"]),
        ("FINE", ["d1"]),
        ("STRASSE", ["d2"]),
        ("$regex", []),
        ("merci refund", []),
    ):
        assert await found(harness, text) == dialogs, text


async def test_requests_are_answered_while_comments_are_compared(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A letter may become eighteen in the form that is compared, and a batch of such comments a second."""
    await with_comments(harness, *["\ufdfa"] * 150)
    turns, over = 0, asyncio.Event()

    async def count() -> None:
        nonlocal turns
        while not over.is_set():
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(search, "LONGEST_SECONDS", 0.0)
    counting = asyncio.create_task(count())
    compared, at = search.folded, list[int]()

    def folded(text: str) -> str:
        at.append(turns)
        return compared(text)

    monkeypatch.setattr(search, "folded", folded)
    await found(harness, "nothing")
    over.set()
    await counting
    # The first is the words that were asked for.
    assert len(set(at[1:])) == 150


async def test_no_more_closes_are_read_than_have_a_comment(harness: Harness) -> None:
    await harness.receive(*(ExpectedClose(f"x{number}", way="given") for number in range(30)))
    await with_comments(harness, "kind", "kind")
    await harness.database.command("profile", 2)
    assert len(await found(harness, "kind")) == 2
    await harness.database.command("profile", 0)
    first = await harness.database["system.profile"].find_one({"ns": harness.documents.closes.full_name})
    assert first is not None
    assert (first["planSummary"][:6], first["docsExamined"]) == ("IXSCAN", 2)


async def test_only_what_was_asked_for_and_may_be_seen_is_searched(harness: Harness) -> None:
    await with_comments(harness, "kind", None, "kind")
    await harness.receive(ExpectedClose("x1"), ExpectedClose("x2", way="expired"))
    page = await harness.ask("reviews", text="kind")
    assert (len(page["reviews"]), page["searched"], page["complete"]) == (2, 3, True)
    assert await found(harness, "kind", state="expired") == []
    assert await found(harness, "kind", to=after(-1).replace(minute=45).isoformat()) == []
    assert await found(harness, "kind", operator="bo") == []
    for claims in (supervisor_of("course-b"), limited_to("another")):
        assert (await harness.ask("reviews", claims, text="kind"))["searched"] == 0
    plain = await harness.ask("reviews")
    assert (plain["searched"], plain["complete"]) == (None, None)


async def test_pages_go_on_where_the_search_ended(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    await with_comments(harness, *["yes" if number % 3 == 0 else "no" for number in range(20)])
    monkeypatch.setattr(search, "AT_ONCE", 4)
    for most in (5, 100):
        monkeypatch.setattr(search, "MOST_SEARCHED", most)
        seen, searched, cursor = [], 0, ""
        while cursor is not None:
            page = await harness.ask("reviews", text="yes", limit=2, cursor=cursor)
            assert len(page["reviews"]) <= 2
            assert page["searched"] <= most
            seen += [each["dialog"] for each in page["reviews"]]
            searched, cursor = searched + page["searched"], page["next_cursor"]
        assert (seen, searched) == ([f"d{number}" for number in range(0, 20, 3)], 20)


async def test_the_search_is_on_record_without_its_words(harness: Harness) -> None:
    await with_comments(harness, "kind", "canary")
    await found(harness, "canary")
    [entry] = await harness.stored("audit")
    assert (entry["asked"], entry["closes"]) == ({"text": True}, ["d1.1"])


async def test_the_export_holds_what_the_search_finds(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_comments(harness, *["canary" if number % 3 == 0 else "no" for number in range(10)])
    await harness.receive(ExpectedClose("x1", way="expired"))
    clock: ManualClock = harness.app.state.clock
    clock.advance(timedelta(days=7))
    monkeypatch.setattr(export, "AT_ONCE", 2)
    monkeypatch.setattr(search, "MOST_SEARCHED", 4)
    response = await harness.get("export.csv", text="CANARY")
    rows = csv.DictReader(io.StringIO(response.text, newline=""))
    assert [(row["dialog"], row["comment"]) for row in rows] == [(f"d{n}", "canary") for n in (0, 3, 6, 9)]
    noted = await harness.stored("audit")
    assert [entry["asked"] for entry in noted] == [{"text": True}] * len(noted)
    assert [close for entry in noted for close in entry["closes"]] == [f"d{n}.1" for n in (0, 3, 6, 9)]


async def test_words_have_bounds(harness: Harness) -> None:
    for text, code in (("", "blank"), (" \u200b ", "blank"), ("x" * 201, "too-long")):
        for path in ("reviews", "export.csv"):
            response = await harness.get(path, text=text)
            assert (response.status_code, response.json()["errors"][0]["code"]) == (422, code)
