"""Every route against a plain computation: several zones, both axes, ends of summer time, any filter."""

import csv
import io
import os
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from analytics.domain.close import CloseEvent
from analytics.domain.patterns import Pattern
from analytics.processes.day_folding import DayFolding
from chassis.clock import ManualClock
from contracts.access import Claims
from contracts.channels import ChannelPublished
from contracts.dialogs import Participant, ParticipantKind
from tests.analytics.builders import ExpectedClose, many, shuffled
from tests.analytics.harness import EVERYWHERE, Harness, limited_to
from tests.analytics.read_models.test_filters import counts_of, shown_counts
from tests.analytics.read_models.test_rows import publish

pytestmark = pytest.mark.real

CLOSES = int(os.environ.get("CANDOR_TRUTH_CLOSES", "600"))
QUESTIONS = int(os.environ.get("CANDOR_TRUTH_QUESTIONS", "30"))
AT_ONCE = 10_000
PAGE = 50 if CLOSES < 1_000 else 200
FIRST_DAY, DAYS = date(2026, 3, 4), 30
"""New York's clocks change on 8 March, Paris's on the 29th."""

ZONES = {"course-a": "Europe/Paris", "course-b": "Asia/Kathmandu", "course-c": "America/New_York"}
"""A fourth channel was never published."""

ANSWERED_AFTER = (timedelta(milliseconds=1), timedelta(minutes=1), timedelta(hours=25), timedelta(days=9))
RUSH, IN_A_RUSH = datetime(2026, 3, 15, 9, tzinfo=UTC), 0.25
"""When so many closes come within minutes: of those that are rated soon some are a burst."""

LEFT_OUT, MOST_LEFT_OUT = 20, 300
"""One in so many closes is excluded by a supervisor, and no more than so many."""

TAGS = ("fast", "kind", "$a.b")
PARTICIPANTS = (
    Participant(id="ann", name="Ann", messages=3),
    Participant(id="cy", name="Cy", team="$a.b", messages=1),
    Participant(id="greeter", name="Greeter", messages=2, kind=ParticipantKind.BOT),
    Participant(id="routing", name="Routing", messages=1, kind=ParticipantKind.SYSTEM),
)
LOCALES = ("fr", "fr-CA", "ru", "frr", None)
ASKED_ZONES = (*ZONES.values(), "UTC", "Australia/Lord_Howe")
LAST = (datetime.max.replace(tzinfo=UTC), "")


KEPT = {"channel", "operator", "nobody", "team", "axis", "from_", "to", "tz"}
"""By what counters are kept; they hold every outcome, so a recount is of all of them."""


