"""What supervisors can ask, and what nobody else can."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from analytics.domain.counting import CounterDelta
from analytics.read_models import reconcile
from analytics.read_models.decryption import SealedText
from chassis.validation.messages import ID_SENTENCE
from contracts.access import Claims, Role
from tests.analytics.builders import SEALED, ExpectedClose, after, many
from tests.analytics.harness import EVERYWHERE, MINIMUM, Harness
from tests.tokens import signed

pytestmark = pytest.mark.real

DATES = (
    "from and to must be dates (2026-01-31) or instants (2026-01-31T08:00:00Z); in a URL the + of an offset"
    " is written %2B (2026-01-31T08:00:00%2B01:00)"
)
ROUTES = ("summary", "reviews", "reconcile")
ONLY_A = EVERYWHERE.model_copy(update={"channels": frozenset({"course-a"})})


def somebody(*roles: Role, channels: frozenset[str] = frozenset({"*"})) -> Claims:
    return Claims(sub="x", roles=frozenset(roles), channels=channels)


def summed(parts: list[dict[str, Any]]) -> Counter[str]:
    """The whole numbers of several summaries, added."""
    found: Counter[str] = Counter()
    for part in parts:
        found.update({name: n for name, n in part.items() if isinstance(n, int)})
        found.update({f"unrated {name}": n for name, n in part["unrated"]["by_state"].items()})
        for scale in part["scales"]:
            found.update({f"{scale['name']} {each['score']}": each["n"] for each in scale["distribution"]})
    return Counter({name: n for name, n in found.items() if n})


class TestWhoMayAsk:
    @pytest.mark.parametrize("path", ROUTES)
    @pytest.mark.parametrize(
        "roles",
        [
            [Role.OPERATOR],
            [Role.OPERATOR, Role.SUPERVISOR],
            [Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN, Role.PLATFORM, Role.SERVICE],
            [Role.ADMIN],
            [Role.PLATFORM],
            [Role.SERVICE],
            [],
        ],
        ids=lambda roles: "+".join(roles) or "nobody",
    )
    async def test_nobody_but_a_supervisor(self, house: Harness, path: str, roles: list[Role]) -> None:
        assert (await house.get(path, somebody(*roles))).status_code == 403

    @pytest.mark.parametrize("path", ROUTES)
    async def test_nobody_without_a_token_and_no_visitor(self, house: Harness, path: str) -> None:
        assert (await house.get(path, None)).status_code == 401
        visitor = signed(somebody(Role.VISITOR))
        answer = await house.http.get(f"/v1/live-chat/{path}", headers={"Authorization": f"Bearer {visitor}"})
        assert answer.status_code in {401, 403}

    async def test_a_supervisor_of_no_channel_is_told_so(self, house: Harness) -> None:
        for path in ROUTES:
            nowhere = somebody(Role.SUPERVISOR, channels=frozenset())
            assert (await house.get(path, nowhere)).status_code == 403

    async def test_a_supervisor_sees_own_channels_only(self, house: Harness) -> None:
        await house.hear(ExpectedClose("d1"), ExpectedClose("d2", channel="course-b"))
        assert (await house.ask("summary"))["closed"] == 2
        assert (await house.ask("summary", ONLY_A))["closed"] == 1
        assert [each["dialog"] for each in (await house.ask("reviews", ONLY_A))["reviews"]] == ["d1"]
        assert (await house.ask("reconcile", ONLY_A))["closes"] == 1

    async def test_a_summary_says_which_channels_it_is_of(self, house: Harness) -> None:
        two = EVERYWHERE.model_copy(update={"channels": frozenset({"course-b", "course-a"})})
        assert (await house.ask("summary"))["channels"] is None
        assert (await house.ask("summary", channel="course-a"))["channels"] == ["course-a"]
        assert (await house.ask("summary", two))["channels"] == ["course-a", "course-b"]
        assert (await house.ask("summary", two, channel="course-b"))["channels"] == ["course-b"]

    async def test_asking_for_anothers_channel_is_forbidden(self, house: Harness) -> None:
        for path in ROUTES:
            assert (await house.get(path, ONLY_A, channel="course-b")).status_code == 403
            assert (await house.get(path, ONLY_A, channel="course-a")).status_code == 200


class TestWhatMayBeAsked:
    @pytest.mark.parametrize(
        "asked",
        [
            {"channel[$ne]": "x"},
            {"channel": '{"$ne": null}'},
            {"operator": "ann lee"},
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
        ],
        ids=str,
    )
    async def test_anything_else_is_422_and_not_quoted(self, house: Harness, asked: dict[str, Any]) -> None:
        for path in ROUTES:
            answer = await house.get(path, **asked)
            assert answer.status_code == 422, path
            assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("asked", [{"by": "week"}, {"by": "day"}, {"by": "day", "from_": "2026-01-01"}])
    async def test_buckets_need_a_range(self, house: Harness, asked: dict[str, Any]) -> None:
        assert (await house.get("summary", **asked)).status_code == 422

    @pytest.mark.parametrize(
        "asked",
        [
            {"limit": 0},
            {"limit": 201},
            {"limit": "x"},
            {"state": "happy"},
            {"cursor": "x"},
            {"cursor": "W10"},
        ],
        ids=str,
    )
    async def test_pages_have_bounds(self, house: Harness, asked: dict[str, Any]) -> None:
        assert (await house.get("reviews", **asked)).status_code == 422

    @pytest.mark.parametrize(
        ("query", "field", "sentence"),
        [
            ("channel=course-a&channel=course-b", "query.channel", "may be given only once"),
            ("channel=-", "query.channel", ID_SENTENCE),
            ("operator=", "query.operator", "must be 1 to 255 printable ASCII characters without blanks"),
            ("from=2026-03-01T08:00:00+01:00", "query", DATES),
            ("to=yesterday", "query", DATES),
            (
                "unheard=of",
                "query",
                "has a field that isn't known here; known are channel, operator, from, to, tz",
            ),
        ],
    )
    async def test_what_is_wrong_is_told_in_a_sentence(
        self, house: Harness, query: str, field: str, sentence: str
    ) -> None:
        headers = {"Authorization": f"Bearer {signed(EVERYWHERE)}"}
        answer = await house.http.get(f"/v1/live-chat/reconcile?{query}", headers=headers)
        assert answer.json().get("errors") == [{"field": field, "sentence": sentence}]

    async def test_an_offset_can_be_written_in_a_url(self, house: Harness) -> None:
        found = await house.ask("summary", from_="2026-03-01T08:00:00+01:00")
        assert found["from"] == "2026-03-01T07:00:00Z"

    async def test_openapi_describes_every_field_of_the_answers(self, house: Harness) -> None:
        shapes = (await house.http.get("/openapi.json")).json()["components"]["schemas"]
        assert {"Summary", "Bucket", "Unrated", "Review", "Disagreement"} <= set(shapes)
        # The scale is part of the events that services say to one another.
        for name in set(shapes) - {"Scale"}:
            for field, about in shapes[name].get("properties", {}).items():
                assert about.get("description"), f"{name}.{field}"

    async def test_openapi_tells_it_all(self, house: Harness) -> None:
        shape = (await house.http.get("/openapi.json")).json()
        for path in ROUTES:
            answers = shape["paths"][f"/v1/live-chat/{path}"]["get"]["responses"]
            assert {"200", "401", "403", "422", "500", "503"} <= set(answers)


class TestSummary:
    async def test_nothing_to_divide_by_is_null(self, house: Harness) -> None:
        found = await house.ask("summary")
        assert (found["closed"], found["csat"]["value"], found["average_normalised"]["value"]) == (
            0,
            None,
            None,
        )

    async def test_it_tells_the_story(self, house: Harness) -> None:
        ways = [
            ("given", 5),
            ("given", 3),
            ("declined", 1),
            ("expired", 1),
            ("not_offered", 1),
            ("undecided", 1),
        ]
        await house.hear(
            *(ExpectedClose(f"d{n}", way=way, score=score) for n, (way, score) in enumerate(ways))
        )
        found = await house.ask("summary")
        parts = ("closed", "undecided", "not_offered", "offered_total", "given", "declined", "expired")
        assert [found[part] for part in parts] == [6, 1, 1, 4, 2, 1, 1]
        assert (found["csat"]["value"], found["csat"]["n"], found["csat"]["too_few"]) == (50.0, 2, True)
        assert found["response_rate"]["value"] == 50.0
        assert found["scales"][0]["average"] == 4.0
        assert found["unrated"]["not_offered_by_reason"]["spam"] == 1
        assert found["buckets"] is None

    async def test_the_minimum_that_was_set_holds_for_the_whole_and_for_its_buckets(
        self, house: Harness
    ) -> None:
        asked: dict[str, Any] = {"from_": "2026-03-02", "to": "2026-03-03", "by": "day"}
        for number in range(1, MINIMUM + 1):
            await house.hear(ExpectedClose(f"d{number}"))
            found = await house.ask("summary", **asked)
            for part in (found, *found["buckets"]):
                assert (part["csat"]["n"], part["csat"]["too_few"]) == (number, number < MINIMUM)

    async def test_filters_pick_channel_operator_and_time(self, house: Harness) -> None:
        await house.hear(
            ExpectedClose("d1", operator="ann"),
            ExpectedClose("d2", operator="bo"),
            ExpectedClose("d3", operator=None, channel="course-b"),
            ExpectedClose("d4", closed_at=after(24 * 60)),
        )
        assert (await house.ask("summary", operator="bo"))["closed"] == 1
        assert (await house.ask("summary", channel="course-a"))["closed"] == 3
        assert (await house.ask("summary", from_="2026-03-03"))["closed"] == 1
        assert (await house.ask("summary", to="2026-03-03"))["closed"] == 3

    async def test_a_range_takes_its_start_and_leaves_its_end(self, house: Harness) -> None:
        start = datetime(2026, 3, 2, 12, 15, tzinfo=UTC)
        moments = [start - timedelta(milliseconds=1), start, start + timedelta(minutes=15)]
        await house.hear(*(ExpectedClose(f"d{n}", closed_at=at) for n, at in enumerate(moments)))
        asked: dict[str, Any] = {"from_": "2026-03-02T12:15:00Z", "to": "2026-03-02T12:30:00Z"}
        assert (await house.ask("summary", **asked))["closed"] == 1
        assert [each["dialog"] for each in (await house.ask("reviews", **asked))["reviews"]] == ["d1"]

    @pytest.mark.parametrize("tz", ["UTC", "Asia/Kathmandu", "America/St_Johns", "Europe/Paris"])
    @pytest.mark.parametrize("by", ["day", "hour"])
    async def test_the_whole_is_the_sum_of_its_buckets_and_of_its_list(
        self, house: Harness, tz: str, by: str
    ) -> None:
        await house.hear(*many(Random(tz), 120))
        asked: dict[str, Any] = {"from_": "2026-03-02", "to": "2026-03-05", "tz": tz}
        whole = await house.ask("summary", by=by, **asked)
        assert summed(whole["buckets"]) == summed([whole])
        assert len(whole["buckets"]) == {"day": 3, "hour": 72}[by]
        listed = await house.ask("reviews", limit=200, **asked)
        states = Counter(each["state"] for each in listed["reviews"])
        assert states == Counter({state: whole[state] for state in states})
        assert len(listed["reviews"]) == whole["closed"]

    @pytest.mark.parametrize(
        ("tz", "day", "moment", "neighbour"),
        [
            # Just before and just after the midnight that ends a day, in UTC.
            ("Asia/Kathmandu", "2026-03-02", "2026-03-02T18:14:59.999", "2026-03-02T18:15:00"),
            ("Europe/Paris", "2026-03-29", "2026-03-29T21:59:59.999", "2026-03-29T22:00:00"),
            ("Europe/Paris", "2026-10-25", "2026-10-25T22:59:59.999", "2026-10-25T23:00:00"),
            ("America/St_Johns", "2026-11-01", "2026-11-02T03:29:59.999", "2026-11-02T03:30:00"),
        ],
    )
    async def test_a_close_falls_on_the_day_of_its_zone(
        self, house: Harness, tz: str, day: str, moment: str, neighbour: str
    ) -> None:
        for name, at in (("d1", moment), ("d2", neighbour)):
            await house.hear(ExpectedClose(name, closed_at=datetime.fromisoformat(at + "+00:00")))
        until = (datetime.fromisoformat(day) + timedelta(days=2)).date().isoformat()
        found = await house.ask("summary", from_=day, to=until, tz=tz, by="day")
        assert [bucket["closed"] for bucket in found["buckets"]] == [1, 1]
        assert found["buckets"][0]["from"].startswith(f"{day}T00:00:00")

    async def test_days_of_23_and_25_hours(self, house: Harness) -> None:
        for day, until, hours in (("2026-03-29", "2026-03-30", 23), ("2026-10-25", "2026-10-26", 25)):
            found = await house.ask("summary", from_=day, to=until, tz="Europe/Paris", by="hour")
            assert len(found["buckets"]) == hours
            assert found["buckets"][-1]["to"] == found["to"]

    async def test_a_year_of_days_and_a_quarter_of_hours_can_be_asked_for(self, house: Harness) -> None:
        await house.hear(ExpectedClose())
        for by, until in (("day", "2027-03-01"), ("hour", "2026-06-01")):
            found = await house.ask("summary", from_="2026-03-01", to=until, by=by, tz="Europe/Paris")
            assert sum(bucket["closed"] for bucket in found["buckets"]) == 1
        assert (await house.get("summary", from_="2026-03-01", to="2027-03-01", by="hour")).status_code == 422


class TestReviews:
    async def test_a_review_tells_about_one_close(self, house: Harness) -> None:
        house.keys.known = {SealedText(SEALED, "c-d1", "d1", "comment"): "Quick and kind."}
        await house.hear(ExpectedClose(comment=SEALED, changes=(4,), way="given, reopened"))
        (found,) = (await house.ask("reviews"))["reviews"]
        assert (found["dialog"], found["close_seq"], found["operator_name"]) == ("d1", 1, "Ann Lee")
        assert (found["state"], found["score"], found["changes"]) == ("given", 4, 1)
        assert found["given_at"] == "2026-03-02T12:01:00.000Z"
        assert found["comment"] == {"state": "open", "text": "Quick and kind."}
        assert found["reopened_at"] is not None

    async def test_a_name_is_opened_as_the_name_of_the_dialogs_client(self, house: Harness) -> None:
        house.keys.known = {SealedText(SEALED, "c-d1", "d1", "name"): "Zoë"}
        await house.hear(ExpectedClose(comment=SEALED, contact=SEALED))
        (found,) = (await house.ask("reviews"))["reviews"]
        assert found["client_name"] == {"state": "open", "text": "Zoë"}
        assert found["comment"]["text"] is None

    async def test_forgotten_words_are_erased_and_late_keys_are_waited_for(self, house: Harness) -> None:
        await house.hear(ExpectedClose(comment=SEALED, contact=SEALED))
        (found,) = (await house.ask("reviews"))["reviews"]
        assert found["comment"] == found["client_name"] == {"state": "erased", "text": None}
        house.keys.read = False
        (found,) = (await house.ask("reviews"))["reviews"]
        assert found["comment"] == {"state": "waiting", "text": None}

    async def test_a_close_without_words_has_none(self, house: Harness) -> None:
        await house.hear(ExpectedClose(way="expired"))
        (found,) = (await house.ask("reviews"))["reviews"]
        assert (found["comment"], found["client_name"], found["score"]) == (None, None, None)

    async def test_pages_are_in_order_whole_and_not_moved_by_new_closes(self, house: Harness) -> None:
        # Ties in time too.
        told = [ExpectedClose(f"d{n:02}", closed_at=after(n // 3)) for n in range(20)]
        await house.hear(*told)
        seen: list[str] = []
        cursor = None
        while True:
            page = await house.ask("reviews", limit=6, **({"cursor": cursor} if cursor else {}))
            seen += [each["dialog"] for each in page["reviews"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
            await house.hear(ExpectedClose(f"new{len(seen)}", closed_at=after(100 + len(seen))))
        assert seen == [f"d{n:02}" for n in reversed(range(20))]

    async def test_an_empty_cursor_is_the_first_page(self, house: Harness) -> None:
        await house.hear(ExpectedClose("d1"), ExpectedClose("d2", closed_at=after(1)))
        assert await house.ask("reviews", limit=1, cursor="") == await house.ask("reviews", limit=1)

    async def test_a_cursor_grants_nothing(self, house: Harness) -> None:
        await house.hear(*(ExpectedClose(f"d{n}", channel="course-b", closed_at=after(n)) for n in range(4)))
        cursor = (await house.ask("reviews", limit=2))["next_cursor"]
        assert (await house.ask("reviews", ONLY_A, cursor=cursor))["reviews"] == []

    async def test_states_pick_closes(self, house: Harness) -> None:
        await house.hear(
            ExpectedClose("d1"), ExpectedClose("d2", way="expired"), ExpectedClose("d3", way="not_offered")
        )
        for state, dialog in (("given", "d1"), ("expired", "d2"), ("not_offered", "d3")):
            found = (await house.ask("reviews", state=state))["reviews"]
            assert [each["dialog"] for each in found] == [dialog]

    async def test_reading_is_on_record_before_anything_is_shown(self, house: Harness) -> None:
        await house.hear(
            ExpectedClose("d1"), ExpectedClose("d2", closed_at=after(1)), ExpectedClose("d3", way="expired")
        )
        await house.ask("reviews", state="given", channel="course-a")
        (record,) = await house.kept("audit")
        assert (record["who"], record["what"], record["closes"]) == ("sue", "reviews.read", ["d2.1", "d1.1"])
        assert record["asked"]["state"] == "given"

    async def test_without_a_record_nothing_is_shown(self, house: Harness) -> None:
        await house.hear(ExpectedClose())
        await house.rooms.drop_collection("audit")
        await house.rooms.create_collection("audit", validator={"$expr": False})
        assert (await house.get("reviews")).status_code >= 500

    @pytest.mark.parametrize(
        "asked", [{}, {"channel": "course-a"}, {"channel": "course-a", "state": "given"}, {"operator": "ann"}]
    )
    async def test_every_page_comes_from_an_index(self, house: Harness, asked: dict[str, Any]) -> None:
        await house.hear(*many(Random(1), 40))
        await house.rooms.command("profile", 2)
        await house.ask("reviews", limit=5, from_="2026-03-02", **asked)
        await house.rooms.command("profile", 0)
        entry = await house.rooms["system.profile"].find_one({"ns": f"{house.database}.closes_v1"})
        assert "IXSCAN" in entry["planSummary"]
        assert not entry.get("hasSortStage")


class TestReconcile:
    async def test_a_recount_gives_the_counters(self, house: Harness) -> None:
        await house.hear(*many(Random(5), 80))
        found = await house.ask("reconcile")
        assert found == {"equal": True, "closes": 80, "disagreements": 0, "first": [], "lag": 7}

    async def test_closes_and_counters_are_of_one_moment(
        self, house: Harness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        count = reconcile.counters

        async def meanwhile(*asked: Any) -> CounterDelta:
            await house.hear(ExpectedClose("d2"))
            return await count(*asked)

        await house.hear(ExpectedClose("d1"))
        monkeypatch.setattr(reconcile, "counters", meanwhile)
        found = await house.ask("reconcile")
        assert (found["equal"], found["closes"]) == (True, 1)

    async def test_it_finds_what_was_counted_wrongly(self, house: Harness) -> None:
        await house.hear(ExpectedClose("d1"), ExpectedClose("d2", way="expired"))
        await house.rooms["counters_v1"].update_one({"n.expired": 1}, {"$inc": {"n.expired": 1}})
        found = await house.ask("reconcile")
        assert not found["equal"]
        assert found["disagreements"] == 1
        (difference,) = found["first"]
        assert (difference["name"], difference["closes"], difference["counters"]) == ("expired", 1, 2)
