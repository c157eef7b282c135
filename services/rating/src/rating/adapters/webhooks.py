"""Posts signed messages to addresses that customers name, and to no place inside that they may not reach.

Signed as Standard Webhooks 1.0.0 has it:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpx
from standardwebhooks import Webhook

from rating.adapters.results import Delivered, TryAgain

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network
Resolver = Callable[[str], Awaitable[Sequence[IpAddress]]]
"""The addresses of a host, the best one first. Raises OSError or UnicodeError if there are none."""

WITHIN_SECONDS: Final = 10.0
"""For all of it: the name, the connection, the request and the response."""
LARGEST_RESPONSE: Final = 64 * 1024
LONGEST_RETRY_AFTER: Final = timedelta(hours=24)

DELAYS: Final = tuple(
    timedelta(seconds=each)
    for each in (0, 5, 5 * 60, 30 * 60, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)))
)
"""Before each attempt, the first one too: the example schedule of Standard Webhooks 1.0.0."""
_JITTER: Final = 0.1

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_DOCUMENTATION: Final = IPv6Network("3fff::/20")  # RFC 9637; Python 3.11 doesn't know it
_LAST_PORT: Final = 65_535
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


class WebhookReason(StrEnum):
    """Why a message was not taken."""

    URL = "url"
    NOT_HTTPS = "not_https"
    DNS = "dns"
    PRIVATE_ADDRESS = "private_address"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    REDIRECT = "redirect"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Gone:
    """The endpoint answers 410: nothing is wanted there any more, and it has to be disabled."""


WebhookResult = Delivered | TryAgain[WebhookReason] | Gone


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """Where messages go. Each is signed with all of `secrets` (``whsec_…``), of which a rotation has two."""

    url: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class WebhookMessage:
    """A JSON text. `id` is the same whenever it is sent again; `sent_at` is the time of this attempt."""

    id: str
    sent_at: datetime
    body: str


def retry_after(attempt: int, random: Callable[[], float]) -> timedelta | None:
    """How long to wait after the failed attempt number `attempt`, from 1 on; None: give up.

    The example schedule of Standard Webhooks 1.0.0, "Deliverability and reliability" (at once, 5 s, 5 min,
    30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: ten attempts in three days), give or take a tenth. `random`
    gives numbers of [0, 1).
    """
    if attempt >= len(DELAYS):
        return None
    return DELAYS[attempt] * (1 - _JITTER + 2 * _JITTER * random())


def is_public(address: IpAddress) -> bool:
    """Whether the address is one of the internet's, and so is the IPv4 address inside of it, if any."""
    inside = _inside(address)
    if inside is not None:
        return is_public(inside)
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_UNICAST or address in _DOCUMENTATION):
        return False  # `is_global` is only a list of what isn't
    return address.is_global and not address.is_multicast


def _inside(address: IpAddress) -> IPv4Address | None:
    """The IPv4 address that packets to an IPv6 address go to in the end: mapped, NAT64 or 6to4."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


async def resolve(host: str) -> Sequence[IpAddress]:
    """What the system's resolver says, which also reads numbers as addresses (``2130706433``, ``0x7f.1``)."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(address[0]) for *_, address in found))


@cache
def _system_tls() -> ssl.SSLContext:
    """Trusts the authorities of the system; reading them takes some 50 ms."""
    return ssl.create_default_context()


class _NotSent(Exception):
    def __init__(self, reason: WebhookReason) -> None:
        super().__init__(reason)
        self.reason = reason


