"""Webhooks for tests: set up over the API, delivered by hand to a receiver on loopback."""

from ipaddress import IPv4Network
from typing import Any

import httpx

from contracts.access import Role
from rating.adapters.webhooks import WebhookSender
from rating.processes.webhook_deliveries import WebhookDispatcher
from rating.read_models.webhooks import REMEMBERED
from tests.rating.api_client import ApiClient, staff

ADA = staff(Role.ADMIN, sub="ada")
LOOPBACK = [IPv4Network("127.0.0.0/8")]


def body(**changes: Any) -> dict[str, Any]:
    """A webhook that is told of every answer."""
    told = {"url": "https://crm.example/candor", "events": ["given", "changed"], "channels": []}
    return {**told, "score_at_or_below": None, "enabled": True, **changes}


async def save(
    api: ApiClient, version: int | None = None, name: str = "crm", **changes: Any
) -> httpx.Response:
    """Saves a webhook, based on a version."""
    headers = ADA | ({"If-Match": f'"{version}"'} if version else {})
    return await api.http.put(f"/v1/webhooks/{name}", headers=headers, json=body(**changes))


async def log(api: ApiClient, name: str = "crm", **params: Any) -> Any:
    """The log of deliveries, the newest first."""
    response = await api.http.get(f"/v1/webhooks/{name}/deliveries", headers=ADA, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def settings_known(api: ApiClient) -> None:
    """Waits until what was saved is known to the relay and to the process."""
    await api.harness.relayed()
    api.harness.clock.advance(REMEMBERED)


def delivering(api: ApiClient) -> WebhookDispatcher:
    """A replica's process, that may reach loopback."""
    state = api.harness.app.state
    return WebhookDispatcher(
        api.harness.repository,
        api.harness.webhooks,
        api.harness.webhook_deliveries,
        state.webhook_secrets,
        WebhookSender(LOOPBACK),
        jitter=lambda: 0.5,
    )
