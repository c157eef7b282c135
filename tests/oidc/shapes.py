"""Tokens shaped as five providers' documentation describes them, for one operator called Nadia Karim.

Each function gives the header and the payload of a token that a person's sign-in ends with, and what
somebody who sets Candor up would have to know about it: issuer, audience, where roles and channels stand,
and which of the provider's names mean which of ours. Every example value is made up in the documented form.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.oidc.keys import Algorithm, SigningKey

NAME, EMAIL = "Nadia Karim", "nadia.karim@shop.example"
LIFETIME = 3600  # seconds
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
ENTRA_API = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
ENTRA_PAGES = "75dbe77f-10a3-4e59-85fd-8c127544f17c"
ENTRA_GROUP = "0f2a1c3e-5b7d-4e91-8a66-3c1d9e7f4b20"
GOOGLE_CLIENT = "1234987819200.apps.googleusercontent.com"


@dataclass(frozen=True, kw_only=True)
class TokenShape:
    """A token before it is signed.

    `roles_at` and `channels_at` are the claim's name, or names joined by dots for a claim inside of a claim;
    Auth0's name is a URL and has dots itself. `roles` and `channels` map the provider's names to ours.
    `display_name` is what name → preferred_username → email → sub comes to.
    """

    issuer: str
    discovery: str
    audience: str
    alg: Algorithm
    header: Mapping[str, object]
    payload: Mapping[str, object]
    roles_at: str
    roles: Mapping[str, str]
    channels_at: str
    channels: Mapping[str, str]
    display_name: str

    def issued_by(self, issuer: str) -> "TokenShape":
        """The same token of another issuer (one on loopback, say) with its discovery at the usual place."""
        discovery = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        return replace(self, issuer=issuer, discovery=discovery, payload={**self.payload, "iss": issuer})

    def with_claims(self, **claims: object) -> "TokenShape":
        """The same token with these claims put in or replaced."""
        return replace(self, payload={**self.payload, **claims})

    def sign(self, key: SigningKey) -> str:
        """The token, signed; of the header all but `alg` and `kid`, which are the key's."""
        rest = {name: value for name, value in self.header.items() if name not in {"alg", "kid"}}
        # A falsy `typ` keeps PyJWT from adding its own.
        return key.sign(self.payload, {"typ": "", **rest})


def auth0(role: str = "operator", channel: str = "shop") -> TokenShape:
    """Auth0, access token of the default profile; its RFC 9068 profile has `client_id` and `jti`, no `azp`.

    The issuer ends in a slash. `aud` is a list as soon as `openid` was asked for. Claims of one's own need a
    namespace; `roles`, `groups` and `permissions` are restricted names. `name`, `preferred_username` and
    `email` are absent unless an Action adds them.
    """
    # "Access Token Profiles", https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
    # "Create Custom Claims", https://auth0.com/docs/secure/tokens/json-web-tokens/create-custom-claims
    # "Post Login", https://auth0.com/docs/customize/actions/explore-triggers/post-login
    issuer, subject = "https://candor-shop.eu.auth0.com/", "auth0|5f7c8ec7c33c6c004bbafe82"
    return TokenShape(
        issuer=issuer,
        discovery=f"{issuer}.well-known/openid-configuration",
        audience="https://candor.example",
        alg="RS256",
        header={"alg": "RS256", "typ": "JWT", "kid": "tLx0V7mUqk2eYw9Hn4bRz"},
        payload={
            "https://candor.example/roles": [f"Candor {role}", "Newsletter"],
            "https://candor.example/channels": [channel],
            "iss": issuer,
            "sub": subject,
            "aud": ["https://candor.example", f"{issuer}userinfo"],
            **_times(),
            "scope": "openid profile email",
            "azp": "my_client_id",
        },
        roles_at="https://candor.example/roles",
        roles={f"Candor {role}": role},
        channels_at="https://candor.example/channels",
        channels={channel: channel},
        display_name=subject,
    )


