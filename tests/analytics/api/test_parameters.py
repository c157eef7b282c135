"""Which parameters are taken, and what a caller reads of those that are not."""

from itertools import product
from typing import Any

import pytest

from chassis.validation.messages import ID_SENTENCE
from tests.analytics.harness import EVERYWHERE, Harness
from tests.tokens import signed

pytestmark = pytest.mark.real

ROUTES = ("summary", "reviews", "reconcile")


DATES = (
    "from and to must be dates (2026-01-31) or instants (2026-01-31T08:00:00Z); in a URL the + of an offset"
    " is written %2B (2026-01-31T08:00:00%2B01:00)"
)


NOT_TAKEN: tuple[dict[str, Any], ...] = (
    {"channel[$ne]": "x"},
    {"channel": '{"$ne": null}'},
    {"operator": "ann "},
    {"operator": ""},
    {"tz": "Mars/Olympus"},
    {"tz": "../../etc/passwd"},
    {"tz": "posix/Europe/Paris"},
    {"tz": "localtime"},
    {"from_": "yesterday"},
    {"from_": "2026-02-30"},
    {"from_": "2026-03-01T08:07:00Z"},
    {"to": "2026-03-01T08:00:00"},
    {"from_": "2026-03-02", "to": "2026-03-01"},
    {"from_": "2026-03-02", "to": "2026-03-02"},
    {"unheard": "of"},
)


async def test_anything_else_is_422_and_not_quoted(harness: Harness, subtests: pytest.Subtests) -> None:
    for asked, path in product(NOT_TAKEN, ROUTES):
        with subtests.test(path, asked=asked):
            answer = await harness.get(path, **asked)
            assert answer.status_code == 422
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("asked", [{"by": "year"}, {"by": "day"}, {"by": "day", "from_": "2026-01-01"}])
async def test_buckets_need_a_range(harness: Harness, asked: dict[str, Any]) -> None:
    assert (await harness.get("summary", **asked)).status_code == 422


async def test_the_longest_period_is_of_days_of_the_zone(harness: Harness) -> None:
    # 93 days, one of them of 25 hours.
    asked: dict[str, Any] = {"from_": "2026-09-01", "to": "2026-12-03", "tz": "Europe/Paris"}
    assert (await harness.get("patterns", **asked)).status_code == 200
    assert (await harness.get("summary", by="hour", **asked)).status_code == 200
    for path, since, code in (
        ("patterns", "2026-08-31", "patterns-too-long"),
        ("hours", "2023-11-28", "hours-too-long"),
    ):
        refused = await harness.get(path, **(asked | {"from_": since}))
        assert [each["code"] for each in refused.json()["errors"]] == [code]
    assert (await harness.get("hours", **(asked | {"from_": "2023-11-29"}))).status_code == 200


NO_PAGES: tuple[dict[str, Any], ...] = (
    {"limit": 0},
    {"limit": 201},
    {"limit": "x"},
    {"state": "happy"},
    {"cursor": "x"},
    {"cursor": "W10"},
)


async def test_pages_have_bounds(harness: Harness, subtests: pytest.Subtests) -> None:
    for asked in NO_PAGES:
        with subtests.test(asked=asked):
            assert (await harness.get("reviews", **asked)).status_code == 422


SENTENCES = (
    ("tz=UTC&tz=Asia/Tokyo", "query.tz", "may be given only once"),
    ("channel=course-a&channel=-", "query.channel.1", ID_SENTENCE),
    (
        "operator=",
        "query.operator.0",
        "must be 1 to 255 printable ASCII characters, without blanks at the ends",
    ),
    ("from=2026-03-01T08:00:00+01:00", "query.from", DATES),
    ("to=yesterday", "query.to", DATES),
    ("unheard=of", "query", "known parameters are channel, operator, nobody, team, axis, from, to, tz"),
)
"""Queries, and which field is wrong for which reason."""


async def test_what_is_wrong_is_told_in_a_sentence(harness: Harness, subtests: pytest.Subtests) -> None:
    headers = {"Authorization": f"Bearer {signed(EVERYWHERE)}"}
    for query, field, sentence in SENTENCES:
        with subtests.test(query):
            answer = await harness.http.get(f"/v1/live-chat/reconcile?{query}", headers=headers)
            [error] = answer.json()["errors"]
            assert (error["field"], error["sentence"]) == (field, sentence)


WRONG_PERIODS: tuple[tuple[str, str, dict[str, str | int] | None], ...] = (
    ("tz=Mars/Olympus", "timezone-unknown", None),
    ("from=yesterday", "not-a-date-or-instant", None),
    ("from=0001-01-01", "year-out-of-range", None),
    ("from=2026-03-01T08:07:00Z", "not-a-quarter-hour", None),
    ("from=2026-03-02&to=2026-03-01", "period-reversed", None),
    ("from=2011-12-30&to=2011-12-31&tz=Pacific/Apia", "period-skipped", None),
    ("from=1971-06-01&tz=Africa/Monrovia", "timezone-uneven", None),
    ("by=day&from=2026-01-01", "period-required", None),
    ("vs=previous&from=2026-01-01", "period-required", None),
    ("vs_from=2026-01-01", "comparison-incomplete", None),
    (
        "vs=previous&vs_from=2026-01-01&vs_to=2026-02-01&from=2026-02-01&to=2026-03-01",
        "comparison-incomplete",
        None,
    ),
    ("vs_from=2026-02-01&vs_to=2026-01-01", "period-reversed", None),
    ("by=hour&from=2026-01-01&to=2026-05-01", "period-too-long", {"by": "hour", "days": 93}),
    ("by=day&from=1971-06-01T00:00:00Z&to=1971-06-02&tz=Africa/Monrovia", "timezone-uneven", None),
)
"""Queries, and the code and the facts of what is wrong."""


async def test_every_wrong_period_and_zone_has_a_code_of_its_own(
    harness: Harness, subtests: pytest.Subtests
) -> None:
    headers = {"Authorization": f"Bearer {signed(EVERYWHERE)}"}
    for query, code, facts in WRONG_PERIODS:
        with subtests.test(query):
            response = await harness.http.get(f"/v1/live-chat/summary?{query}", headers=headers)
            [error] = response.json()["errors"]
            assert (error["code"], error.get("facts")) == (code, facts)


async def test_an_offset_can_be_written_in_a_url(harness: Harness) -> None:
    found = await harness.ask("summary", from_="2026-03-01T08:00:00+01:00")
    assert found["from"] == "2026-03-01T07:00:00Z"


async def test_openapi_describes_every_field_of_the_answers(harness: Harness) -> None:
    shapes = (await harness.http.get("/openapi.json")).json()["components"]["schemas"]
    assert {"Summary", "Bucket", "Unrated", "Review", "Disagreement"} <= set(shapes)
    # The scale is part of the events that services say to one another.
    for name in set(shapes) - {"Scale"}:
        for field, about in shapes[name].get("properties", {}).items():
            assert about.get("description"), f"{name}.{field}"


async def test_openapi_tells_it_all(harness: Harness) -> None:
    shape = (await harness.http.get("/openapi.json")).json()
    for path in ROUTES:
        answers = shape["paths"][f"/v1/live-chat/{path}"]["get"]["responses"]
        assert {"200", "401", "403", "422", "500", "503"} <= set(answers)
