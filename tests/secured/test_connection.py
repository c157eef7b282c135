"""How Kafka clients connect: what fits together becomes options, and what doesn't is a sentence."""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from faststream.kafka import KafkaBroker
from pydantic import ValidationError

from chassis.kafka import connection as connection_module
from chassis.kafka.connection import KafkaConnection, TokenFile
from tests.secured.servers import Authority, Identity

HERE, THERE = "127.0.0.1:9092", "kafka.example.org:9092"
PREFIX = "CANDOR_KAFKA"
SCRAM = {
    PREFIX: THERE,
    f"{PREFIX}_SECURITY_PROTOCOL": "SASL_SSL",
    f"{PREFIX}_SASL_MECHANISM": "SCRAM-SHA-512",
    f"{PREFIX}_USERNAME": "chat",
    f"{PREFIX}_PASSWORD": "geheim",
}
TLS = {PREFIX: THERE, f"{PREFIX}_SECURITY_PROTOCOL": "SSL"}
TOKEN = {
    PREFIX: THERE,
    f"{PREFIX}_SECURITY_PROTOCOL": "SASL_SSL",
    f"{PREFIX}_SASL_MECHANISM": "OAUTHBEARER",
}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def identity(authority: Authority) -> Identity:
    return authority.issue("chat")


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("one\n")
    return path


def wrong(environment: Mapping[str, str], **changes: str) -> list[str]:
    """The sentences about `environment`, with `changes` by the end of a variable's name."""
    changed = {f"{PREFIX}_{name.upper()}": value for name, value in changes.items()}
    with pytest.raises(ValueError, match=r"\.$") as said:
        KafkaConnection.read({**environment, **changed})
    return str(said.value).splitlines()


def test_plain_text_is_what_it_was() -> None:
    assert KafkaConnection.read({PREFIX: THERE}).options() == {
        "bootstrap_servers": [THERE],
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }


def test_several_servers_are_so_many_for_every_client() -> None:
    connection = KafkaConnection(servers=f"{HERE}, {THERE}")

    assert connection.options()["bootstrap_servers"] == [HERE, THERE]
    assert connection.broker_options()["bootstrap_servers"] == [HERE, THERE]


def test_an_empty_variable_is_an_unset_one() -> None:
    assert KafkaConnection.read({**dict.fromkeys(SCRAM, ""), PREFIX: THERE}).security_protocol == "PLAINTEXT"


def test_a_password_and_a_name_are_told_by_scram_over_tls(authority: Authority) -> None:
    connection = KafkaConnection.read({**SCRAM, f"{PREFIX}_CA_FILE": str(authority.ca)})

    options = connection.options()

    context = options.pop("ssl_context")
    assert options == {
        "bootstrap_servers": [THERE],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "chat",
        "sasl_plain_password": "geheim",
    }
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) == 1
    assert "geheim" not in repr(connection)


def test_without_an_authority_of_ones_own_the_systems_are_trusted() -> None:
    context = KafkaConnection.read(TLS).options()["ssl_context"]

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_certificate_is_shown_with_its_key(authority: Authority, identity: Identity) -> None:
    connection = KafkaConnection(
        servers=THERE,
        security_protocol="SSL",
        ca_file=authority.ca,
        certificate_file=identity.certificate,
        key_file=identity.key,
    )

    assert isinstance(connection.options()["ssl_context"], ssl.SSLContext)


def test_a_token_is_read_whenever_it_is_asked_for(token: Path) -> None:
    options = KafkaConnection.read({**TOKEN, f"{PREFIX}_TOKEN_FILE": str(token)}).options()
    provider = options["sasl_oauth_token_provider"]

    assert asyncio.run(provider.token()) == "one"
    token.write_text("another")
    assert asyncio.run(provider.token()) == "another"
    assert "sasl_plain_username" not in options


@pytest.mark.parametrize("name", ["security_protocol", "sasl_mechanism"])
def test_an_unknown_word_is_told_with_those_that_are_known(name: str) -> None:
    [said] = wrong(SCRAM, **{name: "ssl"})

    assert said.startswith(f"CANDOR_KAFKA_{name.upper()} must be '")
    assert "SASL_SSL" in said or "OAUTHBEARER" in said


