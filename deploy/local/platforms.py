"""Which machines the embedded servers run on."""

import ctypes
import platform

from deploy.local.failures import Unsupported


def check() -> None:
    """Raises Unsupported unless this is x86-64 Linux with glibc and OpenSSL 3."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise Unsupported(f"this is {system} on {machine}")
    if platform.libc_ver()[0] != "glibc":
        raise Unsupported("this Linux has another C library")
    try:
        ctypes.CDLL("libssl.so.3")
    except OSError:
        raise Unsupported("this Linux has no libssl.so.3") from None