def entra(role: str = "operator", channel: str = "shop") -> TokenShape:
    """Microsoft Entra ID, v2.0 access token (`accessTokenAcceptedVersion` 2).

    `aud` is the API's client id, a GUID, always. `sub` is pairwise: another one for another API; `oid` is the
    same everywhere in the tenant. `roles` holds app roles; `groups` holds object ids, and above 200 of them
    `_claim_names` instead. `scp` is one string. Whether `name` and `preferred_username` are there depends on
    the scope `profile`. The keys of its JWKS name no `alg`.
    """
    # "Access token claims reference",
    # https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
    # "Access tokens in the Microsoft identity platform",
    # https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    return TokenShape(
        issuer=issuer,
        discovery=f"{issuer}/.well-known/openid-configuration",
        audience=ENTRA_API,
        alg="RS256",
        header={"typ": "JWT", "alg": "RS256", "kid": "i6lGk3FZzxRcUb2C3nEQ7syHJlY"},
        payload={
            **_entra_claims(issuer, role),
            "aud": ENTRA_API,
            "azp": ENTRA_PAGES,
            "azpacr": "0",
            "preferred_username": EMAIL,
            "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
            "ver": "2.0",
        },
        roles_at="roles",
        roles={f"Candor.{role.title()}": role},
        channels_at="groups",
        channels={ENTRA_GROUP: channel},
        display_name=NAME,
    )


def entra_v1(role: str = "operator", channel: str = "shop") -> TokenShape:
    """Microsoft Entra ID, v1.0 access token: what an API gets whose manifest was left as it is.

    The issuer is another host than the discovery document's, and `aud` may be the application's URI. There
    are `appid`, `upn` and `unique_name`, no `azp` and no `preferred_username`; the header has `x5t` as well.
    """
    # The pages of `entra`: "v1.0 basic claims", and "v1.0 and v2.0 tokens" for the discovery document.
    issuer = f"https://sts.windows.net/{TENANT}/"
    second = entra(role, channel)
    audience, kid = f"api://{ENTRA_API}", second.header["kid"]
    return replace(
        second,
        issuer=issuer,
        discovery=f"https://login.microsoftonline.com/{TENANT}/.well-known/openid-configuration",
        audience=audience,
        header={"typ": "JWT", "alg": "RS256", "x5t": kid, "kid": kid},
        payload={
            **_entra_claims(issuer, role),
            "aud": audience,
            "acr": "1",
            "amr": ["pwd", "mfa"],
            "appid": ENTRA_PAGES,
            "appidacr": "0",
            "family_name": "Karim",
            "given_name": "Nadia",
            "ipaddr": "192.0.2.22",
            "sub": "l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA",
            "unique_name": EMAIL,
            "upn": EMAIL,
            "ver": "1.0",
        },
    )


def keycloak(role: str = "operator", channel: str = "shop") -> TokenShape:
    """Keycloak, access token with the default client scopes, an audience mapper and a mapper for `channels`.

    Realm roles stand in `realm_access.roles`, among Keycloak's own; client roles in `resource_access`, by
    client. Without an audience mapper or client roles `aud` is "account" or absent, never the application
    that asked: that is `azp`. `groups` needs a mapper and holds paths. `typ` stands in the payload too.
    """
    # "Server Administration Guide": "Role mappings in the token", "Audience support", "Client scopes",
    # https://www.keycloak.org/docs/latest/server_admin/index.html#_oidc_token_role_mappings
    # "Get a Keycloak Token and Read Every Claim", https://phasetwo.io/tutorials/getting-started/your-first-token/
    issuer = "https://id.shop.example/realms/shop"
    return TokenShape(
        issuer=issuer,
        discovery=f"{issuer}/.well-known/openid-configuration",
        audience="candor",
        alg="RS256",
        header={"alg": "RS256", "typ": "JWT", "kid": "wcSzL6tktB4XGqKclFgruZht-_wy2FTWAeYKZacR93g"},
        payload={
            **_times(),
            "jti": "onrtac:4b0c4ddd-0fb0-49f8-9be4-bf80501473e1",
            "iss": issuer,
            "aud": ["candor", "account"],
            "sub": "36fa0f91-f94d-4a0c-afed-6b7d952e47da",
            "typ": "Bearer",
            "azp": "candor-pages",
            "sid": "2a88c258-f73a-4103-b862-e1fbd8f4e04e",
            "acr": "1",
            "allowed-origins": ["https://candor.shop.example"],
            "realm_access": {"roles": ["offline_access", f"candor-{role}", "uma_authorization"]},
            "resource_access": {
                "candor": {"roles": [f"candor-{role}"]},
                "account": {"roles": ["manage-account", "view-profile"]},
            },
            "scope": "openid email profile",
            "email_verified": True,
            "name": NAME,
            "groups": ["/support/evening"],
            "channels": [channel],
            "preferred_username": "nadia",
            "given_name": "Nadia",
            "family_name": "Karim",
            "email": EMAIL,
        },
        roles_at="realm_access.roles",
        roles={f"candor-{role}": role},
        channels_at="channels",
        channels={channel: channel},
        display_name=NAME,
    )


