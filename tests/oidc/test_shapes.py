"""Each provider's shape says truly where its issuer, audience, roles and channels stand."""

from collections.abc import Callable, Mapping

import jwt
import pytest

from tests.oidc.keys import SigningKey
from tests.oidc.shapes import SHAPES, TENANT, TokenShape, entra_v1

every_shape = pytest.mark.parametrize("make", SHAPES, ids=lambda make: make.__name__)
Make = Callable[[str, str], TokenShape]


def found(payload: Mapping[str, object], where: str) -> list[object]:
    """What stands at a claim's name, or else at the path that its dots make."""
    value: object = payload
    for name in [where] if where in payload else where.split("."):
        assert isinstance(value, Mapping)
        value = value[name]
    return value if isinstance(value, list) else [value]


@every_shape
def test_roles_and_channels_stand_where_the_shape_says(make: Make) -> None:
    shape = make("supervisor", "course")

    roles = {shape.roles.get(str(name)) for name in found(shape.payload, shape.roles_at)}
    channels = {shape.channels.get(str(name)) for name in found(shape.payload, shape.channels_at)}

    assert roles - {None} == {"supervisor"}
    assert channels - {None} == {"course"}


@every_shape
def test_a_signed_shape_is_verified_with_its_issuer_and_audience(make: Make) -> None:
    shape = make("operator", "shop")
    key = SigningKey.make(shape.alg)
    token = shape.sign(key)

    claims = jwt.decode(
        token, key.private.public_key(), [shape.alg], audience=shape.audience, issuer=shape.issuer
    )

    assert claims == shape.payload
    assert jwt.get_unverified_header(token) == {**shape.header, "kid": key.kid}
    assert claims["sub"].isascii()
    assert len(claims["sub"]) <= 255


@every_shape
def test_the_name_is_the_first_of_name_username_email_and_id(make: Make) -> None:
    shape = make("operator", "shop")
    names = ("name", "preferred_username", "email", "sub")

    assert shape.display_name == next(shape.payload[name] for name in names if name in shape.payload)


@every_shape
def test_a_shape_can_come_from_another_issuer(make: Make) -> None:
    shape = make("operator", "shop").issued_by("http://127.0.0.1:9/")

    assert shape.payload["iss"] == shape.issuer == "http://127.0.0.1:9/"
    assert shape.discovery == "http://127.0.0.1:9/.well-known/openid-configuration"


@every_shape
def test_discovery_is_beside_the_issuer_but_for_one(make: Make) -> None:
    shape = make("operator", "shop")
    own = f"https://login.microsoftonline.com/{TENANT}/.well-known/openid-configuration"

    assert shape.discovery == (own if make is entra_v1 else shape.issued_by(shape.issuer).discovery)