@dataclass(frozen=True)
class Question:
    """What is asked, by whom: the parameters, and which closes they mean."""

    claims: Claims
    parameters: dict[str, Any]
    since: datetime | None
    until: datetime | None
    versus: Mapping[str, str]
    """Which period a summary stands beside."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.parameters["tz"])

    @property
    def compared(self) -> tuple[datetime, datetime] | None:
        """The period that it is compared with."""
        if "vs_from" in self.versus:
            return datetime.fromisoformat(self.versus["vs_from"]), datetime.fromisoformat(
                self.versus["vs_to"]
            )
        if not self.since or not self.until or not self.versus:
            return None
        first, end = self.since.astimezone(self.zone), self.until.astimezone(self.zone)
        if first.time() == end.time() == time():
            days = end.date() - first.date()
            return datetime.combine(first.date() - days, time(), self.zone), first
        return self.since - (self.until - self.since), self.since

    def moment(self, close: ExpectedClose) -> datetime | None:
        if self.parameters["axis"] == "closed_at":
            return close.closed_at
        return close.rated_at if close.state == "given" else None

    def holds(self, close: ExpectedClose, *, any_outcome: bool = False) -> bool:
        asked, moment = self.parameters, self.moment(close)
        operators = {*asked["operator"], *([None] if asked["nobody"] else [])}
        return (
            moment is not None
            and (self.since is None or self.since <= moment)
            and (self.until is None or moment < self.until)
            and close.channel in (asked["channel"] or [close.channel])
            and close.operator in (operators or {close.operator})
            and close.team in (asked["team"] or [close.team])
            and (self.claims.teams is None or close.team in self.claims.teams)
            and (any_outcome or self.holds_outcome(close))
        )

    def holds_outcome(self, close: ExpectedClose) -> bool:
        """Whether the close became what is asked for, and its client said it, in the language asked for."""
        asked, given = self.parameters, close.state == "given"
        scale = f"{close.scale.name}:{close.scale.lowest}:{close.scale.highest}"
        language = (close.locale or "").partition("-")[0]
        answered = {
            "score": close.last in asked.get("score", ()),
            "scale": scale == asked.get("scale"),
            "satisfied": (close.last >= close.scale.satisfied_from) == asked.get("satisfied"),
            "with_comment": (close.comment is not None) == asked.get("with_comment"),
            "tag": not {*close.tags}.isdisjoint(asked.get("tag", ())),
        }
        return (
            close.state in (asked["state"] or [close.state])
            and all(given and fits for name, fits in answered.items() if name in asked)
            and not {close.locale, language}.isdisjoint(asked.get("locale", [language]))
        )


def closes(random: Random) -> list[ExpectedClose]:
    """Closes at any time, often near a midnight of somewhere, some in a rush."""
    made = []
    for close in many(random, CLOSES):
        zone = ZoneInfo(random.choice(ASKED_ZONES))
        midnight = datetime.combine(FIRST_DAY + timedelta(days=random.randrange(DAYS)), time(), zone)
        near = random.choice([timedelta(milliseconds=1), timedelta(minutes=20), timedelta(hours=24)])
        closed_at = (midnight + random.choice([-1, 0, random.random()]) * near).astimezone(UTC)
        if random.random() < IN_A_RUSH:
            closed_at = RUSH + random.random() * timedelta(minutes=8)
        closed_at = closed_at.replace(microsecond=closed_at.microsecond // 1000 * 1000)
        channel, locale = random.choice([*ZONES, "course-d"]), random.choice(LOCALES)
        tags = tuple(random.sample(TAGS, random.randrange(3)))
        took_part = tuple(random.sample(PARTICIPANTS, random.randrange(4)))
        made.append(
            replace(
                close,
                channel=channel,
                closed_at=closed_at,
                locale=locale,
                tags=tags,
                participants=took_part,
                form_version=random.randint(1, 3),
                answered_after=random.choice(ANSWERED_AFTER),
            )
        )
    return made


def question(random: Random) -> Question:
    """Any filter, alone and together with others."""
    zone = ZoneInfo(random.choice(ASKED_ZONES))

    def some(values: Sequence[str]) -> list[str]:
        return random.sample(values, random.randint(1, 2)) if random.random() < 0.3 else []

    first = random.randrange(DAYS)
    days = [first, first + random.choice([1, 2, 7, 30])]
    moments = [datetime.combine(FIRST_DAY + timedelta(days=day), time(), zone) for day in days]
    texts = [moment.date().isoformat() for moment in moments]
    if random.random() < 0.3:
        moments = [
            moment.astimezone(UTC) + timedelta(minutes=15 * random.randrange(40)) for moment in moments
        ]
        texts = [moment.isoformat() for moment in moments]
    bounds = [moment.astimezone(UTC) for moment in moments]
    opened = random.choice([None, None, None, 0, 1])
    asked: dict[str, Any] = {
        "channel": some(["course-a", "course-b", "course-c", "course-d"]),
        "operator": some(["ann", "bo"]),
        "nobody": random.random() < 0.2,
        "team": some(["first.line", "$a.b"]),
        "state": some(["given", "expired", "not_offered", "pending"]),
        "axis": random.choice(["closed_at", "closed_at", "rated_at"]),
        "tz": zone.key,
    }
    rarely = {
        "score": [5, 1],
        "scale": random.choice(["stars:1:5", "faces v2.0 $:-1:1"]),
        "satisfied": random.random() < 0.5,
        "with_comment": random.random() < 0.5,
        "tag": random.sample(TAGS, random.randint(1, 2)),
        "locale": random.choice([["fr"], ["fr-CA", "ru"]]),
    }
    asked |= {name: value for name, value in rarely.items() if random.random() < 0.15}
    other = (bounds[0] - timedelta(days=random.randrange(9)), bounds[1])
    own = {name: moment.isoformat() for name, moment in zip(("vs_from", "vs_to"), other, strict=True)}
    versus = {} if opened is not None else random.choice([{}, own, {"vs": "previous"}])
    names = ("from_", "to")
    asked |= {names[index]: texts[index] for index in (0, 1) if index != opened}
    since, until = (None if index == opened else bound for index, bound in enumerate(bounds))
    claims = limited_to("first.line", "$a.b") if random.random() < 0.2 else EVERYWHERE
    return Question(claims, asked, since, until, versus)


@pytest.mark.long
async def test_every_route_tells_the_truth(harness: Harness) -> None:
    random = Random(20260329)
    clock: ManualClock = harness.app.state.clock
    clock.advance(timedelta(days=60))
    made = closes(random)
    for channel, zone in ZONES.items():
        await publish(harness, (1, ChannelPublished(channel=channel, name=channel, time_zone=zone)))
    # Some are folded and change afterwards, some are folded at their end, some are not folded at all.
    events = shuffled(random, made)
    await receive(harness, events[: len(events) // 2])
    await DayFolding(lambda: harness.documents, ManualClock(at(12)), lambda: 0.0).fold()
    await receive(harness, events[len(events) // 2 :])
    await DayFolding(lambda: harness.documents, ManualClock(at(6)), lambda: 0.0).fold()
    zones = {each["_id"]["zone"] for each in await harness.stored("counters_v5")}
    assert zones == {*ZONES.values(), "UTC"}
    left_out = await excluded(harness, random.sample(made, min(len(made) // LEFT_OUT, MOST_LEFT_OUT)))
    kept = [close for close in made if close not in left_out]
    for _ in range(QUESTIONS):
        asked = question(random)
        found = [close for close in made if asked.holds(close)]
        counted = [close for close in kept if asked.holds(close)]
        cut = random.choice(["hour", "day", "week", "month"])
        shown = await check_summary(harness, asked, counted, cut)
        assert shown["excluded"] == len(found) - len(counted), asked
        if asked.compared:
            since, until = asked.compared
            before = replace(asked, since=since, until=until)
            check_compared(before, [close for close in kept if before.holds(close)], counted, shown)
        await check_rows(harness, asked, counted)
        await check_people(harness, asked, counted)
        await check_versions(harness, asked, counted)
        await check_divided(harness, asked, counted)
        if asked.since and asked.until:
            await check_hours(harness, asked, counted)
            await check_patterns(harness, asked, kept)
        await check_lists(harness, asked, found)
        await check_export(harness, asked, found)
        await check_recount(harness, asked, [close for close in made if asked.holds(close, any_outcome=True)])


async def receive(harness: Harness, events: list[CloseEvent]) -> None:
    """In batches of a size that one transaction can hold."""
    for first in range(0, len(events), AT_ONCE):
        await harness.receive_events(events[first : first + AT_ONCE])


async def excluded(harness: Harness, closes: Sequence[ExpectedClose]) -> frozenset[ExpectedClose]:
    """These closes, which a supervisor has left out of the numbers."""
    for close in closes:
        path = f"closes/{close.dialog}/{close.close_seq}/review/exclusion"
        how: dict[str, Any] = {"json": {"reason": "test"}, "headers": {"If-Match": '"1"'}}
        assert (await harness.send("PUT", path, EVERYWHERE, **how)).status_code == 200
    await harness.relayed()
    return frozenset(closes)


def named(found: list[ExpectedClose]) -> Counter[str]:
    """What these closes count, with the scales' own names."""
    return Counter({unquote(name): n for name, n in counts_of(found).items()})


