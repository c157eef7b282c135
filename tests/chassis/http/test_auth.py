"""Only a token that a trusted issuer signed, for us and for now, opens a door; a denied role shuts it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Depends
from jwt import PyJWK

from chassis.http.auth import (
    LONGEST_TOKEN,
    TrustedIssuer,
    Verifier,
    allow,
    allow_anyone,
    verifier,
    visitor_of,
)
from chassis.http.key_sources import InlineKeys
from chassis.http.problems import Forbidden, TokenTooLarge, Unauthenticated
from chassis.http.routes import Router
from chassis.http.tokens import issue, public_jwk, signing_key, thumbprint
from chassis.kafka.connection import KafkaConnection
from chassis.settings import ServiceSettings
from contracts.access import Claims, Role
from tests.oidc.keys import Algorithm, SigningKey

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

STAFF_KEY, VISITOR_KEY, FOREIGN_KEY = (Ed25519PrivateKey.generate() for _ in range(3))
STAFF, VISITORS = "https://staff.test", "https://chat.test"
KID = thumbprint(STAFF_KEY.public_key())


def key_set(*keys: Ed25519PrivateKey) -> str:
    return json.dumps({"keys": [public_jwk(key.public_key()) for key in keys]})


def trusting() -> Verifier:
    everyone = frozenset(Role)
    return Verifier([
        TrustedIssuer(STAFF, "candor", InlineKeys(key_set(STAFF_KEY)), everyone - {Role.VISITOR}),
        TrustedIssuer(VISITORS, "candor.chat", InlineKeys(key_set(VISITOR_KEY)), frozenset({Role.VISITOR})),
    ])  # fmt: skip


def in_seconds(seconds: int) -> int:
    return int(datetime.now(UTC).timestamp()) + seconds


def payload(**changes: Any) -> dict[str, Any]:
    """A supervisor's claims; a change to None takes the claim away."""
    claims = {
        "iss": STAFF, "aud": "candor", "sub": "anna", "exp": in_seconds(600),
        "roles": ["supervisor"], "channels": ["shop"],
    }  # fmt: skip
    return {name: value for name, value in (claims | changes).items() if value is not None}


def signed(
    claims: Mapping[str, Any],
    key: Any = STAFF_KEY,
    algorithm: str | None = "EdDSA",
    headers: Mapping[str, Any] | None = None,
) -> str:
    found = {"kid": KID} if headers is None else dict(headers)
    return jwt.encode(dict(claims), key, algorithm=algorithm, headers=found)


def token(role: Role = Role.SUPERVISOR, *more: Role, key: Ed25519PrivateKey = STAFF_KEY) -> str:
    claims = Claims(sub="anna", roles=frozenset({role, *more}), channels=frozenset({"shop"}))
    kid = thumbprint(key.public_key())
    return issue(key, kid, STAFF, ["candor"], claims, timedelta(minutes=5), datetime.now(UTC))