@pytest.mark.parametrize(
    "servers", ["kafka", "kafka:9092,other", "kafka:port", "kafka:65536", ",", "https://kafka:9092"]
)
def test_servers_are_hosts_and_ports(servers: str) -> None:
    assert wrong({PREFIX: servers}) == ["CANDOR_KAFKA must name servers as host:port,host:port."]


def test_servers_are_needed() -> None:
    assert wrong({}) == ["CANDOR_KAFKA is missing (the Kafka servers, as host:port,host:port)."]


@pytest.mark.parametrize("name", ["SASL_MECHANISM", "USERNAME", "PASSWORD"])
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
def test_a_login_needs_sasl(name: str, protocol: str) -> None:
    variable = f"CANDOR_KAFKA_{name}"
    told = {PREFIX: THERE, f"{PREFIX}_SECURITY_PROTOCOL": protocol, variable: SCRAM[variable]}

    assert wrong(told) == [
        f"{variable} needs CANDOR_KAFKA_SECURITY_PROTOCOL to be SASL_SSL or SASL_PLAINTEXT, not {protocol}."
    ]


def test_sasl_needs_a_mechanism() -> None:
    [said] = wrong(SCRAM, sasl_mechanism="")

    known = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER"
    assert said == f"CANDOR_KAFKA_SASL_MECHANISM is missing: SASL_SSL needs one of {known}."


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("name", ["username", "password"])
def test_a_name_and_a_password_belong_together(mechanism: str, name: str) -> None:
    assert wrong(SCRAM, sasl_mechanism=mechanism, **{name: ""}) == [
        f"CANDOR_KAFKA_{name.upper()} is missing: {mechanism} needs it."
    ]


def test_a_token_takes_the_place_of_a_password(token: Path) -> None:
    assert wrong(SCRAM, sasl_mechanism="OAUTHBEARER") == [
        "CANDOR_KAFKA_TOKEN_FILE is missing: OAUTHBEARER needs it.",
        "CANDOR_KAFKA_USERNAME is of no use to OAUTHBEARER: leave it out.",
        "CANDOR_KAFKA_PASSWORD is of no use to OAUTHBEARER: leave it out.",
    ]
    assert wrong(SCRAM, token_file=str(token)) == [
        "CANDOR_KAFKA_TOKEN_FILE is of no use to SCRAM-SHA-512: leave it out."
    ]