def at(day: int) -> datetime:
    return datetime.combine(FIRST_DAY + timedelta(days=day), time(), UTC)


async def check_summary(harness: Harness, asked: Question, found: list[ExpectedClose], by: str) -> Any:
    cut: dict[str, Any] = {"by": by} if asked.since and asked.until else {}
    shown = await harness.ask("summary", asked.claims, **asked.parameters, **asked.versus, **cut)
    assert shown_counts(shown) == named(found), asked
    assert shown_shares(shown) == pytest.approx(shares(found)), asked
    in_order = sorted((moment, index) for index, close in enumerate(found) if (moment := asked.moment(close)))
    for bucket in shown["buckets"] or ():
        first, end = (
            bisect_left(in_order, (datetime.fromisoformat(bucket[name]), 0)) for name in ("from", "to")
        )
        inside = [found[index] for _, index in in_order[first:end]]
        assert shown_counts(bucket) == named(inside), (asked, by, bucket["from"])
    return shown


def check_compared(
    before: Question, other: list[ExpectedClose], counted: list[ExpectedClose], shown: Any
) -> None:
    compared = shown["compared"]
    bounds = tuple(datetime.fromisoformat(compared[name]) for name in ("from", "to"))
    assert bounds == (before.since, before.until), before
    assert shown_counts(compared) == named(other), before
    assert shown_shares(compared) == pytest.approx(shares(other)), before
    now, then = shares(counted)["csat"], shares(other)["csat"]
    change = shown["changes"]["csat"]
    assert (change is None) == (now is None or then is None), before
    assert change is None or change["value"] == pytest.approx((now or 0) - (then or 0)), before


