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


async def listed(floor: SupportFloor, channel: str, **wanted: object) -> None:
    """Waits until the list, which follows, has the channel like this."""

    async def look() -> None:
        found = await floor.supervisor().caller.do("GET", f"{floor.urls.chat}/v1/channels")
        channels = {each["channel"]: each for each in found["channels"]}
        if not wanted.items() <= channels[channel].items():
            raise NotYet(f"{channels[channel]}")
        assert DEMO_CHANNELS.keys() < channels.keys()

    await until(look, 10)


async def test_channels_are_made_once_and_what_somebody_changed_stays(floor: SupportFloor) -> None:
    await ensure_channels(floor, SITES)
    own = "https://northbank.example"
    await floor.channel("demo-courses", "Kurse", closed=True)
    await floor.channel(NORTHBANK, "Academy", allowed_origins=[own])
    await listed(floor, "demo-courses", name="Kurse")
    await listed(floor, NORTHBANK, name="Academy")

    await ensure_channels(floor, SITES)
    await ensure_channels(floor, SITES)

    await listed(floor, "demo-courses", name="Kurse", closed=True)
    await listed(floor, NORTHBANK, name="Academy", allowed_origins=[own, *SITES])
    await floor.channel("demo-courses", "Courses")
