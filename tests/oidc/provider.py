"""A real OpenID Connect provider (npm `oidc-provider`) on loopback, and sign-ins with it.

::

    with running({"ada": Account(sub="auth0|1", claims={"name": "Ada", "roles": ["operator"]})}) as provider:
        tokens = await code_flow_token(provider, "ada")
"""

import base64
import hashlib
import json
import os
import secrets
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import jwt

from deploy.local import ports
from deploy.local.npm_packages import NODE, installed
from tests.oidc.keys import Algorithm, SigningKey

HERE = Path(__file__).parent
RESOURCE = "urn:candor"
CALLBACK = "http://127.0.0.1/callback"
CLIENT, MACHINE, MACHINE_SECRET = "candor-native", "candor-machine", "known-to-the-tests-alone"
PAGES = "candor-pages"
TIMEOUT = 20.0
MOST_REDIRECTS = 10


class ProviderError(Exception):
    """The provider did not do what was asked; the text ends with what it said."""


class SignInError(Exception):
    """The provider sent the person back without a code; `error` is OAuth's code for why."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error


@dataclass(frozen=True)
class Account:
    """A person: `sub` identifies; `claims` go into the ID token and the access token."""

    sub: str
    claims: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Tokens:
    """What the token endpoint gave; `id_token` is empty for a machine, `scope` if none was granted."""

    access_token: str
    id_token: str
    scope: str
    expires_in: int


@dataclass(kw_only=True)
class Provider:
    """A provider that `start` starts and `stop` ends; a second start keeps address and keys."""

    accounts: Mapping[str, Account]
    keys: Sequence[SigningKey]
    alg: Algorithm
    audience: str
    scopes: Sequence[str]
    machine_claims: Mapping[str, object]
    lifetime: int
    pages: Sequence[str] = ()
    port: int = 0
    issuer: str = ""
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _errors: IO[bytes] = field(default_factory=tempfile.TemporaryFile, init=False)

    @property
    def discovery(self) -> str:
        """The address of the discovery document."""
        return f"{self.issuer}/.well-known/openid-configuration"

    @property
    def pid(self) -> int:
        """The process id; raises ProviderError if it doesn't run."""
        return self._running().pid

    def key(self, alg: Algorithm | None = None) -> SigningKey:
        """The key that signs with `alg`, the provider's own unless said."""
        return next(key for key in self.keys if key.alg == (alg or self.alg))

    def start(self) -> None:
        """Start and wait until it serves. Raises ProviderError with what it wrote."""
        # A port outside of the range of outgoing connections is free again at the next start.
        self.port = self.port or ports.free_port()
        self._child = subprocess.Popen(
            [NODE, HERE / "provider.mjs", modules()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip
        try:
            self.issuer = str(self._tell(self._configuration())["issuer"])
        except BaseException:
            self.stop()
            raise

    def stop(self) -> int | None:
        """End it; its exit code, None if it didn't run. Its address answers nothing until the next start."""
        child, self._child = self._child, None
        if child is None:
            return None
        child.terminate()
        try:
            return child.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()
        finally:
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()

    def rotate(self, alg: Algorithm | None = None, *, keep_old: bool = True) -> SigningKey:
        """Sign with a new key from now on; the old ones stay published unless said.

        Sign-ins that are under way are lost.
        """
        new = SigningKey.make(alg or self.alg)
        kept = self.keys if keep_old else [key for key in self.keys if key.alg != new.alg]
        self.keys, self.alg = [new, *kept], new.alg
        self._tell({"keys": [key.private_jwk() for key in self.keys], "alg": self.alg})
        return new

    def _configuration(self) -> dict[str, object]:
        return {
            "port": self.port,
            "keys": [key.private_jwk() for key in self.keys],
            "alg": self.alg,
            "audience": self.audience,
            "resource": RESOURCE,
            "scopes": list(self.scopes),
            "accounts": {login: {**who.claims, "sub": who.sub} for login, who in self.accounts.items()},
            "client": {"id": CLIENT, "pages": PAGES},
            "machine": {"id": MACHINE, "secret": MACHINE_SECRET, "claims": dict(self.machine_claims)},
            "lifetime": self.lifetime,
            "pages": list(self.pages),
        }

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise ProviderError("The provider is not running.")
        return self._child

    def _tell(self, message: Mapping[str, object]) -> dict[str, Any]:
        child = self._running()
        assert child.stdin is not None
        with suppress(BrokenPipeError):  # what it wrote before it ended says more
            child.stdin.write(json.dumps(message).encode() + b"\n")
            child.stdin.flush()
        answer: dict[str, Any] = json.loads(self._line(child))
        return answer

    def _line(self, child: subprocess.Popen[bytes]) -> bytes:
        assert child.stdout is not None
        line, deadline = b"", time.monotonic() + TIMEOUT
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))
            part = os.read(child.stdout.fileno(), 65536) if ready else b""
            if not part:
                self._errors.seek(0)
                raise ProviderError(f"The provider did not answer: {self._errors.read().decode()[-4000:]}")
            line += part
        return line