def shares(found: list[ExpectedClose]) -> dict[str, float | None]:
    """The numbers by which closes are judged, as product people define them."""
    given = [close for close in found if close.state == "given"]
    silent = [close for close in found if close.state in {"declined", "expired"}]
    offered = [close for close in found if close.state not in {"undecided", "not_offered"}]
    satisfied = [close for close in given if close.last >= close.scale.satisfied_from]
    settled = len(given) + len(silent)
    reached = [
        (close.last - close.scale.lowest) / (close.scale.highest - close.scale.lowest) for close in given
    ]
    return {
        "csat": percent(len(satisfied), len(given)),
        "response_rate": percent(len(given), settled),
        "coverage": percent(len(offered), len(found)),
        "average_normalised": percent(sum(reached), len(given)),
        "bounds.from": percent(len(satisfied), settled),
        "bounds.to": percent(len(satisfied) + len(silent), settled),
    }


def percent(hits: float, n: int) -> float | None:
    return 100 * hits / n if n else None


def shown_shares(shown: Any) -> dict[str, float | None]:
    names = ("csat", "response_rate", "coverage", "average_normalised")
    bounds = shown["bounds"] or {"from": None, "to": None}
    return {name: shown[name]["value"] for name in names} | {
        f"bounds.{end}": bounds[end] for end in ("from", "to")
    }


async def check_rows(harness: Harness, asked: Question, found: list[ExpectedClose]) -> None:
    for path, name in (("operators", "operator"), ("channels", "channel")):
        rows = (await harness.ask(path, asked.claims, **asked.parameters))["rows"]
        shown = {row[name]: [row[each] for each in ("closed", "given", "satisfied")] for row in rows}
        expected: dict[Any, list[int]] = {}
        for close in found:
            counts = close.counts()
            row = expected.setdefault(getattr(close, name), [0, 0, 0])
            for index, each in enumerate(("closed", "given", "satisfied")):
                row[index] += counts[each]
        assert {key: row for key, row in shown.items() if row[0]} == expected, (asked, path)


