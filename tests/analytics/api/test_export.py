"""Closes as a file: every one, safe in spreadsheets, noted before it is sent."""

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from analytics.domain.close import CloseEvent
from analytics.read_models.decryption import SealedText
from chassis.clock import ManualClock
from contracts.dialogs import Participant, ParticipantKind
from contracts.ratings import Answer
from tests.analytics.builders import FACES, NOON, SEALED, WAYS, ExpectedClose, after, many
from tests.analytics.harness import Harness, supervisor_of

pytestmark = pytest.mark.real


@pytest.fixture
def harness(harness: Harness) -> Harness:
    """A week later."""
    clock: ManualClock = harness.app.state.clock
    clock.advance(timedelta(days=7))
    return harness


async def export(harness: Harness, **asked: Any) -> list[dict[str, str]]:
    response = await harness.get("export.csv", **asked)
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


async def test_a_row_tells_what_a_review_tells(harness: Harness) -> None:
    harness.keys.known = {SealedText(SEALED, "c-d4", "d4", "comment"): 'Twice, "the same",\r\nquestion… 😀'}
    closes = [
        ExpectedClose(f"d{n}", way=way, closed_at=after(n), comment=SEALED, changes=(2,), score=4)
        for n, way in enumerate(WAYS)
    ]
    await harness.receive(*closes)
    rows, reviews = await export(harness), (await harness.ask("reviews"))["reviews"]
    assert len(rows) == len(reviews) == len(WAYS)
    for row, review in zip(rows, reviews, strict=True):
        plain = (
            "dialog",
            "channel",
            "operator",
            "operator_name",
            "team",
            "client",
            "state",
            "closed_by",
            "closed_at",
        )
        assert {name: row[name] for name in plain} == {name: review[name] for name in plain}
        assert row["rated_at"] == (review["given_at"] or "")
        for name in ("close_seq", "score", "changes", "first_score"):
            assert row[name] == ("" if review[name] is None else str(review[name]))
        assert row["reason"] == (review["reason"] or "")
        assert row["satisfied"] == {None: "", True: "true", False: "false"}[review["satisfied"]]
    commented = next(row for row in rows if row["dialog"] == "d4")
    assert (commented["comment"], commented["comment_state"]) == (
        'Twice, "the same",\r\nquestion… 😀',
        "open",
    )
    assert (commented["scale"], commented["lowest"], commented["highest"]) == ("stars", "1", "5")
    assert commented["participants"] == "Ann Smith: 2 (100 %)"
    other = next(row for row in rows if row["dialog"] == "d5")
    assert (other["comment"], other["comment_state"]) == ("", "erased")


ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"axis": "rated_at", "from_": "2026-03-03", "to": "2026-03-05"},
    {"state": ["expired", "not_offered"], "tz": "Asia/Kathmandu", "to": "2026-03-04"},
    {"operator": ["ann"], "team": ["first.line"], "channel": ["course-b"]},
)


async def test_there_are_as_many_rows_as_the_summary_counts(
    harness: Harness, subtests: pytest.Subtests
) -> None:
    await harness.receive(*many(Random(7), 500))
    for asked in ASKED:
        with subtests.test(asked=asked):
            rows, summary = await export(harness, **asked), await harness.ask("summary", **asked)
            assert (
                len({(row["dialog"], row["close_seq"]) for row in rows}) == len(rows) == summary["closed"] > 0
            )
            assert sum(row["state"] == "given" for row in rows) == summary["given"]
            assert sum(row["satisfied"] == "true" for row in rows) == summary["satisfied"]


async def test_who_took_part_stands_there_with_shares_and_bots_marked(harness: Harness) -> None:
    wrote = (
        Participant(id="ann", name="=Ann", messages=6),
        Participant(id="helper", name="Helper", messages=4, kind=ParticipantKind.BOT),
    )
    await harness.receive(ExpectedClose(participants=wrote))
    [found] = await export(harness)
    assert found["participants"] == "'=Ann: 6 (60 %); Helper [bot]: 4 (40 %)"


async def test_follow_ups_stand_there_by_their_ids_and_words_as_comments_do(harness: Harness) -> None:
    harness.keys.known = {
        SealedText(SEALED, "c-d1", "d1", "answer"): "A receipt;=1+1",
        SealedText(SEALED, "c-d1", "d1", "comment"): "Slow",
    }
    answers: Mapping[str, Answer] = {"solved": ("no",), "missing": SEALED, "again": ("yes", "soon")}
    before = ExpectedClose("d1", answers={"missing": f"{SEALED}0"}, changes=(4,))
    await harness.receive_events([before.closed(), before.given()])
    await harness.receive_events([replace(before, answers=answers).changed(), *no_keys("d2", answers)])
    await harness.receive(ExpectedClose("d3", way="expired", closed_at=after(-1)))
    rows = {row["dialog"]: row for row in await export(harness)}
    assert rows["d1"]["follow_ups"] == "solved: no; missing: [open]; again: yes, soon"
    assert rows["d1"]["follow_up_words"] == "missing: A receipt;'=1+1"
    assert rows["d2"]["follow_ups"] == "solved: no; missing: [erased]; again: yes, soon"
    assert rows["d2"]["follow_up_words"] == rows["d3"]["follow_ups"] == rows["d3"]["follow_up_words"] == ""


