"""A whole system of the tests' own: forms expire after seconds here."""

import secrets
from collections.abc import AsyncIterator, Iterator
from functools import partial

import httpx
import pytest

from deploy.demo.people import ServiceUrls
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack, free_port_base
from deploy.local.tokens import token

EXPIRY_SECONDS = 6
SETTLE_SECONDS = EXPIRY_SECONDS + 30


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Servers and services, ready."""
    rules = {"CANDOR_RATING_EXPIRY": str(EXPIRY_SECONDS), "CANDOR_RATING_DELAY": "1"}
    with Stack(tmp_path_factory.mktemp("stack"), base=free_port_base(), extra=rules) as up:
        yield up


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
