"""Demo traffic on a whole system: it runs until somebody stops it, and then all parts add up."""

import pytest

from deploy.demo.channels import DEMO_CHANNELS, NORTHBANK, ensure_channels
from deploy.demo.people import NotYet, until
from deploy.demo.support_floor import SupportFloor
from deploy.demo.traffic import Comparison, Numbers, Traffic

pytestmark = [pytest.mark.real, pytest.mark.long]
SITES = ("http://127.0.0.1:5", "http://localhost:5")


async def test_traffic_flows_until_it_is_stopped_and_its_numbers_agree(floor: SupportFloor) -> None:
    await ensure_channels(floor, SITES)
    traffic = Traffic(floor)
    await traffic.start(5)

    async def some_closes() -> None:
        if len(traffic.ledger.endings) < 20:
            raise NotYet

    async def settled() -> Comparison:
        compared = traffic.compare(await traffic.counts())
        if not compared.agrees or Numbers.of(await traffic.counts()).open:
            raise NotYet(str(compared))
        return compared

    await until(some_closes, 40)
    await traffic.stop()
    compared = await until(settled, 60)

    assert (traffic.pace, compared.wrong, traffic.failed) == (None, [], 0)
    await traffic.end()


async def test_channels_are_made_once_and_what_somebody_changed_stays(floor: SupportFloor) -> None:
    await ensure_channels(floor, SITES)
    await floor.channel("demo-courses", "Kurse", closed=True)
    await floor.channel(NORTHBANK, "Academy", allowed_origins=["https://northbank.example"])

    await ensure_channels(floor, SITES)
    await ensure_channels(floor, SITES)

    listed = await floor.supervisor().caller.do("GET", f"{floor.urls.chat}/v1/channels")
    channels = {each["channel"]: each for each in listed["channels"]}
    assert DEMO_CHANNELS.keys() < channels.keys()
    assert (channels["demo-courses"]["name"], channels["demo-courses"]["closed"]) == ("Kurse", True)
    assert channels[NORTHBANK]["name"] == "Academy"
    assert channels[NORTHBANK]["allowed_origins"] == ["https://northbank.example", *SITES]
    await floor.channel("demo-courses", "Courses")
