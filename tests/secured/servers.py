"""Kafka and MongoDB that ask who somebody is, and let everybody do only what they were granted."""

import base64
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pymongo import MongoClient

from chassis.kafka.connection import KafkaConnection
from contracts.topics import SERVICES
from deploy.local import kafka, mongod
from deploy.local.ports import HERE, Ports
from deploy.local.process import Process

ADMIN = "admin"
PLATFORM = "platform"
SUBSCRIBERS = {
    "crm": ["candor.ratings", "candor.ratings.keys"],
    "archive": ["candor.dialogs"],
}
STRANGER = "stranger"
"""Has a password, and nothing that was granted."""
USERS = (ADMIN, PLATFORM, *SERVICES, *SUBSCRIBERS, STRANGER)

_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_OAUTH = "org.apache.kafka.common.security.oauthbearer"
_TOKEN = f"{_OAUTH}.OAuthBearerLoginModule"
_UNSIGNED = f"{_OAUTH}.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler"


def password(user: str) -> str:
    """The password of a user of either server."""
    return f"{user}'s secret"


@dataclass(frozen=True)
class Identity:
    """A key and its certificate, as files in PEM."""

    certificate: Path
    key: Path


class Authority:
    """Issues certificates for servers on loopback and for clients; the file `ca` says whom to trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Candor's tests")
        self._own = _certificate(self._name, self._name, self._key.public_key(), self._key, ca=True)
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(self._own.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> Identity:
        """A certificate for CN=`name`, good for 127.0.0.1 too."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(_name(name), self._name, key.public_key(), self._key, ca=False)
        identity = Identity(self._folder / f"{name}.pem", self._folder / f"{name}.key.pem")
        identity.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        identity.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return identity


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HERE))]), critical=False)
        .sign(signer, hashes.SHA256())
    )


@dataclass(frozen=True)
class SecuredKafka:
    """A broker with an authorizer that denies by default, and a listener for each way to log in.

    Users are made with SCRAM-SHA-256 and SCRAM-SHA-512; `admin` may do everything.
    """

    process: Process
    authority: Authority
    folder: Path
    sasl_port: int
    sasl_ssl_port: int
    ssl_port: int

    def as_user(self, user: str, **told: Any) -> KafkaConnection:
        """How `user` connects, by SCRAM-SHA-256 without TLS; `told` says otherwise."""
        return scram(self.sasl_port, user, **told)

    def over_tls(self, user: str, **told: Any) -> KafkaConnection:
        """How `user` connects by SCRAM-SHA-512 over TLS."""
        servers, protocol = f"{HERE}:{self.sasl_ssl_port}", "SASL_SSL"
        also = {"sasl_mechanism": "SCRAM-SHA-512", "ca_file": self.authority.ca}
        return self.as_user(user, **{"servers": servers, "security_protocol": protocol, **also, **told})

    def by_certificate(self, user: str) -> KafkaConnection:
        """How `user` connects with a certificate for CN=`user`, whose principal is User:`user`."""
        identity = self.authority.issue(user)
        return KafkaConnection(
            servers=f"{HERE}:{self.ssl_port}",
            security_protocol="SSL",
            ca_file=self.authority.ca,
            certificate_file=identity.certificate,
            key_file=identity.key,
        )

    def by_token(self, user: str, path: Path) -> KafkaConnection:
        """How `user` connects with the token in the file `path`, which is written here."""
        path.write_text(unsigned_token(user) + "\n")
        return KafkaConnection(
            servers=f"{HERE}:{self.sasl_port}",
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="OAUTHBEARER",
            token_file=path,
        )


