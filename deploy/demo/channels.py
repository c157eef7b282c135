"""The channels that demo traffic is on, and that of the sample site: made where they are missing."""

from http import HTTPStatus
from typing import Any

from chassis.http.etags import etag
from contracts.access import Role
from deploy.demo.people import NotYet, until
from deploy.demo.support_floor import SupportFloor

NORTHBANK, STUDY_BOT = "northbank", "demo-study-bot"
SAMPLE_NAME = "Northbank Academy"
DEMO_CHANNELS = {"demo-courses": "Courses", STUDY_BOT: "Study bot", "demo-library": "Library"}
SAMPLE: dict[str, Any] = {"name": SAMPLE_NAME, "locales": ["en", "fr", "ru"], "allowed_origins": []}
EXPIRY_SECONDS = 10
"""How long forms of the demo wait, so that they expire while one watches."""


async def ensure_channels(floor: SupportFloor, sample_origins: tuple[str, ...]) -> None:
    """Make what is missing; what somebody changed stays, except that the sample site may use its channel."""
    found = (await floor.caller(Role.ADMIN).do("GET", f"{floor.urls.chat}/v1/channels"))["channels"]
    there = {channel["channel"] for channel in found}
    for channel, name in DEMO_CHANNELS.items():
        if channel not in there:
            # First how it asks: a channel that is there counts as made.
            await floor.set_up(channel, expiry=EXPIRY_SECONDS)
            await floor.channel(channel, name)
    await until(lambda: _allow(floor, sample_origins))


async def _allow(floor: SupportFloor, origins: tuple[str, ...]) -> None:
    """Lets the sample site in; `NotYet` if the list, which follows, is older than the channel."""
    admin, address = floor.caller(Role.ADMIN), f"{floor.urls.chat}/v1/channels"
    found = {each.pop("channel"): each for each in (await admin.do("GET", address))["channels"]}
    sample = found.get(NORTHBANK) or SAMPLE
    version = sample.pop("version", None)
    missing = [origin for origin in origins if origin not in sample["allowed_origins"]]
    if missing:
        body = {**sample, "allowed_origins": [*sample["allowed_origins"], *missing]}
        based_on = {"If-Match": etag(version)} if version else {"If-None-Match": "*"}
        response = await admin.call("PUT", f"{address}/{NORTHBANK}", headers=based_on, json=body)
        if response.status_code == HTTPStatus.PRECONDITION_FAILED:
            raise NotYet(response.text)
        response.raise_for_status()
