"""Who calls: tokens are verified strictly, and a role that may never do something outweighs all others."""

import base64
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, NamedTuple, TypeVar

import jwt
from cachetools import LRUCache
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jwt import PyJWK
from starlette.requests import HTTPConnection

from chassis.http.claims import ClaimNames, claims_of
from chassis.http.key_sources import KeySource, RemoteKeys, from_discovery, key_source
from chassis.http.problems import (
    Forbidden,
    NotOneVisitor,
    TokenExpired,
    TokenMissing,
    TokenTooLarge,
    Unauthenticated,
    raises,
)
from chassis.http.routes import guarding
from chassis.http.tokens import ALGORITHM
from chassis.settings import ServiceSettings, VisitorSettings
from contracts.access import EVERY_CHANNEL, Claims, Role, Scope

F = TypeVar("F", bound=Callable[..., Any])

LEEWAY = timedelta(seconds=30)
LONGEST_TOKEN = 32 * 1024
MOST_REMEMBERED = 10_000
STAFF = frozenset(Role) - {Role.VISITOR}


class Bearer(HTTPBearer):
    """One bearer token, or none; whatever else stands in `Authorization` is a 401, everywhere."""

    def __init__(self) -> None:
        about = "A token of staff's provider, or one that chat gave a visitor; the role decides."
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
    """Whose tokens are believed, for which audience, signed how, and which roles they can grant."""

    issuer: str
    audience: str
    keys: KeySource
    allowed_roles: frozenset[Role]
    algorithms: frozenset[str] = frozenset({ALGORITHM})
    names: ClaimNames = field(default_factory=ClaimNames)


@dataclass(frozen=True)
class VerifiedToken:
    """What a token said, and the key that it was verified with."""

    claims: Claims
    keys: KeySource
    kid: str
    key: PyJWK

    async def is_good(self) -> bool:
        """Whether it would be verified again: its time is not over, and its key is still the issuer's."""
        if self.claims.exp is None or self.claims.exp <= time.time() - LEEWAY.total_seconds():
            return False
        return await self.keys.find(self.kid, self.key.algorithm_name) is self.key


