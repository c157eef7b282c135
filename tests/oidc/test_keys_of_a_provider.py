"""A running provider rotates its keys and goes away: what its tokens are worth meanwhile."""

from collections.abc import Iterator
from functools import partial

import pytest

from chassis.http.auth import TrustedIssuer, Verifier
from chassis.http.key_sources import RemoteKeys, from_discovery
from chassis.http.problems import Unauthenticated, Unavailable
from chassis.jwks import Keys
from contracts.access import Role
from tests.oidc.keys import SigningKey
from tests.oidc.provider import Account, Provider, code_flow_token, running

pytestmark = pytest.mark.real


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running({"ada": Account(sub="ada", claims={"roles": ["operator"]})}) as up:
        yield up


class Believer:
    """A service that believes the provider; `now` are its seconds, `asked` counts how often it asked."""

    def __init__(self, provider: Provider) -> None:
        self.now, self.asked = 0.0, 0
        self._provider = provider
        self._discover = partial(from_discovery, provider.discovery, provider.issuer, development=True)
        self.keys = RemoteKeys(self._fetch, lambda: self.now)
        roles, algorithms = frozenset({Role.OPERATOR}), frozenset({"RS256", "ES256"})
        self._verifier = Verifier([TrustedIssuer(provider.issuer, "candor", self.keys, roles, algorithms)])

    async def _fetch(self) -> Keys:
        self.asked += 1
        return await self._discover()

    async def believes(self, token: str) -> bool:
        try:
            return (await self._verifier.verify(token)).sub == "ada"
        except Unauthenticated:
            return False

    async def refreshed(self) -> None:
        assert self.keys._asking
        await self.keys._asking


async def signed_in(provider: Provider) -> str:
    return (await code_flow_token(provider, "ada")).access_token


async def test_a_new_key_is_believed_at_once_and_a_withdrawn_one_until_the_next_asking(
    provider: Provider,
) -> None:
    service, before = Believer(provider), await signed_in(provider)
    assert await service.believes(before)

    provider.rotate("ES256", keep_old=True)
    after = await signed_in(provider)
    service.now = 60
    assert await service.believes(after)
    assert await service.believes(before)

    provider.keys = [provider.key("ES256")]
    provider.rotate("ES256", keep_old=False)
    service.now = 660
    assert await service.believes(before)
    await service.refreshed()
    assert not await service.believes(before)
    assert not await service.believes(after)
    assert service.asked == 3


async def test_while_a_provider_is_away_known_keys_are_good_and_unknown_ones_undecided(
    provider: Provider,
) -> None:
    service, known = Believer(provider), await signed_in(provider)
    assert await service.believes(known)
    provider.rotate()
    unknown = await signed_in(provider)
    provider.stop()

    service.now = 10_000
    assert await service.believes(known)
    with pytest.raises(Unavailable):
        await service.believes(unknown)

    provider.start()
    service.now += 60
    assert await service.believes(unknown)


async def test_a_thousand_forgeries_ask_the_provider_once_a_minute(provider: Provider) -> None:
    service, known = Believer(provider), await signed_in(provider)
    assert await service.believes(known)
    service.now = 100
    payload = {"iss": provider.issuer, "aud": "candor", "sub": "eve", "exp": 2**31, "roles": ["operator"]}
    key = SigningKey.make("ES256")
    for number in range(1000):
        assert not await service.believes(key.sign(payload, {"kid": f"made-up-{number}"}))
    assert service.asked == 2