def no_keys(dialog: str, answers: Mapping[str, Answer]) -> list[CloseEvent]:
    """A close whose words nobody can read."""
    return ExpectedClose(dialog, comment=SEALED, answers=answers).events()


async def test_new_columns_are_the_last(harness: Harness) -> None:
    header = (await harness.get("export.csv")).text.splitlines()[0].split(",")
    assert header[:7] == ["dialog", "close_seq", "channel", "operator", "operator_name", "team", "locale"]
    assert header[-6:] == [
        "participants", "status", "own_score", "excluded", "follow_ups", "follow_up_words",
    ]  # fmt: skip


async def test_no_text_is_a_formula(harness: Harness) -> None:
    names = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        " =1",
        "\t1",
        "\r1",
        *(f"{sign}1" for sign in "\uff1d\uff0b\uff0d\uff20"),
    ]
    await harness.receive(
        *(ExpectedClose(f"d{n}", operator_name=name, team=name) for n, name in enumerate(names))
    )
    rows = await export(harness)
    for cells in ({row["operator_name"] for row in rows}, {row["team"] for row in rows}):
        assert cells == {f"'{name}" for name in names}


SIGNS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


async def test_no_text_is_a_formula_by_whatever_separator_it_is_read(
    harness: Harness, subtests: pytest.Subtests
) -> None:
    comments = [
        "Fine;=1+1",
        "Fine; =1+1;more",
        'Fine;"=1+1;more',
        "Fine\t+1",
        "Fine\n@SUM(A1)",
        "Fine\r\n-1",
        "Fine;\uff1d1",
        "=1;=2",
    ]
    sealed = [SealedText(SEALED, f"c-d{n}", f"d{n}", "comment") for n in range(len(comments))]
    harness.keys.known = dict(zip(sealed, comments, strict=True))
    await harness.receive(
        *(
            ExpectedClose(f"d{n}", comment=SEALED, operator_name="Ann;=1", tags=("a", "=1"))
            for n in range(len(comments))
        )
    )
    text = (await harness.get("export.csv")).text
    for separator in (",", ";", "\t"):
        with subtests.test(separator=separator):
            lines = [*csv.reader(io.StringIO(text, newline=""), delimiter=separator)]
            assert len(lines) > len(comments)
            assert not [cell for line in lines for cell in line if cell.lstrip(" ").startswith(SIGNS)]


async def test_what_is_no_formula_stays_as_it_is(harness: Harness) -> None:
    text = "Well-known; a=b, 1+1\n(me@shop.example)\r\nthe end;"
    harness.keys.known = {SealedText(SEALED, "c-d1", "d1", "comment"): text}
    await harness.receive(ExpectedClose(comment=SEALED))
    [row] = await export(harness)
    assert row["comment"] == text


async def test_numbers_stay_numbers(harness: Harness) -> None:
    await harness.receive(ExpectedClose(scale=FACES, score=-1))
    [row] = await export(harness)
    assert (row["score"], row["lowest"], row["satisfied"]) == ("-1", "-1", "false")


async def test_excel_is_told_the_encoding_if_it_asks(harness: Harness) -> None:
    await harness.receive(ExpectedClose(operator_name="Ånn 林"))
    plain, marked = [await harness.get("export.csv", bom=bom) for bom in (False, True)]
    assert marked.content == b"\xef\xbb\xbf" + plain.content
    assert "Ånn 林" in plain.text
    assert plain.headers["content-type"] == "text/csv; charset=utf-8"
    assert plain.headers["content-disposition"] == 'attachment; filename="live-chat.csv"'
    named = await harness.get("export.csv", from_="2026-03-01", to="2026-04-01T00:00:00Z")
    assert 'filename="live-chat-2026-03-01-2026-04-01.csv"' in named.headers["content-disposition"]


async def test_without_closes_there_are_the_columns(harness: Harness) -> None:
    response = await harness.get("export.csv")
    assert response.text.startswith("dialog,close_seq,channel,")
    assert response.text.count("\r\n") == 1


async def test_rows_are_on_record_before_they_are_sent(harness: Harness) -> None:
    await harness.receive(*many(Random(8), 450))
    rows = await export(harness, channel="course-a")
    noted = await harness.stored("audit")
    assert {record["what"] for record in noted} == {"export.read"}
    assert len(noted) == 1 + len(rows) // 200
    assert sorted(close for record in noted for close in record["closes"]) == sorted(
        f"{row['dialog']}.{row['close_seq']}" for row in rows
    )
    assert noted[0]["asked"] == {"channel": ["course-a"]}
    await harness.database.drop_collection("audit")
    await harness.database.create_collection("audit", validator={"$expr": False})
    assert (await harness.get("export.csv")).status_code >= 500


async def test_it_is_of_the_channels_of_the_token(harness: Harness) -> None:
    await harness.receive(ExpectedClose("d1"), ExpectedClose("d2", channel="course-b"))
    rows = csv.DictReader(io.StringIO((await harness.get("export.csv", supervisor_of("course-b"))).text))
    assert [row["dialog"] for row in rows] == ["d2"]


async def test_what_comes_after_its_start_is_left_out(harness: Harness) -> None:
    await harness.receive(ExpectedClose("d1"), ExpectedClose("d2", closed_at=NOON + timedelta(days=8)))
    for until in ("", "2026-04-01"):
        rows = await export(harness, **({"to": until} if until else {}))
        assert [row["dialog"] for row in rows] == ["d1"], until
