"""The examples of docs/operating.md: what services are told of each provider."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from tests.oidc.keys import SigningKey
from tests.oidc.shapes import NAME, TokenShape, auth0, entra, entra_v1, google, keycloak, okta

Make = Callable[[str, str], TokenShape]

OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"
HEADINGS: dict[Make, str] = {
    keycloak: "Keycloak",
    entra: "Microsoft Entra ID",
    entra_v1: "Microsoft Entra ID, version 1 tokens",
    auth0: "Auth0",
    okta: "Okta",
    google: "Google",
}
STAFF = {"operator": NAME, "supervisor": "Sue Ito", "admin": "Joe Paz"}
ADDRESSES = {"supervisor": "sue@shop.example", "admin": "joe@shop.example"}


def environment(heading: str) -> dict[str, str]:
    """The variables of the example under a heading."""
    section = OPERATING.read_text().split(f"\n### {heading}\n", 1)[1]
    example = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert example
    return dict(line.split("=", 1) for line in example[1].splitlines())


def settings(heading: str) -> dict[str, object]:
    """The same as fields of settings."""
    told = {name.removeprefix("CANDOR_").lower(): text for name, text in environment(heading).items()}
    return {name: json.loads(text) if text.startswith("{") else text for name, text in told.items()}


def jwks(*keys: SigningKey) -> str:
    """A key set as text."""
    return json.dumps({"keys": [key.private_jwk() for key in keys]})


def somebody(make: Make, role: str, channel: str = "shop") -> TokenShape:
    """One person per role, each with an id and an address of their own, the operator as in the shapes."""
    shape: TokenShape = make(role, channel)
    if role == "operator":
        return shape
    changes: dict[str, object] = {"sub": f"{shape.payload['sub']}-{role}"}
    if "name" in shape.payload:
        changes["name"] = STAFF[role]
    if "email" in shape.payload:
        changes["email"] = ADDRESSES[role]
    return shape.with_claims(**changes)
