"""Whom one can be with a click: their roles, channels, and the page that each begins with."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.access import EVERY_CHANNEL, Role
from deploy.demo.channels import DEMO_CHANNELS, NORTHBANK, SAMPLE_NAME, STUDY_BOT
from deploy.local.start_page.setup import Setup

EVERY = (EVERY_CHANNEL,)
NAMES = {NORTHBANK: SAMPLE_NAME, **DEMO_CHANNELS}


@dataclass(frozen=True)
class Someone:
    """A person. `page` is a service's page, such as ``chat/console``; a client's is the sample site."""

    id: str
    name: str
    role: Role
    does: str
    page: str
    channels: Sequence[str] = EVERY
    team: str | None = None

    @property
    def channel_names(self) -> list[str]:
        """What their channels are called; empty for every channel."""
        return [NAMES[channel] for channel in self.channels if channel != EVERY_CHANNEL]

    def address(self, setup: Setup) -> str:
        """Where their page is."""
        if self.role is Role.VISITOR:
            return f"{setup.sample_site}/"
        service, _, page = self.page.partition("/")
        return f"{getattr(setup.urls, service)}/{page}"


ANSWERS = "Takes, answers, closes; sees no rating"
READS = "Live Chat, reviews, transcripts, settings"
PEOPLE = {
    each.id: each
    for each in (
        Someone(
            "lena", "Lena Wirth", Role.VISITOR, "Chats on the sample site, gets the form", "", (NORTHBANK,)
        ),
        Someone("mira", "Mira Castell", Role.OPERATOR, ANSWERS, "chat/console", (NORTHBANK,), "Courses"),
        Someone("jonas", "Jonas Okoro", Role.OPERATOR, ANSWERS, "chat/console", (NORTHBANK,), "Courses"),
        Someone("aino", "Aino Salmi", Role.OPERATOR, ANSWERS, "chat/console", EVERY, "First line"),
        Someone("clara", "Clara Moen", Role.SUPERVISOR, READS, "analytics/live-chat"),
        Someone("ivo", "Ivo Brandt", Role.SUPERVISOR, READS, "analytics/live-chat", (STUDY_BOT,)),
        Someone("nora", "Nora Field", Role.ADMIN, "Channels, settings, erasure", "chat/channels"),
        Someone("sam", "Sam Adeyemi", Role.PLATFORM, "Health, lag, dead letters", "analytics/health/ready"),
    )
}
