"""A token that was verified is remembered, and yet never outlives its time or its key."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import PyJWK

from chassis.http import auth
from chassis.http.auth import LEEWAY, TrustedIssuer, Verifier
from chassis.http.key_sources import ASK_AGAIN_AFTER, FileKeys, KeySource, RemoteKeys
from chassis.http.problems import TokenExpired, Unauthenticated, Unavailable
from chassis.http.tokens import public_jwk, thumbprint
from chassis.jwks import Keys, parse
from contracts.access import Role
from tests.waiting import until

STAFF = "https://staff.test"
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KID = thumbprint(KEY.public_key())


def key_set(key: Ed25519PrivateKey, kid: str = KID) -> str:
    return json.dumps({"keys": [public_jwk(key.public_key(), kid)]})


class HeldKeys:
    """Keys that a test changes."""

    def __init__(self) -> None:
        self.keys: Keys | None = parse(key_set(KEY))

    async def find(self, kid: str, algorithm: str) -> PyJWK | None:
        if self.keys is None:
            raise Unavailable
        return self.keys.get((kid, algorithm))


def trusting(keys: KeySource) -> Verifier:
    return Verifier([TrustedIssuer(STAFF, "candor", keys, frozenset(Role))])


def token(*, seconds: float = 600, sub: str = "anna") -> str:
    ends_at = int(datetime.now(UTC).timestamp() + seconds)
    claims = {"iss": STAFF, "aud": "candor", "sub": sub, "exp": ends_at, "roles": ["supervisor"]}
    return jwt.encode(claims, KEY, algorithm="EdDSA", headers={"kid": KID})


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were decoded, again for each time."""
    seen: list[str] = []
    decode = auth._claims

    def counted(given: str, *how: object, **more: object) -> object:
        seen.append(given)
        return decode(given, *how, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(auth, "_claims", counted)
    return seen


async def test_it_is_decoded_once(decoded: list[str]) -> None:
    verifier, given = trusting(HeldKeys()), token()
    found = [await verifier.verify(given) for _ in range(3)]
    assert found[0] == found[1] == found[2]
    assert decoded == [given]


async def test_it_ends_when_its_time_is_over() -> None:
    # Times of tokens are whole seconds: it lasts for one at least.
    verifier, given = trusting(HeldKeys()), token(seconds=2 - LEEWAY.total_seconds())
    assert (await verifier.verify(given)).sub == "anna"

    async def ended() -> bool:
        try:
            await verifier.verify(given)
        except TokenExpired:
            return True
        return False

    await until(ended, within=5)


@pytest.mark.parametrize("new", [key_set(OTHER, "another"), key_set(OTHER)], ids=["withdrawn", "exchanged"])
async def test_it_ends_with_its_key(new: str) -> None:
    keys = HeldKeys()
    verifier, given = trusting(keys), token()
    await verifier.verify(given)
    keys.keys = parse(new)
    with pytest.raises(Unauthenticated):
        await verifier.verify(given)


async def test_it_ends_with_its_key_in_a_file(tmp_path: Path) -> None:
    (path := tmp_path / "keys.json").write_text(key_set(KEY))
    verifier, given = trusting(FileKeys(path)), token()
    await verifier.verify(given)
    path.write_text(key_set(OTHER, "a longer name than before"))
    with pytest.raises(Unauthenticated):
        await verifier.verify(given)


async def test_it_ends_when_the_issuer_has_rotated_its_keys() -> None:
    now, published = [0.0], [key_set(KEY)]

    async def fetch() -> Keys:
        return parse(published[0])

    verifier, given = trusting(RemoteKeys(fetch, lambda: now[0])), token()
    await verifier.verify(given)
    published[0], now[0] = key_set(OTHER, "new"), ASK_AGAIN_AFTER

    async def refused() -> bool:
        try:
            await verifier.verify(given)
        except Unauthenticated:
            return True
        return False

    await until(refused, within=5)  # it is asked for beside the request that finds it outdated


async def test_the_same_key_fetched_again_is_still_good(decoded: list[str]) -> None:
    keys = HeldKeys()
    verifier, given = trusting(keys), token()
    await verifier.verify(given)
    keys.keys = parse(key_set(KEY))
    assert [(await verifier.verify(given)).sub for _ in range(2)] == ["anna", "anna"]
    assert decoded == [given, given]


async def test_without_keys_nobody_can_say() -> None:
    keys = HeldKeys()
    verifier, given = trusting(keys), token()
    await verifier.verify(given)
    keys.keys = None
    with pytest.raises(Unavailable):
        await verifier.verify(given)


@pytest.mark.parametrize(
    "forged",
    [lambda good: good[:-6] + "AAAAAA", lambda good: good + "A", lambda good: good.rpartition(".")[0] + "."],
    ids=["another signature", "longer", "no signature"],
)
async def test_one_that_is_almost_the_same_is_another(forged: Callable[[str], str]) -> None:
    verifier, given = trusting(HeldKeys()), token()
    await verifier.verify(given)
    with pytest.raises(Unauthenticated):
        await verifier.verify(forged(given))
    assert (await verifier.verify(given)).sub == "anna"


async def test_what_is_refused_is_not_remembered(decoded: list[str]) -> None:
    verifier, given = trusting(HeldKeys()), token(seconds=-60)
    for _ in range(2):
        with pytest.raises(TokenExpired):
            await verifier.verify(given)
    assert len(decoded) == 4  # each time once more to see that nothing else is wrong with it


async def test_few_are_remembered(monkeypatch: pytest.MonkeyPatch, decoded: list[str]) -> None:
    monkeypatch.setattr(auth, "MOST_REMEMBERED", 2)
    verifier = trusting(HeldKeys())
    given = [token(sub=sub) for sub in ("ann", "bo", "chika")]
    for each in (*given, given[0]):
        await verifier.verify(each)
    assert decoded == [*given, given[0]]