async def check_people(harness: Harness, asked: Question, found: list[ExpectedClose]) -> None:
    shown = await harness.ask("operators", asked.claims, **asked.parameters, view="took_part")
    expected: Counter[tuple[str, str]] = Counter()
    for close in found:
        for each in close.participants:
            if each.kind is ParticipantKind.PERSON:
                counts = close.counts()
                expected.update({(each.id, name): counts[name] for name in ("closed", "given", "satisfied")})
    assert +expected == +Counter(
        {
            (row["operator"], name): row[name]
            for row in shown["rows"]
            for name in ("closed", "given", "satisfied")
        }
    ), asked
    assert {(row["operator"], row["name"]) for row in shown["rows"]} <= {("ann", "Ann"), ("cy", "Cy")}


async def check_versions(harness: Harness, asked: Question, found: list[ExpectedClose]) -> None:
    channel = (asked.parameters["channel"] or ["course-a"])[0]
    parameters = {**asked.parameters, "channel": channel}
    shown = await harness.ask("form-versions", asked.claims, **parameters)
    expected: dict[int, list[ExpectedClose]] = {}
    for close in found:
        if close.channel == channel and close.way not in {"undecided", "not_offered"}:
            expected.setdefault(close.form_version, []).append(close)
    moments = {version: [asked.moment(each) for each in closes] for version, closes in expected.items()}
    assert {
        each["version"]: (
            each["closed"], each["given"], each["satisfied"],
            *(datetime.fromisoformat(each[name]) for name in ("first", "last")),
        )
        for each in shown["versions"]
    } == {
        version: (
            *(sum(each.counts()[name] for each in closes) for name in ("closed", "given", "satisfied")),
            min(filter(None, moments[version])), max(filter(None, moments[version])),
        )
        for version, closes in expected.items()
    }, asked  # fmt: skip


async def check_divided(harness: Harness, asked: Question, found: list[ExpectedClose]) -> None:
    scales = (await harness.ask("distribution", asked.claims, **asked.parameters))["scales"]
    shown = {
        (scale["name"], group["from"]): group["n"]
        for scale in scales
        for group in scale["groups"]
        if group["n"] and group["share"]["n"] == scale["n"]
    }
    assert shown == Counter((each.scale.name, each.last) for each in found if each.state == "given"), asked
    unrated = await harness.ask("unrated", asked.claims, **asked.parameters)
    reasons = {"not_offered": "spam", "cancelled": "reopened"}
    states = Counter(each.state for each in found if each.state != "given")
    assert {(each["state"], each["reason"]): each["n"] for each in unrated["rows"]} == {
        (state, reasons.get(state)): n for state, n in states.items()
    }, asked
    assert unrated["closed"] - unrated["given"] == states.total(), asked


async def check_hours(harness: Harness, asked: Question, found: list[ExpectedClose]) -> None:
    shown = (await harness.ask("hours", asked.claims, **asked.parameters))["hours"]
    expected = Counter(
        (local.isoweekday(), local.hour)
        for close in found
        if (moment := asked.moment(close)) and (local := moment.astimezone(asked.zone))
    )
    assert +Counter({(each["weekday"], each["hour"]): each["closed"] for each in shown}) == expected, asked