class Verifier:
    """Verifies tokens of the trusted issuers; iss, aud, exp and sub are required.

    It remembers those that it verified last, by their hashes. Time and keys are looked at with each request.
    """

    def __init__(self, issuers: Sequence[TrustedIssuer]) -> None:
        self._issuers = {trusted.issuer: trusted for trusted in issuers}
        self._verified_before: LRUCache[bytes, VerifiedToken] = LRUCache(MOST_REMEMBERED)

    async def verify(self, token: str) -> Claims:
        """What the token says. Raises `Unauthenticated`, whatever is wrong with it.

        It is `TokenExpired` if nothing is wrong with it but that its time is over, `TokenTooLarge` if it is
        not looked at. Raises `Unavailable` when the issuer's keys can't be had.
        """
        if len(token) > LONGEST_TOKEN:
            raise TokenTooLarge(most=LONGEST_TOKEN)
        try:
            digest = hashlib.sha256(token.encode()).digest()
            known = self._verified_before.get(digest)
            if known is None or not await known.is_good():
                known = self._verified_before[digest] = await self._verified(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise Unauthenticated from error
        return known.claims

    async def _verified(self, token: str) -> VerifiedToken:
        issuer, algorithm, kid = _unverified(token)
        trusted = self._issuers.get(issuer)
        if trusted is None or algorithm not in trusted.algorithms:
            raise Unauthenticated
        key = await trusted.keys.find(kid, algorithm)
        if key is None:
            raise Unauthenticated
        try:
            claims = _claims(token, key, trusted)
        except jwt.ExpiredSignatureError:
            # PyJWT looks at the time before issuer and audience: the rest must be right as well.
            _claims(token, key, trusted, at_any_time=True)
            raise TokenExpired from None
        return VerifiedToken(claims, trusted.keys, kid, key)


def _unverified(token: str) -> tuple[str, str, str]:
    """Issuer, algorithm and key id as a token claims them: they choose the key, and prove nothing.

    Read without PyJWT, which takes four times as long for it and reads everything again afterwards.
    """
    header, payload, _ = token.split(".")
    match [json.loads(base64.urlsafe_b64decode(f"{part}==")) for part in (header, payload)]:
        case [{"alg": str(algorithm), "kid": str(kid)}, {"iss": str(issuer)}]:
            return issuer, algorithm, kid
    raise Unauthenticated


def _claims(token: str, key: PyJWK, trusted: TrustedIssuer, *, at_any_time: bool = False) -> Claims:
    payload: dict[str, Any] = jwt.decode(
        token,
        key,  # bound to one algorithm, which the header must name
        audience=trusted.audience,
        issuer=trusted.issuer,
        leeway=LEEWAY,
        options={"require": ["exp", "aud", "iss", "sub"], "verify_exp": not at_any_time},
    )
    claims = claims_of(payload, trusted.names, trusted.allowed_roles)
    return claims.model_copy(update={"exp": int(payload["exp"])})


def verifier(
    settings: ServiceSettings, *, visitors: str | None = None, keys: KeySource | None = None
) -> Verifier:
    """Believes staff's issuer and, for the audience `visitors` (``candor.chat``), visitors'.

    `keys` are visitors' public keys, if the service has them itself; else they are where the settings say.
    """
    issuers = [staff_issuer(settings)]
    if visitors is not None:
        if not isinstance(settings, VisitorSettings):
            raise TypeError("visitors are known to a service whose settings name their issuer")
        found = keys or key_source(settings.visitor_jwks, {ALGORITHM})
        issuers.append(TrustedIssuer(settings.visitor_issuer, visitors, found, frozenset({Role.VISITOR})))
    return Verifier(issuers)


def staff_issuer(settings: ServiceSettings) -> TrustedIssuer:
    """Staff's provider, as the settings describe it."""
    names = ClaimNames(
        settings.staff_roles_claim, settings.staff_channels_claim, teams_at=settings.staff_teams_claim
    )
    if settings.staff_roles:
        names = replace(names, roles={name: Role(role) for name, role in settings.staff_roles.items()})
    if settings.staff_channels:
        names = replace(names, channels=settings.staff_channels)
    issuer, algorithms = settings.staff_issuer, settings.staff_algorithms
    if settings.staff_jwks:
        keys = key_source(settings.staff_jwks, algorithms)
    else:
        development = settings.env == "development"
        fetch = partial(from_discovery, settings.staff_discovery, issuer, algorithms, development=development)
        keys = RemoteKeys(fetch)
    return TrustedIssuer(issuer, settings.staff_audience, keys, STAFF, frozenset(algorithms), names)


def allow(
    *roles: Role, never: frozenset[Role] = frozenset(), service_scope: Scope | None = None
) -> Callable[..., Awaitable[Claims]]:
    """A dependency that gives the claims of a caller who has one of `roles`, and none of `never`.

    A service whose token has `service_scope` may call too. Answers 401 without a valid token, 403 otherwise,
    before anything else of the request is read.
    """

    @raises(TokenMissing, Unauthenticated, TokenExpired, TokenTooLarge, Forbidden)
    async def caller(request: Request, credentials: Credentials) -> Claims:
        if credentials is None:
            raise TokenMissing
        claims = await _verified(request, credentials)
        has_scope = service_scope is not None and claims.is_service_with(service_scope)
        if claims.names_any(never) or not (claims.roles & frozenset(roles) or has_scope):
            raise Forbidden
        return claims

    return _first(caller)


def allow_anyone(*, never: frozenset[Role] = frozenset()) -> Callable[..., Awaitable[Claims | None]]:
    """A dependency for routes that need no token, such as those of a form: None without one.

    A token that is there must be valid (401) and have no role in `never` (403).
    """

    @raises(Unauthenticated, TokenExpired, TokenTooLarge, Forbidden)
    async def caller(request: Request, credentials: Credentials) -> Claims | None:
        if credentials is None:
            return None
        claims = await _verified(request, credentials)
        if claims.names_any(never):
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


def allow_visitor(*, never: frozenset[Role] = frozenset()) -> Callable[..., Awaitable[Visitor]]:
    """A dependency that gives the visitor who calls; refuses as `allow` and `visitor_of` do."""
    allowed = allow(Role.VISITOR, never=never)

    @raises(NotOneVisitor)
    async def visitor(claims: Annotated[Claims, Depends(allowed)]) -> Visitor:
        return visitor_of(claims)

    return visitor


def visitor_of(claims: Claims) -> Visitor:
    """Who a visitor's token stands for; `NotOneVisitor` unless it is one visitor's, for one channel."""
    channels = claims.channels - {EVERY_CHANNEL}
    if claims.roles != {Role.VISITOR} or len(claims.channels) != 1 or not channels:
        raise NotOneVisitor
    return Visitor(claims.sub, next(iter(channels)))
