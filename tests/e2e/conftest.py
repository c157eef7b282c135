"""People of the system that all tests of whole systems share: its forms expire after seconds."""

import secrets
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from deploy.demo.people import ServiceUrls
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack
from deploy.local.tokens import token
from tests.conftest import EXPIRY_SECONDS

SETTLE_SECONDS = EXPIRY_SECONDS + 30


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Connections to loopback, whatever proxy the environment names."""
    async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
        yield client


@pytest.fixture
def floor(stack: Stack, http: httpx.AsyncClient) -> SupportFloor:
    """People of every role."""
    return SupportFloor(http, ServiceUrls.at(stack.base), partial(token, stack.folder), within=20)


@pytest.fixture
async def channel(floor: SupportFloor) -> str:
    """A channel that no other test knows."""
    name = f"course-{secrets.token_hex(4)}"
    await floor.channel(name)
    return name