@pytest.mark.parametrize("servers", [THERE, f"{HERE},{THERE}", "10.0.0.7:9092"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_login_is_not_shown_to_the_network(servers: str, mechanism: str) -> None:
    told = {**SCRAM, PREFIX: servers}
    [said] = wrong(told, security_protocol="SASL_PLAINTEXT", sasl_mechanism=mechanism)

    assert said.startswith(
        "CANDOR_KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT, which is for loopback addresses"
    )


@pytest.mark.parametrize(
    ("servers", "env"),
    [(HERE, "production"), ("localhost:1, [::1]:2", "production"), (THERE, "development")],
)
def test_a_login_without_tls_stays_on_this_machine_or_in_development(servers: str, env: str) -> None:
    told = {**SCRAM, PREFIX: servers, "CANDOR_ENV": env, f"{PREFIX}_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}

    assert KafkaConnection.read(told).options()["security_protocol"] == "SASL_PLAINTEXT"


@pytest.mark.parametrize("name", ["ca_file", "certificate_file", "key_file"])
def test_tls_files_need_tls(name: str, identity: Identity) -> None:
    [said] = wrong({PREFIX: THERE}, **{name: str(identity.key)})

    variables = f"CANDOR_KAFKA_{name.upper()} needs CANDOR_KAFKA_SECURITY_PROTOCOL"
    assert said == f"{variables} to be SSL or SASL_SSL, not PLAINTEXT."


@pytest.mark.parametrize(("there", "missing"), [("certificate", "key"), ("key", "certificate")])
def test_a_certificate_and_its_key_are_told_together(there: str, missing: str, identity: Identity) -> None:
    assert wrong(TLS, **{f"{there}_file": str(getattr(identity, there))}) == [
        f"CANDOR_KAFKA_{missing.upper()}_FILE is missing: a certificate and its key are told together."
    ]


def test_a_key_must_be_the_certificates(identity: Identity, authority: Authority) -> None:
    other = authority.issue("rating")

    [said] = wrong(TLS, certificate_file=str(identity.certificate), key_file=str(other.key))

    assert said.endswith("_KEY_FILE don't belong together: it is the key of another certificate.")


def test_a_key_with_a_password_is_told_and_not_asked_for(identity: Identity) -> None:
    identity.key.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )

    [said] = wrong(TLS, certificate_file=str(identity.certificate), key_file=str(identity.key))

    assert said.endswith("in PEM, the key without a password.")


def test_an_authority_is_a_certificate(identity: Identity) -> None:
    assert wrong(TLS, ca_file=str(identity.key)) == [
        f"CANDOR_KAFKA_CA_FILE names {identity.key}, which holds no certificate in PEM."
    ]


@pytest.mark.parametrize("name", ["ca_file", "certificate_file", "key_file"])
def test_a_file_that_is_not_there_is_told(name: str, identity: Identity, tmp_path: Path) -> None:
    files = {"certificate_file": str(identity.certificate), "key_file": str(identity.key)}

    said = wrong(TLS, **{**files, name: str(tmp_path / "none")})

    assert said == [f"CANDOR_KAFKA_{name.upper()} names {tmp_path / 'none'}, which isn't there."]


def test_a_token_file_must_be_there_at_the_start(tmp_path: Path) -> None:
    assert wrong(TOKEN, token_file=str(tmp_path / "none")) == [
        f"CANDOR_KAFKA_TOKEN_FILE names {tmp_path / 'none'}, which isn't there."
    ]
    assert wrong(TOKEN, token_file=str(tmp_path)) == [
        f"CANDOR_KAFKA_TOKEN_FILE names {tmp_path}, which can't be read."
    ]


def test_everything_that_is_wrong_is_told_at_once_and_no_secret() -> None:
    said = wrong({**SCRAM, PREFIX: "kafka"}, sasl_mechanism="", ca_file="/no/such/file")

    assert len(said) == 3
    assert "geheim" not in "".join(said)
    with pytest.raises(ValidationError) as error:
        KafkaConnection(servers="kafka", username="chat", password="geheim")
    assert "geheim" not in str(error.value)


def every(authority: Authority, identity: Identity, token: Path) -> list[KafkaConnection]:
    tls: dict[str, Any] = {"servers": THERE, "ca_file": authority.ca}
    user = {"username": "chat", "password": "geheim"}
    certificate = {"certificate_file": identity.certificate, "key_file": identity.key}
    return [
        KafkaConnection(servers=THERE),
        KafkaConnection(security_protocol="SSL", **tls, **certificate),
        *(
            KafkaConnection.model_validate(
                {"security_protocol": "SASL_SSL", "sasl_mechanism": mechanism, **tls, **user}
            )
            for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
        ),
        KafkaConnection.model_validate(
            {
                "servers": HERE,
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "SCRAM-SHA-256",
                **user,
            }
        ),
        KafkaConnection(security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER", token_file=token, **tls),
    ]


async def test_faststream_connects_like_aiokafka(
    authority: Authority, identity: Identity, token: Path
) -> None:
    for connection in every(authority, identity, token):
        broker = KafkaBroker(**connection.broker_options(), consumer_only=True)
        taken, wanted = dict(broker._connection_kwargs), connection.options()
        if "sasl_oauth_token_provider" in wanted:
            provider = taken.pop("sasl_oauth_token_provider")
            wanted.pop("sasl_oauth_token_provider")
            assert isinstance(provider, TokenFile)
            assert await provider.token() == "one"
        assert {name: taken[name] for name in wanted} == wanted


async def test_a_server_that_never_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_CONNECT_MS", 100)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        said = await KafkaConnection(servers=f"127.0.0.1:{port}, 127.0.0.1:1").refusal()

    assert said is not None
    assert said.startswith(f"No Kafka server can be used: 127.0.0.1:{port}: ")
    assert f"127.0.0.1:{port}: ;" not in said
    assert "127.0.0.1:1: " in said


async def test_every_client_of_aiokafka_takes_the_options(
    authority: Authority, identity: Identity, token: Path
) -> None:
    for connection in every(authority, identity, token):
        options = connection.options()
        await AIOKafkaProducer(**options).stop()
        await AIOKafkaConsumer(**options).stop()
        await AIOKafkaAdminClient(**options).close()
        await AIOKafkaClient(**options).close()