def unsigned_token(user: str) -> str:
    """A JWT for `user` without a signature, which Kafka's validator for development accepts."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": user, "iat": now, "exp": now + 3600})
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join((*encoded, ""))


def scram(port: int, user: str, **told: Any) -> KafkaConnection:
    """How `user` logs in by SCRAM-SHA-256 without TLS; `told` says otherwise."""
    return KafkaConnection(
        **{
            "servers": f"{HERE}:{port}",
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-256",
            "username": user,
            "password": password(user),
            **told,
        }
    )


def secured_kafka(folder: Path) -> SecuredKafka:
    """The broker for `folder`, not yet started."""
    ports, authority = Ports(folder), Authority(folder / "tls")
    port, tls, mutual, controller = (ports.of(name) for name in ("sasl", "sasl_ssl", "ssl", "controller"))
    listeners = {"SASL_PLAINTEXT": port, "SASL_SSL": tls, "SSL": mutual}
    access = kafka.Access(
        settings={**_listeners(listeners, controller), **_logins(), **_tls(authority), **_authorizer()},
        scram_users=[
            f"SCRAM-SHA-{bits}=[name={user},password={password(user)}]"
            for user in USERS
            for bits in (256, 512)
        ],
        connection=scram(port, ADMIN),
    )
    process = kafka.embedded(folder, port, controller, access)
    return SecuredKafka(process, authority, folder, port, tls, mutual)


def _listeners(ports: dict[str, int], controller: int) -> dict[str, str]:
    outside = [f"{name}://{HERE}:{port}" for name, port in ports.items()]
    every = ",".join([*outside, f"CONTROLLER://{HERE}:{controller}"])
    protocols = ",".join([*(f"{name}:{name}" for name in ports), "CONTROLLER:PLAINTEXT"])
    return {
        "listeners": every,
        "advertised.listeners": every,
        "listener.security.protocol.map": protocols,
        "inter.broker.listener.name": "SASL_PLAINTEXT",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-256",
    }


def _logins() -> dict[str, str]:
    modules = {
        "scram-sha-256": f'{_SCRAM} required username="{ADMIN}" password="{password(ADMIN)}";',
        "scram-sha-512": f"{_SCRAM} required;",
        "plain": f'{_PLAIN} required user_{PLATFORM}="{password(PLATFORM)}";',
        "oauthbearer": f'{_TOKEN} required unsecuredLoginStringClaim_sub="{ADMIN}";',
    }
    settings = {
        f"listener.name.{listener}.{mechanism}.sasl.jaas.config": module
        for listener in ("sasl_plaintext", "sasl_ssl")
        for mechanism, module in modules.items()
    }
    for listener in ("sasl_plaintext", "sasl_ssl"):
        settings[f"listener.name.{listener}.oauthbearer.sasl.server.callback.handler.class"] = _UNSIGNED
    return {**settings, "sasl.enabled.mechanisms": ",".join(name.upper() for name in modules)}


def _tls(authority: Authority) -> dict[str, str]:
    one_line = "\\n".join  # in a properties file
    broker = authority.issue("broker")
    return {
        "ssl.keystore.type": "PEM",
        "ssl.truststore.type": "PEM",
        "ssl.keystore.certificate.chain": one_line(broker.certificate.read_text().splitlines()),
        "ssl.keystore.key": one_line(broker.key.read_text().splitlines()),
        "ssl.truststore.certificates": one_line(authority.ca.read_text().splitlines()),
        "listener.name.ssl.ssl.client.auth": "required",
        "ssl.principal.mapping.rules": r"RULE:^CN=([^,]+).*$/$1/",
    }


def _authorizer() -> dict[str, str]:
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        # The node itself comes to its controller without a name, on a listener of its own.
        "super.users": f"User:{ADMIN};User:ANONYMOUS",
    }


@dataclass(frozen=True)
class SecuredMongo:
    """A mongod in which every service's user may read and write its own database and nothing else."""

    process: Process
    port: int

    def as_user(self, user: str) -> str:
        """The address with which `user` logs in; `admin` is root."""
        name, _, rest = mongod.uri(HERE, self.port).partition("://")
        return f"{name}://{user}:{password(user).replace(' ', '%20')}@{rest}&authSource=admin"

    def start(self) -> None:
        """Start it, and make the users if there are none."""
        self.process.start()
        with MongoClient[dict[str, Any]](HERE, self.port, directConnection=True) as client:
            client.admin.command("createUser", ADMIN, pwd=password(ADMIN), roles=["root"])
        with MongoClient[dict[str, Any]](self.as_user(ADMIN)) as client:
            for service in SERVICES:
                own = [{"role": "readWrite", "db": database(service)}]
                client.admin.command("createUser", service, pwd=password(service), roles=own)


def database(service: str) -> str:
    """The database of a service."""
    return f"candor_{service}"


def secured_mongo(folder: Path) -> SecuredMongo:
    """The mongod for `folder`, not yet started."""
    port = Ports(folder).of("mongo")
    key = folder / "mongo.key"
    folder.mkdir(parents=True, exist_ok=True)
    key.write_text(base64.b64encode(b"the members of a set know it").decode())
    key.chmod(0o600)
    return SecuredMongo(mongod.embedded(folder, port, key_file=key), port)
