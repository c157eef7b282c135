"""The story is played once, on the system that all tests of whole systems share."""

import asyncio

import pytest

from deploy.local.stack import Stack
from tests.blindness.observing import Observed, observe


@pytest.fixture(scope="session")
def observed(stack: Stack) -> Observed:
    """All that operators could see of it."""
    return asyncio.run(observe(stack))
