"""Makes signed tokens, and the public keys that others verify them with."""

import base64
import hashlib
import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from contracts.access import Claims

ALGORITHM = "EdDSA"


def signing_key(pem: str) -> Ed25519PrivateKey:
    """The Ed25519 key in a PEM, or in the PEM file of that name; ValueError if it is anything else."""
    try:
        content = pem.encode() if "-----BEGIN" in pem else Path(pem).read_bytes()
        key = load_pem_private_key(content, password=None)
    except (OSError, ValueError, TypeError):
        # What was read may be the secret itself.
        raise ValueError("must be an Ed25519 key as PEM, or the name of a file that holds one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("must be an Ed25519 key, not one of another kind")  # noqa: TRY004 - a setting is wrong
    return key


def public_jwk(key: Ed25519PublicKey, kid: str | None = None) -> dict[str, str]:
    """The key as a member of a JWK set; its id is its thumbprint (RFC 7638) unless given."""
    shape = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_bytes_raw())}
    digest = hashlib.sha256(json.dumps(shape, separators=(",", ":"), sort_keys=True).encode())
    return {**shape, "use": "sig", "alg": ALGORITHM, "kid": kid or _base64url(digest.digest())}


def thumbprint(key: Ed25519PublicKey) -> str:
    """The thumbprint of a key (RFC 7638), which is its id wherever nobody chose another."""
    return public_jwk(key)["kid"]


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def issue(
    signing_key: Ed25519PrivateKey | str | bytes,
    kid: str,
    issuer: str,
    audience: Sequence[str],
    claims: Claims,
    lifetime: timedelta,
    now: datetime,
) -> str:
    """A signed token, good from `now` for `lifetime`. A key given as text is PEM."""
    payload = claims.model_dump(mode="json", exclude_none=True)
    payload |= {"roles": sorted(payload["roles"]), "channels": sorted(payload["channels"])}
    if claims.teams is not None:
        payload["teams"] = sorted(claims.teams)
    payload |= {"iss": issuer, "aud": list(audience), "jti": uuid.uuid4().hex}
    payload |= {"iat": int(now.timestamp()), "exp": int((now + lifetime).timestamp())}
    return jwt.encode(payload, signing_key, algorithm=ALGORITHM, headers={"kid": kid})
