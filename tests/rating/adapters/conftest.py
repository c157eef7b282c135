"""What the tests of adapters share: certificates for loopback, and an authority that nobody knows."""

import ssl
from pathlib import Path

import pytest
import trustme


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """The authority's certificate, in PEM."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server at 127.0.0.1 whose certificate is the authority's."""
    return identity(authority, "127.0.0.1")


def identity(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """A server's certificate for `names`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context
