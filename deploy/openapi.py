"""The OpenAPI document of each service, as it is committed: python -m deploy.openapi [--check]."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI

from analytics.app import build as analytics
from analytics.settings import AnalyticsSettings
from chassis.http.tokens import public_jwk
from chassis.kafka.connection import KafkaConnection
from chat.app import build as chat
from chat.settings import ChatSettings
from rating.app import build as rating
from rating.settings import RatingSettings

FOLDER: Final = Path(__file__).parent.parent / "docs" / "openapi"


def apps() -> Mapping[str, FastAPI]:
    """Each service, joined as it is served, with made-up settings; nothing is connected."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    keys, secret = json.dumps({"keys": [public_jwk(key.public_key())]}), "A" * 43
    every: dict[str, Any] = {
        "kafka": KafkaConnection(servers="127.0.0.1:1"),
        "mongo": "mongodb://127.0.0.1:1",
        "chat_url": "https://candor.example",
        "staff_issuer": "https://staff.example",
        "staff_jwks": keys,
        "master_key": secret,
        "readers_key": secret,
    }
    visitors: dict[str, Any] = {
        "visitor_issuer": "https://chat.example",
        "visitor_jwks": keys,
    }
    return {
        "chat": chat(ChatSettings(**every, **visitors, visitor_signing_key=pem)),
        "rating": rating(RatingSettings(**every, **visitors, form_secret=secret)),
        "analytics": analytics(AnalyticsSettings(**every)),
    }


def files() -> dict[Path, str]:
    """Path → text."""
    return {
        FOLDER / f"{name}.json": json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"
        for name, app in apps().items()
    }


def write(documents: Mapping[Path, str], arguments: list[str]) -> int:
    """Writes the documents, or with ``--check`` names those that are out of date."""
    stale = {path: text for path, text in documents.items() if not path.exists() or path.read_text() != text}
    if "--check" in arguments:
        sys.stdout.writelines(f"{path} is out of date: run `make events`\n" for path in stale)
        return 1 if stale else 0
    for path, text in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(write(files(), sys.argv[1:]))
