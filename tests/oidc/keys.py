"""Keys that sign tokens, in the kinds that staff's providers use."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

Algorithm = Literal["RS256", "PS256", "ES256", "EdDSA"]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class SigningKey:
    """A private key, its id and its one algorithm."""

    kid: str
    alg: Algorithm
    private: PrivateKey

    @classmethod
    def make(cls, alg: Algorithm) -> "SigningKey":
        """A new key with a random id."""
        private: PrivateKey
        if alg == "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
        elif alg == "EdDSA":
            private = ed25519.Ed25519PrivateKey.generate()
        else:
            private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return cls(secrets.token_urlsafe(12), alg, private)

    def sign(self, payload: Mapping[str, object], header: Mapping[str, object] | None = None) -> str:
        """A token with this payload as it is: for tokens that no provider would issue."""
        return jwt.encode(dict(payload), self.private, self.alg, {"kid": self.kid, **(header or {})})

    def private_jwk(self) -> dict[str, object]:
        """The private key as a JWK with `kid`, `alg` and `use`."""
        found = get_default_algorithms()[self.alg].to_jwk(self.private, as_dict=True)
        return {
            **{name: value for name, value in found.items() if name != "key_ops"},
            "kid": self.kid,
            "alg": self.alg,
            "use": "sig",
        }