class WebhookSender:
    """Posts to https URLs whose every address is public, and to those in the networks of `private`.

    In these networks http will do, too. A name is resolved once, and the connection goes to an address that
    was checked; the certificate must be the name's. Redirects aren't followed, proxies aren't used, and
    nothing is logged. `tls` is for authorities other than the system's.
    """

    def __init__(
        self,
        private: Iterable[IpNetwork] = (),
        *,
        tls: ssl.SSLContext | None = None,
        resolve: Resolver = resolve,
        within: float = WITHIN_SECONDS,
    ) -> None:
        self._private = tuple(private)
        self._tls = tls or _system_tls()
        self._resolve = resolve
        self._within = within

    async def send(self, endpoint: Endpoint, message: WebhookMessage) -> WebhookResult:
        """What became of it: delivered is any 2xx, whatever comes of the response's body."""
        result: WebhookResult = TryAgain(WebhookReason.TIMEOUT)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._within), self._transport() as transport:
                try:
                    url = _url(endpoint.url)
                    addresses = await self._addresses(url)
                    response = await self._post(transport, url, addresses, endpoint, message)
                except _NotSent as error:
                    return TryAgain(error.reason)
                except httpx.HTTPError as error:
                    return TryAgain(_reason_of(error))
                result = _result_of(response, message.sent_at)
                await _drop(response)
        return result

    def _transport(self) -> httpx.AsyncHTTPTransport:
        # Not a client: that one logs URLs, and would follow redirects and proxies if it were told to. One for
        # each message: a connection by address must not be used again for another name.
        return httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False)

    async def _addresses(self, url: httpx.URL) -> Sequence[IpAddress]:
        """Where the URL's name leads, if all of it may be reached; raises `_NotSent`."""
        try:
            found = await self._resolve(url.raw_host.decode())
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise _NotSent(WebhookReason.DNS)
        private = [self._is_private(address) for address in found]
        if not all(own or is_public(each) for own, each in zip(private, found, strict=True)):
            raise _NotSent(WebhookReason.PRIVATE_ADDRESS)
        if url.scheme != "https" and not all(private):
            raise _NotSent(WebhookReason.NOT_HTTPS)
        return found

    def _is_private(self, address: IpAddress) -> bool:
        return any((_inside(address) or address) in network for network in self._private)

    async def _post(
        self,
        transport: httpx.AsyncHTTPTransport,
        url: httpx.URL,
        addresses: Sequence[IpAddress],
        endpoint: Endpoint,
        message: WebhookMessage,
    ) -> httpx.Response:
        """The response of the first address that can be connected to."""
        failed: httpx.HTTPError | None = None
        for address in addresses:
            request = httpx.Request(
                "POST",
                url.copy_with(host=f"[{address}]" if address.version == 6 else str(address)),  # noqa: PLR2004 - IPv6
                headers={"Host": url.netloc.decode(), **_headers(endpoint, message)},
                content=message.body.encode(),
                extensions={
                    "sni_hostname": url.raw_host.decode().rstrip("."),
                    "timeout": {"connect": self._within / len(addresses)},
                },
            )
            try:
                return await transport.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
        raise failed or _NotSent(WebhookReason.DNS)


def _url(text: str) -> httpx.URL:
    """The URL; raises `_NotSent` unless it is http(s) with a host, and nobody's password in it."""
    try:
        url = httpx.URL(text)
        host = url.host  # decoded only now
    except (httpx.InvalidURL, ValueError):
        raise _NotSent(WebhookReason.URL) from None
    known = url.scheme in {"https", "http"} and host and (url.port or 0) <= _LAST_PORT
    if not known or url.userinfo:
        raise _NotSent(WebhookReason.URL)
    return url


def _headers(endpoint: Endpoint, message: WebhookMessage) -> dict[str, str]:
    sent_at = message.sent_at.astimezone(UTC)
    signed = [
        Webhook(secret).sign(msg_id=message.id, timestamp=sent_at, data=message.body)
        for secret in endpoint.secrets
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Candor",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(signed),
    }


def _result_of(response: httpx.Response, sent_at: datetime) -> WebhookResult:
    match response.status_code:
        case status if response.is_success:
            return Delivered()
        case httpx.codes.GONE:
            return Gone()
        case httpx.codes.TOO_MANY_REQUESTS | httpx.codes.SERVICE_UNAVAILABLE as status:
            return TryAgain(WebhookReason.STATUS, status, _asked_for(response, sent_at))
        case status:
            redirect = response.is_redirect
            return TryAgain(WebhookReason.REDIRECT if redirect else WebhookReason.STATUS, status)


def _asked_for(response: httpx.Response, sent_at: datetime) -> timedelta | None:
    """What Retry-After says (RFC 9110, 10.2.3: seconds or a date), at most a day."""
    text = response.headers.get("Retry-After", "")
    try:
        asked = (
            timedelta(seconds=int(text))
            if _SECONDS.fullmatch(text)
            else parsedate_to_datetime(text).astimezone(UTC) - sent_at
        )
    except (ValueError, OverflowError):
        return None
    return min(max(asked, timedelta(0)), LONGEST_RETRY_AFTER)


async def _drop(response: httpx.Response) -> None:
    """Lets the other side finish, unless it has much to say."""
    size = 0
    with suppress(httpx.HTTPError):
        async for part in response.stream:  # type: ignore[union-attr]  # an asynchronous transport's
            size += len(part)
            if size > LARGEST_RESPONSE:
                break
    await response.aclose()


def _reason_of(error: BaseException) -> WebhookReason:
    if isinstance(error, httpx.TimeoutException):
        return WebhookReason.TIMEOUT
    connecting, cause = isinstance(error, httpx.ConnectError), error.__context__
    while cause:
        if isinstance(cause, ssl.SSLError):
            return WebhookReason.TLS
        cause = cause.__context__
    return WebhookReason.UNREACHABLE if connecting else WebhookReason.CONNECTION_LOST
