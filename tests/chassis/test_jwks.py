"""Of a key set only what can verify a signature is taken, each key for the algorithms that it fits."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import get_default_algorithms

from chassis.jwks import ALGORITHMS, parse
from tests.oidc.keys import Algorithm, SigningKey


def public(alg: Algorithm, kid: str | int, /, **changes: Any) -> dict[str, Any]:
    """A public JWK; a change to None takes the member away."""
    key = SigningKey.make(alg).private.public_key()
    made = get_default_algorithms()[alg].to_jwk(key, as_dict=True)
    jwk = {name: value for name, value in made.items() if name != "key_ops"}
    jwk |= {"kid": kid, "use": "sig", "alg": alg, **changes}
    return {name: value for name, value in jwk.items() if value is not None}


def found(*jwks: Any) -> set[tuple[str, str]]:
    return set(parse(json.dumps({"keys": jwks})))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_verifies_the_algorithm_that_it_names(alg: Algorithm) -> None:
    assert found(public(alg, "a")) == {("a", alg)}


def test_a_key_that_names_no_algorithm_verifies_those_that_fit_its_kind() -> None:
    jwks = [public(alg, alg, alg=None, use=None) for alg in ("RS256", "ES256", "EdDSA")]
    fits = {("RS256", "RS256"), ("RS256", "PS256"), ("ES256", "ES256"), ("EdDSA", "EdDSA")}
    assert found(*jwks) == fits


def test_the_newer_name_of_eddsa_is_taken() -> None:
    assert found(public("EdDSA", "a", alg="Ed25519")) == {("a", "EdDSA")}


def test_only_the_algorithms_asked_for_are_taken() -> None:
    text = json.dumps({"keys": [public("RS256", "a", alg=None), public("ES256", "b")]})
    assert set(parse(text, {"PS256"})) == {("a", "PS256")}
    with pytest.raises(ValueError, match="holds no key for EdDSA that signs and has an id"):
        parse(text, {"EdDSA"})


def test_others_are_passed_over() -> None:
    short = get_default_algorithms()["RS256"].to_jwk(
        rsa.generate_private_key(65537, 1024).public_key(), as_dict=True
    )
    long = get_default_algorithms()["ES384"].to_jwk(
        ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True
    )
    others = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "RS256"},
        {**short, "kid": "short"},
        {**long, "kid": "another curve"},
        {**long, "kid": "another curve", "alg": "ES256"},
        public("RS256", "sealing", use="enc"),
        public("RS256", "of another kind", alg="ES256"),
        public("ES256", "of another kind", alg="RS256"),
        public("EdDSA", "HMAC", alg="HS256"),
        public("EdDSA", "no algorithm", alg=5),
        public("EdDSA", "damaged", x="short"),
        public("EdDSA", "damaged", x=None),
        public("ES256", "not on the curve", x="A" * 43),
        public("EdDSA", 7),
        public("EdDSA", "no id", kid=None),
        "no key",
        None,
    ]
    assert found(public("EdDSA", "good"), *others) == {("good", "EdDSA")}


def test_a_private_half_is_left_behind() -> None:
    key = SigningKey.make("RS256")
    (parsed,) = parse(json.dumps({"keys": [key.private_jwk()]})).values()
    assert isinstance(parsed.key, rsa.RSAPublicKey)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": {}}', "<html>", '{"keys": []}'])
def test_what_is_no_key_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)
