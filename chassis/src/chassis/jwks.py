"""Public keys as issuers publish them: JWK sets (RFC 7517), in settings or in a file that settings name."""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from jwt import PyJWK, PyJWTError

Algorithm = Literal["RS256", "PS256", "ES256", "EdDSA"]
"""What tokens may be signed with: key pairs only, so that whoever verifies can't sign."""

ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)

Keys = Mapping[tuple[str, str], PyJWK]
"""Keys by their id and the one algorithm that each verifies."""

_KINDS: Mapping[Algorithm, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
_PUBLIC = ("kty", "crv", "n", "e", "x", "y")


def parse(text: str | bytes, algorithms: Collection[str] = ALGORITHMS) -> Keys:
    """The signature keys of a JWK set that fit one of `algorithms`; an RSA key that names none fits two.

    Others are passed over, as RFC 7517 (5) wants it. ValueError if it is no JWK set, or nothing is left.
    """
    document = json.loads(text)
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("must be a JWK set: an object with a list of keys")  # noqa: TRY004 - the text is wrong
    keys: dict[tuple[str, str], PyJWK] = {}
    for jwk in document["keys"]:
        for key in _signature_keys(jwk, algorithms):
            keys.setdefault((jwk["kid"], key.algorithm_name), key)
    if not keys:
        raise ValueError(f"holds no key for {' or '.join(algorithms)} that signs and has an id (kid)")
    return keys


def _signature_keys(jwk: Any, algorithms: Collection[str]) -> Iterator[PyJWK]:
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or jwk.get("use", "sig") != "sig":
        return
    named = {"Ed25519": "EdDSA"}.get(str(jwk.get("alg")), jwk.get("alg"))
    for algorithm, kind in _KINDS.items():
        fits = kind == (jwk.get("kty"), jwk.get("crv")) and named in (None, algorithm)
        if not fits or algorithm not in algorithms:
            continue
        try:
            # A set may hold a private half by mistake; nobody here needs it.
            key = PyJWK({name: jwk[name] for name in _PUBLIC if name in jwk}, algorithm)
        except (PyJWTError, TypeError, ValueError):
            continue
        too_short = key.Algorithm.check_key_length(key.key)
        if not too_short:
            yield key


def is_address(source: str) -> bool:
    """Whether a key source is a URL; anything else is the JSON itself, or a file."""
    return "://" in source and not source.lstrip().startswith("{")


def keys_here(source: str, algorithms: Collection[str] = ALGORITHMS) -> Keys:
    """The keys that settings hold, or name as a file; ValueError, without a word of them, if they can't."""
    if source.lstrip().startswith("{"):
        return _key_set(source, algorithms, "must be JSON if it starts with {")
    if not os.path.isfile(source):  # noqa: PTH113 - no error for a name too long, or with a NUL in it
        raise ValueError("names a file that isn't there")
    try:
        content = Path(source).read_bytes()
    except OSError:
        raise ValueError("names a file that can't be read") from None
    return _key_set(content, algorithms, "names a file that holds no JSON")


def _key_set(text: str | bytes, algorithms: Collection[str], no_json: str) -> Keys:
    try:
        return parse(text, algorithms)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(no_json) from None
