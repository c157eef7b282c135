"""Secrets of a development machine: made once, readable by their owner only, worth nothing elsewhere."""

import base64
import json
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contracts.topics import SERVICES
from deploy.local import cache

STAFF_ISSUER = "https://staff.candor.localhost"
VISITOR_ISSUER = "https://chat.candor.localhost"


class Secrets:
    """The secrets in `folder`/secrets; what is missing is made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "secrets"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with cache.locked(self.folder / "lock"):
            for issuer in ("staff", "visitor"):
                self._make_issuer(issuer)
            for name in ("readers", "form", *(f"{service}.master" for service in SERVICES)):
                if not (path := self.folder / f"{name}.key").exists():
                    _write(path, base64.urlsafe_b64encode(secrets.token_bytes(32)))

    @property
    def staff_key(self) -> Path:
        """The PEM file of the key that signs staff's development tokens."""
        return self.folder / "staff.pem"

    def environment(self, service: str) -> dict[str, str]:
        """The variables of `service`; each has its own master key only."""
        variables = {
            "CANDOR_STAFF_ISSUER": STAFF_ISSUER,
            "CANDOR_STAFF_JWKS": str(self.folder / "staff.jwks.json"),
            "CANDOR_VISITOR_ISSUER": VISITOR_ISSUER,
            "CANDOR_VISITOR_JWKS": str(self.folder / "visitor.jwks.json"),
            "CANDOR_READERS_KEY": self._text("readers.key"),
            "CANDOR_MASTER_KEY": self._text(f"{service}.master.key"),
        }
        if service == "chat":
            variables["CANDOR_VISITOR_SIGNING_KEY"] = str(self.folder / "visitor.pem")
        if service == "rating":
            variables["CANDOR_FORM_SECRET"] = self._text("form.key")
        return variables

    def _make_issuer(self, issuer: str) -> None:
        pem, public = self.folder / f"{issuer}.pem", self.folder / f"{issuer}.jwks.json"
        if pem.exists() and public.exists():
            return
        from chassis.http.tokens import public_jwk  # noqa: PLC0415 - brings cryptography, which takes a moment

        key = Ed25519PrivateKey.generate()
        _write(pem, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        _write(public, json.dumps({"keys": [public_jwk(key.public_key())]}).encode())

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text()


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(content)
    part.replace(path)
