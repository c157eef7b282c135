"""Demo traffic's numbers add up, and are compared with what clients and operators saw acknowledged."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from deploy.demo.people import ServiceUnavailable, ServiceUrls, at_once
from deploy.demo.support_floor import SupportFloor
from deploy.demo.traffic import Numbers, Traffic

BEFORE = Counter(closed=10, offered_total=10, given=6, expired=4)
OURS = Counter(closed=3, offered_total=2, given=1, declined=1, not_offered=1)


@pytest.fixture
def traffic() -> Traffic:
    nobody = SupportFloor(httpx.AsyncClient(), ServiceUrls.at(1), lambda *_, **__: "")
    traffic = Traffic(nobody, _before=BEFORE, _settled_by=datetime.now(UTC) - timedelta(seconds=1))
    for number, state in enumerate(("given", "declined", "not_offered"), start=1):
        traffic.ledger.closed("d1", number, "demo-courses", "ann")
        traffic.ledger.settled("d1", number, state)
    return traffic


def test_what_analytics_shows_is_what_was_acknowledged(traffic: Traffic) -> None:
    compared = traffic.compare(BEFORE + OURS)

    assert (compared.agrees, compared.wrong) == (True, [])


def test_a_difference_is_said_once_nothing_is_on_its_way(traffic: Traffic) -> None:
    late = BEFORE + OURS - Counter(closed=1, not_offered=1)
    traffic.pace = 2
    assert traffic.compare(late).agrees is None

    traffic.pace = None
    compared = traffic.compare(late)

    assert compared.agrees is False
    assert compared.wrong == ["closed rose by 2, the clients did 3"]


def test_parts_that_do_not_add_up_are_said_at_once(traffic: Traffic) -> None:
    traffic.pace = 2

    assert traffic.compare(BEFORE + OURS + Counter(closed=1)).wrong == [
        "closed is 14, its parts add up to 13"
    ]


def test_every_state_is_in_exactly_one_part() -> None:
    states = (
        "undecided", "not_offered", "scheduled", "pending", "given", "declined", "expired", "cancelled",
        "undeliverable",
    )  # fmt: skip
    counts = Counter({state: 10**at for at, state in enumerate(states)})
    counts["closed"] = counts.total()

    shown = Numbers.of(counts)

    parts = (shown.rated, shown.declined_or_expired, shown.open, shown.fell_away, shown.not_asked)
    assert sum(parts) == shown.closed == 111_111_111
    assert shown.open == 1 + 100 + 1000


async def test_of_jobs_that_fail_together_the_first_is_told() -> None:
    async def fail() -> None:
        raise ServiceUnavailable("gone")

    with pytest.raises(ServiceUnavailable, match=r"^gone$"):
        await at_once(2, [fail, fail])