def modules() -> Path:
    """The cache's folder with the packages of the lock, installed first if need be. Raises CannotStart."""
    return installed("oidc-provider", HERE)


@contextmanager
def running(
    accounts: Mapping[str, Account],
    *,
    keys: Sequence[Algorithm] = ("RS256",),
    alg: Algorithm | None = None,
    audience: str = "candor",
    scopes: Sequence[str] = ("candor",),
    machine_claims: Mapping[str, object] | None = None,
    lifetime: int = 600,
    pages: Sequence[str] = (),
    port: int = 0,
) -> Iterator[Provider]:
    """A provider for `accounts` (by login) until the block ends.

    It has one key per entry of `keys` and signs with `alg`, else with the first of them. `scopes` are those
    of the audience; `lifetime` is in seconds; `pages` are those of the client `PAGES`.
    """
    made = [SigningKey.make(each) for each in keys]
    provider = Provider(
        accounts=accounts, keys=made, alg=alg or made[0].alg, audience=audience, scopes=scopes,
        machine_claims=machine_claims or {}, lifetime=lifetime, pages=pages, port=port,
    )  # fmt: skip
    with provider._errors:
        try:
            provider.start()
            yield provider
        finally:
            provider.stop()


async def discover(http: httpx.AsyncClient, provider: Provider) -> dict[str, Any]:
    """The discovery document."""
    found = (await http.get(provider.discovery)).raise_for_status().json()
    assert isinstance(found, dict)
    return found


async def code_flow_token(
    provider: Provider, login: str, *, scope: str = "openid profile candor", audience: str | None = RESOURCE
) -> Tokens:
    """Sign `login` in as a browser would: authorization code with PKCE (S256), state and nonce checked.

    `audience` is the resource indicator that is asked for, None to leave it to the provider.
    Raises SignInError for a login that the provider doesn't know.
    """
    verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    wanted = {
        "client_id": CLIENT, "redirect_uri": CALLBACK, "response_type": "code", "scope": scope,
        "state": state, "nonce": nonce, "login_hint": login,
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    if audience is not None:
        wanted["resource"] = audience
    async with _client() as http:
        endpoints = await discover(http, provider)
        returned = await _returned(http, str(httpx.URL(endpoints["authorization_endpoint"], params=wanted)))
        if "error" in returned:
            raise SignInError(returned["error"], returned.get("error_description", ""))
        assert (returned["state"], returned["iss"]) == (state, provider.issuer)
        form = {"grant_type": "authorization_code", "code": returned["code"], "redirect_uri": CALLBACK}
        form |= {"client_id": CLIENT, "code_verifier": verifier}
        tokens = _tokens(await http.post(endpoints["token_endpoint"], data=form))
    assert jwt.decode(tokens.id_token, options={"verify_signature": False})["nonce"] == nonce
    return tokens


async def client_credentials_token(provider: Provider, *, scope: str = "candor") -> Tokens:
    """A machine's token. A scope that the provider doesn't know is left out of it, not refused."""
    form = {"grant_type": "client_credentials", "scope": scope, "resource": RESOURCE}
    async with _client() as http:
        endpoint = (await discover(http, provider))["token_endpoint"]
        return _tokens(await http.post(endpoint, data=form, auth=(MACHINE, MACHINE_SECRET)))


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)


async def _returned(http: httpx.AsyncClient, address: str) -> dict[str, str]:
    """The parameters that the provider sends the browser back to the application with."""
    for _ in range(MOST_REDIRECTS):
        answer = await http.get(address)
        if not answer.is_redirect:
            raise ProviderError(f"{answer.status_code} instead of a redirect: {answer.text[:500]}")
        address = urljoin(address, answer.headers["location"])
        if address.startswith(f"{CALLBACK}?"):
            return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    raise ProviderError(f"More than {MOST_REDIRECTS} redirects, the last to {address}")


def _tokens(answer: httpx.Response) -> Tokens:
    body = answer.raise_for_status().json()
    assert body["token_type"] == "Bearer"
    return Tokens(body["access_token"], body.get("id_token", ""), body.get("scope", ""), body["expires_in"])
