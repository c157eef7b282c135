"""Visitors' tokens: chat signs them, chat and rating believe them, nobody else can make one."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.http.auth import TrustedIssuer, Verifier, verifier
from chassis.http.key_sources import InlineKeys
from chassis.http.problems import Unauthenticated
from chassis.http.tokens import public_jwk
from chassis.kafka.connection import KafkaConnection
from chat.api.tokens import VisitorTokens
from chat.settings import ChatSettings
from contracts.access import AUDIENCE_CHAT, AUDIENCE_RATING, AUDIENCE_STAFF, Claims, Role
from tests.chat.harness import settings_for
from tests.tokens import VISITOR_ISSUER, VISITOR_KEY, signed, visitor_claims


def settings(jwks: str = "") -> ChatSettings:
    plain = settings_for(
        KafkaConnection(servers="127.0.0.1:1"), "mongodb://127.0.0.1/?replicaSet=candor", "d"
    )
    return plain.model_copy(update={"visitor_jwks": jwks})


def here(configured: ChatSettings, tokens: VisitorTokens) -> Verifier:
    """The verifier that chat itself uses."""
    return verifier(configured, visitors=AUDIENCE_CHAT, keys=tokens.keys)


def elsewhere(tokens: VisitorTokens, audience: str) -> Verifier:
    """A verifier that knows only what chat publishes."""
    keys = InlineKeys(json.dumps(tokens.keys.jwks()))
    return Verifier([TrustedIssuer(VISITOR_ISSUER, audience, keys, frozenset({Role.VISITOR}))])


@pytest.mark.parametrize("audience", [AUDIENCE_CHAT, AUDIENCE_RATING])
async def test_a_token_is_believed_by_whoever_knows_the_public_keys(audience: str) -> None:
    tokens = VisitorTokens.of(settings())
    token, expires_at = tokens.issue("c1", "shop", now := datetime.now(UTC))
    claims = await elsewhere(tokens, audience).verify(token)
    roles, channels = frozenset({Role.VISITOR}), frozenset({"shop"})
    assert claims == Claims(sub="c1", roles=roles, channels=channels, exp=int(expires_at.timestamp()))
    assert expires_at == now + timedelta(days=30)


async def test_it_is_good_for_nothing_else() -> None:
    tokens = VisitorTokens.of(settings())
    token, _ = tokens.issue("c1", "shop", datetime.now(UTC))
    with pytest.raises(Unauthenticated):
        await elsewhere(tokens, AUDIENCE_STAFF).verify(token)


async def test_it_expires() -> None:
    tokens = VisitorTokens.of(settings())
    token, _ = tokens.issue("c1", "shop", datetime.now(UTC) - timedelta(days=31))
    with pytest.raises(Unauthenticated):
        await here(settings(), tokens).verify(token)


async def test_staff_cannot_make_visitors_nor_visitors_staff() -> None:
    tokens = VisitorTokens.of(settings())
    chats, visitor = here(settings(), tokens), visitor_claims()
    admin = visitor.model_copy(update={"roles": frozenset({Role.ADMIN})})
    forged = [
        signed(visitor),
        signed(visitor, issuer=VISITOR_ISSUER, audience=[AUDIENCE_CHAT]),
        signed(admin, key=VISITOR_KEY, kid=tokens.keys.kid, issuer=VISITOR_ISSUER, audience=[AUDIENCE_CHAT]),
    ]
    for token in forged:
        with pytest.raises(Unauthenticated):
            await chats.verify(token)


async def test_tokens_of_a_retired_key_are_still_believed() -> None:
    retired = Ed25519PrivateKey.generate()
    jwk = public_jwk(retired.public_key(), "last-year")
    configured = settings(json.dumps({"keys": [jwk]}))
    tokens = VisitorTokens.of(configured)
    token = signed(
        visitor_claims(), key=retired, kid="last-year", issuer=VISITOR_ISSUER, audience=[AUDIENCE_CHAT]
    )
    assert (await here(configured, tokens).verify(token)).sub == "c1"
    assert {key["kid"] for key in tokens.keys.jwks()["keys"]} == {"last-year", tokens.keys.kid}


def test_its_own_key_keeps_the_name_that_others_know_it_by() -> None:
    named = public_jwk(VISITOR_KEY.public_key(), "this-year")
    tokens = VisitorTokens.of(settings(json.dumps({"keys": [named]})))
    assert tokens.keys.kid == "this-year"
    assert [key["kid"] for key in tokens.keys.jwks()["keys"]] == ["this-year"]


def test_only_public_halves_are_shown() -> None:
    shown = json.dumps(VisitorTokens.of(settings()).keys.jwks())
    assert '"d"' not in shown
