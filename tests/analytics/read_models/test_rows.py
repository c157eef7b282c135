"""Operators, channels and hours: rows that add up to the whole, whatever is asked for."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analytics.read_models.channels import Channels
from chassis.kafka.records import ReceivedEvent
from chassis.mongo import transaction
from contracts.channels import ChannelPublished
from contracts.dialogs import Participant, ParticipantKind
from contracts.envelope import Envelope
from tests.analytics.builders import NOON, ExpectedClose, after, many
from tests.analytics.harness import Harness, supervisor_of

pytestmark = pytest.mark.real

ONLY_B = supervisor_of("course-b")

ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"channel": ["course-a"]},
    {"operator": ["ann"], "nobody": True},
    {"operator": ["ann", "bo"], "state": ["given", "expired"]},
    {"state": ["not_offered"], "from_": "2026-03-03"},
    {"tz": "Asia/Kathmandu", "from_": "2026-03-03", "to": "2026-03-05"},
)


def ids(asked: dict[str, Any]) -> str:
    return "+".join(asked) or "all"


async def publish(harness: Harness, *versions: tuple[int, ChannelPublished]) -> None:
    """Channels as they come from Kafka."""
    records = [
        ReceivedEvent(
            event,
            Envelope(id=f"c:{number}", type=event.type, source="/candor/test", time=NOON,
                     subject=event.channel, sequence=number),
            event.channel, "candor.channels", 0, offset, b"",
        )
        for offset, (number, event) in enumerate(versions)
    ]  # fmt: skip
    async with await harness.client.start_session() as session, transaction(session):
        await Channels(harness.database).apply(session, records)


async def test_rows_add_up_to_the_whole(harness: Harness, subtests: pytest.Subtests) -> None:
    await harness.receive(*many(Random(11), 200))
    names = ("closed", "given", "satisfied")
    for path, asked in product(("operators", "channels"), ASKED):
        with subtests.test(path, asked=asked):
            whole, found = await harness.ask("summary", **asked), await harness.ask(path, **asked)
            assert found["rows"]
            added = [sum(row[name] for row in found["rows"]) for name in names]
            assert added == [whole[name] for name in names]
            for share in ("csat", "response_rate"):
                assert sum(row[share]["n"] for row in found["rows"]) == whole[share]["n"]


async def test_a_row_is_the_summary_of_its_operator(harness: Harness, subtests: pytest.Subtests) -> None:
    await harness.receive(*many(Random(12), 120))
    for asked in ASKED:
        with subtests.test(asked=asked):
            for row in (await harness.ask("operators", **asked))["rows"]:
                own = (
                    {"operator": [row["operator"]], "nobody": False}
                    if row["operator"]
                    else {"operator": [], "nobody": True}
                )
                alone = await harness.ask("summary", **{**asked, **own})
                for name in ("closed", "given", "csat", "response_rate"):
                    assert row[name] == alone[name], (row["operator"], name)


async def test_an_operator_is_called_as_at_the_newest_close_asked_for(harness: Harness) -> None:
    ann = ExpectedClose(operator="ann", operator_name="Ann Smith")
    married = [
        replace(ann, close_seq=n, closed_at=after(n), operator_name=f"Ann Lee {n}") for n in range(1, 9)
    ]
    # The newest isn't received last, neither in its batch nor in its quarter hour nor at all.
    await harness.receive(married[5], *married[:4], *reversed(married[6:]))
    await harness.receive(married[4])
    await harness.receive(replace(ann, dialog="d0", closed_at=after(-60)))
    [row] = (await harness.ask("operators"))["rows"]
    assert (row["operator"], row["name"], row["closed"]) == ("ann", "Ann Lee 8", 9)
    [row] = (await harness.ask("operators", to="2026-03-02T11:30:00Z"))["rows"]
    assert row["name"] == "Ann Smith"


async def test_nobody_is_a_row_without_a_name_and_without_a_place(harness: Harness) -> None:
    for number, operator in enumerate(("a", "b", "c", "d", "e", None)):
        await harness.receive(
            *(ExpectedClose(f"d{number}-{n}", operator=operator, score=n % 5 + 1) for n in range(4))
        )
    rows = (await harness.ask("operators"))["rows"]
    assert [row["rank"] is None for row in rows] == [False] * 5 + [True]
    assert (rows[-1]["operator"], rows[-1]["name"], rows[-1]["closed"]) == (None, None, 4)


async def test_channels_are_called_as_they_were_published_last(harness: Harness) -> None:
    one = ChannelPublished(channel="course-a", name="Course A", time_zone="Asia/Kathmandu")
    await publish(harness, (2, one), (1, one.model_copy(update={"name": "An older name"})))
    await publish(harness, (7, ChannelPublished(channel="course-c", name="Quiet", closed=True)))
    await harness.receive(ExpectedClose("d1"), ExpectedClose("d2", channel="course-b"))
    rows = {row["channel"]: row for row in (await harness.ask("channels"))["rows"]}
    shown = {
        channel: (row["name"], row["time_zone"], row["is_closed"], row["closed"])
        for channel, row in rows.items()
    }
    assert shown == {
        "course-a": ("Course A", "Asia/Kathmandu", False, 1),
        "course-b": (None, None, None, 1),
        "course-c": ("Quiet", "UTC", True, 0),
    }
    assert rows["course-c"]["csat"]["value"] is None


async def test_a_token_shows_the_names_of_its_channels_only(harness: Harness) -> None:
    for channel in ("course-a", "course-b"):
        await publish(harness, (1, ChannelPublished(channel=channel, name=channel.title())))
    for asked in ({}, {"channel": ["course-a"]}):
        found = await harness.ask("channels", supervisor_of("course-a"), **asked)
        assert [row["channel"] for row in found["rows"]] == ["course-a"]


@pytest.mark.parametrize("tz", ["UTC", "Asia/Kathmandu", "America/St_Johns", "Europe/Paris"])
@pytest.mark.parametrize("asked", [{}, {"state": ["given", "declined"]}], ids=ids)
async def test_hours_are_those_of_the_clocks_of_the_zone(
    harness: Harness, tz: str, asked: dict[str, Any]
) -> None:
    """Over the ends of summer time here and there: hours that are skipped, hours that come twice."""
    start, zone, random = datetime(2026, 10, 20, tzinfo=UTC), ZoneInfo(tz), Random(tz)
    closes = [
        replace(close, closed_at=start + timedelta(minutes=random.randrange(20 * 24 * 60)))
        for close in many(random, 250)
    ]
    await harness.receive(*closes)
    period: dict[str, Any] = {"from_": "2026-10-21", "to": "2026-11-08", "tz": tz}
    found = await harness.ask("hours", **period, **asked)
    expected: Counter[tuple[int, int]] = Counter()
    for close in closes:
        local = close.closed_at.astimezone(zone)
        if "2026-10-21" <= local.date().isoformat() < "2026-11-08" and close.state in asked.get(
            "state", close.state
        ):
            expected[local.isoweekday(), local.hour] += 1
    shown = {(each["weekday"], each["hour"]): each["closed"] for each in found["hours"]}
    assert (len(shown), min(shown), max(shown)) == (168, (1, 0), (7, 23))
    assert +Counter(shown) == expected
    whole = await harness.ask("summary", **period, **asked)
    assert sum(each["given"] for each in found["hours"]) == whole["given"]


async def test_hours_need_a_period(harness: Harness) -> None:
    assert (await harness.get("hours")).status_code == 422
    assert (await harness.get("hours", from_="2020-01-01", to="2026-01-01")).status_code == 422


async def test_versions_of_a_form_are_compared_the_newest_with_the_one_before(harness: Harness) -> None:
    old = [
        ExpectedClose(f"o{n}", form_version=2, score=4 if n < 10 else 1, closed_at=after(n))
        for n in range(40)
    ]
    new = [ExpectedClose(f"n{n}", form_version=3, score=5, closed_at=after(60 + n)) for n in range(30)]
    silent = ExpectedClose("s", form_version=3, way="expired", closed_at=after(100))
    not_asked = ExpectedClose("x", form_version=3, way="not_offered", closed_at=after(200))
    elsewhere = ExpectedClose("e", form_version=3, channel="course-b", closed_at=after(300))
    await harness.receive(*old, *new, silent, not_asked, elsewhere)
    period: dict[str, Any] = {"from_": "2026-03-02", "to": "2026-03-03"}
    found = await harness.ask("form-versions", channel="course-a", **period)
    assert [(each["version"], each["closed"], each["given"]) for each in found["versions"]] == [
        (3, 31, 30), (2, 40, 40)
    ]  # fmt: skip
    newest, oldest = found["versions"]
    assert (oldest["first"], newest["last"]) == ("2026-03-02T12:00:00.000Z", "2026-03-02T13:40:00.000Z")
    compared = found["compared"]
    assert (compared["version"], compared["vs_version"], compared["comparable"]) == (3, 2, True)
    assert compared["changes"]["csat"]["value"] == 75
    assert compared["changes"]["csat"]["confidence"] == 99.8  # the day isn't over
    other = await harness.ask("form-versions", channel="course-a", version=2, vs_version=3, **period)
    assert other["compared"]["changes"]["csat"]["value"] == -75
    for unknown in ({"version": 9}, {"vs_version": 1}, {"version": 2, "vs_version": 2}):
        nothing = await harness.ask("form-versions", **{"channel": "course-a", **unknown, **period})
        assert nothing["compared"] is None
    for channels in ([], ["course-a", "course-b"]):
        assert (await harness.get("form-versions", channel=channels)).status_code == 422
    assert (await harness.get("form-versions", ONLY_B, channel="course-a")).status_code == 403


async def test_whoever_took_part_has_the_close_once_and_bots_have_none(harness: Harness) -> None:
    ann = Participant(id="ann", name="Ann", messages=1)
    bot = Participant(id="helper", name="Helper", messages=4, kind=ParticipantKind.BOT)
    twice = ann.model_copy(update={"name": "Ann Lee"})
    await harness.receive(
        ExpectedClose("d1", participants=(ann, bot, twice)),
        ExpectedClose("d2", participants=(bot,), operator=None),
    )
    rows = (await harness.ask("operators", view="took_part"))["rows"]
    assert [(row["operator"], row["name"], row["closed"]) for row in rows] == [("ann", "Ann Lee", 1)]
    usual = (await harness.ask("operators"))["rows"]
    assert {row["operator"]: row["closed"] for row in usual} == {"ann": 1, None: 1}
    assert (await harness.get("operators", view="both")).status_code == 422


async def test_limits_of_who_took_part_lie_around_all_closes_each_once(harness: Harness) -> None:
    wrote = tuple(Participant(id=f"p{n}", name=f"P {n}", messages=1) for n in range(9))
    closes = [ExpectedClose(f"g{n}", participants=wrote[:1], score=5) for n in range(8)]
    closes += [ExpectedClose(f"b{n}", participants=wrote[1:], score=1) for n in range(8)]
    await harness.receive(*closes)
    rows = (await harness.ask("operators", view="took_part"))["rows"]
    # Half of the closes are satisfied, a ninth of the rows: around that it would be above_998.
    assert {row["operator"]: row["funnel"] for row in rows}["p0"] == "above_95"
