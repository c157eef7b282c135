"""Public keys as issuers publish them: JWK sets (RFC 7517)."""

import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import InvalidKeyError
from jwt.algorithms import OKPAlgorithm

Keys = Mapping[str, Ed25519PublicKey]
"""Keys by their id."""


def parse(text: str | bytes) -> Keys:
    """The Ed25519 signature keys of a JWK set; others are passed over. ValueError if it is no JWK set."""
    document = json.loads(text)
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("must be a JWK set: an object with a list of keys")  # noqa: TRY004 - the text is wrong
    return dict(found for key in document["keys"] if (found := _signature_key(key)))


def _signature_key(jwk: Any) -> tuple[str, Ed25519PublicKey] | None:
    if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != ("OKP", "Ed25519"):
        return None
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", "EdDSA") not in ("EdDSA", "Ed25519"):
        return None
    try:
        key = OKPAlgorithm.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": jwk.get("x")})
    except (InvalidKeyError, TypeError, ValueError) as error:
        raise ValueError("holds a key that is damaged") from error
    kid = jwk.get("kid")
    return (kid, key) if isinstance(kid, str) and isinstance(key, Ed25519PublicKey) else None