def encoded(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def public_bytes(form: str) -> bytes:
    key = STAFF_KEY.public_key()
    if form == "raw":
        return key.public_bytes_raw()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def hmac_with_public_key(form: str, algorithm: str = "HS256") -> str:
    signed_part = f"{encoded({'alg': algorithm, 'kid': KID})}.{encoded(payload())}"
    digest = hmac.digest(public_bytes(form), signed_part.encode(), hashlib.sha256)
    return f"{signed_part}.{encoded(digest)}"


def with_payload_of_another(roles: list[str]) -> str:
    header, _, signature = signed(payload()).split(".")
    return f"{header}.{encoded(payload(roles=roles))}.{signature}"


def carrying_own_key() -> str:
    jwk = public_jwk(FOREIGN_KEY.public_key())
    return signed(payload(), FOREIGN_KEY, headers={"kid": KID, "jwk": jwk, "jku": "https://evil.test/keys"})


RSA_KEY = rsa.generate_private_key(65537, 2048)

# Made when they are needed: a run may take longer than a token lives.
FORGED: dict[str, Callable[[], str]] = {
    "unsigned": lambda: signed(payload(), None, "none"),
    "unsigned, in capitals": lambda: f"{encoded({'alg': 'NONE', 'kid': KID})}.{encoded(payload())}.",
    "signature cut off": lambda: signed(payload()).rsplit(".", 1)[0] + ".",
    "HMAC with the public key, raw": lambda: hmac_with_public_key("raw"),
    "HMAC with the public key, PEM": lambda: hmac_with_public_key("pem"),
    "HMAC that says EdDSA": lambda: hmac_with_public_key("raw", "EdDSA"),
    "RSA": lambda: signed(payload(), RSA_KEY, "RS256"),
    "Ed448": lambda: signed(payload(), ed448.Ed448PrivateKey.generate()),
    "somebody else's key": lambda: signed(payload(), FOREIGN_KEY),
    "brings its own key": carrying_own_key,
    "key id unknown": lambda: signed(payload(), headers={"kid": "other"}),
    "key id missing": lambda: signed(payload(), headers={}),
    "payload exchanged": lambda: with_payload_of_another(["admin"]),
    "critical header": lambda: signed(payload(), headers={"kid": KID, "crit": ["exp"], "exp": 1}),
    "issuer missing": lambda: signed(payload(iss=None)),
    "issuer unknown": lambda: signed(payload(iss="https://evil.test")),
    "audience empty": lambda: signed(payload(aud=[])),
    "another issuer's key": lambda: signed(payload(iss=VISITORS, aud="candor.chat", roles=["visitor"])),
    "audience missing": lambda: signed(payload(aud=None)),
    "audience of another": lambda: signed(payload(aud="candor.chat")),
    "subject missing": lambda: signed(payload(sub=None)),
    "subject empty": lambda: signed(payload(sub="")),
    "expiry missing": lambda: signed(payload(exp=None)),
    "expired": lambda: signed(payload(exp=in_seconds(-40))),
    "not yet good": lambda: signed(payload(nbf=in_seconds(90))),
    "issued in the future": lambda: signed(payload(iat=in_seconds(90))),
    "staff's issuer makes a visitor": lambda: signed(payload(roles=["visitor"])),
    "subject too long": lambda: signed(payload(sub="s" * 256)),
    "subject with a line break": lambda: signed(payload(sub="an\nna")),
    "subject with a letter that is no ASCII": lambda: signed(payload(sub="änna")),
    "subject of a number": lambda: signed(payload(sub=7)),
    "roles of a number": lambda: signed(payload(roles=7)),
    "a role of a number": lambda: signed(payload(roles=["supervisor", 7])),
    "roles in an object": lambda: signed(payload(roles={"supervisor": True})),
    "half a letter in a role": lambda: signed(payload(roles=["\ud800"])),
    "half a letter in a channel": lambda: signed(payload(channels=["shop", "\ud800"])),
    "channels in an object": lambda: signed(payload(channels={"shop": True})),
    "no token at all": lambda: "hello",
    "empty": lambda: "",
    "not base64": lambda: "ä.ö.ü",
    "nested without end": lambda: f"{encoded({'alg': 'EdDSA', 'kid': KID})}.{encoded(b'[' * 5000)}.aaaa",
    "payload of a list": lambda: f"{encoded({'alg': 'EdDSA', 'kid': KID})}.{encoded([payload()])}.aaaa",
    "header of a list": lambda: f"{encoded([{'alg': 'EdDSA', 'kid': KID}])}.{encoded(payload())}.aaaa",
    "issuer in a list": lambda: (
        f"{encoded({'alg': 'EdDSA', 'kid': KID})}.{encoded(payload(iss=[STAFF]))}.aaaa"
    ),
    "five parts": lambda: f"{signed(payload())}.a.b",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
async def test_a_forged_token_opens_nothing(forged: Callable[[], str]) -> None:
    with pytest.raises(Unauthenticated):
        await trusting().verify(forged())


LATE = {"exp": -40, "iat": -100}


def late(**changes: Any) -> dict[str, Any]:
    """A supervisor's claims whose time is over."""
    return payload(**{name: in_seconds(seconds) for name, seconds in LATE.items()} | changes)


# Whatever else is wrong with it, nobody learns that it was ever good.
FORGED_AND_EXPIRED: dict[str, Callable[[], str]] = {
    "signed by a stranger": lambda: signed(late(), FOREIGN_KEY),
    "unsigned": lambda: signed(late(), None, "none"),
    "signature cut off": lambda: signed(late()).rsplit(".", 1)[0] + ".",
    "key id unknown": lambda: signed(late(), headers={"kid": "other"}),
    "issuer unknown": lambda: signed(late(iss="https://evil.test")),
    "another issuer's key": lambda: signed(late(iss=VISITORS, aud="candor.chat", roles=["visitor"])),
    "audience of another": lambda: signed(late(aud="candor.chat")),
    "audience missing": lambda: signed(late(aud=None)),
    "subject missing": lambda: signed(late(sub=None)),
    "subject empty": lambda: signed(late(sub="")),
    "not yet good": lambda: signed(late(nbf=in_seconds(90))),
    "staff's issuer makes a visitor": lambda: signed(late(roles=["visitor"])),
    "expiry is no number": lambda: signed(late(exp="yesterday")),
}


@pytest.mark.parametrize("forged", FORGED_AND_EXPIRED.values(), ids=FORGED_AND_EXPIRED.keys())
async def test_a_forged_token_that_has_expired_too_gets_the_plain_answer(
    calling: Caller, forged: Callable[[], str]
) -> None:
    async with calling(routes(), state={"verifier": trusting()}) as client:
        answer = await client.get("/numbers", headers={"authorization": f"Bearer {forged()}"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["detail"] == "A valid token is needed."


@pytest.mark.parametrize("path", ["/numbers", "/form"])
async def test_whose_token_has_expired_is_told_so(calling: Caller, path: str) -> None:
    async with calling(routes(), state={"verifier": trusting()}) as client:
        answer = await client.get(path, headers={"authorization": f"Bearer {signed(late())}"})
    assert answer.status_code == 401
    assert answer.json()["detail"] == "This token has expired: get a new one."
    challenge = 'Bearer error="invalid_token", error_description="The token has expired"'
    assert answer.headers["www-authenticate"] == challenge


class Watched(InlineKeys):
    """Keys that remember who was asked for."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.asked: list[str] = []

    async def find(self, kid: str, algorithm: str) -> PyJWK | None:
        self.asked.append(kid)
        return await super().find(kid, algorithm)


@pytest.mark.parametrize(
    "forged", ["unsigned", "unsigned, in capitals", "HMAC with the public key, raw", "RSA"]
)
async def test_another_algorithm_is_refused_before_any_key_is_looked_up(forged: str) -> None:
    keys = Watched(key_set(STAFF_KEY))
    strict = Verifier([TrustedIssuer(STAFF, "candor", keys, frozenset(Role))])
    with pytest.raises(Unauthenticated):
        await strict.verify(FORGED[forged]())
    assert keys.asked == []
    await strict.verify(signed(payload()))
    assert keys.asked == [KID]


async def test_the_token_that_the_forgeries_start_from_is_good() -> None:
    told = payload()
    claims = await trusting().verify(signed(told))
    roles, channels = frozenset({Role.SUPERVISOR}), frozenset({"shop"})
    assert claims == Claims(sub="anna", roles=roles, channels=channels, exp=told["exp"])


async def test_clocks_may_differ_by_half_a_minute() -> None:
    await trusting().verify(signed(payload(exp=in_seconds(-20), nbf=in_seconds(20))))


@pytest.mark.parametrize("channels", [1, 400, 1_000])
async def test_a_token_may_name_many_channels(channels: int) -> None:
    named = [f"channel-{number:04}" for number in range(channels)]
    claims = await trusting().verify(signed(payload(channels=named)))
    assert claims.channels == set(named)


async def test_a_token_that_is_too_large_is_told_so_and_not_read(calling: Caller) -> None:
    large = signed(payload(channels=[f"channel-{number:04}" for number in range(2_000)]))
    assert len(large) > LONGEST_TOKEN
    with pytest.raises(TokenTooLarge):
        await trusting().verify(large)
    async with calling(routes(), state={"verifier": trusting()}) as client:
        answer = await client.get("/numbers", headers={"authorization": f"Bearer {large}"})
    assert (answer.status_code, answer.json()["type"]) == (431, "/problems/token-too-large")
    assert answer.json()["detail"] == "This token is too large: it may have 32768 characters at most."


async def test_the_largest_token_is_read() -> None:
    with pytest.raises(Unauthenticated):
        await trusting().verify("x" * LONGEST_TOKEN)
    with pytest.raises(TokenTooLarge):
        await trusting().verify("x" * (LONGEST_TOKEN + 1))


KINDS: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256", "EdDSA")
KEYS = {alg: SigningKey.make(alg) for alg in KINDS}


def believing(
    *algorithms: Algorithm, keys: Mapping[Algorithm, SigningKey] = KEYS, named: bool = True
) -> Verifier:
    """Staff's issuer with a key of each kind, which the set may `name` the algorithm of."""
    jwks = [{**key.private_jwk(), "alg": key.alg if named else None} for key in keys.values()]
    source = InlineKeys(json.dumps({"keys": jwks}))
    return Verifier([TrustedIssuer(STAFF, "candor", source, frozenset(Role), frozenset(algorithms))])


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("alg", KINDS)
async def test_each_algorithm_is_believed_where_the_settings_allow_it(alg: Algorithm, *, named: bool) -> None:
    given = KEYS[alg].sign(payload())
    assert (await believing(alg, named=named).verify(given)).sub == "anna"
    with pytest.raises(Unauthenticated):
        await believing(*(set(KINDS) - {alg}), named=named).verify(given)


@pytest.mark.parametrize("alg", KINDS)
async def test_a_key_verifies_nothing_but_its_own_algorithm(alg: Algorithm) -> None:
    for other in {*KINDS, "HS256", "none"} - {alg}:
        header = {"alg": other, "kid": KEYS[alg].kid}
        forged = jwt.encode(payload(), KEYS[alg].private, alg, {"kid": KEYS[alg].kid}).split(".")
        forged[0] = encoded(header)
        with pytest.raises(Unauthenticated):
            await believing(*KINDS).verify(".".join(forged))


async def test_an_rsa_key_that_names_rs256_verifies_no_ps256() -> None:
    key = KEYS["RS256"]
    given = jwt.encode(payload(), key.private, "PS256", {"kid": key.kid})
    assert (await believing("PS256", keys={"RS256": key}, named=False).verify(given)).sub == "anna"
    with pytest.raises(Unauthenticated):
        await believing(*KINDS, keys={"RS256": key}).verify(given)


@pytest.mark.parametrize("alg", KINDS)
@pytest.mark.parametrize("form", [serialization.Encoding.PEM, serialization.Encoding.DER])
async def test_a_public_key_is_no_secret_of_hmac(alg: Algorithm, form: serialization.Encoding) -> None:
    key = KEYS[alg]
    secret = key.private.public_key().public_bytes(form, serialization.PublicFormat.SubjectPublicKeyInfo)
    for said in ("HS256", alg):
        signed_part = f"{encoded({'alg': said, 'kid': key.kid})}.{encoded(payload())}"
        digest = hmac.digest(secret, signed_part.encode(), hashlib.sha256)
        with pytest.raises(Unauthenticated):
            await believing(*KINDS).verify(f"{signed_part}.{encoded(digest)}")


async def test_an_algorithm_is_allowed_to_one_issuer_and_not_to_another() -> None:
    both = Verifier([
        TrustedIssuer(STAFF, "candor", InlineKeys(json.dumps({"keys": [KEYS["RS256"].private_jwk()]})),
                      frozenset({Role.SUPERVISOR}), frozenset({"RS256"})),
        TrustedIssuer(VISITORS, "candor", InlineKeys(key_set(VISITOR_KEY)), frozenset({Role.VISITOR})),
    ])  # fmt: skip
    await both.verify(KEYS["RS256"].sign(payload()))
    for forged in (
        KEYS["RS256"].sign(payload(iss=VISITORS, roles=["visitor"])),
        signed(payload(), VISITOR_KEY, headers={"kid": thumbprint(VISITOR_KEY.public_key())}),
    ):
        with pytest.raises(Unauthenticated):
            await both.verify(forged)


@pytest.mark.parametrize(
    "spelling",
    [
        "Operator",
        "operator ",
        "OPERATOR",
        "oper\u200bator",
        "\uff4f\uff50\uff45\uff52\uff41\uff54\uff4f\uff52",
    ],
)
async def test_a_role_that_is_misspelt_denies_and_grants_nothing(calling: Caller, spelling: str) -> None:
    router = routes()

    @router.get("/dialogs")
    async def dialogs(claims: Claims = Depends(allow(Role.OPERATOR))) -> str:
        return claims.sub

    headers = {"authorization": f"Bearer {signed(payload(roles=['supervisor', spelling]))}"}
    async with calling(router, state={"verifier": trusting()}) as client:
        answers = [await client.get(path, headers=headers) for path in ("/numbers", "/form", "/dialogs")]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_a_visitors_issuer_can_make_nothing_but_visitors() -> None:
    kid = thumbprint(VISITOR_KEY.public_key())
    now = datetime.now(UTC)

    def of(*roles: Role) -> str:
        claims = Claims(sub="client", roles=frozenset(roles), channels=frozenset({"shop"}))
        return issue(
            VISITOR_KEY, kid, VISITORS, ["candor.chat", "candor.rating"], claims, timedelta(days=1), now
        )

    assert visitor_of(await trusting().verify(of(Role.VISITOR))) == ("client", "shop")
    for roles in ([Role.ADMIN], [Role.VISITOR, Role.SUPERVISOR]):
        with pytest.raises(Unauthenticated):
            await trusting().verify(of(*roles))


async def test_roles_of_the_directory_that_mean_nothing_here_are_passed_over() -> None:
    claims = await trusting().verify(signed(payload(roles=["offline_access", "supervisor"])))
    assert claims.roles == {Role.SUPERVISOR}


async def test_a_token_without_roles_grants_none() -> None:
    claims = await trusting().verify(signed(payload(roles=None, channels=None)))
    assert (claims.roles, claims.channels) == (frozenset(), frozenset())


@pytest.mark.parametrize(
    "claims",
    [
        Claims(sub="anna", roles=frozenset({Role.SUPERVISOR}), channels=frozenset({"shop"})),
        Claims(sub="c", roles=frozenset({Role.VISITOR}), channels=frozenset({"*"})),
        Claims(sub="c", roles=frozenset({Role.VISITOR}), channels=frozenset({"shop", "bot"})),
        Claims(sub="c", roles=frozenset({Role.VISITOR})),
        Claims(sub="c", roles=frozenset({Role.VISITOR, Role.ADMIN}), channels=frozenset({"shop"})),
    ],
)
def test_only_a_visitor_of_one_channel_is_a_visitor(claims: Claims) -> None:
    with pytest.raises(Forbidden):
        visitor_of(claims)


def routes() -> Router:
    router, operators = Router(), frozenset({Role.OPERATOR})
    staff = allow(Role.SUPERVISOR, Role.ADMIN, never=operators)

    @router.get("/numbers")
    async def numbers(claims: Claims = Depends(staff)) -> str:
        return claims.sub

    @router.get("/form")
    async def form(claims: Claims | None = Depends(allow_anyone(never=operators))) -> str:
        return claims.sub if claims else "somebody"

    return router


@pytest.mark.parametrize(
    ("path", "bearer", "status"),
    [
        ("/numbers", None, 401),
        ("/numbers", "forged", 401),
        ("/numbers", [Role.SUPERVISOR], 200),
        ("/numbers", [Role.ADMIN], 200),
        ("/numbers", [Role.PLATFORM], 403),
        ("/numbers", [Role.OPERATOR], 403),
        ("/numbers", [Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN], 403),
        ("/form", None, 200),
        ("/form", "forged", 401),
        ("/form", [Role.SUPERVISOR], 200),
        ("/form", [Role.OPERATOR], 403),
        ("/form", [Role.OPERATOR, Role.ADMIN], 403),
    ],
)
async def test_who_may_go_through_a_door(
    calling: Caller, path: str, bearer: str | list[Role] | None, status: int
) -> None:
    given = token(*bearer) if isinstance(bearer, list) else bearer
    headers = {"authorization": f"Bearer {given}"} if given else {}
    async with calling(routes(), state={"verifier": trusting()}) as client:
        answer = await client.get(path, headers=headers)
    assert answer.status_code == status
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    if status != 200:
        assert answer.json()["status"] == status


async def test_another_way_to_sign_in_is_no_token(calling: Caller) -> None:
    async with calling(routes(), state={"verifier": trusting()}) as client:
        basic = await client.get("/numbers", headers={"authorization": "Basic YTpi"})
        in_query = await client.get("/numbers", params={"access_token": token()})
    assert (basic.status_code, in_query.status_code) == (401, 401)


@pytest.mark.parametrize("path", ["/numbers", "/form"])
@pytest.mark.parametrize("scheme", ["Basic", "Digest", "Bear", "", "Bearer"])
async def test_an_authorization_that_is_no_token_is_nobodys(calling: Caller, path: str, scheme: str) -> None:
    given = f"{scheme} {token(Role.OPERATOR)}" if scheme not in {"", "Bearer"} else scheme
    async with calling(routes(), state={"verifier": trusting()}) as client:
        answer = await client.get(path, headers={"authorization": given})
    assert (answer.status_code, answer.json()["title"]) == (401, "Not signed in")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/numbers", "/form"])
@pytest.mark.parametrize("second", [Role.OPERATOR, Role.SUPERVISOR])
async def test_whoever_brings_two_tokens_is_nobody(calling: Caller, path: str, second: Role) -> None:
    both = [("authorization", f"Bearer {token(role)}") for role in (Role.SUPERVISOR, second)]
    async with calling(routes(), state={"verifier": trusting()}) as client:
        answers = [await client.get(path, headers=each) for each in (both, [*reversed(both)])]
    assert [answer.status_code for answer in answers] == [401, 401]


async def test_the_door_stands_in_openapi(calling: Caller) -> None:
    async with calling(routes(), state={"verifier": trusting()}) as client:
        document = (await client.get("/openapi.json")).json()
    assert document["paths"]["/numbers"]["get"]["security"] == [{"HTTPBearer": []}]


async def test_a_key_from_a_file_signs_what_its_public_half_verifies(tmp_path: Path) -> None:
    pem = FOREIGN_KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "keys.json").write_text(key_set(signing_key(str(tmp_path / "key.pem"))))
    settings = ServiceSettings(
        env="development", kafka=KafkaConnection(servers="a:1"), mongo="mongodb://a", database="d",
        staff_issuer=STAFF, staff_jwks=str(tmp_path / "keys.json"),
    )  # fmt: skip
    assert (await verifier(settings).verify(token(key=FOREIGN_KEY))).sub == "anna"
    with pytest.raises(TypeError, match="visitors are known"):
        verifier(settings, visitors="candor.chat")


def test_a_signing_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    pem = RSA_KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)
    with pytest.raises(ValueError, match="Ed25519"):
        signing_key(str(tmp_path / "key.pem"))


def test_a_keys_id_is_its_thumbprint() -> None:
    # RFC 8037, appendix A.3
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    raw = base64.urlsafe_b64decode(x + "=")
    key = serialization.load_der_public_key(bytes.fromhex("302a300506032b6570032100") + raw)
    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # type: ignore[arg-type]
