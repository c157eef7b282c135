"""Every right and every filter, together with every other parameter, against a computation by hand."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.analytics.builders import NOON, STARS, WAYS, ExpectedClose
from tests.analytics.harness import Harness, supervisor_of

pytestmark = pytest.mark.real

CHANNELS = ("course-a", "course-b", "course-c")
TOKENS = (("course-a",), ("course-a", "course-b"), ("*",))
ASKED_CHANNELS = (None, "course-a", "course-c")
OPERATORS = (None, "ann")
WEST, EAST = "America/Los_Angeles", "Asia/Kathmandu"
PERIODS = (
    (None, None, "UTC"),
    ("2026-03-03", None, WEST),
    (None, "2026-03-04", EAST),
    ("2026-03-03", "2026-03-05", WEST),
    ("2026-03-03", "2026-03-05", EAST),
)
STATES = (None, "given", "not_offered")
PAGE = 9


@dataclass(frozen=True)
class Question:
    """What every route is asked: by whom, and about which closes."""

    token: tuple[str, ...]
    channel: str | None
    operator: str | None
    from_: str | None
    to: str | None
    tz: str

    @property
    def parameters(self) -> dict[str, str]:
        asked = vars(self).items() - {("token", self.token)}
        return {name: value for name, value in asked if value is not None}

    @property
    def forbidden(self) -> bool:
        return self.channel is not None and not {self.channel, "*"} & set(self.token)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.tz)

    def holds(self, close: ExpectedClose) -> bool:
        """Whether the close is one of those asked for that the token is good for."""
        day = close.closed_at.astimezone(self.zone).date().isoformat()
        return (
            bool({close.channel, "*"} & set(self.token))
            and self.channel in {None, close.channel}
            and self.operator in {None, close.operator}
            and (self.from_ or "") <= day
            and (self.to is None or day < self.to)
        )


def questions() -> Iterator[Question]:
    for token, channel, operator, period in product(TOKENS, ASKED_CHANNELS, OPERATORS, PERIODS):
        yield Question(token, channel, operator, *period)


def closes() -> list[ExpectedClose]:
    """Closes of three channels that share two operators and nobody, over five days, in every state."""
    random = Random(42)
    return [
        ExpectedClose(
            f"d{number}",
            channel=random.choice(CHANNELS),
            operator=random.choice(("ann", "bo", None)),
            closed_at=NOON + timedelta(minutes=random.randrange(4 * 24 * 60)),
            way=random.choice(WAYS),
            score=random.choice(range(STARS.lowest, STARS.highest + 1)),
        )
        for number in range(300)
    ]


def counts_of(closes: Sequence[ExpectedClose]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for close in closes:
        counts.update(close.counts())
    return +counts


def shown_counts(numbers: dict[str, Any]) -> Counter[str]:
    """The counts that a summary or a bucket shows, by the names that closes count under."""
    unrated = numbers["unrated"]
    counts = Counter({name: numbers[name] for name in ("closed", "given", "satisfied", "commented")})
    counts.update(unrated["by_state"])
    for state in ("not_offered", "cancelled"):
        counts.update({f"{state}:{name}": n for name, n in unrated[f"{state}_by_reason"].items()})
    for scale in numbers["scales"]:
        key = f"scale:{scale['name']}:{scale['lowest']}:{scale['highest']}"
        assert scale["n"] == sum(each["n"] for each in scale["distribution"])
        counts.update({f"{key}:{each['score']}": each["n"] for each in scale["distribution"]})
    return +counts


def bucket_of(close: ExpectedClose, question: Question, by: str) -> str:
    """Where the close's bucket begins, as it is shown."""
    local = close.closed_at.astimezone(question.zone)
    midnight = datetime.combine(local.date(), time(), question.zone)
    start = local.replace(minute=0) if by == "hour" else midnight
    return start.isoformat().replace("+00:00", "Z")


async def test_the_summary(harness: Harness) -> None:
    stored = closes()
    await harness.receive(*stored)
    for question in questions():
        for by in (None, "day", "hour") if question.from_ and question.to else (None,):
            asked = {**question.parameters, **({"by": by} if by else {})}
            response = await harness.get("summary", supervisor_of(*question.token), **asked)
            if question.forbidden:
                assert response.status_code == 403, (question, by)
                continue
            found, expected = response.json(), [close for close in stored if question.holds(close)]
            assert shown_counts(found) == counts_of(expected), (question, by)
            for bucket in found["buckets"] or ():
                inside = [
                    close for close in expected if bucket_of(close, question, str(by)) == bucket["from"]
                ]
                assert shown_counts(bucket) == counts_of(inside), (question, by, bucket["from"])
            assert len(found["buckets"] or ()) == {None: 0, "day": 2, "hour": 48}[by]


async def every_page(harness: Harness, question: Question, state: str | None) -> list[str] | None:
    """The dialogs of all pages; None if it is forbidden."""
    seen: list[str] = []
    asked: dict[str, Any] = {**question.parameters, "limit": PAGE, **({"state": state} if state else {})}
    while True:
        response = await harness.get("reviews", supervisor_of(*question.token), **asked)
        if response.status_code == 403:
            return None
        page = response.json()
        seen += [each["dialog"] for each in page["reviews"]]
        if page["next_cursor"] is None:
            return seen
        asked["cursor"] = page["next_cursor"]


async def test_the_reviews(harness: Harness) -> None:
    stored = closes()[:80]
    await harness.receive(*stored)
    for question in questions():
        for state in STATES:
            expected = [
                close
                for close in sorted(
                    stored, key=lambda each: (each.closed_at, f"{each.dialog}.1"), reverse=True
                )
                if question.holds(close) and state in {None, close.state}
            ]
            found = await every_page(harness, question, state)
            wanted = None if question.forbidden else [close.dialog for close in expected]
            assert found == wanted, (question, state)


async def test_the_recount(harness: Harness) -> None:
    stored = closes()
    await harness.receive(*stored)
    for question in questions():
        response = await harness.get("reconcile", supervisor_of(*question.token), **question.parameters)
        if question.forbidden:
            assert response.status_code == 403, question
            continue
        found = response.json()
        assert (found["equal"], found["closes"]) == (True, sum(map(question.holds, stored))), question


def first_of(day: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), zone).astimezone(UTC)


def test_the_closes_tell_rights_and_filters_apart() -> None:
    """Each channel, operator, token and period has closes of its own, on both sides of each midnight."""
    stored = closes()
    results = {tuple(filter(question.holds, stored)) for question in questions() if not question.forbidden}
    one_two_three_and_the_other = 4
    assert len(results) == one_two_three_and_the_other * len(OPERATORS) * len(PERIODS)
    for zone, day in product(map(ZoneInfo, (WEST, EAST)), ("2026-03-03", "2026-03-04", "2026-03-05")):
        nearest = [abs(close.closed_at - first_of(day, zone)) for close in stored]
        assert min(nearest) < timedelta(hours=1)
