"""Origins, hosts and networks, as addresses have them."""

import ipaddress
import re
from typing import Final

_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:(?P<port>[1-9][0-9]{0,4}))?"
)
_USUAL_PORTS: Final = {"http": "80", "https": "443"}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def origin_of(text: str) -> str:
    """The origin as browsers write it (RFC 6454, 6.2): in lower case, without the usual port of its scheme.

    ValueError unless it is https:// with a host and perhaps a port, or http:// of this machine.
    """
    found = _ORIGIN.fullmatch(text.lower())
    if not found or (found["scheme"] == "http" and not is_loopback(found["host"])):
        raise ValueError("must be https:// with a host and perhaps a port (http:// only for this machine)")
    port = "" if found["port"] in {None, _USUAL_PORTS[found["scheme"]]} else f":{found['port']}"
    return f"{found['scheme']}://{found['host']}{port}"


def network_of(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network, such as 10.1.0.0/16; ValueError if it is none, or an address inside of one."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError("must be a network such as 10.1.0.0/16 or fd00::/8") from None
