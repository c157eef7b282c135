"""The channels that demo traffic is on, and that of the sample site: made where they are missing."""

from contracts.access import Role
from deploy.demo.support_floor import SupportFloor

NORTHBANK, STUDY_BOT = "northbank", "demo-study-bot"
SAMPLE_NAME = "Northbank Academy"
DEMO_CHANNELS = {"demo-courses": "Courses", STUDY_BOT: "Study bot", "demo-library": "Library"}
EXPIRY_SECONDS = 10
"""How long forms of the demo wait, so that they expire while one watches."""


async def ensure_channels(floor: SupportFloor, sample_origins: tuple[str, ...]) -> None:
    """Make what is missing; what somebody changed stays, except that the sample site may use its channel."""
    admin = floor.caller(Role.ADMIN)
    found = (await admin.do("GET", f"{floor.urls.chat}/v1/channels"))["channels"]
    there = {channel.pop("channel"): channel for channel in found}
    for channel, name in DEMO_CHANNELS.items():
        if channel not in there:
            # First how it asks: a channel that is there counts as made.
            await floor.set_up(channel, expiry=EXPIRY_SECONDS)
            await floor.channel(channel, name)
    sample = there.get(NORTHBANK) or {
        "name": SAMPLE_NAME,
        "locales": ["en", "fr", "ru"],
        "allowed_origins": [],
    }
    missing = [origin for origin in sample_origins if origin not in sample["allowed_origins"]]
    if missing:
        body = {**sample, "allowed_origins": [*sample["allowed_origins"], *missing]}
        await admin.do("PUT", f"{floor.urls.chat}/v1/channels/{NORTHBANK}", json=body)
