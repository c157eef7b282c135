"""Visitors' tokens: chat signs them, chat and rating believe them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt import PyJWK

from chassis.http.tokens import ALGORITHM, issue, public_jwk, signing_key, thumbprint
from chassis.jwks import Keys, keys_here
from chat.settings import ChatSettings
from contracts.access import AUDIENCE_CHAT, AUDIENCE_RATING, Claims, Role


class OwnKeys:
    """What chat's tokens are verified with: the key it signs with, and those it used to sign with."""

    def __init__(self, own: Ed25519PublicKey, others: Keys) -> None:
        known = [kid for (kid, _), other in others.items() if other.key == own]
        self.kid = known[0] if known else thumbprint(own)
        self._keys = {**others, (self.kid, ALGORITHM): PyJWK(public_jwk(own, self.kid))}

    async def find(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key with this id."""
        return self._keys.get((kid, algorithm))

    def jwks(self) -> dict[str, Sequence[dict[str, str]]]:
        """The set as JSON, for those who verify."""
        return {"keys": [public_jwk(found.key, kid) for (kid, _), found in self._keys.items()]}


@dataclass(frozen=True)
class VisitorTokens:
    """Signs tokens that are good for `lifetime`, for one client and one channel each."""

    key: Ed25519PrivateKey
    keys: OwnKeys
    issuer: str
    lifetime: timedelta

    @classmethod
    def of(cls, settings: ChatSettings) -> Self:
        """As the settings say."""
        key = signing_key(settings.visitor_signing_key.get_secret_value())
        before = keys_here(settings.visitor_jwks, {ALGORITHM}) if settings.visitor_jwks else {}
        keys = OwnKeys(key.public_key(), before)
        return cls(key, keys, settings.visitor_issuer, settings.visitor_token_lifetime)

    def issue(self, client: str, channel: str, now: datetime) -> tuple[str, datetime]:
        """A token, and when it expires."""
        claims = Claims(sub=client, roles=frozenset({Role.VISITOR}), channels=frozenset({channel}))
        audience = (AUDIENCE_CHAT, AUDIENCE_RATING)
        token = issue(self.key, self.keys.kid, self.issuer, audience, claims, self.lifetime, now)
        return token, now + self.lifetime
