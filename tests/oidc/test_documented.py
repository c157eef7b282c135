"""Whoever sets Candor up as docs/operating.md shows it believes the tokens that the provider signs."""

import pytest

from chassis.http.auth import TrustedIssuer, Verifier, staff_issuer
from chassis.http.key_sources import InlineKeys
from chassis.http.problems import Unauthenticated
from chassis.kafka.connection import KafkaConnection
from chassis.settings import ServiceSettings
from contracts.access import Role
from tests.oidc.documented import HEADINGS, Make, environment, jwks, settings, somebody
from tests.oidc.keys import SigningKey
from tests.oidc.shapes import SHAPES, TokenShape

every_provider = pytest.mark.parametrize("make", HEADINGS, ids=lambda make: make.__name__)


CHAT = "https://candor.test"


class Settings(ServiceSettings):
    """A service that exists in tests only."""

    service = "shop"
    offset = 9


def told(make: Make) -> ServiceSettings:
    kafka = KafkaConnection(servers="kafka:9092")
    return Settings(kafka=kafka, mongo="mongodb://db", chat_url=CHAT, **settings(HEADINGS[make]))  # type: ignore[arg-type]


def believing(make: Make, key: SigningKey) -> Verifier:
    """Staff's provider as documented, but for its keys."""
    trusted = staff_issuer(told(make))
    return Verifier([
        TrustedIssuer(
            trusted.issuer, trusted.audience, InlineKeys(jwks(key)), trusted.allowed_roles,
            trusted.algorithms, trusted.names,
        )
    ])  # fmt: skip


def test_every_shape_has_an_example() -> None:
    assert set(HEADINGS) == set(SHAPES)


@every_provider
def test_the_example_can_be_given_as_environment(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "CANDOR_KAFKA": "kafka:9092",
        "CANDOR_MONGO": "mongodb://db",
        "CANDOR_CHAT_URL": CHAT,
        **environment(HEADINGS[make]),
    }.items():
        monkeypatch.setenv(name, text)
    assert Settings.load() == told(make)


@every_provider
def test_the_example_says_what_the_shape_says(make: Make) -> None:
    settings, shape = told(make), make("operator", "shop")
    assert (settings.staff_issuer, settings.staff_discovery, settings.staff_audience) == (
        shape.issuer, shape.discovery, shape.audience,
    )  # fmt: skip
    assert (settings.staff_roles_claim, settings.staff_channels_claim) == (shape.roles_at, shape.channels_at)


@every_provider
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN])
async def test_each_role_is_recognised(make: Make, role: Role) -> None:
    key = SigningKey.make("RS256")
    shape: TokenShape = somebody(make, role)
    claims = await believing(make, key).verify(shape.sign(key))
    assert claims.sub == shape.payload["sub"]
    assert (set(claims.roles), set(claims.channels)) == ({role}, {"shop"})


WRONG: dict[str, dict[str, object]] = {
    "another audience": {"aud": "https://graph.microsoft.com"},
    "another issuer": {"iss": "https://evil.example"},
    "the issuer without its last letter": {"iss": ""},
    "expired": {"exp": 1},
    "no subject": {"sub": None},
}


@every_provider
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_what_is_wrong_is_refused(make: Make, wrong: dict[str, object]) -> None:
    key, shape = SigningKey.make("RS256"), make("operator", "shop")
    if wrong.get("iss") == "":
        wrong = {"iss": shape.issuer[:-1]}
    with pytest.raises(Unauthenticated):
        await believing(make, key).verify(shape.with_claims(**wrong).sign(key))


@every_provider
async def test_clocks_may_differ_by_half_a_minute(make: Make) -> None:
    key, shape = SigningKey.make("RS256"), make("operator", "shop")
    issued = shape.payload["iat"]
    assert isinstance(issued, int)
    verifier = believing(make, key)
    assert await verifier.verify(shape.with_claims(exp=issued - 20).sign(key))
    with pytest.raises(Unauthenticated):
        await verifier.verify(shape.with_claims(exp=issued - 40).sign(key))
