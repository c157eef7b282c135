"""Tokens for tests: keys of their own for staff and visitors, and one place that signs with them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.http.tokens import issue, public_jwk, thumbprint
from contracts.access import AUDIENCE_CHAT, AUDIENCE_RATING, AUDIENCE_STAFF, Claims, Role

STAFF_ISSUER, VISITOR_ISSUER = "https://staff.test", "https://chat.test"
STAFF_KEY, VISITOR_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def jwks(*keys: Ed25519PrivateKey) -> str:
    """The public halves as a JWK set."""
    return json.dumps({"keys": [public_jwk(key.public_key()) for key in keys]})


def signed(
    claims: Claims,
    *,
    key: Ed25519PrivateKey = STAFF_KEY,
    kid: str | None = None,
    issuer: str = STAFF_ISSUER,
    audience: Sequence[str] = (AUDIENCE_STAFF,),
) -> str:
    """A token, good for an hour; staff's unless told otherwise."""
    kid = kid or thumbprint(key.public_key())
    return issue(key, kid, issuer, audience, claims, timedelta(hours=1), datetime.now(UTC))


def visitor_claims(client: str = "c1", channel: str = "shop") -> Claims:
    """The claims of a visitor of one channel."""
    return Claims(sub=client, roles=frozenset({Role.VISITOR}), channels=frozenset({channel}))


def visitor_token(
    client: str = "c1",
    channel: str = "shop",
    audience: Sequence[str] = (AUDIENCE_CHAT, AUDIENCE_RATING),
) -> str:
    """A visitor's token as chat issues it."""
    claims = visitor_claims(client, channel)
    return signed(claims, key=VISITOR_KEY, issuer=VISITOR_ISSUER, audience=audience)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}
