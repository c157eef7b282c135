"""Every staff page opens in the real system with a token, and shows who works there."""

import pytest
from playwright.async_api import Page, expect

from contracts.access import Role
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("service", "path", "role"),
    [
        ("chat", "/channels", Role.ADMIN),
        ("rating", "/quality-control", Role.SUPERVISOR),
        ("rating", "/webhooks", Role.ADMIN),
        ("analytics", "/live-chat", Role.SUPERVISOR),
    ],
)
async def test_a_page_opens_and_the_token_leaves_its_address(
    page: Page, open_page: OpenPage, service: str, path: str, role: Role
) -> None:
    await open_page(page, service, path, role, name="Clara Moen")

    await expect(page.get_by_role("button", name="Clara Moen")).to_be_visible()
    assert "token" not in page.url