def okta(role: str = "operator", channel: str = "shop") -> TokenShape:
    """Okta, access token of a custom authorization server with claims `groups` and `channels` added.

    Tokens of the org's own authorization server are for Okta itself. `scp` is a list, the client is `cid`,
    and the header is `alg` and `kid` alone. `uid` is the user's id; `sub` is that id in the documentation's
    example and a claim that can be set to the login. Name and e-mail stand in the ID token only.
    """
    # "OpenID Connect & OAuth 2.0 overview": "Access token payload", "Reserved claims in the payload section",
    # https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/
    # and the guide "Customize tokens returned from Okta with a groups claim",
    # https://developer.okta.com/docs/guides/customize-tokens-groups-claim/
    issuer, subject = "https://shop.okta.com/oauth2/default", "00ujmkLgagxeRrAg20g3"
    return TokenShape(
        issuer=issuer,
        discovery=f"{issuer}/.well-known/openid-configuration",
        audience="api://default",
        alg="RS256",
        header={"alg": "RS256", "kid": "45js03w0djwedsw"},
        payload={
            "ver": 1,
            "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
            "iss": issuer,
            "aud": "api://default",
            "sub": subject,
            **_times(),
            "cid": "nmdP1fcyvdVO11AL7ECm",
            "uid": subject,
            "scp": ["openid", "profile", "email"],
            "auth_time": _times()["iat"],
            "groups": ["Everyone", f"Candor {role}"],
            "channels": [channel],
        },
        roles_at="groups",
        roles={f"Candor {role}": role},
        channels_at="channels",
        channels={channel: channel},
        display_name=subject,
    )


def google(role: str = "operator", channel: str = "shop") -> TokenShape:
    """Google, ID token of a Workspace account, as Google's access tokens are opaque.

    It has no roles and no groups, and none can be added. What can be mapped is the person (`email`, if
    `email_verified`; `sub`) or the organisation (`hd`, absent for private accounts). `aud` is the OAuth
    client's id. Old clients get "accounts.google.com" as the issuer, without a scheme.
    """
    # "Google OpenID Connect API Reference", https://developers.google.com/identity/openid-connect/reference
    # "OpenID Connect": "An ID token's payload",
    # https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
    issuer = "https://accounts.google.com"
    return TokenShape(
        issuer=issuer,
        discovery=f"{issuer}/.well-known/openid-configuration",
        audience=GOOGLE_CLIENT,
        alg="RS256",
        header={"alg": "RS256", "kid": "c8ab71530972bba20b49f78a09c9852c43ff9118", "typ": "JWT"},
        payload={
            "iss": issuer,
            "azp": GOOGLE_CLIENT,
            "aud": GOOGLE_CLIENT,
            "sub": "107691503500061507151",
            "hd": "shop.example",
            "email": EMAIL,
            "email_verified": True,
            "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
            "nonce": "0394852-3190485-2490358",
            "name": NAME,
            "picture": "https://lh3.googleusercontent.com/a/nadia=s96-c",
            "given_name": "Nadia",
            "family_name": "Karim",
            **_times(),
        },
        roles_at="email",
        roles={EMAIL: role},
        channels_at="hd",
        channels={"shop.example": channel},
        display_name=NAME,
    )


SHAPES = (auth0, entra, entra_v1, keycloak, okta, google)


def _entra_claims(issuer: str, role: str) -> dict[str, object]:
    """What both versions of Entra ID's tokens have."""
    return {
        "iss": issuer,
        **_times(),
        "nbf": _times()["iat"],
        "aio": "AXQAi/8IAAAAtAaZLo3ChMif6KOnttRB7eBq4/DccQzjcJGxPYy=",
        "groups": [ENTRA_GROUP],
        "name": NAME,
        "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
        "rh": "0.AXQA.",
        "roles": [f"Candor.{role.title()}"],
        "scp": "access_as_user",
        "tid": TENANT,
        "uti": "fqiBqXLPj0eQa82S-IYFAA",
    }


def _times() -> dict[str, int]:
    """Issued now, in seconds since 1970."""
    now = int(time.time())
    return {"iat": now, "exp": now + LIFETIME}
