"""Where a whole story plays: a foreign site with the widget, the console, Live Chat, Quality control."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from secrets import token_hex

from playwright.async_api import expect

from contracts.access import Role
from deploy.demo.support_floor import SupportFloor
from tests.browser.conftest import NewPage, OpenPage
from tests.browser.findings import Findings
from tests.browser.people import Client, Operator, Settings, Supervisor
from tests.browser.widget import Site, allowed
from tests.waiting import until

LONG_SECONDS = 600


@dataclass
class Stage:
    """The browsers of a story; each person has one of their own."""

    new_page: NewPage
    open_page: OpenPage
    findings: Findings
    floor: SupportFloor
    site: Site

    async def set_up(self) -> None:
        """Makes the site's channel, and waits until chat and rating know the site."""
        channel, origin = self.site.channel, self.site.origin
        await allowed(self.floor, channel, self.site, locales=["en", "fr"])
        await self.expire_after(LONG_SECONDS)
        form = f"{self.floor.urls.rating}/form?channel={channel}"

        async def policy() -> str:
            return (await self.floor.http.get(form)).headers["content-security-policy"]

        await until(policy, lambda told: origin in told)

    async def expire_after(self, seconds: int) -> None:
        """Forms that are offered from now on expire after so long."""
        await self.floor.set_up(self.site.channel, expiry=seconds)

    async def client(self, locale: str = "en-GB") -> Client:
        """Somebody who hasn't come to the site yet."""
        return Client(await self.new_page(locale=locale))

    async def operator(self) -> Operator:
        """Mira, in front of the console."""
        mira = Operator(await self.new_page())
        await mira.log.follow()
        claims = {"sub": f"mira-{token_hex(4)}", "name": "Mira Castell", "channels": [self.site.channel]}
        await self.open_page(mira.page, "chat", "/console", Role.OPERATOR, **claims)
        await expect(mira.page.get_by_text("Connected")).to_be_visible()
        return mira

    async def supervisor(self) -> Supervisor:
        """Clara, in front of Live Chat, filtered by the channel; from here on loads are counted."""
        clara = Supervisor(await self.new_page())
        path = f"/live-chat?channel={self.site.channel}"
        await self.open_page(clara.page, "analytics", path, Role.SUPERVISOR, **self._clara)
        await expect(clara.page.get_by_role("heading", name="No close matches")).to_be_visible()
        clara.count_loads()
        return clara

    async def settings(self) -> Settings:
        """The channel's Quality control, in another window of Clara's."""
        page = await self.new_page()
        path = f"/quality-control?channel={self.site.channel}"
        await self.open_page(page, "rating", path, Role.SUPERVISOR, **self._clara)
        return Settings(page)

    def offline(self, person: Client | Supervisor) -> AbstractAsyncContextManager[None]:
        """The person's browser has no network within."""
        return self.findings.offline(person.page.context)

    @property
    def _clara(self) -> dict[str, str | list[str]]:
        return {"sub": "clara", "name": "Clara Moen", "channels": [self.site.channel]}
