"""The provider that sign-in is tested with is a real one, and signs people and machines in."""

import asyncio
import os
import signal
from collections.abc import Iterator

import httpx
import jwt
import psutil
import pytest

from tests.oidc.keys import Algorithm
from tests.oidc.provider import (
    CLIENT,
    MACHINE,
    Account,
    Provider,
    ProviderError,
    SignInError,
    client_credentials_token,
    code_flow_token,
    discover,
    modules,
    running,
)

pytestmark = pytest.mark.real

ADA = Account(
    sub="auth0|5f7c8ec7c33c6c004bbafe82",
    claims={
        "name": "Ada Lovelace",
        "preferred_username": "ada",
        "email": "ada@shop.example",
        "roles": ["operator"],
        "groups": ["/support/evening"],
        "channels": ["shop"],
        "realm_access": {"roles": ["candor-operator"]},
    },
)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running({"ada": ADA}, machine_claims={"roles": ["service"]}) as up:
        yield up


async def published(provider: Provider) -> jwt.PyJWKSet:
    """The keys that the discovery document leads to."""
    async with httpx.AsyncClient(trust_env=False) as http:
        found = await http.get((await discover(http, provider))["jwks_uri"])
    assert not any("d" in key for key in found.json()["keys"])
    return jwt.PyJWKSet.from_dict(found.json())


async def verified(provider: Provider, token: str, audience: str = "candor") -> dict[str, object]:
    """The claims of a token that is as it should be."""
    key = (await published(provider))[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, object] = jwt.decode(
        token, key, [provider.alg], audience=audience, issuer=provider.issuer,
        options={"require": ["exp", "iat", "sub", "iss", "aud"]},
    )  # fmt: skip
    return claims


async def test_discovery_names_the_issuer_and_where_its_keys_are(provider: Provider) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        document = await discover(http, provider)

    assert document["issuer"] == provider.issuer
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert [key.key_id for key in (await published(provider)).keys] == [provider.key().kid]


async def test_a_person_signs_in_and_the_access_token_carries_their_claims(provider: Provider) -> None:
    tokens = await code_flow_token(provider, "ada")

    claims = await verified(provider, tokens.access_token)
    assert claims == {**claims, **ADA.claims, "sub": ADA.sub, "scope": "candor", "client_id": CLIENT}
    assert jwt.get_unverified_header(tokens.access_token)["typ"] == "at+jwt"
    identity = await verified(provider, tokens.id_token, CLIENT)
    assert identity == {**identity, **ADA.claims, "sub": ADA.sub}


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA"])
async def test_each_algorithm_signs(alg: Algorithm) -> None:
    with running({"ada": ADA}, keys=["RS256", alg], alg=alg) as provider:
        tokens = await code_flow_token(provider, "ada", audience=None)

        assert jwt.get_unverified_header(tokens.access_token)["alg"] == alg
        assert (await verified(provider, tokens.access_token))["sub"] == ADA.sub


async def test_a_stranger_is_not_signed_in(provider: Provider) -> None:
    with pytest.raises(SignInError) as denied:
        await code_flow_token(provider, "eve")

    assert denied.value.error == "access_denied"


async def test_several_people_sign_in_at_once_each_as_themselves() -> None:
    people = {f"p{n}": Account(sub=f"sub-{n}", claims={"name": f"Name {n}"}) for n in range(5)}
    with running(people) as provider:
        tokens = await asyncio.gather(*(code_flow_token(provider, login) for login in people))

        for person, each in zip(people.values(), tokens, strict=True):
            access = await verified(provider, each.access_token)
            identity = await verified(provider, each.id_token, CLIENT)
            for claims in (access, identity):
                assert (claims["sub"], claims["name"]) == (person.sub, person.claims["name"])


async def test_a_machine_gets_a_token_with_its_scope(provider: Provider) -> None:
    tokens = await client_credentials_token(provider)

    claims = await verified(provider, tokens.access_token)
    wanted = {"scope": "candor", "sub": MACHINE, "client_id": MACHINE, "roles": ["service"]}
    assert claims == {**claims, **wanted}


async def test_a_scope_that_nobody_knows_is_left_out(provider: Provider) -> None:
    tokens = await client_credentials_token(provider, scope="candor everything")

    assert (await verified(provider, tokens.access_token))["scope"] == tokens.scope == "candor"


async def test_a_rotation_publishes_a_new_key_and_signs_with_it(provider: Provider) -> None:
    old, before = provider.key(), await code_flow_token(provider, "ada")
    new = provider.rotate()
    after = await code_flow_token(provider, "ada")

    assert [key.key_id for key in (await published(provider)).keys] == [new.kid, old.kid]
    assert jwt.get_unverified_header(after.access_token)["kid"] == new.kid
    assert [await verified(provider, each.access_token) for each in (before, after)]

    provider.rotate(keep_old=False)
    with pytest.raises(KeyError):
        await verified(provider, before.access_token)


async def test_a_provider_that_was_away_comes_back_with_its_address_and_keys(provider: Provider) -> None:
    issuer, tokens = provider.issuer, await code_flow_token(provider, "ada")

    assert provider.stop() == 0
    with pytest.raises(httpx.ConnectError):
        await published(provider)
    provider.start()

    assert provider.issuer == issuer
    assert (await verified(provider, tokens.access_token))["sub"] == ADA.sub


def test_it_ends_with_whoever_started_it() -> None:
    with running({}) as provider:
        process = psutil.Process(provider.pid)
        assert provider._child is not None
        assert provider._child.stdin is not None
        provider._child.stdin.close()  # as the death of this process would

        assert process.wait(10) == 0


def test_a_provider_that_cannot_start_says_why() -> None:
    with (
        running({}) as provider,
        pytest.raises(ProviderError, match="EADDRINUSE"),
        running({}, port=provider.port),
    ):
        pass


def test_a_provider_that_was_killed_is_not_waited_for() -> None:
    with running({}) as provider:
        os.kill(provider.pid, signal.SIGKILL)
        psutil.Process(provider.pid).wait(10)

        with pytest.raises(ProviderError):
            provider.rotate()


def test_packages_are_installed_once() -> None:
    place = modules()
    made = place.stat().st_mtime_ns

    assert (place / "node_modules" / "oidc-provider" / "package.json").is_file()
    assert modules().stat().st_mtime_ns == made