async def check_patterns(harness: Harness, asked: Question, made: list[ExpectedClose]) -> None:
    parameters = {**asked.parameters, "operator": [], "nobody": False}
    everybody = replace(asked, parameters=parameters)
    kept = {name: value for name, value in parameters.items() if name in KEPT}
    rated = [close for close in made if close.state == "given"]
    among = [
        close for close in rated if replace(asked, parameters={**kept, "state": []}, since=None).holds(close)
    ]
    inside = [close for close in among if everybody.holds(close, any_outcome=True)]
    first: dict[Any, Any] = {}
    for close in among:
        first[contact_of(close)] = min(order_of(close, asked), first.get(contact_of(close), LAST))
    operators = {each.operator for each in made}
    rated_at = {who: sorted(each.rated_at for each in inside if each.operator == who) for who in operators}
    expected: dict[Any, list[int]] = {}
    for close in (close for close in made if everybody.holds(close) and close.operator):
        row = expected.setdefault(close.operator, [0, 0, 0, 0, 0])
        row[0] += close.state == "cancelled"
        row[1] += close.state not in {"undecided", "not_offered"}
        if close.state == "given":
            row[2] += order_of(close, asked) <= first.get(contact_of(close), LAST)
            row[3] += how_many_near(close.rated_at, rated_at[close.operator]) >= 5
            row[4] += 1
    shown = await harness.ask("patterns", asked.claims, **asked.parameters)
    named_alone = asked.parameters["operator"] or asked.parameters["nobody"]
    shown_alone = {*asked.parameters["operator"]} if named_alone else operators
    assert {row["operator"]: counted_patterns(row) for row in shown["rows"]} == {
        operator: row for operator, row in expected.items() if operator in shown_alone
    }, asked
    assert shown["whole"]["bursts"]["n"] == sum(row[4] for row in expected.values()), asked


def contact_of(close: ExpectedClose) -> tuple[str, str]:
    """The client and the channel; here a client has one dialog, and all closes are of 90 days."""
    return close.dialog, close.channel


def order_of(close: ExpectedClose, asked: Question) -> tuple[datetime, str]:
    return asked.moment(close) or LAST[0], f"{close.dialog}.{close.close_seq}"


def how_many_near(moment: datetime, moments: list[datetime]) -> int:
    """How many of these, in order, are within five minutes of a moment."""
    near = timedelta(minutes=5)
    return bisect_right(moments, moment + near) - bisect_left(moments, moment - near)


def counted_patterns(row: dict[str, Any]) -> list[int]:
    """Withdrawn of offered; first contacts and bursts of rated."""
    hits = {name: round((row[name]["value"] or 0) * row[name]["n"] / 100) for name in Pattern}
    assert row["bursts"]["n"] == row["first_contacts"]["n"]
    withdrawn = [hits[Pattern.WITHDRAWN], row["withdrawn"]["n"]]
    return [*withdrawn, hits[Pattern.FIRST_CONTACTS], hits[Pattern.BURSTS], row["bursts"]["n"]]


async def check_lists(harness: Harness, asked: Question, found: list[ExpectedClose]) -> None:
    expected = {(close.dialog, close.close_seq): close for close in found}
    for path in ("reviews", "closes"):
        seen = []
        page: dict[str, Any] = {"next_cursor": ""}
        while page["next_cursor"] is not None:
            page = await harness.ask(
                path, asked.claims, **asked.parameters, limit=PAGE, cursor=page["next_cursor"]
            )
            seen += page[path]
        order = [(asked.moment(expected[key_of(row)]), ".".join(map(str, key_of(row)))) for row in seen]
        assert order == sorted(order, reverse=True), asked
        assert {key_of(row): (row["state"], row["score"]) for row in seen} == {
            key: (close.state, close.last if close.state == "given" else None)
            for key, close in expected.items()
        }, (asked, path)
        assert len(seen) == len(found)


def key_of(row: Mapping[str, Any]) -> tuple[str, int]:
    return row["dialog"], row["close_seq"]


async def check_export(harness: Harness, asked: Question, found: list[ExpectedClose]) -> None:
    response = await harness.get("export.csv", asked.claims, **asked.parameters)
    rows = csv.DictReader(io.StringIO(response.text, newline=""))
    expected = Counter((close.dialog, str(close.close_seq), close.state) for close in found)
    assert Counter((row["dialog"], row["close_seq"], row["state"]) for row in rows) == expected, asked


async def check_recount(harness: Harness, asked: Question, found: list[ExpectedClose]) -> None:
    parameters = {name: value for name, value in asked.parameters.items() if name in KEPT}
    shown = await harness.ask("reconcile", asked.claims, **parameters)
    assert (shown["equal"], shown["closes"], shown["first"]) == (True, len(found), []), asked
