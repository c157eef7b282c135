"""Who calls: tokens are verified strictly, and a role that may never do something outweighs all others."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, NamedTuple, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import ValidationError
from starlette.requests import HTTPConnection

from chassis.http.key_sources import KeySource, key_source
from chassis.http.problems import (
    Forbidden,
    NotOneVisitor,
    TokenExpired,
    TokenMissing,
    Unauthenticated,
    raises,
)
from chassis.http.routes import guarding
from chassis.http.tokens import ALGORITHM, issue, kid_of, public_jwk, signing_key
from chassis.settings import ServiceSettings, VisitorSettings
from contracts.access import AUDIENCE_STAFF, EVERY_CHANNEL, Claims, Role

__all__ = [
    "BEARER", "Credentials", "TrustedIssuer", "Verifier", "Visitor", "allow", "allow_anyone", "issue",
    "kid_of", "public_jwk", "signing_key", "verifier", "visitor_of",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])

LEEWAY = timedelta(seconds=30)
LONGEST_TOKEN = 8 * 1024
STAFF = frozenset(Role) - {Role.VISITOR}


class Bearer(HTTPBearer):
    """One bearer token, or none; whatever else stands in `Authorization` is a 401, everywhere."""

    def __init__(self) -> None:
        about = "EdDSA-signed; the role decides."
        super().__init__(auto_error=False, bearerFormat="JWT", description=about, scheme_name="HTTPBearer")

    async def __call__(self, request: HTTPConnection) -> HTTPAuthorizationCredentials | None:
        """The token, not verified yet."""
        given = request.headers.getlist("authorization")
        found = await super().__call__(request)
        if len(given) > 1 or (given and found is None):
            raise Unauthenticated
        return found


BEARER = Bearer()
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]


@dataclass(frozen=True)
class TrustedIssuer:
    """Whose tokens are believed, for which audience, and which roles they can grant."""

    issuer: str
    audience: str
    keys: KeySource
    allowed_roles: frozenset[Role]


class Verifier:
    """Verifies tokens of the trusted issuers: EdDSA only; iss, aud, exp and sub are required."""

    def __init__(self, issuers: Sequence[TrustedIssuer]) -> None:
        self._issuers = {trusted.issuer: trusted for trusted in issuers}

    async def verify(self, token: str) -> Claims:
        """What the token says. Raises `Unauthenticated`, whatever is wrong with it.

        It is `TokenExpired` if nothing is wrong with it but that its time is over. Raises `Unavailable`
        when the issuer's keys can't be had.
        """
        try:
            return await self._verified(token)
        except (jwt.PyJWTError, ValidationError, ValueError, TypeError, RecursionError) as error:
            raise Unauthenticated from error

    async def _verified(self, token: str) -> Claims:
        if len(token) > LONGEST_TOKEN:
            raise Unauthenticated
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(kid, str):
            raise Unauthenticated
        trusted = self._issuer_of(token)
        key = await trusted.keys.find(kid)
        if key is None:
            raise Unauthenticated
        try:
            return _claims(_decode(token, key, trusted), trusted)
        except jwt.ExpiredSignatureError:
            # PyJWT looks at the time before issuer and audience: the rest must be right as well.
            _claims(_decode(token, key, trusted, at_any_time=True), trusted)
            raise TokenExpired from None

    def _issuer_of(self, token: str) -> TrustedIssuer:
        unverified = jwt.decode(token, options={"verify_signature": False})
        issuer = unverified.get("iss")
        trusted = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if trusted is None:
            raise Unauthenticated
        return trusted


def _decode(
    token: str, key: Ed25519PublicKey, trusted: TrustedIssuer, *, at_any_time: bool = False
) -> dict[str, Any]:
    return jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        audience=trusted.audience,
        issuer=trusted.issuer,
        leeway=LEEWAY,
        options={"require": ["exp", "aud", "iss", "sub"], "verify_exp": not at_any_time},
    )


def _claims(payload: dict[str, Any], trusted: TrustedIssuer) -> Claims:
    names = payload.get("roles", [])
    if not isinstance(names, list):
        raise Unauthenticated
    # Staff's directory has roles that mean nothing here; a role that this issuer can't grant is a forgery.
    roles = {Role(name) for name in names if name in set(Role)}
    if not roles <= trusted.allowed_roles:
        raise Unauthenticated
    return Claims.model_validate({**payload, "roles": roles})


def verifier(
    settings: ServiceSettings, *, visitors: str | None = None, keys: KeySource | None = None
) -> Verifier:
    """Believes staff's issuer and, for the audience `visitors` (``candor.chat``), visitors'.

    `keys` are visitors' public keys, if the service has them itself; else they are where the settings say.
    Exits with a sentence when a service that isn't told of visitors asks for them, or a key set that was
    changed after the settings were checked is damaged.
    """
    issuers = [_trusted(settings.staff_issuer, AUDIENCE_STAFF, settings.staff_jwks, STAFF)]
    if visitors is not None:
        if not isinstance(settings, VisitorSettings):
            raise SystemExit("CANDOR_VISITOR_ISSUER and CANDOR_VISITOR_JWKS are missing.")
        source = settings.visitor_jwks if keys is None else keys
        issuers.append(_trusted(settings.visitor_issuer, visitors, source, frozenset({Role.VISITOR})))
    return Verifier(issuers)


def _trusted(issuer: str, audience: str, source: str | KeySource, roles: frozenset[Role]) -> TrustedIssuer:
    try:
        keys = key_source(source) if isinstance(source, str) else source
        return TrustedIssuer(issuer, audience, keys, roles)
    except ValueError as error:
        raise SystemExit(f"The public keys of {issuer} can't be read: {error}.") from error


def allow(*roles: Role, never: frozenset[Role] = frozenset()) -> Callable[..., Awaitable[Claims]]:
    """A dependency that gives the claims of a caller who has one of `roles`, and none of `never`.

    Answers 401 without a valid token, 403 otherwise, before anything else of the request is read.
    """

    @raises(TokenMissing, Unauthenticated, TokenExpired, Forbidden)
    async def caller(request: Request, credentials: Credentials) -> Claims:
        if credentials is None:
            raise TokenMissing
        claims = await _verified(request, credentials)
        if claims.roles & never or not claims.roles & frozenset(roles):
            raise Forbidden
        return claims

    return _first(caller)


def allow_anyone(*, never: frozenset[Role] = frozenset()) -> Callable[..., Awaitable[Claims | None]]:
    """A dependency for routes that need no token, such as those of a form: None without one.

    A token that is there must be valid (401) and have no role in `never` (403).
    """

    @raises(Unauthenticated, TokenExpired, Forbidden)
    async def caller(request: Request, credentials: Credentials) -> Claims | None:
        if credentials is None:
            return None
        claims = await _verified(request, credentials)
        if claims.roles & never:
            raise Forbidden
        return claims

    return _first(caller)


async def _verified(request: Request, credentials: HTTPAuthorizationCredentials) -> Claims:
    """The claims of the token; verified once for a request, by ``app.state.verifier``."""
    if not hasattr(request.state, "claims"):
        request.state.claims = await request.app.state.verifier.verify(credentials.credentials)
    claims: Claims = request.state.claims
    return claims


def _first(caller: F) -> F:
    async def guard(request: Request) -> None:
        await caller(request, await BEARER(request))

    return guarding(guard)(caller)


class Visitor(NamedTuple):
    """The client behind a visitor's token, and the channel they came through."""

    client: str
    channel: str


def visitor_of(claims: Claims) -> Visitor:
    """Who a visitor's token stands for; `NotOneVisitor` unless it is one visitor's, for one channel."""
    channels = claims.channels - {EVERY_CHANNEL}
    if claims.roles != {Role.VISITOR} or len(claims.channels) != 1 or not channels:
        raise NotOneVisitor
    return Visitor(claims.sub, next(iter(channels)))
